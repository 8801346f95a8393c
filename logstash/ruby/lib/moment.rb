# Points in time as clients write them: text of several forms, or a number of seconds to nanoseconds.
# The twin of shipper/route/moment.py.

module LLM
  module Moment
    TEXT = /\A(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:Z|([+-])([01]\d|2[0-3]):?([0-5]\d))?)?\z/
    OURS = /\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\z/
    END_NS = Time.utc(2262).to_i * 1_000_000_000
    DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].freeze
    DAYS_BEFORE = DAYS.each_index.map { |month| DAYS[0, month].sum }.freeze

    @latest = [0, "1970-01-01T00:00:00"].freeze # arrivals come many to a second, and to write a time is slow

    module_function

    # Nanoseconds since the epoch; nil for what is no time of the years 1970 to 2261.
    def nanoseconds(value)
      ns = case value
           when String then of_text(value)
           when Integer, Float then of_number(value)
           when LogStash::Timestamp then value.to_i * 1_000_000_000 + value.nsec
           end
      ns if ns && ns >= 0 && ns < END_NS
    end

    # RFC 3339 in UTC with microseconds.
    def text(ns)
      seconds, fraction = ns.divmod(1_000_000_000)
      "#{to_the_second(seconds)}.#{(fraction / 1000).to_s.rjust(6, "0")}Z"
    end

    def to_the_second(seconds)
      known, text = @latest
      return text if known == seconds
      text = Time.at(seconds).utc.strftime("%Y-%m-%dT%H:%M:%S").freeze
      @latest = [seconds, text].freeze
      text
    end

    # Whether it is written as `text` writes.
    def ours?(value)
      value.is_a?(String) && OURS.match?(value)
    end

    def of_text(value)
      found = TEXT.match(value) or return nil
      year, month, day = found[1].to_i, found[2].to_i, found[3].to_i
      hour, minute, second = found[4].to_i, found[5].to_i, found[6].to_i
      return nil unless year > 0 && date?(year, month, day) && hour < 24 && minute < 60 && second < 60
      seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
      seconds -= (found[9].to_i * 60 + found[10].to_i) * (found[8] == "+" ? 60 : -60) if found[8]
      seconds * 1_000_000_000 + (found[7] || "").ljust(9, "0").to_i
    end

    def date?(year, month, day)
      month.between?(1, 12) && day.between?(1, DAYS[month - 1] + (month == 2 && leap?(year) ? 1 : 0))
    end

    # From 1970 on, in the Gregorian calendar.
    def days(year, month, day)
      past = year - 1
      leaps = past / 4 - past / 100 + past / 400 - 477
      (year - 1970) * 365 + leaps + DAYS_BEFORE[month - 1] + (month > 2 && leap?(year) ? 1 : 0) + day - 1
    end

    def leap?(year)
      year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
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
