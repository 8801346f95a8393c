# Reading and writing values in nested hashes by their path. The twin of shipper/route/nested.py.

module LLM
  module Nested
    module_function

    # The value at a path; nil when there is none.
    def at(record, *path)
      path.each do |key|
        return nil unless record.is_a?(Hash)
        record = record[key]
      end
      record
    end

    # Write a value, making the hashes on the way; false where something else than a hash or null stands there.
    def put(record, value, *path)
      last = path.pop
      path.each do |key|
        record[key] = {} if record[key].nil?
        record = record[key]
        return false unless record.is_a?(Hash)
      end
      record[last] = value
      true
    end
  end
end
