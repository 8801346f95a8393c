"""The two ways to log a call by hand. Run it with a store: `shipper up`, then `python examples/log_calls.py`."""

from __future__ import annotations

import logging

import shipper

REQUEST = {
    "model": "gpt-4o-mini",
    "messages": [{"role": "user", "content": "Is the Frost Grip 42 in stock?"}],
}
RESPONSE = {
    "id": "chatcmpl-example",
    "object": "chat.completion",
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Yes, nine pairs."}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 17, "completion_tokens": 5, "total_tokens": 22},
}


def main() -> None:
    """Log one call through `logging`, and one through an application."""
    logger = logging.getLogger("support")
    logger.setLevel(logging.INFO)
    logger.addHandler(shipper.CompletionHandler("example", version="1.0.0"))
    logger.info("answered", extra={"completion": {"request": REQUEST, "response": RESPONSE, "user_id": "u1"}})

    app = shipper.get_application("example", version="1.0.0")
    logged = app.log_completion(REQUEST, RESPONSE, session_id="s1", tags=["stock"])
    print("logged as", logged.event_id)
    if not shipper.flush(timeout=5):
        print("no store yet: the calls wait in the spool and are sent when there is one")


if __name__ == "__main__":
    main()
