# The place of a record, from the record alone: `[@metadata][index]` and `[@metadata][id]`; and what only the road
# knows: when the record arrived, and how late that is. A record that a filter failed on becomes a dead letter.
#
# Parameter `partition`: the time span of one index, "month" or "day".

%w[letter moment place].each { |name| require File.join(File.dirname(File.expand_path(__FILE__)), "lib", name) }

def register(params)
  @partition = params["partition"]
  raise ArgumentError, "partition has to be month or day, not #{@partition.inspect}" unless %w[month day].include?(@partition)
end

def filter(event)
  failures = event.get("tags")
  event = dead_letter(event, failures) if failures
  tags = event.get("[@metadata][tags]")
  event.set("tags", tags) if tags
  dataset = event.get("[event][dataset]")
  arrived_ns = event.get("[@metadata][arrived_ns]")
  write_arrival(event, dataset, arrived_ns) if arrived_ns
  # The id first: an event without an index is kept apart by the output, one without an id takes another's place.
  event.set("[@metadata][id]", LLM::Place.id(event.get("[event][id]")))
  event.set("[@metadata][index]", LLM::Place.index(
    dataset, event.get("[llm][application][name]"), event.get("[service][version]"), event.timestamp.to_s, @partition
  ))
  [event]
end

def write_arrival(event, dataset, arrived_ns)
  return unless %w[llm.completion llm.feedback llm.amendment].include?(dataset)
  event.set("[event][ingested]", LLM::Moment.text(arrived_ns)) if event.get("[event][ingested]").nil?
  return unless dataset == "llm.completion" && event.get("[llm][ship][lag_ms]").nil?
  return if event.get("[llm][import]") # how late history comes means nothing
  created = LLM::Moment.nanoseconds(event.get("[event][created]")) or return
  event.set("[llm][ship][lag_ms]", [0, arrived_ns - created].max / 1_000_000)
end

def dead_letter(event, failures)
  arrived_ns = event.get("[@metadata][arrived_ns]")
  tags = event.get("[@metadata][tags]")
  event.remove("tags")
  event.set("tags", tags) if tags
  record = event.to_hash
  original = event.to_json
  refusal = LLM::Refusal.new("filter_failed", "Logstash's filters failed on it (#{failures.join(", ")}); its log says why.")
  letter = LLM::Letter.intake(refusal, original, record, arrived_ns, 0, LLM::Letter.seen(original))
  letter["@timestamp"] = LogStash::Timestamp.new(letter["@timestamp"])
  out = LogStash::Event.new(letter)
  out.remove("@version")
  out
end

test "a completion" do
  parameters { { "partition" => "month" } }
  in_event do
    {
      "@timestamp" => "2025-12-31T23:30:00.000000Z",
      "event" => { "dataset" => "llm.completion", "id" => "a", "created" => "2025-12-31T23:30:00Z" },
      "llm" => { "application" => { "name" => "Support Bot" } }, "service" => { "version" => "1.0-2026.11" },
      "@metadata" => { "arrived_ns" => 1_767_223_800_250_000_000, "tags" => ["mine"] },
    }
  end
  expect("index and id") do |events|
    events[0].get("[@metadata][index]") == "llm-completions-support-bot-17f3607f93@1.0-2026.11-be6b6e40d2-2025.12" &&
      events[0].get("[@metadata][id]") == "a"
  end
  expect("arrival and lag") do |events|
    events[0].get("[event][ingested]") == "2025-12-31T23:30:00.250000Z" && events[0].get("[llm][ship][lag_ms]") == 250
  end
  expect("the client's tags are back") { |events| events[0].get("tags") == ["mine"] }
end

test "a long id, by day" do
  parameters { { "partition" => "day" } }
  in_event do
    { "@timestamp" => "2026-02-28T00:00:00Z", "event" => { "dataset" => "llm.feedback", "id" => "é" * 257 } }
  end
  expect("is hashed") do |events|
    events[0].get("[@metadata][id]") == "sha256:#{Digest::SHA256.hexdigest("é" * 257)}" &&
      events[0].get("[@metadata][index]") == "llm-feedback-default@2026.02.28"
  end
end

test "a filter's failure" do
  parameters { { "partition" => "month" } }
  in_event do
    {
      "@timestamp" => "2020-01-01T00:00:00Z", "tags" => ["_rubyexception"],
      "event" => { "dataset" => "llm.completion", "id" => "a" },
      "llm" => { "application" => { "name" => "bot" }, "shipper" => { "instance" => "i", "sequence" => 3 } },
      "@metadata" => { "arrived_ns" => 1_767_223_800_000_000_000 },
    }
  end
  expect("is a dead letter of its application") do |events|
    event = events[0]
    event.get("[@metadata][index]") == "llm-deadletter-bot@2025.12" && event.get("tags").nil? &&
      event.get("[llm][deadletter][reason]") == "filter_failed" && event.get("[llm][deadletter][original_id]") == "a" &&
      event.get("[llm][shipper][sequence]") == 3 && event.get("[event][original]").include?('"id":"a"')
  end
end
