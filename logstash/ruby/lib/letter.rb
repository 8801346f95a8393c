# The dead letter of what arrived and is no record. The twin of shipper/route/letter.py.

require "digest"
require_relative "moment"
require_relative "nested"

module LLM
  Refusal = Struct.new(:reason, :message)

  module Letter
    module_function

    # `record` is what was read of the original, if anything; `position` is its place in the message that it came in;
    # `seen` is the original as it always looks.
    def intake(refusal, original, record, arrived_ns, position, seen = original)
      letter = document(
        original, record, arrived_ns, "#{arrived_ns}\n#{position}\n#{seen}",
        "reason" => refusal.reason, "stage" => "intake", "first_at" => Moment.text(arrived_ns)
      )
      letter["error"] = { "message" => refusal.message }
      letter
    end

    def document(original, record, arrived_ns, seed, fields)
      now = Moment.text(arrived_ns)
      llm = {
        "schema" => { "version" => "1" },
        "application" => { "name" => application(record) },
        "deadletter" => fields,
      }
      given = Nested.at(record, "event", "id")
      fields["original_id"] ||= given if given.is_a?(String)
      shipper = shipper(record)
      llm["shipper"] = shipper unless shipper.empty?
      {
        "@timestamp" => now,
        "event" => {
          "id" => "sha256:#{Digest::SHA256.hexdigest(seed)}",
          "kind" => "event",
          "dataset" => "llm.deadletter",
          "original" => original,
        },
        "ecs" => { "version" => "9.0.0" },
        "llm" => llm,
      }
    end

    # What the text of an event holds, in an order of its own: after each start Logstash writes the keys in another one,
    # and who reads its queues again after a kill has to come to the same id.
    def seen(text)
      text.b.scan(/[^{}\[\],]+/n).sort.join("\n").force_encoding(Encoding::UTF_8)
    end

    # What the gaps in a process's numbers are found by; nothing that the store could refuse the letter for.
    def shipper(record)
      values = %w[instance sequence version].to_h { |name| [name, Nested.at(record, "llm", "shipper", name)] }
      values.select { |_, value| value.is_a?(String) || value.is_a?(Integer) }
    end

    def application(record)
      [%w[llm application name], %w[service name]].each do |path|
        name = Nested.at(record, *path)
        return name if name.is_a?(String) && !name.empty?
      end
      "default"
    end
  end
end
