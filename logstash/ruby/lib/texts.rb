# The searchable text of messages: in OpenTelemetry's shape, or as OpenAI's API takes them.
# The twin of shipper/route/texts.py.

module LLM
  module Texts
    KINDS = [nil, "text", "input_text", "output_text", "refusal"].freeze

    module_function

    # Everything that the model was told, results of tools included; empty when there is none.
    def input(instructions, messages)
      join(list(instructions).map { |part| of_part(part) } + list(messages).flat_map { |one| of_message(one) })
    end

    # What the selected choice says (the first unless told); empty when it says nothing.
    def output(messages, selected)
      wanted = selected.is_a?(Integer) ? selected : 0
      said = list(messages)
      chosen = said.find { |one| one.is_a?(Hash) && one["index"] == wanted } || said[0]
      join(chosen.nil? ? [] : of_message(chosen))
    end

    def of_message(message)
      return [of_part(message)] unless message.is_a?(Hash)
      parts = list(message["parts"])
      parts = list(message["content"]) if parts.empty?
      parts.map { |part| of_part(part) } + [message["refusal"]]
    end

    def of_part(part)
      return part unless part.is_a?(Hash)
      kind = part["type"]
      return nil unless KINDS.include?(kind) || kind == "tool_call_response"
      names = kind == "tool_call_response" ? %w[response result] : %w[content text refusal]
      names.map { |name| part[name] }.find { |value| value.is_a?(String) }
    end

    def list(value)
      value.is_a?(Array) ? value : [value].compact
    end

    def join(texts)
      texts.select { |text| text.is_a?(String) && !text.empty? }.join("\n")
    end
  end
end
