"""One call of the month as OpenAI's API has it: arguments of `Application.record` by name. Random, but from a seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shipper.demo.month.story import ADVICE, SLOGAN
from shipper.demo.month.texts import INSTRUCTIONS
from shipper.demo.wire import chunks, completion, embedding, usage_of, with_tool_call

if TYPE_CHECKING:
    from random import Random

    from shipper.demo.month.story import Prompt, Release
    from shipper.demo.month.texts import Filling

_EMBEDDING_MODEL = "text-embedding-3-small"
_SLOGAN_MODEL = "gpt-4o-2024-08-06"
_FRAME_TOKENS = 340  # of instructions, rules and examples that a real prompt has and these lack
_CACHED_STEP = 128
_CUT_AT = 160
_ERRORS: dict[str, tuple[str, str, str | None, int | None, float]] = {
    # type, message, code, status, seconds
    "rate_limit": (
        "RateLimitError",
        "Rate limit reached: try again in 20 s.",
        "rate_limit_exceeded",
        429,
        0.4,
    ),
    "server": (
        "InternalServerError",
        "The server had an error while processing your request.",
        None,
        500,
        1.1,
    ),
    "unavailable": ("InternalServerError", "The engine is currently overloaded.", "overloaded", 503, 2.5),
    "timeout": ("APITimeoutError", "Request timed out.", None, None, 10.0),
}


@dataclass(frozen=True, slots=True)
class Situation:
    """Who asks what of which release, and when (seconds since the epoch)."""

    release: Release
    prompt: Prompt
    user: str
    session_id: str
    turn: int
    started_at: float
    filling: Filling
    environment: str


def spoken(
    random: Random, situation: Situation, event_id: str, *, ending: str, slowness: float
) -> dict[str, Any]:
    """A call that is answered: `ending` is a finish reason, or `refusal`."""
    name, release = situation.prompt.name, situation.release
    fields = _common(situation)
    question = fields["request"]["messages"][-1]["content"]
    answers = (
        situation.filling.slogans() if name == SLOGAN else [situation.filling.answer(name, release.version)]
    )
    tokens = _FRAME_TOKENS + len(question) // 4 + 90 * (situation.turn - 1)
    written = sum(len(answer) // 4 for answer in answers) * 3 + random.randrange(10, 60)
    if ending == "length":
        written, answers = _CUT_AT, [answer[:-20] for answer in answers]
    is_cached = random.random() < release.cached
    cached = tokens // _CACHED_STEP * _CACHED_STEP if is_cached else 0
    seconds = release.seconds * (0.35 + 0.65 * written / 100) * math.exp(random.gauss(0, 0.35)) * slowness
    seconds = round(seconds, 3)
    fields["ended_at"] = fields["created_at"] = round(situation.started_at + seconds, 6)
    usage = usage_of(tokens, cached, written)
    model = fields["model"]
    del fields["model"]
    if random.random() < situation.prompt.streamed and ending != "refusal":
        fields["request"] |= {"stream": True, "stream_options": {"include_usage": True}}
        is_whole = random.random() > 0.01  # the user has gone away
        stream = chunks(f"chatcmpl-{event_id}", model, _pieces(answers[0]), usage, ending)
        fields["response"] = stream if is_whole else stream[: len(stream) // 2]
        first = min(seconds * 0.8, 0.18 + 0.12 * seconds * random.random())
        fields["stream"] = {"time_to_first_chunk_s": round(first, 4), "completed": is_whole}
        return fields
    if len(answers) > 1:
        fields["request"]["n"] = len(answers)
        fields["selected_choice_index"] = random.randrange(len(answers))
    fields["response"] = _answer(random, situation, event_id, model, answers, usage, ending)
    return fields


def embedded(random: Random, situation: Situation) -> dict[str, Any]:
    """A search for articles: an embedding, without anybody who reads an answer."""
    fields = _common(situation)
    text = fields["request"]["messages"][-1]["content"]
    seconds = round(0.09 * math.exp(random.gauss(0, 0.3)), 4)
    del fields["model"]
    fields["request"] = {"model": _EMBEDDING_MODEL, "input": text}
    fields["response"] = embedding(_EMBEDDING_MODEL, len(text) // 4 + 1)
    fields["ended_at"] = fields["created_at"] = round(situation.started_at + seconds, 6)
    return fields


def failed(random: Random, situation: Situation, kind: str, *, retries: int) -> dict[str, Any]:
    """A call that the provider did not answer."""
    fields = _common(situation)
    del fields["model"]
    name, message, code, status, seconds = _ERRORS[kind]
    spent = round(seconds * (1 + retries) * random.uniform(0.8, 1.2), 3)
    told = {"type": name, "message": message, "code": code, "status": status}
    fields["error"] = {part: value for part, value in told.items() if value is not None}
    fields["retry_count"] = retries
    fields["ended_at"] = fields["created_at"] = round(situation.started_at + spent, 6)
    return fields


def _common(situation: Situation) -> dict[str, Any]:
    name, version = situation.prompt.name, situation.release.version
    model = _SLOGAN_MODEL if name == SLOGAN else situation.release.model
    messages = [{"role": "user", "content": situation.filling.question(name)}]
    if name in INSTRUCTIONS:
        messages.insert(0, {"role": "system", "content": INSTRUCTIONS[name]})
    return {
        "model": model,
        "request": {"model": model.rsplit("-20", 1)[0], "temperature": 0.3, "messages": messages},
        "started_at": round(situation.started_at, 6),
        "user_id": situation.user,
        "prompt_name": name,
        "prompt_version": situation.prompt.versions[version],
        "environment": situation.environment,
        "tags": ["demo"],
    }


def _answer(
    random: Random,
    situation: Situation,
    event_id: str,
    model: str,
    answers: list[str],
    usage: dict[str, Any],
    ending: str,
) -> dict[str, Any]:
    """A whole answer: texts, a refusal, nothing because of a filter, or a call of a tool."""
    reason = "stop" if ending == "refusal" else ending
    answer = completion(f"chatcmpl-{event_id}", model, answers, usage, reason)
    if ending == "refusal":
        answer["choices"][0]["message"] |= {"content": None, "refusal": "I can't help with that."}
    elif ending == "content_filter":
        answer["choices"][0]["message"]["content"] = ""
    elif situation.prompt.name == ADVICE and ending == "stop" and random.random() < 0.3:
        arguments = f'{{"article":"{situation.filling.variables["article"]}"}}'
        with_tool_call(answer, f"call_{event_id}", "stock", arguments)
    return answer


def _pieces(answer: str) -> list[str]:
    words = answer.split(" ")
    step = max(1, len(words) // 5)
    return [" ".join(words[start : start + step]) + " " for start in range(0, len(words), step)]
