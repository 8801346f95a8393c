# What a bare client left out of its record: times from one another, outcome, keys that feedback may use, total of
# tokens, searchable text. What is there is never changed. The twin of shipper/route/enrich.py.

%w[json_text moment texts].each { |name| require File.join(File.dirname(File.expand_path(__FILE__)), "lib", name) }

READER = LLM::JsonText.reader(100) # what it reads ends up some levels below the record
MESSAGES = %w[
  [gen_ai][input][messages] [gen_ai][output][messages] [gen_ai][system_instructions] [gen_ai][tool][definitions]
].freeze

def filter(event)
  write_names(event)
  event.set("[event][created]", LLM::Moment.text(time(event))) if event.get("[event][created]").nil?
  case event.get("[event][dataset]")
  when "llm.completion"
    write_span(event)
    write_outcome(event)
    write_keys(event)
    write_total(event)
    write_texts(event)
  when "llm.feedback"
    score = event.get("[gen_ai][evaluation][score][value]")
    event.set("[gen_ai][evaluation][score][value]", score ? 1.0 : 0.0) if score == true || score == false
    key = event.get("[llm][join][key]")
    event.set("[llm][join][key]", [key]) if key.is_a?(String)
  end
  [event]
end

def time(event)
  LLM::Moment.nanoseconds(event.timestamp)
end

# Application and service are one name, whichever is given.
def write_names(event)
  names = %w([service][name] [llm][application][name])
  [names, names.reverse].each do |source, target|
    name = event.get(source)
    event.set(target, name) if name.is_a?(String) && !name.empty? && event.get(target).nil?
  end
end

# Start, end, duration and its twin in milliseconds: any two give the rest.
def write_span(event)
  event.set("[event][start]", LLM::Moment.text(time(event))) if event.get("[event][start]").nil?
  start = LLM::Moment.nanoseconds(event.get("[event][start]"))
  finish = LLM::Moment.nanoseconds(event.get("[event][end]"))
  duration = event.get("[event][duration]")
  latency = event.get("[llm][latency_ms]")
  if duration.nil?
    if start && finish && finish >= start
      duration = finish - start
    elsif latency.is_a?(Numeric) && latency >= 0 && latency < 1e12
      duration = (latency * 1e6 + 0.5).to_i
    end
    event.set("[event][duration]", duration) if duration
  end
  return unless duration.is_a?(Numeric) && duration >= 0 && duration < 1e18
  event.set("[llm][latency_ms]", duration / 1e6) if latency.nil?
  event.set("[event][end]", LLM::Moment.text(start + duration.to_i)) if start && event.get("[event][end]").nil?
end

def write_outcome(event)
  if event.get("[event][outcome]").nil?
    status = event.get("[http][response][status_code]")
    answer = given?(event, "[gen_ai][output][messages]") || given?(event, "[llm][output][text]")
    outcome = if given?(event, "[error]") || (status.is_a?(Numeric) && status >= 400)
                "failure"
              else
                answer || given?(event, "[gen_ai][response]") ? "success" : "unknown"
              end
    event.set("[event][outcome]", outcome)
  end
  return unless event.get("[log][level]").nil?
  event.set("[log][level]", event.get("[event][outcome]") == "failure" ? "error" : "info")
end

# Neither missing nor empty.
def given?(event, field)
  value = event.get(field)
  !(value.nil? || value == false || value == 0 || (value.respond_to?(:empty?) && value.empty?))
end

# Every key that feedback may use: event id, provider's response id, the client's own.
def write_keys(event)
  keys = [event.get("[event][id]"), event.get("[gen_ai][response][id]"), *event.get("[llm][join][key]")]
  event.set("[llm][join][key]", keys.select { |key| key.is_a?(String) && !key.empty? }.uniq)
end

def write_total(event)
  counts = %w([gen_ai][usage][input_tokens] [gen_ai][usage][output_tokens]).map { |name| event.get(name) }
  return unless event.get("[llm][usage][total_tokens]").nil? && counts.all?(Integer)
  event.set("[llm][usage][total_tokens]", counts.sum)
end

def write_texts(event)
  MESSAGES.each do |name| # an attribute of a span can hold no objects: they are JSON in a text there
    value = event.get(name)
    next unless value.is_a?(String)
    begin
      event.set(name, LLM::JsonText.load(value, READER))
    rescue JSON::ParserError
      next
    end
  end
  if event.get("[llm][input][text]").nil?
    said = LLM::Texts.input(event.get("[gen_ai][system_instructions]"), event.get("[gen_ai][input][messages]"))
    event.set("[llm][input][text]", said) unless said.empty?
  end
  return unless event.get("[llm][output][text]").nil?
  said = LLM::Texts.output(event.get("[gen_ai][output][messages]"), event.get("[llm][selected_choice_index]"))
  event.set("[llm][output][text]", said) unless said.empty?
end

test "a document written by hand" do
  parameters { {} }
  in_event do
    {
      "@timestamp" => "2025-11-21T07:30:40.500000Z",
      "event" => { "dataset" => "llm.completion", "id" => "a", "end" => "2025-11-21T09:30:42+02:00" },
      "service" => { "name" => "bot" },
      "gen_ai" => {
        "usage" => { "input_tokens" => 3, "output_tokens" => 4 },
        "response" => { "id" => "chatcmpl-1" },
        "input" => { "messages" => [{ "role" => "user", "content" => "Where?" }] },
        "output" => { "messages" => '[{"role":"assistant","parts":[{"type":"text","content":"Here."}]}]' },
      },
      "llm" => { "join" => { "key" => "mine" } },
    }
  end
  expect("times") do |events|
    event = events[0]
    event.get("[event][start]") == "2025-11-21T07:30:40.500000Z" && event.get("[event][duration]") == 1_500_000_000 &&
      event.get("[llm][latency_ms]") == 1500.0 && event.get("[event][created]") == event.get("[event][start]")
  end
  expect("keys") { |events| events[0].get("[llm][join][key]") == %w[a chatcmpl-1 mine] }
  expect("outcome") { |events| events[0].get("[event][outcome]") == "success" && events[0].get("[log][level]") == "info" }
  expect("tokens and names") do |events|
    events[0].get("[llm][usage][total_tokens]") == 7 && events[0].get("[llm][application][name]") == "bot"
  end
  expect("texts") { |events| events[0].get("[llm][input][text]") == "Where?" && events[0].get("[llm][output][text]") == "Here." }
end

test "what is there stays" do
  parameters { {} }
  given = {
    "event" => {
      "dataset" => "llm.completion", "id" => "a", "start" => "then", "end" => "later", "duration" => "long",
      "created" => "once", "outcome" => "unknown"
    },
    "log" => { "level" => "debug" },
    "llm" => { "latency_ms" => 7, "input" => { "text" => "q" }, "output" => { "text" => "a" } },
  }
  in_event { given }
  expect("as it is") do |events|
    out = events[0].to_hash
    given.all? { |group, fields| fields.all? { |name, value| out[group][name] == value } }
  end
end

test "an older client's latency" do
  parameters { {} }
  in_event do
    {
      "@timestamp" => "2025-11-21T07:30:40Z", "event" => { "dataset" => "llm.completion", "id" => "a" },
      "llm" => { "latency_ms" => 12.5 }, "error" => { "type" => "Timeout" }
    }
  end
  expect("gives duration and end") do |events|
    events[0].get("[event][duration]") == 12_500_000 && events[0].get("[event][end]") == "2025-11-21T07:30:40.012500Z"
  end
  expect("a failure") { |events| events[0].get("[event][outcome]") == "failure" && events[0].get("[log][level]") == "error" }
end

test "a thumb" do
  parameters { {} }
  in_event do
    {
      "event" => { "dataset" => "llm.feedback", "id" => "f" }, "llm" => { "join" => { "key" => "k" } },
      "gen_ai" => { "evaluation" => { "score" => { "value" => true } } }
    }
  end
  expect("is a score of one") do |events|
    events[0].get("[gen_ai][evaluation][score][value]") == 1.0 && events[0].get("[llm][join][key]") == ["k"]
  end
end
