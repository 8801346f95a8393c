# Spans of OpenTelemetry's GenAI conventions, as a collector's HTTP, Kafka or file exporter writes them (OTLP/JSON).
# The twin of shipper/route/otlp.py.

require_relative "json_text"
require_relative "moment"
require_relative "nested"

module LLM
  module Otlp
    ROOTS = %w[gen_ai. error. openai. user.].freeze
    DETAILS = "gen_ai.client.inference.operation.details"
    OUTCOMES = {
      1 => "success", 2 => "failure", "STATUS_CODE_OK" => "success", "STATUS_CODE_ERROR" => "failure"
    }.freeze
    RESOURCE = {
      "service.name" => %w[service name],
      "service.version" => %w[service version],
      "deployment.environment" => %w[service environment],
      "deployment.environment.name" => %w[service environment],
      "host.name" => %w[host name],
    }.freeze
    EXCEPTION = {
      "exception.type" => "type", "exception.message" => "message", "exception.stacktrace" => "stack_trace"
    }.freeze

    module_function

    def export?(value)
      value.is_a?(Hash) && value["resourceSpans"].is_a?(Array)
    end

    # Each span, and the record that it is; nil for one that is no model call.
    def spans(export)
      objects(export["resourceSpans"]).flat_map do |group|
        resource = attributes(Nested.at(group, "resource", "attributes"))
        objects(group["scopeSpans"]).flat_map { |scope| objects(scope["spans"]) }
                                    .map { |span| [span, record(span, resource)] }
      end
    end

    def record(span, resource)
      given = attributes(span["attributes"])
      exception = {}
      objects(span["events"]).each do |event|
        given = attributes(event["attributes"]).merge(given) if event["name"] == DETAILS
        exception = attributes(event["attributes"]) if event["name"] == "exception"
      end
      return nil unless given.any? { |name, _| name.start_with?("gen_ai.") }
      record = { "event" => { "dataset" => "llm.completion" } }
      RESOURCE.each { |name, path| Nested.put(record, resource[name], *path) if resource.key?(name) }
      write_identity(span, record)
      write_times(span, record)
      labels = given.reject do |name, value|
        name.start_with?(*ROOTS) && Nested.put(record, value, *name.split(".", -1))
      end
      record["labels"] = labels unless labels.empty?
      write_status(span, exception, record)
      record
    end

    def write_identity(span, record)
      { "trace" => "traceId", "span" => "spanId", "parent" => "parentSpanId" }.each do |group, name|
        value = span[name]
        record[group] = { "id" => value } if value.is_a?(String) && !value.empty?
      end
      record["event"]["id"] = "#{span["traceId"]}-#{span["spanId"]}" if record["trace"] && record["span"]
      record["message"] = span["name"] if span["name"].is_a?(String)
    end

    def write_times(span, record)
      start, finish = time(span["startTimeUnixNano"]), time(span["endTimeUnixNano"])
      record["@timestamp"] = record["event"]["start"] = Moment.text(start) if start
      record["event"]["end"] = Moment.text(finish) if finish
      record["event"]["duration"] = finish - start if start && finish && finish >= start
    end

    def write_status(span, exception, record)
      EXCEPTION.each do |name, key|
        next unless exception.key?(name) && Nested.at(record, "error", key).nil?
        Nested.put(record, exception[name], "error", key)
      end
      said = Nested.at(span, "status", "message")
      if said.is_a?(String) && !said.empty? && Nested.at(record, "error", "message").nil?
        Nested.put(record, said, "error", "message")
      end
      outcome = OUTCOMES[Nested.at(span, "status", "code")]
      record["event"]["outcome"] = outcome if outcome
    end

    def objects(value)
      value.is_a?(Array) ? value.grep(Hash) : []
    end

    def attributes(value)
      objects(value).each_with_object({}) { |one, out| out[one["key"]] = plain(one["value"]) if one["key"].is_a?(String) }
    end

    # A value of OTLP's `AnyValue` as plain JSON.
    def plain(value)
      return value unless value.is_a?(Hash)
      if value.key?("intValue")
        number = integer(value["intValue"])
        return number.nil? ? value["intValue"] : number
      end
      %w[stringValue boolValue doubleValue bytesValue].each { |kind| return value[kind] if value.key?(kind) }
      if value.key?("arrayValue")
        items = Nested.at(value, "arrayValue", "values")
        return items.is_a?(Array) ? items.map { |one| plain(one) } : []
      end
      return attributes(Nested.at(value, "kvlistValue", "values")) if value.key?("kvlistValue")
      JsonText.dump(value)
    end

    def time(value)
      number = integer(value)
      number if number && number > 0 && number < Moment::END_NS
    end

    # 64-bit integers are text in OTLP/JSON.
    def integer(value)
      return value if value.is_a?(Integer)
      value.to_i if value.is_a?(String) && value.match?(/\A-?\d+\z/)
    end
  end
end
