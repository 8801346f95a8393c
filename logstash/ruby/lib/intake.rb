# From the text of one message to records and dead letters. The twin of shipper/route/intake.py.

require_relative "foreign"
require_relative "json_text"
require_relative "letter"
require_relative "otlp"

module LLM
  # Something in a message: a record, or why it is none; with its place in the message, and what gives its original text:
  # only a dead letter asks.
  Found = Struct.new(:original, :position, :record, :refusal)

  module Intake
    BLANKS = " \t\r\n".bytes.freeze
    MARK = "\u{feff}"
    NOT_JSON = Refusal.new(
      "malformed_json",
      "The text is not JSON, or is nested deeper than #{JsonText::MAX_LEVELS} levels: nothing in it could be read."
    )
    NOT_AN_OBJECT = Refusal.new("not_an_object", "A record has to be a JSON object.")
    NO_MODEL_CALL = Refusal.new("not_an_llm_event", "A span without gen_ai attributes is no model call.")

    module_function

    # Every document that a message comes to. A blank message comes to nothing.
    def documents(message, arrived_ns)
      text = strip(message)
      text.empty? ? [] : find(text).map { |found| document(found, text, arrived_ns) }
    end

    def document(found, text, arrived_ns)
      refusal = found.refusal || Foreign.recognise(found.record, text, found.position)
      refusal ? Letter.intake(refusal, found.original.call, found.record, arrived_ns, found.position) : found.record
    end

    def find(text)
      records(JsonText.load(text), text)
    rescue JSON::ParserError
      lines(text)
    end

    # Newline-delimited JSON, when at least its first line is JSON; else one unreadable text.
    def lines(text)
      found = []
      text.split("\n").map { |line| strip(line) }.reject(&:empty?).each_with_index do |line, number|
        begin
          found.concat(records(JsonText.load(line), line, found.size))
        rescue JSON::ParserError
          return [Found.new(-> { text }, 0, nil, NOT_JSON)] if number.zero?
          found << Found.new(-> { line }, found.size, nil, NOT_JSON)
        end
      end
      found
    end

    # The records in a JSON value. `text` is the original of a value that is one record; an item of an array is read from
    # it again, since what is refused may have been changed until then.
    def records(value, text, position = 0)
      return alone(value, -> { text }, position) unless value.is_a?(Array)
      again = nil
      value.each_with_index.with_object([]) do |(item, number), found|
        original = -> { JsonText.dump((again ||= JsonText.load(text))[number]) }
        found.concat(alone(item, original, position + found.size))
      end
    end

    # Those in a value that is no array: itself, or the spans of an export.
    def alone(item, original, position)
      return [Found.new(original, position, item, item.is_a?(Hash) ? nil : NOT_AN_OBJECT)] unless Otlp.export?(item)
      Otlp.spans(item).each_with_index.map do |(span, record), number|
        Found.new(-> { JsonText.dump(span) }, position + number, record, record ? nil : NO_MODEL_CALL)
      end
    end

    # Without blanks and byte order marks at both ends. By bytes: a search from the end would look through all of it.
    def strip(text)
      first, past = 0, text.bytesize
      while first < past && (size = blank(text, first, first)) do first += size end
      while first < past && (size = blank(text, past - 1, [past - 3, first].max)) do past -= size end
      past - first == text.bytesize ? text : text.byteslice(first, past - first)
    end

    # Bytes of the blank that the byte at `at` is, or of the mark that begins at `start`; nil for none.
    def blank(text, at, start)
      return 1 if BLANKS.include?(text.getbyte(at))
      3 if text.getbyte(start) == 0xef && text.byteslice(start, 3) == MARK
    end
  end
end
