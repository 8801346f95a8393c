# From the text of one message to its records: one event for each, with @metadata that is ours alone.
#
# Inputs hand over a text (`message`); codecs that had to read it, a value (`[@metadata][value]`). What is no record
# becomes a dead letter, with the reason, its original text and an id of its own. The client's `tags` wait in
# `[@metadata][tags]`, so that a tag which is there behind the filters is a filter's failure.

require File.join(File.dirname(File.expand_path(__FILE__)), "lib", "intake")

def filter(event)
  # Inputs stamp it before the queue, so that an event that is read twice has one time of arrival.
  arrived_ns = LLM::Moment.nanoseconds(event.timestamp) || LLM::Moment.nanoseconds(Time.now.to_f)
  LLM::Intake.documents(text(event), arrived_ns).map { |document| event_of(document, arrived_ns) }
end

def text(event)
  message = event.get("message")
  value = event.get("[@metadata][value]")
  return message if value.nil? && message.is_a?(String)
  # A codec's bound of depth is not ours.
  JSON.generate(LLM::JsonText.finite(value.nil? ? event.to_hash : value), max_nesting: 0)
end

def event_of(document, arrived_ns)
  tags = document.delete("tags")
  document["@timestamp"] = LogStash::Timestamp.new(document["@timestamp"])
  event = LogStash::Event.new(document)
  event.remove("@version")
  event.set("[@metadata][arrived_ns]", arrived_ns)
  event.set("[@metadata][tags]", tags) if tags
  event
end

test "a record of the shipper" do
  parameters { {} }
  in_event do
    {
      "@timestamp" => "2025-11-21T07:30:43.000000Z",
      "message" => '{"@timestamp":"2025-11-21T07:30:40.500000Z","event":{"dataset":"llm.completion","id":"a"},' \
                   '"llm":{"content_hash":"b2:1"},"tags":["x"],"@metadata":{"index":"mine"},"@version":"7"}',
    }
  end
  expect("its values, its time, and none of its @metadata") do |events|
    event = events[0]
    events.size == 1 && event.get("[event][id]") == "a" && event.get("@timestamp").to_s == "2025-11-21T07:30:40.500Z" &&
      event.get("[@metadata][index]").nil? && event.get("@version").nil? && event.get("message").nil?
  end
  expect("its tags wait") { |events| events[0].get("tags").nil? && events[0].get("[@metadata][tags]") == ["x"] }
  expect("when it arrived") { |events| events[0].get("[@metadata][arrived_ns]") == 1_763_710_243_000_000_000 }
end

test "an array, and one on each line" do
  parameters { {} }
  in_events do
    record = ->(id) { %({"@timestamp":"2025-11-21","event":{"dataset":"llm.completion","id":"#{id}"}}) }
    [
      { "message" => "[#{record["a"]}, #{record["b"]}]" },
      { "message" => "#{record["c"]}\n\n#{record["d"]}\n" },
      { "message" => " \n" },
      { "message" => "" },
    ]
  end
  expect("an event for each, none for blanks") { |events| events.map { |one| one.get("[event][id]") } == %w[a b c d] }
end

test "what is no record" do
  parameters { {} }
  in_events { ["{", "[1]", '{"a":1}', "{", '{"event":{"dataset":"nginx"}}'].map { |text| { "message" => text } } }
  expect("is kept, with the reason and the text") do |events|
    events.map { |one| [one.get("[llm][deadletter][reason]"), one.get("[event][original]")] } == [
      ["malformed_json", "{"], ["not_an_object", "1"], ["not_an_llm_event", '{"a":1}'], ["malformed_json", "{"],
      ["unknown_dataset", '{"event":{"dataset":"nginx"}}']
    ]
  end
  expect("under an id of its own") { |events| events.map { |one| one.get("[event][id]") }.uniq.size == 5 }
end

test "what a codec has read" do
  parameters { {} }
  in_event do
    record = { "@timestamp" => "2025-11-21", "event" => { "dataset" => "llm.feedback", "id" => "f" }, "x" => [Float::INFINITY] }
    { "@metadata" => { "value" => record } }
  end
  expect("is a record too") { |events| events[0].get("[event][id]") == "f" }
  expect("with its numbers, also those that JSON can't write") { |events| events[0].get("x") == ["Infinity"] }
end
