# What Elasticsearch said about a document, from the reason that Logstash's output writes into the dead-letter queue, and
# whose fault it is. The same rules as shipper/sink/outcome.py.

module LLM
  # status and type are nil where Elasticsearch was not asked.
  class Answer < Struct.new(:status, :type, :reason)
    DOCUMENT_FAULTS = %w[
      document_parsing_exception
      illegal_argument_exception
      mapper_parsing_exception
      strict_dynamic_mapping_exception
    ].freeze
    NOT_ABOUT_THE_DOCUMENT = [
      "pipeline with id [",
      "no write index is defined",
      "number of documents in the index can't exceed",
      "limit of total fields",
      "index template",
    ].freeze

    LARGE = 1_048_576

    # The output prints the document and the answer as Ruby does. Quotes inside of texts are escaped there, so that no
    # text of a client can pass for the answer.
    HEAD = /, response: \{"create"\s*=>\s*\{"status"\s*=>\s*(\d+), "error"\s*=>\s*\{"type"\s*=>\s*"(\w+)"/
    REASON = /"reason"\s*=>\s*"((?:[^"\\]|\\.)*)"/m
    PREVIEW = /\.? ?Preview of field's value: '.*'(?= \(|\z)/m # stored values don't belong into messages

    def self.of(text)
      head = HEAD.match(text) or return new(nil, nil, text[0, 600])
      reasons = head.post_match.scan(REASON).map { |(reason)| reason.gsub(/\\(.)/m, '\1').sub(PREVIEW, "") }
      reason = reasons[0].to_s
      reason += " (#{reasons[1]})" if reasons[1] && !reason.include?(reasons[1])
      new(head[1].to_i, head[2], reason[0, 600])
    end

    # `bytes` is the document's size. A proxy with a low bound refuses requests that are full of small documents.
    def document_fault?(bytes)
      return true if type.nil?
      return bytes > LARGE if status == 413
      return false unless DOCUMENT_FAULTS.include?(type)
      type != "illegal_argument_exception" || NOT_ABOUT_THE_DOCUMENT.none? { |phrase| reason.downcase.include?(phrase) }
    end
  end
end
