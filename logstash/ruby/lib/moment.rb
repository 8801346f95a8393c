# Points in time as clients write them: text of several forms, or a number of seconds to nanoseconds.
# The twin of shipper/route/moment.py.

require "date"

module LLM
  module Moment
    TEXT = /\A(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:Z|([+-])([01]\d|2[0-3]):?([0-5]\d))?)?\z/
    END_NS = Time.utc(2262).to_i * 1_000_000_000

    module_function

    # Nanoseconds since the epoch; nil for what is no time of the years 1970 to 2261.
    def nanoseconds(value)
      ns = case value
           when String then of_text(value)
           when Integer, Float then of_number(value)
           end
      ns if ns && ns >= 0 && ns < END_NS
    end

    # RFC 3339 in UTC with microseconds.
    def text(ns)
      seconds, fraction = ns.divmod(1_000_000_000)
      format("%s.%06dZ", Time.at(seconds).utc.strftime("%Y-%m-%dT%H:%M:%S"), fraction / 1000)
    end

    def of_text(value)
      found = TEXT.match(value) or return nil
      year, month, day, hour, minute, second = found[1..6].map(&:to_i)
      return nil unless year > 0 && Date.valid_date?(year, month, day) && hour < 24 && minute < 60 && second < 60
      seconds = Time.utc(year, month, day, hour, minute, second).to_i
      seconds -= (found[9].to_i * 60 + found[10].to_i) * (found[8] == "+" ? 60 : -60) if found[8]
      seconds * 1_000_000_000 + (found[7] || "").ljust(9, "0").to_i
    end

    def of_number(value)
      size = value.abs
      return nil unless size < 1e20
      unit = size < 1e11 ? 1_000_000_000 : size < 1e14 ? 1_000_000 : size < 1e17 ? 1000 : 1
      return value * unit if value.is_a?(Integer)
      # A double holds microseconds of today's seconds, and no more.
      unit == 1_000_000_000 ? (value * 1e6 + 0.5).to_i * 1000 : (value * unit).to_i
    end
  end
end
