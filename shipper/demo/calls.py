"""The demo's calls: made up, always the same, in the shapes that OpenAI's API has.

Times are seconds before the anchor, the moment of the first run; ids are fixed, so that a second run adds nothing.
"""

from __future__ import annotations

from typing import Any

from shipper.demo.wire import chunks, completion, embedding, usage_of, with_tool_call

APPLICATION = "demo-shop"

_SYSTEM = "You are the support assistant of a small bicycle shop. Be brief and friendly."

_CHATS: list[tuple[str, str, str, str, str, int, int, int, float]] = [
    # version, model, user, question, answer, input tokens, cached tokens, output tokens, seconds
    (
        "1.4.0",
        "gpt-4o-mini-2024-07-18",
        "u1",
        "My order 4711 has not arrived. Where is it?",
        "Order 4711 left our warehouse yesterday and should reach you tomorrow. Shall I send you the tracking link?",
        58,
        0,
        24,
        0.92,
    ),
    (
        "1.4.0",
        "gpt-4o-mini-2024-07-18",
        "u1",
        "Yes please, and can I get a refund if it is late?",
        "Here is the link: track.example/4711. If it arrives after Friday, we refund the shipping fee automatically.",
        104,
        0,
        27,
        1.04,
    ),
    (
        "1.4.0",
        "gpt-4o-2024-08-06",
        "u2",
        "Which tyres fit a 28 inch city bike for winter?",
        "For a 28 inch city bike, take 40-622 winter tyres with studs, for example the Frost Grip 42.",
        49,
        0,
        26,
        1.71,
    ),
    (
        "1.4.0",
        "gpt-4o-2024-08-06",
        "u3",
        "Der Bremshebel quietscht. Was kann ich tun?",
        "Meist hilft ein Tropfen Öl am Gelenk. Quietscht es beim Bremsen, sind die Beläge verglast: bitte tauschen.",
        52,
        0,
        31,
        1.66,
    ),
    (
        "1.5.0",
        "gpt-4.1-mini-2025-04-14",
        "u2",
        "How do I cancel my repair appointment on Monday?",
        "I have cancelled Monday's appointment for you. Would you like another date next week?",
        61,
        32,
        20,
        0.71,
    ),
    (
        "1.5.0",
        "gpt-4.1-mini-2025-04-14",
        "u4",
        "Do you ship to Norway, and what does it cost?",
        "Yes, shipping to Norway is 19 euros and takes about five working days.",
        55,
        32,
        18,
        0.64,
    ),
    (
        "1.5.0",
        "gpt-4.1-mini-2025-04-14",
        "u5",
        "I was charged twice for my helmet, I want my money back.",
        "I am sorry about that. I have refunded the second payment; it will be on your account within three days.",
        63,
        32,
        26,
        0.83,
    ),
    (
        "1.5.0",
        "gpt-4.1-2025-04-14",
        "u6",
        "日本語で自転車のサイズの選び方を教えてください。",
        "身長から20を引き、0.67を掛けるとフレームサイズの目安（インチ）になります。試乗もおすすめします。",
        47,
        0,
        44,
        2.12,
    ),
]


def chat_calls() -> list[dict[str, Any]]:
    """Arguments of `log_completion` for plain chats, for the logging handler."""
    calls: list[dict[str, Any]] = []
    for number, (version, model, user, question, answer, tokens, cached, out, seconds) in enumerate(_CHATS):
        calls.append(
            {
                "version": version,
                "age_s": 3600 - 400 * number,
                "seconds": seconds,
                "fields": {
                    "event_id": f"demo-chat-{number}",
                    "request": {
                        "model": model.rsplit("-20", 1)[0],
                        "temperature": 0.3,
                        "messages": [
                            {"role": "system", "content": _SYSTEM},
                            {"role": "user", "content": question},
                        ],
                    },
                    "response": completion(
                        f"chatcmpl-demo{number}", model, [answer], usage_of(tokens, cached, out)
                    ),
                    "user_id": user,
                    "session_id": f"session-{user}",
                    "prompt_name": "support-answer",
                    "tags": ["demo"],
                },
            }
        )
    return calls


def other_calls() -> list[dict[str, Any]]:
    """Arguments of `log_completion` for the rest: choices, a stream, a tool, an embedding, an error, an old API."""
    slogans = ["Two wheels, one smile.", "Ride on, rain or shine.", "Your bike, our heart."]
    return [
        _call(
            "choices",
            "1.5.0",
            300,
            1.9,
            {
                "request": {
                    "model": "gpt-4o",
                    "n": 3,
                    "messages": [{"role": "user", "content": "A slogan for us?"}],
                },
                "response": completion("chatcmpl-demo-n3", "gpt-4o-2024-08-06", slogans, usage_of(14, 0, 21)),
                "selected_choice_index": 2,
                "feedback": {"thumbs_up": True},
            },
        ),
        _call(
            "stream",
            "1.5.0",
            240,
            1.2,
            {
                "request": {
                    "model": "gpt-4o-mini",
                    "stream": True,
                    "messages": [{"role": "user", "content": "Opening hours on Saturday?"}],
                },
                "response": chunks(
                    "chatcmpl-demo-stream",
                    "gpt-4o-mini-2024-07-18",
                    ["On Saturday", " we are open", " from 9 to 14", " o'clock."],
                    {"prompt_tokens": 12, "completion_tokens": 13, "total_tokens": 25},
                ),
                "user_id": "u7",
            },
        ),
        _call(
            "tool",
            "1.5.0",
            180,
            0.8,
            {
                "request": {
                    "model": "gpt-4o",
                    "messages": [{"role": "user", "content": "Is the Frost Grip 42 in stock?"}],
                    "tools": [
                        {
                            "type": "function",
                            "function": {
                                "name": "stock",
                                "parameters": {
                                    "type": "object",
                                    "properties": {"article": {"type": "string"}},
                                },
                            },
                        }
                    ],
                },
                "response": with_tool_call(
                    completion("chatcmpl-demo-tool", "gpt-4o-2024-08-06", [""], usage_of(61, 0, 17)),
                    "call_demo",
                    "stock",
                    '{"article":"Frost Grip 42"}',
                ),
            },
        ),
        _call(
            "embedding",
            "1.5.0",
            120,
            0.1,
            {
                "request": {"model": "text-embedding-3-small", "input": "winter tyres with studs"},
                "response": embedding("text-embedding-3-small", 6),
            },
        ),
        _call(
            "error",
            "1.5.0",
            60,
            0.3,
            {
                "request": {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello?"}]},
                "error": {
                    "type": "RateLimitError",
                    "message": "Rate limit reached for gpt-4o: try again in 20 s.",
                    "code": "rate_limit_exceeded",
                    "status": 429,
                },
            },
        ),
        _call(
            "legacy",
            "1.4.0",
            30,
            0.6,
            {
                "request": {
                    "model": "gpt-3.5-turbo-instruct",
                    "prompt": "Write a one-line product text for a bell.",
                },
                "response": {
                    "id": "cmpl-demo",
                    "object": "text_completion",
                    "model": "gpt-3.5-turbo-instruct",
                    "choices": [
                        {"index": 0, "text": "Ding! Small bell, big sound.", "finish_reason": "stop"}
                    ],
                    "usage": {"prompt_tokens": 10, "completion_tokens": 8, "total_tokens": 18},
                },
            },
        ),
    ]


def _call(name: str, version: str, age_s: int, seconds: float, fields: dict[str, Any]) -> dict[str, Any]:
    tagged = {"event_id": f"demo-{name}", "tags": ["demo"], **fields}
    return {"version": version, "age_s": age_s, "seconds": seconds, "fields": tagged}
