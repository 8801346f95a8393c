# Index and id of a record, from the record alone: docs/decisions/0004-index-names.md.
# The twin of shipper/route/slug.py and shipper/route/destination.py.

require "digest"

module LLM
  module Place
    KINDS = {
      "llm.completion" => "completions",
      "llm.feedback" => "feedback",
      "llm.amendment" => "feedback",
      "llm.delivery" => "delivery",
      "llm.deadletter" => "deadletter",
    }.freeze
    KEPT = /\A[a-z0-9][a-z0-9._-]{0,79}\z/
    RESERVED = /-(?:\d{4}\.\d{2}(?:\.\d{2})?|undated|[0-9a-f]{10})\z/
    MAX_ID_BYTES = 512
    MANY = 1000

    @stems = {}.freeze # few of them make up all that arrives

    module_function

    # The name as part of an index name; distinct names get distinct slugs.
    def slug(name)
      return name if KEPT.match?(name) && !RESERVED.match?(name)
      base = name.tr("A-Z", "a-z").gsub(/[^a-z0-9._-]+/, "-").sub(/\A[._-]+/, "")[0, 69]
      "#{base.empty? ? "x" : base}-#{Digest::SHA256.hexdigest(name)[0, 10]}"
    end

    # `timestamp` is RFC 3339 in UTC; `partition` is "month" or "day".
    def index(dataset, application, version, timestamp, partition)
      names = [dataset, application, version]
      stem = @stems[names] || keep(names, stem(*names))
      "#{stem}#{timestamp[0, partition == "day" ? 10 : 7].tr("-", ".")}"
    end

    # The index up to its partition.
    def stem(dataset, application, version)
      kind = KINDS.fetch(dataset, "deadletter")
      app = slug(named(application, "default"))
      return "llm-#{kind}-#{app}@" unless kind == "completions"
      "llm-completions-#{app}@#{slug(named(version, "unversioned"))}-"
    end

    # Never changed but replaced: threads share it.
    def keep(names, stem)
      @stems = { **(@stems.size < MANY ? @stems : {}), names => stem }.freeze
      stem
    end

    def id(event_id)
      event_id.bytesize <= MAX_ID_BYTES ? event_id : "sha256:#{Digest::SHA256.hexdigest(event_id)}"
    end

    def named(name, default)
      name.is_a?(String) && !name.empty? ? name : default
    end
  end
end
