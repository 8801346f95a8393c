# JSON as both executors read and write it: strict, bounded in depth, every number representable.
# The twin of shipper/route/jsontext.py.

require "json"

module LLM
  module JsonText
    MAX_LEVELS = 128 # at 250 the output runs out of stack, and Logstash ends
    HUGE = /[eE]\+?\d{3}|\d{300}/ # only such a number can be too large for a double

    module_function

    # Raises JSON::ParserError for what is none, or nested too deeply.
    def load(text, max_levels = MAX_LEVELS)
      value = JSON.parse(text, max_nesting: max_levels)
      HUGE.match?(text) ? finite(value) : value
    end

    # Of any depth: the generator's own bound would pass for a text that can't be parsed.
    def dump(value)
      JSON.generate(value, max_nesting: 0)
    end

    # Numbers that no double can hold are kept as a word.
    def finite(value)
      case value
      when Float then value.infinite? ? value.to_s : value
      when Array then value.map { |one| finite(one) }
      when Hash then value.transform_values { |one| finite(one) }
      else value
      end
    end
  end
end
