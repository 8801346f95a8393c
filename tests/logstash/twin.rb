# Calls of Logstash's own code and of ours, for tests/logstash/test_twin.py: one JSON array a line, [function, arguments…];
# answers with one JSON value a line. Run by the Ruby that Logstash comes with.

require File.join(ENV.fetch("LOGSTASH_HOME"), "lib", "bootstrap", "environment")
LogStash::Bundler.setup!({ :without => [:build, :development] })
require "logstash-core"
require "logstash/environment"
require "logstash/compiler"
require "logstash/filters/ruby"
require "json"

RUBY = File.expand_path("../../logstash/ruby", __dir__)
%w[answer intake letter moment place texts].each { |name| require File.join(RUBY, "lib", name) }

def parses?(text)
  source = org.logstash.common.SourceWithMetadata.new("string", "test", 0, 0, text)
  !!LogStash::Compiler.compile_imperative(source, false)
rescue LogStash::ConfigurationError
  false
end

def tests(name)
  script = LogStash::Filters::Ruby::Script.new(File.join(RUBY, name), {})
  script.load
  script.instance_variable_get(:@context).execute_tests
end

# nil where it can't be read.
def dumped(text)
  LLM::JsonText.dump(LLM::JsonText.load(text))
rescue JSON::ParserError
  nil
end

CALLS = {
  "parses" => ->(text) { parses?(text) },
  "tests" => ->(name) { tests(name) },
  "slug" => ->(name) { LLM::Place.slug(name) },
  "seen" => ->(text) { LLM::Letter.seen(text) },
  "id" => ->(id) { LLM::Place.id(id) },
  "moment" => ->(value) { LLM::Moment.nanoseconds(value)&.then { |ns| [ns.to_s, LLM::Moment.text(ns)] } },
  "dumped" => ->(text) { dumped(text) },
  "input_text" => ->(instructions, messages) { LLM::Texts.input(instructions, messages) },
  "output_text" => ->(messages, selected) { LLM::Texts.output(messages, selected) },
  "documents" => ->(message) { LLM::Intake.documents(message, 1_763_710_242_123_456_789) },
}

$stdin.each_line do |line|
  name, *arguments = JSON.parse(line, max_nesting: 1000)
  puts "= #{JSON.generate(CALLS.fetch(name).call(*arguments), max_nesting: 1000)}"
end
