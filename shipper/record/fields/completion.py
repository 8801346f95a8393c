"""The completion: one document for each model call."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict

from shipper.record.fields.common import Event
from shipper.record.fields.kinds import (
    KEYWORD,
    Boolean,
    Date,
    Double,
    Flattened,
    Float,
    Keyword,
    Keywords,
    Long,
    Nested,
    Opaque,
    Short,
    Text,
)
from shipper.record.fields.registry import field


class Choice(BaseModel):
    """One of the n answers of a call."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    index: Short = field("index", "Position among the answers, from 0.", required=True)
    role: Keyword = field("role", "Role of the author, usually `assistant`.")
    text: Text = field("text", "Its text; with one choice only in `llm.output.text`.", content=True)
    finish_reason: Keyword = field("finish_reason", "Why the model stopped.")
    refusal: Text = field("refusal", "The model's refusal.", content=True)
    tool_calls: Flattened = field("tool_calls", "Tools that it called, with their arguments.", content=True)
    selected: Boolean = field("selected", "Whether the application used this one.")


class _Call(Event):
    """Time, outcome, place."""

    event_start: Date = field("event.start", "Request start; the same as `@timestamp`.")
    event_end: Date = field("event.end", "When the answer was complete.")
    event_duration: Long = field("event.duration", "Latency.", unit="ns")
    latency_ms: Float = field("llm.latency_ms", "Latency, for charts.", unit="ms")
    event_outcome: Annotated[Literal["success", "failure", "unknown"], KEYWORD] = field(
        "event.outcome", "`success`, `failure` or `unknown`."
    )
    operation: Keyword = field("gen_ai.operation.name", "`chat`, `text_completion`, `embeddings`, …")
    provider: Keyword = field("gen_ai.provider.name", "Provider: openai, azure.ai.openai, anthropic, …")
    api_type: Keyword = field(
        "openai.api.type", "`chat_completions`, `completions`, `responses` or `embeddings`."
    )
    conversation_id: Keyword = field("gen_ai.conversation.id", "Session, chat or thread.")
    conversation_turn: Long = field("llm.conversation.turn", "Turn within the conversation.")
    chain_id: Keyword = field("llm.chain.id", "Chain or workflow that the call is a step of.")
    run_id: Keyword = field("llm.run.id", "One run of that chain.")
    datapoint_id: Keyword = field("llm.datapoint.id", "Row of a data set that was evaluated.")
    previous_event_id: Keyword = field("llm.previous.event_id", "The call before this one.")
    trace_id: Keyword = field("trace.id", "Trace, shared with the application's other telemetry.")
    span_id: Keyword = field("span.id", "Span of this call.")
    parent_id: Keyword = field("parent.id", "What called it: a span or another event.")
    user_id: Keyword = field("user.id", "End user.")
    requester_type: Keyword = field("llm.requester.type", "Kind of requester: user, job, evaluation, …")
    source: Keyword = field("llm.source", "Part of the application that made the call.")
    tags: Keywords = field("tags", "The caller's tags.", content=True)
    labels: Flattened = field("labels", "The caller's labels.", content=True)
    attributes_request: Flattened = field(
        "llm.attributes.request", "The caller's metadata about the request.", content=True
    )
    attributes_response: Flattened = field(
        "llm.attributes.response", "The caller's metadata about the response.", content=True
    )


class _Request(_Call):
    """What was asked for."""

    request_model: Keyword = field("gen_ai.request.model", "Model that was asked for.")
    temperature: Double = field("gen_ai.request.temperature", "Sampling temperature.")
    top_p: Double = field("gen_ai.request.top_p", "Nucleus sampling threshold.")
    max_tokens: Long = field("gen_ai.request.max_tokens", "Bound of the answer.", unit="tokens")
    seed: Long = field("gen_ai.request.seed", "Seed.")
    frequency_penalty: Double = field("gen_ai.request.frequency_penalty", "Frequency penalty.")
    presence_penalty: Double = field("gen_ai.request.presence_penalty", "Presence penalty.")
    choice_count: Long = field("gen_ai.request.choice.count", "Answers that were asked for (`n`).")
    stream: Boolean = field("gen_ai.request.stream", "Whether the answer was streamed.")
    stop_sequences: Keywords = field(
        "gen_ai.request.stop_sequences", "Texts at which the model stops.", content=True
    )
    tool_choice: Keyword = field("llm.request.tool_choice", "How tools may be chosen.", content=True)
    response_format: Keyword = field(
        "llm.request.response_format", "Form of the answer: text, json_schema, …"
    )
    params: Flattened = field(
        "llm.request.params", "Every other parameter that the caller sent.", content=True
    )
    input_text: Text = field("llm.input.text", "The prompt as searchable text.", content=True)
    input_messages: Opaque = field(
        "gen_ai.input.messages", "The messages, lossless, in OpenTelemetry's shape.", content=True
    )
    system_instructions: Opaque = field(
        "gen_ai.system_instructions", "Instructions outside the messages.", content=True
    )
    tool_definitions: Opaque = field(
        "gen_ai.tool.definitions", "Tools that the model might call.", content=True
    )
    inputs: Flattened = field("llm.inputs", "Inputs of any other model or function.", content=True)
    prompt_name: Keyword = field("gen_ai.prompt.name", "Prompt that the call was made from.")
    prompt_version: Keyword = field("gen_ai.prompt.version", "Version of that prompt.")
    prompt_id: Keyword = field("llm.prompt.id", "The prompt's id where it is kept.")
    prompt_version_id: Keyword = field("llm.prompt.version_id", "The prompt version's id there.")
    prompt_hash: Keyword = field("llm.prompt.hash", "Hash of the prompt's content.")
    prompt_path: Keyword = field("llm.prompt.path", "Path of the prompt where it is kept.")
    prompt_template: Opaque = field(
        "llm.prompt.template", "The template before its variables were filled in.", content=True
    )
    prompt_variables: Flattened = field(
        "llm.prompt.variables", "Values that were filled into the template.", content=True
    )
    raw_request: Opaque = field(
        "llm.raw.request", "The provider's request as it was sent, if asked for.", content=True
    )


class _Response(_Request):
    """What came back."""

    response_model: Keyword = field("gen_ai.response.model", "Model that answered.")
    response_id: Keyword = field("gen_ai.response.id", "The provider's id of the answer.")
    finish_reasons: Keywords = field(
        "gen_ai.response.finish_reasons", "Why the model stopped, for each choice."
    )
    time_to_first_chunk: Double = field(
        "gen_ai.response.time_to_first_chunk", "From the start to the first piece of a stream.", unit="s"
    )
    stream_chunks: Long = field("llm.stream.chunks", "Pieces that the stream had.", unit="chunks")
    stream_completed: Boolean = field("llm.stream.completed", "False when the stream broke off.")
    output_text: Text = field(
        "llm.output.text", "The selected choice's answer as searchable text.", content=True
    )
    output_messages: Opaque = field(
        "gen_ai.output.messages", "The answers, lossless, in OpenTelemetry's shape.", content=True
    )
    choices: Annotated[list[Choice], Nested] = field(
        "llm.choices", "All answers of the call, streamed or not."
    )
    selected_choice_index: Short = field(
        "llm.selected_choice_index", "The answer that was used, 0 unless told."
    )
    tool_names: Keywords = field("llm.tool.names", "Tools that the answer called.")
    tool_call_count: Short = field("llm.tool.call_count", "How many calls of tools there are.")
    outputs: Flattened = field("llm.outputs", "Outputs of any other model or function.", content=True)
    raw_response: Opaque = field(
        "llm.raw.response", "The provider's response as it came, if asked for.", content=True
    )
    error_type: Keyword = field("error.type", "Class of the error.")
    error_message: Text = field("error.message", "What the error said.", content=True)
    error_code: Keyword = field("error.code", "The provider's code of the error.")
    error_stack_trace: Text = field("error.stack_trace", "Stack trace.", content=True)
    http_status_code: Long = field("http.response.status_code", "HTTP status of the answer.")
    http_request_id: Keyword = field("http.request.id", "The provider's id of the request.")
    retry_count: Short = field("llm.retry.count", "Retries below the call.", unit="retries")
    logs: Text = field("llm.logs", "Output that was captured during the call.", content=True)


class _Usage(_Response):
    """Tokens and money. Subsets are never added again."""

    input_tokens: Long = field(
        "gen_ai.usage.input_tokens", "Prompt tokens, cached ones included.", unit="tokens"
    )
    output_tokens: Long = field(
        "gen_ai.usage.output_tokens", "Answer tokens, reasoning ones included.", unit="tokens"
    )
    cache_read_tokens: Long = field(
        "gen_ai.usage.cache_read.input_tokens", "Prompt tokens read from a cache.", unit="tokens"
    )
    cache_write_tokens: Long = field(
        "gen_ai.usage.cache_write.input_tokens", "Prompt tokens written to a cache.", unit="tokens"
    )
    reasoning_tokens: Long = field(
        "gen_ai.usage.reasoning.output_tokens", "Answer tokens spent on reasoning.", unit="tokens"
    )
    total_tokens: Long = field("llm.usage.total_tokens", "Prompt and answer together.", unit="tokens")
    cost_amount: Double = field("gen_ai.usage.cost.amount", "Cost of the call.", unit="currency")
    cost_currency: Keyword = field("gen_ai.usage.cost.currency", "Currency of the cost, ISO 4217.")
    cost_source: Keyword = field("gen_ai.usage.cost.source", "Price list and its version, or the caller.")
    cost_input: Double = field("llm.cost.input", "Part of the cost for the prompt.", unit="currency")
    cost_output: Double = field("llm.cost.output", "Part of the cost for the answer.", unit="currency")
    cost_cache_savings: Double = field(
        "llm.cost.cache_savings", "What the cached prompt tokens would have cost more.", unit="currency"
    )
    cost_status: Annotated[Literal["priced", "unknown_model", "no_usage", "provided", "pending"], KEYWORD] = (
        field("llm.cost.status", "`priced`, `unknown_model`, `no_usage`, `provided` or `pending`.")
    )
    cost_history: Opaque = field(
        "llm.cost.history", "Costs that `shipper reprice --again` replaced, oldest first, each with when."
    )


class Completion(_Usage):
    """A model call and the merge of the feedback on it, whose figures may be null."""

    amended: Opaque = field("llm.amended", "By part that was amended later, when and by which event.")

    feedback_entries: Opaque = field(
        "llm.feedback.entries", "The winning entry for each author, evaluation name and choice.", content=True
    )
    feedback_entries_truncated: Boolean | None = field(
        "llm.feedback.entries_truncated", "True when only the newest 1,000 entries were kept."
    )
    feedback_count: Long | None = field("llm.feedback.count", "Entries that count.", unit="entries")
    feedback_score_avg: Double | None = field(
        "llm.feedback.score_avg", "Mean score over people's entries that have one, 0 to 1."
    )
    feedback_last_score: Double | None = field("llm.feedback.last_score", "Latest score, 0 to 1.")
    feedback_last_label: Keyword | None = field("llm.feedback.last_label", "Latest label.", content=True)
    feedback_positive: Boolean | None = field(
        "llm.feedback.positive", "Verdict: above 0.5 true, below false, at 0.5 absent."
    )
    feedback_has_better_response: Boolean | None = field(
        "llm.feedback.has_better_response", "Whether somebody wrote a better answer."
    )
    feedback_better_response: Text | None = field(
        "llm.feedback.better_response", "That better answer.", content=True
    )
    feedback_first_at: Date | None = field("llm.feedback.first_at", "Time of the first feedback.")
    feedback_last_at: Date | None = field("llm.feedback.last_at", "Time of the latest feedback.")
    feedback_lag_ms: Long | None = field(
        "llm.feedback.lag_ms", "From the end of the call to the first feedback.", unit="ms"
    )
    feedback_by_human: Long | None = field("llm.feedback.by_human", "Entries by people.", unit="entries")
    feedback_by_evaluator: Long | None = field(
        "llm.feedback.by_evaluator", "Entries by automatic evaluators.", unit="entries"
    )
