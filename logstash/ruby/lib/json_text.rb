# JSON as both executors read and write it: strict, bounded in depth, every number and character representable.
# The twin of shipper/route/jsontext.py. Logstash's own Jackson reads it: as strict as Python, and a fraction of the time
# that Ruby's parser takes.

require "java"
require "jruby"
require "json"

module LLM
  module JsonText
    MAX_LEVELS = 128 # at 250 the output runs out of stack, and Logstash ends
    MAX_DIGITS = 4300 # of a number
    UNBOUNDED = 2**31 - 1
    SURROGATE = /\\u[dD][89a-fA-F]/
    ESCAPES = /\\(?:u[dD][89abAB]\h\h\\u[dD][c-fC-F]\h\h|(?<half>u[dD][89a-fA-F]\h\h)|.)/m

    module_function

    # Reads what is nested at most so deep.
    def reader(max_levels)
      jackson = com.fasterxml.jackson
      bounds = jackson.core.StreamReadConstraints.builder.maxNestingDepth(max_levels).maxNumberLength(MAX_DIGITS)
                      .maxStringLength(UNBOUNDED).maxNameLength(UNBOUNDED).build
      factory = jackson.core.JsonFactory.builder.streamReadConstraints(bounds)
                       .disable(jackson.core.JsonFactory::Feature::CHARSET_DETECTION).build
      jackson.databind.ObjectMapper.new(factory)
             .enable(jackson.databind.DeserializationFeature::FAIL_ON_TRAILING_TOKENS)
             .readerFor(java.lang.Object.java_class)
    end

    READER = reader(MAX_LEVELS)

    # Raises JSON::ParserError for what is none, is nested too deeply, or holds half a character or too many digits.
    def load(text, reader = READER)
      value = org.logstash.Rubyfier.deep(JRuby.runtime, reader.readValue(text.to_java_bytes))
      raise JSON::ParserError, "half a character" if text.include?("\\u") && half?(text)
      floats(value).any?(&:infinite?) ? finite(value) : value
    rescue java.io.IOException => error
      raise JSON::ParserError, error.message
    end

    def half?(text)
      SURROGATE.match?(text) && text.to_enum(:scan, ESCAPES).any? { $~[:half] }
    end

    # All of them, however deep. Without recursion: the stack that Ruby takes for a level ends before Java's own does, and
    # Logstash with it.
    def floats(value)
      found, waiting = [], [value]
      until waiting.empty?
        case one = waiting.pop
        when String then next
        when Hash then waiting.concat(one.values)
        when Array then waiting.concat(one)
        when Float then found << one
        end
      end
      found
    end

    # Of any depth: the generator's own bound would pass for a text that can't be parsed. Floats are written as the twin
    # writes them, since ids are made of such texts; generators differ in that.
    def dump(value)
      floats(value).empty? ? JSON.generate(value, max_nesting: 0) : write(value)
    end

    def write(value)
      case value
      when Float then float(value)
      when Array then "[#{value.map { |one| write(one) }.join(",")}]"
      when Hash then "{#{value.map { |name, one| "#{JSON.generate(name)}:#{write(one)}" }.join(",")}}"
      else JSON.generate(value)
      end
    end

    # The shortest digits (Ruby's own are not, beyond 1e16), with an exponent below 1e-4 and from 1e16 on.
    def float(value)
      whole, rest, power = java.lang.Double.toString(value.abs).match(/\A(\d+)\.(\d+)(?:E(-?\d+))?\z/).captures
      all = whole + rest
      digits = all.sub(/\A0+/, "")
      point = whole.size + power.to_i - (all.size - digits.size)
      digits = digits.sub(/0+\z/, "")
      digits = "5" if digits == "49" && power == "-324" # Java writes two digits of the least double
      sign = value.negative? || 1 / value < 0 ? "-" : ""
      return "#{sign}0.0" if digits.empty?
      "#{sign}#{point.between?(-3, 16) ? fixed(digits, point) : scientific(digits, point - 1)}"
    end

    def fixed(digits, point)
      return "0.#{"0" * -point}#{digits}" if point <= 0
      digits = digits.ljust(point + 1, "0")
      "#{digits[0, point]}.#{digits[point..]}"
    end

    def scientific(digits, exponent)
      mantissa = digits.size > 1 ? "#{digits[0]}.#{digits[1..]}" : digits
      format("%se%s%02d", mantissa, exponent < 0 ? "-" : "+", exponent.abs)
    end

    # Numbers that no double can hold are kept as a word, in the value itself. Without recursion, as above.
    def finite(value)
      whole = [value]
      waiting = [whole]
      until waiting.empty?
        inside = waiting.pop
        (inside.is_a?(Hash) ? inside.to_a : inside.each_with_index.map { |one, at| [at, one] }).each do |key, one|
          case one
          when Float then inside[key] = one.to_s if one.infinite?
          when Hash, Array then waiting << one
          end
        end
      end
      whole[0]
    end
  end
end
