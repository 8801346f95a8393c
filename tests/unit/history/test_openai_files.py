"""Files that OpenAI's platform hands out: batches, stored completions, examples, as the documents that become of them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from shipper.history import import_history
from tests.unit.history.test_formats import has, stored, value

if TYPE_CHECKING:
    from pathlib import Path

    from shipper.settings import Settings

_MADE_AT = 1_732_075_005  # 2024-11-20T03:56:45Z
_ID = "batch_req_{:08x}{:024x}"


def write(path: Path, *rows: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


def request(key: str, url: str, **body: Any) -> dict[str, Any]:
    return {"custom_id": key, "method": "POST", "url": url, "body": body}


def answer(key: str, body: Any, *, number: int = 0, status: int = 200, **more: Any) -> dict[str, Any]:
    response = {"status_code": status, "request_id": f"req-{key}", "body": body}
    return {
        "id": _ID.format(_MADE_AT + 9, number),
        "custom_id": key,
        "response": response,
        "error": None,
    } | more


def said(text: str) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    model = "gpt-4o-mini-2024-07-18"
    head = {"id": f"chatcmpl-{text}", "object": "chat.completion", "created": _MADE_AT, "model": model}
    return {**head, "choices": [choice], "usage": usage}


def by_key(documents: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["llm"]["join"]["key"][-1]: one for one in documents.values()}


def test_every_endpoint_of_a_batch(tmp_path: Path, settings: Settings) -> None:
    """Responses, embeddings and moderations too; where a body says no time, the answer's id or the batch does."""
    embedded = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.1] * 4}]}
    usage = {"prompt_tokens": 1_000_000, "total_tokens": 1_000_000}
    write(
        tmp_path / "batch" / "asked.jsonl",
        request("emb", "/v1/embeddings", model="text-embedding-3-small", input="wind"),
        request("mod", "/v1/moderations", model="omni-moderation-latest", input="harmless"),
        request("left", "/v1/embeddings", model="bge-m3", input="never answered"),
        request("late", "/v1/chat/completions", model="gpt-4o-mini", messages=[]),
    )
    write(
        tmp_path / "batch" / "answered.jsonl",
        answer("emb", {**embedded, "model": "text-embedding-3-small", "usage": usage}, number=1),
        answer("mod", {"id": "modr-1", "model": "omni", "results": [{"flagged": False}]}, number=2),
        answer("late", "<html>gateway</html>", number=3, status=502),
    )
    batch = {"id": "batch_1", "object": "batch", "input_file_id": "file-1", "created_at": _MADE_AT - 60}
    (tmp_path / "batch" / "batch.json").write_bytes(orjson.dumps(batch, option=orjson.OPT_INDENT_2))
    found = by_key(stored(tmp_path / "batch", tmp_path, settings))
    assert set(found) == {"emb", "mod", "left", "late"}
    has(found["emb"], gen_ai__operation__name="embeddings", llm__cost__status="priced")
    assert value(found["emb"], "gen_ai.usage.cost.amount") == pytest.approx(0.01)
    assert found["emb"]["@timestamp"].startswith("2024-11-20T03:56:54")
    has(found["mod"], gen_ai__operation__name="moderation", event__outcome="success")
    has(found["left"], gen_ai__operation__name="embeddings", event__outcome="unknown")
    assert found["left"]["@timestamp"].startswith("2024-11-20T03:55:45")
    has(found["late"], event__outcome="failure", error__message="<html>gateway</html>")
    has(found["late"], http__response__status_code=502)


def test_batches_that_use_the_same_ids_again(tmp_path: Path, settings: Settings) -> None:
    """An answer belongs to the request of its own folder, or of the file whose name goes with its own."""
    for night in ("1", "2"):
        asked = request(
            "r-1", "/v1/chat/completions", model="gpt-4o-mini", messages=[{"role": "user", "content": night}]
        )
        for stem in (f"deep/night{night}/", f"flat/night{night}_"):
            write(tmp_path / f"{stem}input.jsonl", asked)
            write(tmp_path / f"{stem}output.jsonl", answer("r-1", said(night), number=int(night)))
    for name in ("deep", "flat"):
        found = stored(tmp_path / name, tmp_path, settings)
        shutil.move(tmp_path / "out.ndjson", tmp_path / f"{name}.ndjson")
        assert [(value(one, "llm.input.text"), value(one, "llm.output.text")) for one in found.values()] == [
            ("1", "1"),
            ("2", "2"),
        ]


def test_a_batch_that_cannot_be_told_from_another_is_rejected(tmp_path: Path, settings: Settings) -> None:
    """No answer is put to a request that may be another's."""
    for name in ("red", "blue"):
        message = {"role": "user", "content": name}
        write(
            tmp_path / "b" / f"{name}.jsonl", request("r-1", "/v1/responses", model="gpt-4o", input=[message])
        )
    write(tmp_path / "b" / "answers.jsonl", answer("r-1", said("which")))
    report = import_history(tmp_path / "b", to=str(tmp_path / "out.ndjson"), settings=settings)
    assert report.books.reasons == {"ambiguous_reference": 1}


def test_a_batch_s_answers_of_other_makers(tmp_path: Path, settings: Settings) -> None:
    """Without what is null, without requests, and with ids that several have, as in the documentation's examples."""
    expired = {"code": "batch_expired", "message": "expired before it began"}
    source = write(
        tmp_path / "answers.jsonl",
        {"id": "batch_req_1", "custom_id": "a", "response": {"status_code": 200, "body": said("yes")}},
        {"id": "batch_req_2", "custom_id": "b", "response": None, "error": expired},
        {"id": "batch_req_2", "custom_id": "c", "response": None, "error": expired},
        {
            "custom_id": "d",
            "response": {"status_code": 500, "message": "oops"},
            "error": None,
            "batch_id": "b-1",
        },
        {
            "id": "m-1",
            "custom_id": "f",
            "response": {"status_code": 200, "body": {**said("oui"), "model": "mistral-small"}},
        },
        {"id": "vllm-1", "custom_id": "e", "response": None, "error": "out of memory"},
    )
    found = stored(source, tmp_path, settings)
    keyed = by_key(found)
    has(found["batch_req_1"], llm__output__text="yes", llm__request__params={"processing": "batch"})
    assert set(keyed) == {"a", "b", "c", "d", "e", "f"}
    has(keyed["f"], gen_ai__provider__name="mistral_ai")
    for key, message in (("b", "expired before it began"), ("d", "oops"), ("e", "out of memory")):
        has(keyed[key], event__outcome="failure", error__message=message)
    has(keyed["b"], error__code="batch_expired", llm__input=None)
    assert value(keyed["d"], "llm.attributes.response.batch_id") == "b-1"


def completion(identity: str, **more: Any) -> dict[str, Any]:
    head = {**said("stored"), "id": identity, "request_id": f"req_{identity}", "temperature": 0.5}
    return {**head, "input_user": None, "tools": None, "metadata": {"team": "blue"}, **more}


def page(*entries: Any) -> dict[str, Any]:
    return {"object": "list", "data": list(entries), "has_more": False}


def message(identity: str, role: str, content: str) -> dict[str, Any]:
    return {"id": identity, "role": role, "content": content, "name": None, "content_parts": None}


def test_pages_of_stored_completions(tmp_path: Path, settings: Settings) -> None:
    """Pages are opened, and the messages that the API lists apart come back to their completion, in order."""
    folder = tmp_path / "api"
    folder.mkdir()
    completions = page(
        completion("chatcmpl-A"), completion("chatcmpl-B", messages=[{"role": "user", "content": "own"}])
    )
    (folder / "completions.json").write_bytes(orjson.dumps(completions, option=orjson.OPT_INDENT_2))
    (folder / "m2.json").write_bytes(orjson.dumps(page(message("chatcmpl-A-1", "user", "Second"))))
    (folder / "m1.json").write_bytes(orjson.dumps(page(message("chatcmpl-A-0", "system", "First"))))
    found = stored(folder, tmp_path, settings)
    assert set(found) == {"chatcmpl-A", "chatcmpl-B"}
    has(
        found["chatcmpl-A"],
        llm__input__text="First\nSecond",
        llm__output__text="stored",
        llm__attributes__request={"team": "blue"},
        http__request__id="req_chatcmpl-A",
        gen_ai__request__temperature=0.5,
    )
    has(found["chatcmpl-B"], llm__input__text="own")
    report = import_history(folder / "m1.json", dry_run=True, settings=settings)
    assert report.books.reasons == {"no_completion": 1}


def test_answers_of_the_responses_api_alone(tmp_path: Path, settings: Settings) -> None:
    """A response says itself what was asked but for its input."""
    text = {"type": "output_text", "text": "A lake", "annotations": []}
    output = [
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [text]}
    ]
    row = {
        "id": "resp_1",
        "object": "response",
        "created_at": _MADE_AT,
        "completed_at": _MADE_AT + 2,
        "status": "completed",
        "model": "gpt-4o-2024-08-06",
        "instructions": "Be kind",
        "output": output,
        "temperature": 1,
        "metadata": {"k": "v"},
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }
    (found,) = stored(write(tmp_path / "r.jsonl", row), tmp_path, settings).values()
    has(
        found,
        event__id="resp_1",
        llm__input__text="Be kind",
        llm__output__text="A lake",
        llm__latency_ms=2000.0,
        gen_ai__request__temperature=1.0,
        llm__attributes__request={"k": "v"},
    )


def test_graded_prompts_and_old_examples(tmp_path: Path, settings: Settings) -> None:
    """A reference answer becomes ground truth, what else graders look at is kept; prompt and completion are a call."""
    asked = [{"role": "user", "content": "How many?"}]
    source = write(tmp_path / "graded.jsonl", {"messages": asked, "reference_answer": "seven", "hard": True})
    found = stored(source, tmp_path, settings)
    (call,) = (one for one in found.values() if one["event"]["dataset"] == "llm.completion")
    (truth,) = (one for one in found.values() if one["event"]["dataset"] == "llm.feedback")
    has(call, llm__input__text="How many?", llm__attributes__request={"hard": True}, event__outcome="unknown")
    has(truth, llm__feedback__ground_truth="seven", llm__feedback__author_kind="ground_truth")
    assert truth["llm"]["join"]["key"] == [call["event"]["id"]]
    (tmp_path / "out.ndjson").unlink()
    (old,) = stored(
        write(tmp_path / "old.jsonl", {"prompt": "Tall ->", "completion": " tower"}), tmp_path, settings
    ).values()
    has(old, llm__input__text="Tall ->", llm__output__text=" tower")
