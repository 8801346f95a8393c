# What a record lacks that did not come from the shipper: its place in our terms, a dataset, a time, an id.
# The twin of shipper/route/foreign.py, which says why.

require "digest"
require_relative "json_text"
require_relative "letter"
require_relative "moment"
require_relative "nested"

module LLM
  module Foreign
    DATASETS = %w[llm.completion llm.feedback llm.amendment llm.delivery llm.deadletter].freeze
    ROOTS = %w[
      ecs error event gen_ai host http llm log openai parent process service span trace user
    ].freeze
    OBJECTS = (ROOTS + %w[
      gen_ai.evaluation gen_ai.evaluation.score gen_ai.input gen_ai.output gen_ai.provider gen_ai.request
      gen_ai.response gen_ai.usage gen_ai.usage.cache_creation gen_ai.usage.cache_read gen_ai.usage.cache_write
      gen_ai.usage.cost http.response llm.application llm.cost llm.input llm.join llm.output llm.schema llm.ship
      llm.shipper llm.usage
    ]).map { |name| [name, name.split(".").freeze] }.freeze
    TREE = OBJECTS.each_with_object({}) { |(_, path), tree| path.reduce(tree) { |node, key| node[key] ||= {} } }.freeze
    LOGGING = {
      "asctime" => %w[@timestamp],
      "timestamp" => %w[@timestamp],
      "time" => %w[@timestamp],
      "levelname" => %w[log level],
      "level" => %w[log level],
      "name" => %w[log logger],
      "logger" => %w[log logger],
      "exc_info" => %w[error stack_trace],
    }.freeze
    PLAIN = {
      "event" => %w[message],
      "host" => %w[host name],
      "user" => %w[user id],
      "error" => %w[error message],
    }.freeze
    NOT_OURS = Refusal.new(
      "not_an_llm_event",
      "It has neither an event.dataset of ours nor gen_ai fields: an ordinary log line, or another system's event."
    )
    NO_TIME = Refusal.new(
      "no_time",
      "No @timestamp, event.start or event.created that can be read as a time of the years 1970 to 2261: " \
      "without one a retry might be stored twice."
    )

    module_function

    # Bring a record into our form (in place), or return why that can't be done.
    # `origin` is the text that it came in, which is its identity when it has no id; `position` its place in there.
    def recognise(record, origin, position)
      record.delete("@metadata")
      record.delete("@version")
      unfold(record)
      dataset = Nested.at(record, "event", "dataset")
      return NOT_OURS if dataset.nil? && record["gen_ai"].nil?
      unless objects?(record, TREE)
        name, = OBJECTS.find { |_, path| !Nested.at(record, *path).nil? && !Nested.at(record, *path).is_a?(Hash) }
        return Refusal.new("wrong_type", "#{name} has to be an object; nothing can be read below it.")
      end
      if dataset.nil?
        rename_logging(record)
        dataset = record["gen_ai"].key?("evaluation") ? "llm.feedback" : "llm.completion"
        Nested.put(record, dataset, "event", "dataset")
      elsif !DATASETS.include?(dataset)
        return Refusal.new("unknown_dataset", "event.dataset has to be one of #{DATASETS.join(", ")}.")
      end
      refusal = write_time(record) || write_id(record, origin, position)
      write_tags(record) unless refusal
      refusal
    end

    # Whether what is there of a tree of names are objects. A null goes: Logstash can't write below it.
    def objects?(record, tree)
      tree.all? do |name, inner|
        value = record[name]
        record.delete(name) if value.nil?
        value.nil? || (value.is_a?(Hash) && objects?(value, inner))
      end
    end

    # Put dotted keys, and texts in the place of objects, where they belong.
    def unfold(record)
      PLAIN.each do |name, path|
        next unless record[name].is_a?(String)
        value = record.delete(name)
        Nested.put(record, value, *path) if Nested.at(record, *path).nil?
      end
      record.keys.each do |name|
        next unless name.include?(".") && ROOTS.include?(name[0, name.index(".")])
        record.delete(name) if Nested.put(record, record[name], *name.split(".", -1))
      end
    end

    def rename_logging(record)
      LOGGING.each do |name, path|
        next if record[name].nil? || !Nested.at(record, *path).nil?
        next if path[0] == "@timestamp" && Moment.nanoseconds(record[name]).nil?
        value = record.delete(name)
        value = value.downcase if path[-1] == "level" && value.is_a?(String)
        Nested.put(record, value, *path)
      end
    end

    def write_time(record)
      [%w[@timestamp], %w[event start], %w[event created]].each do |path|
        given = Nested.at(record, *path)
        ns = Moment.nanoseconds(given) or next
        record["@timestamp"] = Moment.ours?(given) ? given : Moment.text(ns)
        return nil
      end
      NO_TIME
    end

    def write_id(record, origin, position)
      given = Nested.at(record, "event", "id")
      if given.nil? || given == ""
        Nested.put(record, "sha256:#{Digest::SHA256.hexdigest("#{origin}\n#{position}")}", "event", "id")
      elsif given.is_a?(Integer)
        Nested.put(record, given.to_s, "event", "id")
      elsif !given.is_a?(String)
        return Refusal.new("wrong_type", "event.id has to be a text.")
      end
      nil
    end

    def write_tags(record)
      tags = record["tags"]
      return record.delete("tags") if tags.nil?
      items = tags.is_a?(Array) ? tags : [tags]
      record["tags"] = items.compact.map { |one| one.is_a?(String) ? one : JsonText.dump(one) }
    end
  end
end
