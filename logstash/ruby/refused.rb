# An event from a dead-letter queue: a document's own fault becomes a dead letter; what a wrong configuration refused is
# sent again as it is, after a pause that doubles with each try.
#
# Parameters: `partition`, "month" or "day"; `max_pause_s`, the longest pause.

library = File.join(File.dirname(File.expand_path(__FILE__)), "lib")
%w[answer letter moment place].each { |name| require File.join(library, name) }

MAX_ORIGINAL = 65_536 # characters of a dead letter's original that was itself refused

def register(params)
  @partition = params["partition"]
  @max_pause_s = Float(params["max_pause_s"])
  @paused_at = 0.0
end

def filter(event)
  event.remove("@version") # the queue gives every event one
  answer = LLM::Answer.of(event.get("[@metadata][dead_letter_queue][reason]").to_s)
  if event.get("[event][dataset]") == "llm.deadletter" && (answer.status == 413 || event.get("[@metadata][letter]"))
    shorten(event)
    [again(event)]
  elsif answer.document_fault?(event.to_json.bytesize)
    [letter(event, answer)]
  else
    [again(event)]
  end
end

# A dead letter of ours must not become the content of another: one that is too large loses its original's end. What a
# client called a dead letter is a document like others.
def shorten(event)
  original = event.get("[event][original]")
  event.set("[event][original]", original[0, MAX_ORIGINAL]) if original.is_a?(String) && original.size > MAX_ORIGINAL
end

def again(event)
  attempts = event.get("[@metadata][attempts]").to_i + 1
  event.set("[@metadata][attempts]", attempts)
  place(event) if event.get("[@metadata][index]").nil?
  event.remove("[@metadata][dead_letter_queue]") # with it, Logstash would throw the event away when it is refused again
  pause([2.0**[attempts - 2, 16].min, @max_pause_s].min) if attempts > 1
  event
end

# Once for the events that come together, not for each of them.
def pause(seconds)
  now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  return if now - @paused_at < 1.0
  sleep(seconds)
  @paused_at = Process.clock_gettime(Process::CLOCK_MONOTONIC)
end

def letter(event, answer)
  entered_ns = LLM::Moment.nanoseconds(event.get("[@metadata][dead_letter_queue][entry_time]").to_s)
  place(event) if event.get("[@metadata][index]").nil?
  id, index = event.get("[@metadata][id]"), event.get("[@metadata][index]")
  original = event.to_json
  document = LLM::Letter.document(
    original, event.to_hash, entered_ns, "#{entered_ns}\n#{index}\n#{id}\n#{LLM::Letter.seen(original)}",
    {
      "reason" => answer.type || "unroutable",
      "stage" => "store",
      "status" => answer.status,
      "first_at" => LLM::Moment.text(entered_ns),
      "attempts" => event.get("[@metadata][attempts]").to_i + 1,
      "original_id" => id,
      "original_index" => index,
    }.compact
  )
  document["error"] = { "message" => answer.reason }
  document["@timestamp"] = LogStash::Timestamp.new(document["@timestamp"])
  out = LogStash::Event.new(document)
  out.remove("@version")
  out.set("[@metadata][letter]", true)
  place(out)
  out
end

def place(event)
  event.set("[@metadata][index]", LLM::Place.index(
    event.get("[event][dataset]"), event.get("[llm][application][name]"), event.get("[service][version]"),
    event.get("@timestamp").to_s, @partition
  ))
  event.set("[@metadata][id]", LLM::Place.id(event.get("[event][id]").to_s))
end

REFUSED = lambda do |status, type, reason, more = {}|
  inner = { "type" => type, "reason" => reason }.merge(more)
  text = 'Could not index event to Elasticsearch. status: 400, action: ["create", {}, {"a" => "x"}], response: ' +
         { "create" => { "status" => status, "error" => inner } }.inspect
  {
    "@timestamp" => "2025-11-21T07:30:40Z",
    "event" => { "dataset" => "llm.completion", "id" => "a" },
    "llm" => { "application" => { "name" => "bot" }, "shipper" => { "instance" => "i", "sequence" => 3 } },
    "@metadata" => {
      "index" => "llm-completions-bot@1-2025.11", "id" => "a",
      "dead_letter_queue" => { "reason" => text, "entry_time" => "2025-11-22T00:00:00.000001Z" },
    },
  }
end

test "a document's fault" do
  parameters { { "partition" => "month", "max_pause_s" => "0" } }
  in_event do
    REFUSED.call(400, "document_parsing_exception", "failed to parse field [labels]. Preview of field's value: 'secret \"x\"'",
            "caused_by" => { "type" => "x", "reason" => "no object" })
  end
  expect("is a dead letter") do |events|
    event = events[0]
    event.get("[@metadata][index]") == "llm-deadletter-bot@2025.11" &&
      event.get("[llm][deadletter]") == {
        "reason" => "document_parsing_exception", "stage" => "store", "status" => 400, "attempts" => 1,
        "first_at" => "2025-11-22T00:00:00.000001Z", "original_id" => "a",
        "original_index" => "llm-completions-bot@1-2025.11",
      }
  end
  expect("with what the store said, without stored values") do |events|
    events[0].get("[error][message]") == "failed to parse field [labels] (no object)"
  end
  expect("the document, and its number") do |events|
    JSON.parse(events[0].get("[event][original]"))["event"]["id"] == "a" &&
      events[0].get("[llm][shipper][sequence]") == 3
  end
end

test "a wrong configuration" do
  parameters { { "partition" => "month", "max_pause_s" => "0" } }
  in_events do
    [
      REFUSED.call(400, "validation_exception", "this action would add [2] shards, but this cluster has the maximum"),
      REFUSED.call(404, "index_not_found_exception", "no such index"),
      REFUSED.call(400, "illegal_argument_exception", "pipeline with id [x] does not exist"),
      REFUSED.call(400, "something_new", "unheard of"),
    ]
  end
  expect("is sent again") do |events|
    events.map { |one| [one.get("[event][dataset]"), one.get("[@metadata][attempts]")] } == [["llm.completion", 1]] * 4
  end
  expect("as if it had never been refused") { |events| events.none? { |one| one.get("[@metadata][dead_letter_queue]") } }
end

test "a request that was too large" do
  parameters { { "partition" => "month", "max_pause_s" => "0" } }
  in_events do
    large = REFUSED.call(413, "payload_too_large", "").tap { |event| event["message"] = "x" * 1_100_000 }
    [large, REFUSED.call(413, "payload_too_large", "")]
  end
  expect("is the fault of a large document, not of a small one") do |events|
    events.map { |one| one.get("[event][dataset]") } == ["llm.deadletter", "llm.completion"]
  end
end

test "a text that looks like an answer" do
  parameters { { "partition" => "month", "max_pause_s" => "0" } }
  in_event do
    fake = ', response: {"create" => {"status" => 404, "error" => {"type" => "index_not_found_exception"'
    REFUSED.call(400, "mapper_parsing_exception", "about #{fake}").tap do |event|
      queue = event["@metadata"]["dead_letter_queue"]
      queue["reason"] = queue["reason"].sub('"a" => "x"', { "a" => fake }.inspect[1..-2])
    end
  end
  expect("is none") { |events| events[0].get("[llm][deadletter][reason]") == "mapper_parsing_exception" }
end

test "a dead letter that is refused" do
  parameters { { "partition" => "month", "max_pause_s" => "0" } }
  in_event do
    REFUSED.call(413, "payload_too_large", "").tap do |event|
      event["event"] = { "dataset" => "llm.deadletter", "id" => "d", "original" => "x" * 100_000 }
    end
  end
  expect("is shortened and sent again") do |events|
    events[0].get("[event][original]").size == 65_536 && events[0].get("[@metadata][attempts]") == 1
  end
end

test "a dead letter that is refused for what is in it" do
  parameters { { "partition" => "month", "max_pause_s" => "0" } }
  in_events do
    ["client's", "ours"].map do |whose|
      REFUSED.call(400, "document_parsing_exception", "failed to parse field [labels]").tap do |event|
        event["event"] = { "dataset" => "llm.deadletter", "id" => "d", "original" => "x" }
        event["llm"]["shipper"]["instance"] = { "no" => "text" }
        event["@metadata"]["letter"] = true if whose == "ours"
      end
    end
  end
  expect("becomes one of ours, once") do |events|
    events.map { |one| one.get("[llm][deadletter][original_id]") } == ["a", nil]
  end
  expect("without what may be refused") { |events| events[0].get("[llm][shipper]") == { "sequence" => 3 } }
end

test "two documents with one id that are refused at once" do
  parameters { { "partition" => "month", "max_pause_s" => "0" } }
  in_events do
    %w[one zwölf].map do |text|
      REFUSED.call(400, "document_parsing_exception", "failed to parse field [labels]").tap do |event|
        event["message"] = text
        event["@metadata"]["id"] = "ä"
      end
    end
  end
  expect("are two dead letters") { |events| events.map { |one| one.get("[@metadata][id]") }.uniq.size == 2 }
end
