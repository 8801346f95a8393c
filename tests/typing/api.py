"""User code that has to type-check under strict rules; it is checked, never run."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import shipper

settings: shipper.Settings = shipper.configure(durability="power")
app: shipper.Application = shipper.get_application("support-bot", version="1.4.0", environment="prod")

logged: shipper.Logged = app.log_completion(
    {"model": "gpt-4o", "messages": []},
    {"id": "chatcmpl-1"},
    started_at=datetime.now(UTC),
    user_id="u1",
    tags=["a"],
    cost=0.1,
    selected_choice_index=1,
)
event_id: str = logged.event_id
keys: list[str] = logged.join_keys

batch_id, join_keys = app.log(
    inputs=[{"a": 1}], outputs=[0.5], join_keys=[shipper.JoinKey.from_dict({"id": 7})]
)
text: str = batch_id + join_keys[0]

handler: logging.Handler = shipper.CompletionHandler("support-bot", version="1.4.0", level=logging.INFO)
handler.setFormatter(shipper.CompletionFormatter())
logging.getLogger("support").addHandler(handler)

done: bool = shipper.flush(timeout=5)

try:
    app.log(inputs=[1], outputs=[])
except shipper.ShipperError as error:
    code: int = error.exit_code
