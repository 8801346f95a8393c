"""Each format that history comes in, recognised by its content, as the documents that are stored of it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from shipper.history import import_history
from shipper.route.nested import at

if TYPE_CHECKING:
    from shipper.settings import Settings

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "history"


def stored(source: Path, tmp_path: Path, settings: Settings, **options: Any) -> dict[str, dict[str, Any]]:
    """The documents that a source becomes, by id; nothing in it may be rejected, and a second import is the same."""
    out = tmp_path / "out.ndjson"
    report = import_history(source, to=str(out), rejects=tmp_path / "rejects", settings=settings, **options)
    assert report.books.rejected == 0, (tmp_path / "rejects").read_text()
    found = [orjson.loads(line) for line in out.read_bytes().splitlines()]
    documents = {one["event"]["id"]: one for one in found}
    assert len(documents) == len(found)
    return documents


def value(document: dict[str, Any], name: str) -> Any:
    return at(document, *name.split("."))


def has(document: dict[str, Any], **wanted: Any) -> None:
    """The document has these values; dots are written as `__`."""
    assert {name: value(document, name.replace("__", ".")) for name in wanted} == wanted


def test_openai_batch(tmp_path: Path, settings: Settings) -> None:
    """Requests, outputs and errors are joined by custom_id, at half the price; a request without an answer is kept."""
    found = stored(FIXTURES / "openai-batch", tmp_path, settings, app="batch")
    assert len(found) == 3
    answered = found["batch_req_1"]
    has(
        answered,
        llm__input__text="Question 1?",
        llm__output__text="Answer 1",
        gen_ai__request__model="gpt-4o",
        event__outcome="success",
        llm__cost__status="priced",
    )
    assert answered["@timestamp"].startswith("2024-06-01")
    assert value(answered, "gen_ai.usage.cost.amount") == pytest.approx((1000 * 2.5e-6 + 100 * 10e-6) / 2)
    assert "task-1" in answered["llm"]["join"]["key"]
    has(
        found["batch_req_0"],
        event__outcome="failure",
        error__message="bad request",
        llm__input__text="Question 0?",
    )
    (left,) = (one for key, one in found.items() if not key.startswith("batch_req"))
    has(left, event__outcome="unknown", llm__input__text="Question 2?")


def test_chats(tmp_path: Path, settings: Settings) -> None:
    """Examples become calls of the file's time, preferences a better response, stored completions keep their ids."""
    folder = tmp_path / "chats"
    shutil.copytree(FIXTURES / "chats", folder)
    for path in folder.iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))
    found = stored(folder, tmp_path, settings)
    has(
        found["chatcmpl-stored1"],
        llm__output__text="Stored answer",
        gen_ai__request__temperature=0.2,
        user__id="u-9",
        llm__attributes__request={"team": "blue"},
    )
    feedback = [one for one in found.values() if one["event"]["dataset"] == "llm.feedback"]
    calls = {value(one, "llm.output.text"): one for one in found.values() if one not in feedback}
    assert calls["Paris."]["@timestamp"].startswith("2023-11-14")
    assert value(calls["Paris."], "llm.input.text") == "Be brief.\nCapital of France?"
    assert value(feedback[0], "llm.feedback.better_response") == "Hello! How can I help?"
    assert feedback[0]["llm"]["join"]["key"] == [calls["What?"]["event"]["id"]]
    assert feedback[0]["@timestamp"].startswith("2023-11-14")


def test_chatgpt(tmp_path: Path, settings: Settings) -> None:
    """Every answer on every branch is a call with what was said since the one before; thumbs are feedback."""
    found = stored(FIXTURES / "chatgpt", tmp_path, settings)
    assert set(found) == {"n-a0", "n-a1", "n-a2", "n-a0.thumbs"}
    has(
        found["n-a0"],
        llm__input__text="Which tyres?",
        llm__output__text="First try.",
        gen_ai__response__model="gpt-4o",
        gen_ai__conversation__id="conv-1",
        llm__application__name="chatgpt",
        gen_ai__response__finish_reasons=["stop"],
        llm__attributes__response={"shown": False},
    )
    has(
        found["n-a2"],
        llm__input__text="And this one?\nprint(1)",
        llm__previous__event_id="n-a1",
        llm__attributes__response={"shown": True},
    )
    assert found["n-a2"]["@timestamp"] == "2024-04-24T23:07:05.000000Z"
    has(
        found["n-a0.thumbs"],
        gen_ai__evaluation={"name": "thumbs", "score": {"value": 0.0}, "explanation": "not what I asked"},
        llm__join__key=["n-a0"],
        llm__application__name="chatgpt",
    )


def said(node: str, parent: str, role: str, content: Any, **more: Any) -> dict[str, Any]:
    """A node of a conversation with a message."""
    text = {"content_type": "text", "parts": [content]}
    message = {
        "id": node,
        "author": {"role": role},
        "create_time": 1714000000.0,
        "content": text if isinstance(content, str) else content,
        "recipient": "all",
        "metadata": {},
        **more,
    }
    return {"id": node, "parent": parent, "message": message}


def test_chatgpt_thoughts_and_pictures(tmp_path: Path, settings: Settings) -> None:
    """Thoughts are the answer's reasoning, not answers; a picture is an answer; files keep their ids."""
    picture = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-cat", "width": 9}
    mixed = {"content_type": "multimodal_text", "parts": [picture, "What is it?"]}
    thoughts = {"content_type": "thoughts", "thoughts": [{"summary": "Adding", "content": "2 and 2."}]}
    nodes: list[dict[str, Any]] = [
        {"id": "root", "parent": None, "message": None},
        said("u1", "root", "user", "2+2?"),
        said("t1", "u1", "assistant", thoughts, metadata={"model_slug": "o3"}),
        said("t2", "t1", "assistant", {"content_type": "reasoning_recap", "content": "Thought for 3 s"}),
        said("a1", "t2", "assistant", "4", metadata={"model_slug": "o3"}),
        said("u2", "a1", "user", mixed),
        said("d1", "u2", "assistant", "a cat", recipient="dalle.text2im", metadata={"model_slug": "gpt-4o"}),
        said("d2", "d1", "tool", {"content_type": "multimodal_text", "parts": [picture]}),
        said("u3", "d2", "user", "Thanks"),
        said("a3", "u3", "assistant", "Welcome"),
        said("u4", "a3", "user", "Nobody answers this"),
    ]
    conversation = {
        "title": "T",
        "conversation_id": "c1",
        "current_node": "u4",
        "mapping": {node["id"]: node for node in nodes} | {"lost": None},
    }
    (tmp_path / "conversations.json").write_bytes(orjson.dumps([conversation]))
    found = stored(tmp_path / "conversations.json", tmp_path, settings)
    assert list(found) == ["a1", "d2", "a3"]
    has(found["a1"], llm__input__text="2+2?", llm__output__text="4", gen_ai__response__model="o3")
    assert found["a1"]["gen_ai"]["output"]["messages"][0]["parts"][0] == {
        "type": "reasoning",
        "content": "2 and 2.\nThought for 3 s",
    }
    has(found["d2"], llm__input__text="What is it?", llm__previous__event_id="a1")
    assert "d1" in found["d2"]["llm"]["join"]["key"]
    image = {"type": "file", "modality": "image", "file_id": "file-service://file-cat", "width": 9}
    assert found["d2"]["gen_ai"]["input"]["messages"][0]["parts"][0] == image
    assert found["d2"]["gen_ai"]["output"]["messages"][0]["parts"] == [
        {"type": "text", "content": "a cat"},
        image,
    ]
    has(found["a3"], llm__input__text="Thanks", llm__previous__event_id="d2")


def test_langfuse(tmp_path: Path, settings: Settings) -> None:
    """Generations get user, session and release from their trace; scores become feedback with their own time."""
    found = stored(FIXTURES / "langfuse", tmp_path, settings, app="shop")
    assert set(found) == {"obs-1", "obs-2", "score-1", "score-2"}
    has(
        found["obs-1"],
        llm__input__text="Where is it?",
        llm__output__text="On its way.",
        gen_ai__usage__input_tokens=100,
        gen_ai__usage__cache_read__input_tokens=30,
        gen_ai__response__time_to_first_chunk=0.5,
        gen_ai__prompt={"name": "support", "version": "3"},
        gen_ai__conversation__id="sess-1",
        user__id="user-1",
        service__version="2.1",
        service__environment="prod",
        llm__latency_ms=2000.0,
        trace__id="trace-1",
        parent__id="span-1",
        llm__cost__status="priced",
        tags=["beta"],
    )
    assert value(found["obs-1"], "llm.attributes.response.stated_cost") == 0.3
    has(found["obs-2"], event__outcome="failure", error__message="rate limited")
    has(
        found["score-1"],
        gen_ai__evaluation={"name": "helpful", "score": {"value": 1.0}, "explanation": "nice"},
        llm__feedback__author="ann",
        llm__feedback__author_kind="human",
        llm__join__key=["obs-1"],
    )
    assert found["score-1"]["@timestamp"].startswith("2024-06-01T08:00")
    has(
        found["score-2"],
        gen_ai__evaluation={"name": "tone", "score": {"label": "friendly"}},
        llm__join__key=["trace-1"],
    )
    assert "trace-1" in found["obs-1"]["llm"]["join"]["key"]


def test_langfuse_from_its_api(tmp_path: Path, settings: Settings) -> None:
    """A page of traces, in camelCase, with observations and scores inside."""
    found = stored(FIXTURES / "langfuse-api" / "traces.json", tmp_path, settings)
    has(found["o-9"], llm__input__text="Hi", llm__output__text="Hello", user__id="u", service__version="3")
    has(found["s-9"], gen_ai__evaluation={"name": "ok", "score": {"value": 0.5}}, llm__join__key=["t-9"])


def test_langfuse_as_csv(tmp_path: Path, settings: Settings) -> None:
    """Cells with JSON are read as what they say."""
    text = (
        "id,traceId,type,startTime,endTime,model,input,output,usageDetails\n"
        "o-1,t-1,GENERATION,2024-05-29T13:46:19.963Z,2024-05-29T13:46:20.963Z,gpt-4o,"
        '"[{""role"":""user"",""content"":""Hi""}]",Hello,"{""input"":5,""output"":2}"\n'
    )
    (tmp_path / "observations.csv").write_text(text)
    found = stored(tmp_path / "observations.csv", tmp_path, settings)
    has(found["o-1"], llm__input__text="Hi", llm__output__text="Hello", gen_ai__usage__input_tokens=5)


def test_helicone(tmp_path: Path, settings: Settings) -> None:
    """Requests with session, user, properties and errors; ratings and scores are feedback."""
    found = stored(FIXTURES / "helicone", tmp_path, settings)
    call, failed = (one for one in found.values() if one["event"]["dataset"] == "llm.completion")
    has(
        call,
        llm__input__text="Ship when?",
        llm__output__text="Today.",
        gen_ai__conversation__id="sess-h",
        user__id="user-7",
        labels={"plan": "pro"},
        llm__latency_ms=2500.0,
        llm__cost__status="priced",
        gen_ai__provider__name="openai",
    )
    has(failed, event__outcome="failure", error__message="slow down", http__response__status_code=429)
    has(found["fb-1"], gen_ai__evaluation={"name": "rating", "score": {"value": 1.0}})
    assert found["fb-1"]["@timestamp"].startswith("2024-03-02")
    score = found[f"{call['event']['id']}.accuracy"]
    has(
        score,
        gen_ai__evaluation={"name": "accuracy", "score": {"value": 0.9}},
        llm__join__key=[call["event"]["id"]],
    )
    assert score["llm"]["target"]["timestamp"] == call["@timestamp"]


def test_langsmith(tmp_path: Path, settings: Settings) -> None:
    """Runs of models with LangChain's messages, tool calls and thread; feedback by run."""
    found = stored(FIXTURES / "langsmith", tmp_path, settings)
    run, failed = "aaaaaaaa-0000-0000-0000-000000000001", "aaaaaaaa-0000-0000-0000-000000000002"
    assert set(found) == {run, failed, "bbbbbbbb-0000-0000-0000-000000000001"}
    has(
        found[run],
        llm__input__text="Be kind.\nHi there",
        llm__output__text="Hello!",
        gen_ai__request__model="gpt-4o",
        gen_ai__response__model="gpt-4o-2024-08-06",
        gen_ai__usage__input_tokens=9,
        llm__tool__names=["look_up"],
        gen_ai__conversation__id="th-1",
        user__id="u-2",
        llm__application__name="shop",
        gen_ai__response__time_to_first_chunk=0.3,
        llm__latency_ms=1500.0,
    )
    has(found[failed], event__outcome="failure", error__message="Timeout()")
    has(
        found["bbbbbbbb-0000-0000-0000-000000000001"],
        gen_ai__evaluation={"name": "star", "score": {"value": 1.0}, "explanation": "great"},
        llm__join__key=[run],
        llm__feedback__author_kind="human",
    )


def test_litellm(tmp_path: Path, settings: Settings) -> None:
    """Spend logs and failed payloads, the spend beside the computed cost."""
    found = stored(FIXTURES / "litellm", tmp_path, settings)
    has(
        found["chatcmpl-lite1"],
        llm__input__text="Price?",
        llm__output__text="9.99",
        user__id="cust-1",
        gen_ai__conversation__id="ls-1",
        tags=["web"],
        llm__latency_ms=3000.0,
        gen_ai__response__time_to_first_chunk=1.0,
        llm__cost__status="priced",
        llm__attributes__response__stated_cost=0.00012,
    )
    has(
        found["lite-fail"],
        event__outcome="failure",
        error={"type": "InternalServerError", "message": "overloaded", "code": "529"},
        gen_ai__provider__name="anthropic",
        gen_ai__request__temperature=0.3,
    )


def test_humanloop(tmp_path: Path, settings: Settings) -> None:
    """Prompt logs with their prompt's version, and judgments as feedback."""
    found = stored(FIXTURES / "humanloop", tmp_path, settings)
    has(
        found["data_1"],
        llm__input__text="Late?",
        llm__output__text="Yes.",
        gen_ai__prompt={"name": "support", "version": "prv_2"},
        llm__prompt__path="team/support",
        llm__prompt__variables={"who": "Ann"},
        llm__datapoint__id="dp_1",
        llm__latency_ms=2500.0,
        gen_ai__usage__output_tokens=4,
    )
    assert value(found["data_1"], "llm.attributes.response.stated_cost.amount") == pytest.approx(0.03)
    has(
        found["ev_1"],
        gen_ai__evaluation={"name": "correct", "score": {"value": 1.0}},
        llm__join__key=["data_1"],
    )
    has(found["ev_1"], llm__feedback__author_kind="human")


def test_humanloop_s_export_folder(tmp_path: Path, settings: Settings) -> None:
    """Logs within traces and evaluations, failures, evaluators' own logs; descriptions of files are no calls."""
    prompt = {
        "id": "pr_1",
        "path": "team/helper",
        "version_id": "prv_1",
        "model": "gpt-4o-mini",
        "max_tokens": -1,
    }
    log = {
        "prompt": prompt,
        "messages": [{"role": "user", "content": "Late?"}],
        "output": "No.",
        "error": None,
        "start_time": "2024-11-05T10:00:00",
        "provider_response": {"id": "chatcmpl-h"},
        "evaluator_logs": [],
    }
    evaluator = {"name": "exact", "spec": {"evaluator_type": "python"}}
    judged = {"id": "elog_1", "evaluator": evaluator, "judgment": True, "created_at": "2024-11-06T00:00:00"}
    files: dict[str, Any] = {
        "pr_1/logs/1.jsonl": {**log, "id": "log_1", "output": None, "error": "timed out"},
        "fl_1/logs/1.jsonl": {
            "id": "log_2",
            "flow": {"id": "fl_1"},
            "output": "done",
            "evaluator_logs": [],
            "trace_children": [{**log, "id": "log_3"}, {"id": "log_4", "tool": {}, "output": "1"}],
        },
        "ev_1/logs/1.jsonl": {**judged, "parent_id": "log_1", "output": None, "evaluator_logs": []},
        "pr_1/evaluations/evr_1/logs/1.jsonl": {
            "run_id": "run_1",
            "datapoint": {"id": "dp_1"},
            "log": {**log, "id": "log_5"},
            "evaluator_logs": [{**judged, "id": "elog_2"}],
        },
        "pr_1/file.json": {**prompt, "type": "prompt"},
        "pr_1/deployments.json": [{"version_id": "prv_1", "environment_id": "env_1"}],
        "pr_1/evaluations/evr_1/evaluation.json": {"id": "evr_1", "evaluators": []},
        "pr_1/evaluations/evr_1/stats.json": {"overall_stats": {}, "run_stats": [], "status": "completed"},
        "ds_1/datapoints/dsv_1/1.jsonl": {"id": "dp_1", "inputs": {}, "target": {}},
    }
    for name, row in files.items():
        (tmp_path / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "files" / name).write_bytes(orjson.dumps(row))
    found = stored(tmp_path / "files", tmp_path, settings)
    assert set(found) == {"log_1", "log_3", "log_5", "elog_1", "elog_2"}
    has(found["log_1"], event__outcome="failure", error__message="timed out", llm__sanitised=None)
    assert found["log_3"]["llm"]["join"]["key"] == ["log_3", "chatcmpl-h"]
    has(found["elog_1"], llm__join__key=["log_1"], llm__feedback__author_kind="evaluator")
    has(found["elog_2"], llm__join__key=["log_5"], gen_ai__evaluation__score__value=1.0)


def test_mlflow(tmp_path: Path, settings: Settings) -> None:
    """Spans of models, with the trace's user and session; assessments as feedback and ground truth."""
    found = stored(FIXTURES / "mlflow", tmp_path, settings)
    assert set(found) == {"tr-abc-sp1", "a-1", "a-2"}
    has(
        found["tr-abc-sp1"],
        llm__input__text="Meaning?",
        llm__output__text="42",
        user__id="u-3",
        gen_ai__conversation__id="s-3",
        gen_ai__usage__input_tokens=7,
        llm__latency_ms=1000.0,
        llm__attributes__request={"team": "blue"},
    )
    has(
        found["a-1"],
        gen_ai__evaluation={"name": "relevance", "score": {"value": 1.0}, "explanation": "on topic"},
        llm__join__key=["tr-abc"],
        llm__feedback__author_kind="evaluator",
    )
    has(found["a-2"], llm__feedback__ground_truth="42", llm__feedback__author_kind="ground_truth")
    assert "tr-abc" in found["tr-abc-sp1"]["llm"]["join"]["key"]


def test_spans_of_all_ages(tmp_path: Path, settings: Settings) -> None:
    """Today's attributes, OpenLLMetry's numbered ones, events of two ages, and OpenInference say the same."""
    found = stored(FIXTURES / "otlp", tmp_path, settings)
    trace = "5b8efff798038103d269b633813fc60c"
    texts = {key: (value(one, "llm.input.text"), value(one, "llm.output.text")) for key, one in found.items()}
    assert texts == {
        f"{trace}-00000000000000a1": ("now", "today's way"),
        f"{trace}-00000000000000a2": ("kind\ntraceloop", "numbered"),
        f"{trace}-00000000000000a3": ("one twenty-seven", "in an event"),
        f"{trace}-00000000000000a4": ("one thirty", "a choice"),
        f"{trace}-00000000000000a5": ("phoenix", "inference"),
    }
    for one in found.values():
        has(
            one,
            gen_ai__usage__input_tokens=8,
            gen_ai__usage__output_tokens=2,
            gen_ai__provider__name="openai",
            gen_ai__request__model="gpt-4o",
            llm__cost__status="priced",
            llm__application__name="bot",
            service__version="7",
            event__outcome="success",
        )
    has(found[f"{trace}-00000000000000a2"], gen_ai__conversation__id="sess-t")


def test_spans_are_kept_private(tmp_path: Path, settings: Settings) -> None:
    """Spans lose their content, or what is personal in it, as the settings say."""
    bare = stored(FIXTURES / "otlp", tmp_path, settings.replace(save=False))
    for one in bare.values():
        has(one, gen_ai__input=None, llm__output=None, message=None, llm__privacy={"content_stored": False})
        has(one, gen_ai__usage__input_tokens=8)
    text = (FIXTURES / "otlp" / "spans.jsonl").read_text().replace("phoenix", "jane.doe@example.com")
    (tmp_path / "spans.jsonl").write_text(text)
    (tmp_path / "out.ndjson").unlink()
    found = stored(tmp_path / "spans.jsonl", tmp_path, settings.replace(redact="all"))
    has(
        found["5b8efff798038103d269b633813fc60c-00000000000000a5"],
        llm__input__text="<EMAIL_1>",
        llm__privacy__entities=["EMAIL"],
    )


def make_logs(path: Path, *, tools: bool) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT)")
        database.execute(
            "CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT, prompt_json TEXT, "
            "options_json TEXT, response TEXT, response_json TEXT, conversation_id TEXT, duration_ms INTEGER, "
            "datetime_utc TEXT, input_tokens INTEGER, output_tokens INTEGER, token_details TEXT)"
        )
        database.execute("INSERT INTO conversations VALUES ('c1', 'About tyres', 'gpt-4o')")
        database.execute(
            "INSERT INTO responses VALUES ('01hm', 'gpt-4o', 'Which {one}?', 'Be brief', NULL, '{\"temperature\": 0.5}', "
            "'42', '{\"id\": \"chatcmpl-llm\"}', 'c1', 1500, '2024-01-10T12:00:00+00:00', 11, 3, NULL)"
        )
        if tools:
            database.execute(
                "CREATE TABLE tool_calls (response_id TEXT, name TEXT, arguments TEXT, tool_call_id TEXT)"
            )
            database.execute("INSERT INTO tool_calls VALUES ('01hm', 'look', '{\"q\": 1}', 'call_1')")


@pytest.mark.parametrize("tools", [False, True])
def test_llm_logs(tmp_path: Path, settings: Settings, tools: bool) -> None:
    """The llm command's database, of an age with and without tool calls, read where it is."""
    make_logs(tmp_path / "logs.db", tools=tools)
    found = stored(tmp_path / "logs.db", tmp_path, settings)
    has(
        found["01hm"],
        llm__input__text="Be brief\nWhich {one}?",
        llm__output__text="42",
        gen_ai__request__temperature=0.5,
        gen_ai__conversation__id="c1",
        gen_ai__response__id="chatcmpl-llm",
        llm__latency_ms=1500.0,
        gen_ai__usage__input_tokens=11,
        llm__application__name="llm",
        llm__tool__names=["look"] if tools else None,
    )
    assert found["01hm"]["@timestamp"].startswith("2024-01-10T12:00:00")


def test_llm_logs_with_fragments(tmp_path: Path, settings: Settings) -> None:
    """What a prompt was put together from is in it: fragments, earlier answers, attachments, results of tools."""
    make_logs(tmp_path / "logs.db", tools=True)
    with closing(sqlite3.connect(tmp_path / "logs.db")) as database, database:
        database.executescript(
            """
            CREATE TABLE fragments (id INTEGER PRIMARY KEY, content TEXT);
            CREATE TABLE prompt_fragments (response_id TEXT, fragment_id INTEGER, "order" INTEGER);
            CREATE TABLE system_fragments (response_id TEXT, fragment_id INTEGER, "order" INTEGER);
            CREATE TABLE attachments (id TEXT, type TEXT, path TEXT, url TEXT, content BLOB);
            CREATE TABLE prompt_attachments (response_id TEXT, attachment_id TEXT, "order" INTEGER);
            CREATE TABLE tool_results (response_id TEXT, name TEXT, output TEXT, tool_call_id TEXT);
            CREATE TABLE schemas (id TEXT, content TEXT);
            ALTER TABLE responses ADD COLUMN schema_id TEXT;
            ALTER TABLE responses ADD COLUMN reasoning TEXT;
            INSERT INTO fragments VALUES (1, 'A novel.'), (2, 'Rules.');
            INSERT INTO prompt_fragments VALUES ('01hm', 1, 0);
            INSERT INTO system_fragments VALUES ('01hm', 2, 0);
            INSERT INTO attachments VALUES ('a1', 'image/png', NULL, 'https://example.com/a.png', NULL);
            INSERT INTO prompt_attachments VALUES ('01hm', 'a1', 0);
            INSERT INTO tool_results VALUES ('01hm', 'look', 'found', 'call_0');
            INSERT INTO schemas VALUES ('s1', '{"type": "object"}');
            UPDATE responses SET schema_id = 's1', reasoning = 'Hm.' WHERE id = '01hm';
            INSERT INTO responses (id, model, prompt_json, response, conversation_id, datetime_utc) VALUES (
                '01hn', 'gpt-4o', '{"messages": [
                    {"role": "user", "content": {"$r": [{"$": "f:1"}, " Why?"]}},
                    {"role": "assistant", "content": {"$": "r:01hm"}},
                    {"role": "user", "content": "And now?"}]}', 'So.', 'c1', '2024-01-10T12:01:00+00:00');
            """
        )
    found = stored(tmp_path / "logs.db", tmp_path, settings)
    has(
        found["01hm"],
        llm__input__text="Rules.\n\nBe brief\nfound\nA novel.\nWhich {one}?",
        llm__attributes=None,
        llm__request__response_format="json_schema",
    )
    told = found["01hm"]["gen_ai"]
    assert told["input"]["messages"][-1]["parts"][1]["uri"] == "https://example.com/a.png"
    assert told["output"]["messages"][0]["parts"][0] == {"type": "reasoning", "content": "Hm."}
    has(found["01hn"], llm__input__text="A novel. Why?\n42\nAnd now?", llm__output__text="So.")


def test_llm_logs_of_turns(tmp_path: Path, settings: Settings) -> None:
    """Since 2026 messages are a tree of parts; a call that was logged both ways is one."""
    make_logs(tmp_path / "logs.db", tools=False)
    with closing(sqlite3.connect(tmp_path / "logs.db")) as database, database:
        database.executescript(
            """
            CREATE TABLE threads (id TEXT, name TEXT);
            CREATE TABLE turns (id TEXT, thread_id TEXT, parent_message_hash TEXT, tip_message_hash TEXT, model TEXT,
                resolved_model TEXT, options_json TEXT, schema_id TEXT, input_tokens INTEGER, output_tokens INTEGER,
                token_details TEXT, duration_ms INTEGER, datetime_utc TEXT, response_json TEXT);
            CREATE TABLE messages (hash TEXT, parent_hash TEXT, role TEXT);
            CREATE TABLE parts (id INTEGER, message_hash TEXT, position INTEGER, type TEXT, text TEXT, payload TEXT);
            CREATE TABLE part_attachments (part_id INTEGER, attachment_id TEXT, "order" INTEGER);
            CREATE TABLE attachments (id TEXT, type TEXT, path TEXT, url TEXT, content BLOB);
            CREATE TABLE fragments (id INTEGER PRIMARY KEY, content TEXT);
            CREATE TABLE schemas (id TEXT, content TEXT);
            CREATE TABLE tools (id INTEGER, name TEXT, description TEXT, input_schema TEXT);
            CREATE TABLE turn_tools (turn_id TEXT, tool_id INTEGER);
            INSERT INTO fragments VALUES (1, 'A novel.');
            INSERT INTO threads VALUES ('t1', 'About novels');
            INSERT INTO attachments VALUES ('a1', 'application/pdf', '/a.pdf', NULL, NULL);
            INSERT INTO tools VALUES (1, 'look', 'Looks', '{"type": "object"}');
            INSERT INTO turn_tools VALUES ('01hz', 1);
            INSERT INTO messages VALUES ('m1', NULL, 'system'), ('m2', 'm1', 'user'), ('m3', 'm2', 'assistant'),
                ('m4', 'm3', 'tool'), ('m5', 'm4', 'assistant');
            INSERT INTO parts VALUES (1, 'm1', 0, 'text', 'Be brief', NULL),
                (2, 'm2', 0, 'text', NULL, '{"text_ref": [{"fragment": 1}, {"literal": " Why?"}]}'),
                (3, 'm2', 1, 'attachment', NULL, '{"attachment": {"id": "a1"}}'),
                (4, 'm3', 0, 'tool_call', NULL, '{"name": "look", "arguments": {"q": 1}, "tool_call_id": "c1"}'),
                (5, 'm4', 0, 'tool_result', NULL, '{"name": "look", "output": "found", "tool_call_id": "c1"}'),
                (6, 'm5', 0, 'reasoning', 'Hm.', NULL), (7, 'm5', 1, 'text', 'So.', NULL);
            INSERT INTO part_attachments VALUES (3, 'a1', 0);
            INSERT INTO turns VALUES ('01hm', 't1', 'm2', 'm3', 'gpt-4o', NULL, NULL, NULL, 11, 3, NULL, 1500,
                '2024-01-10T12:00:00+00:00', NULL);
            INSERT INTO turns VALUES ('01hz', 't1', 'm4', 'm5', 'gpt-4o', NULL, '{"temperature": 0.5}', NULL, 21, 5,
                '{"prompt_tokens_details": {"cached_tokens": 7}}', 900, '2026-08-10T12:00:00+00:00',
                '{"id": "resp-1", "finish_reason": "stop"}');
            """
        )
    found = stored(tmp_path / "logs.db", tmp_path, settings)
    assert sorted(found) == ["01hm", "01hz"]
    has(found["01hm"], llm__input__text="Be brief\nA novel. Why?", llm__tool__names=["look"])
    has(
        found["01hz"],
        llm__input__text="Be brief\nA novel. Why?\nfound",
        llm__output__text="So.",
        gen_ai__conversation__id="t1",
        gen_ai__request__temperature=0.5,
        gen_ai__response__finish_reasons=["stop"],
        gen_ai__usage__cache_read__input_tokens=7,
        llm__latency_ms=900.0,
        gen_ai__tool__definitions=[
            {"type": "function", "name": "look", "description": "Looks", "parameters": {"type": "object"}}
        ],
    )
    told = found["01hz"]["gen_ai"]
    assert [message["role"] for message in told["input"]["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
    ]
    assert told["input"]["messages"][1]["parts"][1]["file_id"] == "a1"
    assert told["output"]["messages"][0]["parts"][0] == {"type": "reasoning", "content": "Hm."}


def test_elastic_openai(tmp_path: Path, settings: Settings) -> None:
    """A bucket of usage is a report, not a call: its sums, and how many requests it stands for."""
    found = stored(FIXTURES / "elastic-openai", tmp_path, settings)
    has(
        found["hit-1"],
        gen_ai__operation__name="usage_report",
        gen_ai__usage__input_tokens=22,
        llm__cost__status="priced",
        user__id="user-dummy",
    )
    has(found["hit-1"], labels__num_model_requests=4, llm__latency_ms=None, llm__input=None)
    assert found["hit-1"]["@timestamp"].startswith("2025-01-27")


def test_elastic_openai_of_other_ages(tmp_path: Path, settings: Settings) -> None:
    """Usage of the integration's first age, as stored and as Kibana shows it; audits and limits say nothing of calls."""
    counts = {"requests_total": 3, "context_tokens_total": 1000, "generated_tokens_total": 30}
    data = {
        **counts,
        "cached_context_tokens_total": 0,
        "snapshot_id": "gpt-4o-mini-2024-07-18",
        "email": "a@b.example",
    }
    shown = {f"openai.usage.data.{name}": [one] for name, one in data.items()}
    batch = {
        "completions": {"input_tokens": 1000, "output_tokens": 30, "batch": True},
        "base": {"model": "gpt-4o-mini"},
    }
    rows = [
        {"_index": "m", "_id": "first", "_source": {"@timestamp": "2024-12-02T19:57:00Z", "openai": {"usage": {"data": data}}}},
        {"_index": "m", "_id": "shown", "@timestamp": ["2024-12-02T19:57:00Z"], **shown},
        {"_index": "m", "_id": "batch", "_source": {"@timestamp": "2024-12-02T19:57:00Z", "openai": batch}},
        {"_index": "m", "_id": "audit", "_source": {"openai": {"audit": {"id": "audit_log-1"}}}},
        {"_index": "m", "_id": "limit", "_source": {"openai": {"rate_limits": {"id": "rl-1"}}}},
    ]  # fmt: skip
    (tmp_path / "hits.ndjson").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    found = stored(tmp_path / "hits.ndjson", tmp_path, settings)
    assert set(found) == {"first", "shown", "batch"}
    for name, price in (("first", 1), ("shown", 1), ("batch", 0.5)):
        has(found[name], gen_ai__usage__output_tokens=30, llm__input=None, llm__output=None)
        cost = value(found[name], "gen_ai.usage.cost.amount")
        assert cost == pytest.approx(price * (1000 * 0.15e-6 + 30 * 0.6e-6))
        assert found[name]["@timestamp"].startswith("2024-12-02T19:57")
    has(found["first"], user__id="a@b.example", labels__num_model_requests=3)


def test_json_logger(tmp_path: Path, settings: Settings) -> None:
    """A log line with a completion becomes a call, with the line's level and logger; other lines are passed over."""
    (found,) = stored(FIXTURES / "json-logger", tmp_path, settings).values()
    has(
        found,
        llm__input__text="Log me",
        llm__output__text="Logged",
        user__id="u-5",
        message="asked",
        log={"level": "warning", "logger": "shop.llm"},
        labels={"order": 17},
    )
    assert found["@timestamp"].startswith("2024-02-02T10:00:01.25")


def test_a_mapping_of_one_s_own(tmp_path: Path, settings: Settings) -> None:
    """Columns by a mapping file: times of a zone, plain texts, verdicts; the other columns are attributes."""
    (tmp_path / "map.toml").write_text(
        'zone = "Europe/Berlin"\n[columns]\nid = "call"\nstarted_at = "when"\ninput = "q"\noutput = "a"\nduration_ms = "ms"\n'
        '"response.usage.prompt_tokens" = "in"\n"response.usage.completion_tokens" = "out"\nversion = "v"\n'
        '[constants]\n"request.model" = "gpt-4o"\n"response.model" = "gpt-4o"\n[feedback]\nstars = "stars"\n'
    )
    (tmp_path / "t.csv").write_text(
        "call,when,q,a,in,out,v,ms,stars,team\n7,2024-07-01 14:00:00,Hi,Yo,5,2,9,250,yes,red\n"
    )
    found = stored(tmp_path / "t.csv", tmp_path, settings, map=tmp_path / "map.toml")
    has(
        found["7"],
        llm__input__text="Hi",
        llm__output__text="Yo",
        gen_ai__usage__input_tokens=5,
        service__version="9",
        llm__latency_ms=250.0,
        llm__attributes__request={"team": "red"},
    )
    assert found["7"]["@timestamp"] == "2024-07-01T12:00:00.000000Z"
    has(found["7.stars"], gen_ai__evaluation={"name": "stars", "score": {"value": 1.0}}, llm__join__key=["7"])


def test_a_mapping_looks_into_objects(tmp_path: Path, settings: Settings) -> None:
    """What stands beside a mapped field in an object is kept; a verdict may stand in one too."""
    (tmp_path / "map.toml").write_text(
        '[columns]\nid = "id"\nstarted_at = "meta.when"\ninput = "ask.text"\n[feedback]\ngood = "verdict.good"\n'
    )
    row = {
        "id": "a",
        "meta": {"when": "2025-01-05T12:00:00Z"},
        "ask": {"text": "Hi", "lang": "de"},
        "verdict": {"good": True},
    }
    (tmp_path / "rows.jsonl").write_bytes(orjson.dumps(row))
    found = stored(tmp_path / "rows.jsonl", tmp_path, settings, map=tmp_path / "map.toml")
    has(found["a"], llm__input__text="Hi", llm__attributes__request={"ask": {"lang": "de"}})
    has(found["a.good"], gen_ai__evaluation__score__value=1.0)


def test_types_and_times_of_a_table(tmp_path: Path, settings: Settings) -> None:
    """A model in a column is priced as one elsewhere; times may be written in the country's own way."""
    (tmp_path / "map.toml").write_text(
        'zone = "Europe/Berlin"\ntime_format = "%d.%m.%Y %H:%M"\n[columns]\nid = "id"\nstarted_at = "Zeit"\n'
        'input = "q"\n"request.model" = "Modell"\n"response.usage.prompt_tokens" = "in"\n'
    )
    (tmp_path / "t.csv").write_text(
        "\ufeffid;Zeit;q;Modell;in;note\r\n1;05.01.2025 13:00;Hi;gpt-4o;1000;rot\r\n2;2025-01-05 13:00;Hi;gpt-4o;1000;\r\n"
    )
    found = stored(tmp_path / "t.csv", tmp_path, settings, map=tmp_path / "map.toml")
    for name in ("1", "2"):
        has(found[name], gen_ai__request__model="gpt-4o", llm__cost__status="priced", llm__sanitised=None)
        assert found[name]["@timestamp"] == "2025-01-05T12:00:00.000000Z"
    has(found["1"], llm__attributes__request={"note": "rot"})


def test_words_of_others_documents_are_content_wherever_our_fields_have_them(
    tmp_path: Path, settings: Settings
) -> None:
    """Without content, a line that Filebeat kept whole goes too, and whatever a field of ours is marked for; figures stay."""
    document = {
        "@timestamp": "2024-05-01T12:00:00Z",
        "event": {"dataset": "llm.completion", "original": "what was said"},
        "gen_ai": {
            "request": {"model": "gpt-4o", "stop_sequences": ["said"]},
            "prompt": {"content": "said"},
            "usage": {"input_tokens": 7},
        },
        "llm": {"choices": [{"index": 0, "text": "said"}], "request": {"params": {"suffix": "said"}}},
    }
    (tmp_path / "beats.ndjson").write_bytes(orjson.dumps(document))
    (bare,) = stored(tmp_path / "beats.ndjson", tmp_path, settings.replace(save=False)).values()
    assert "said" not in orjson.dumps(bare).decode()
    assert bare["gen_ai"]["usage"]["input_tokens"] == 7
    assert bare["gen_ai"]["request"]["model"] == "gpt-4o"


def observation(name: str, **more: Any) -> dict[str, Any]:
    """A generation as Langfuse's pages give it for download."""
    start = "2025-08-01T13:22:00.147Z"
    return {"id": name, "type": "GENERATION", "traceId": "t1", "startTime": start, "model": "gpt-4o", **more}


def test_langfuse_download(tmp_path: Path, settings: Settings) -> None:
    """A trace beside its observations; counts that overlap, counts of the older kind; messages in parts."""
    parts = [
        {"type": "reasoning", "content": "Hm."},
        {"type": "text", "content": "Rain."},
        {"type": "tool_call", "id": "c1", "name": "look", "arguments": {"q": 1}},
    ]
    google = [
        {"role": "user", "parts": [{"text": "Weather?"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {"q": 1}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "look", "response": {"sky": "grey"}}}]},
    ]
    download = {
        "trace": {"id": "t1", "timestamp": "2025-08-01T13:22:00.000Z", "userId": "u1", "public": False},
        "observations": [
            observation(
                "overlapping",
                usageDetails={"input": 6, "output": 20, "completion_details.reasoning": 11, "total": 26},
                input=google,
                output=[{"role": "assistant", "parts": parts, "finish_reason": "tool_calls"}],
            ),
            observation(
                "apart", usageDetails={"input": 6, "input_cached_tokens": 4, "output": 2, "total": 12}
            ),
            observation("older", inputUsage=7, outputUsage=3, totalUsage=10),
        ],
    }
    (tmp_path / "trace.json").write_bytes(orjson.dumps(download))
    found = stored(tmp_path / "trace.json", tmp_path, settings)
    counts = {name: one["gen_ai"]["usage"] for name, one in found.items()}
    assert [(one["input_tokens"], one["output_tokens"]) for one in counts.values()] == [
        (6, 20),
        (10, 2),
        (7, 3),
    ]
    assert counts["overlapping"]["reasoning"] == {"output_tokens": 11}
    assert counts["apart"]["cache_read"] == {"input_tokens": 4}
    has(
        found["overlapping"],
        user__id="u1",
        llm__input__text='Weather?\n{"sky":"grey"}',
        llm__output__text="Rain.",
        llm__tool__names=["look"],
    )
    told = found["overlapping"]["gen_ai"]
    assert [message["role"] for message in told["input"]["messages"]] == ["user", "assistant", "tool"]
    assert [part["type"] for part in told["output"]["messages"][0]["parts"]] == [
        "reasoning",
        "text",
        "tool_call",
    ]


def tokens(document: dict[str, Any]) -> list[Any]:
    """Input, output, cached and reasoning tokens."""
    names = ("input_tokens", "output_tokens", "cache_read.input_tokens", "reasoning.output_tokens")
    return [value(document, f"gen_ai.usage.{name}") for name in names]


def test_parts_of_token_counts(tmp_path: Path, settings: Settings) -> None:
    """Cached and reasoning tokens, where tools have them under names of their own."""
    details = {"input_token_details": {"cache_read": 4}, "output_token_details": {"reasoning": 2}}
    usage = {"input_tokens": 9, "output_tokens": 3, "total_tokens": 12, **details}
    message = {"type": "constructor", "kwargs": {"type": "ai", "content": "Hi", "usage_metadata": usage}}
    run = {"run_type": "llm", "start_time": "2025-01-01T00:00:00Z", "inputs": {"input": "x"}}
    spend = {"call_type": "completion", "startTime": "2025-01-01T00:00:00Z", "spend": 0.1, "model": "gpt-4o"}
    span = {
        "span_id": "s",
        "start_time_unix_nano": 1735689600000000000,
        "attributes": {
            "mlflow.spanType": '"CHAT_MODEL"',
            "mlflow.llm.model": '"gpt-4o"',
            "mlflow.chat.tokenUsage": '{"input_tokens": 9, "output_tokens": 3, "cache_read_input_tokens": 4}',
        },
    }
    files: dict[str, list[dict[str, Any]]] = {
        "langsmith": [
            {
                **run,
                "id": "in the message",
                "outputs": {"generations": [[{"text": "Hi", "message": message}]]},
            },
            {
                **run,
                "id": "in the run",
                "prompt_tokens": 9,
                "completion_tokens": 3,
                "prompt_token_details": {"cache_read": 4},
                "completion_token_details": {"reasoning": 2},
            },
        ],
        "litellm": [
            {
                **spend,
                "request_id": "in the metadata",
                "prompt_tokens": 9,
                "completion_tokens": 3,
                "metadata": {
                    "usage_object": {
                        "prompt_tokens": 9,
                        "completion_tokens": 3,
                        "prompt_tokens_details": {"cached_tokens": 4},
                        "completion_tokens_details": {"reasoning_tokens": 2},
                    }
                },
            }
        ],
        "mlflow": [{"info": {"trace_id": "t"}, "data": {"spans": [span]}}],
    }
    found: dict[str, dict[str, Any]] = {}
    for name, rows in files.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / "rows.jsonl").write_bytes(b"\n".join(map(orjson.dumps, rows)))
        found |= stored(folder / "rows.jsonl", folder, settings, format=name)
    assert {name: tokens(one) for name, one in found.items()} == {
        "in the message": [9, 3, 4, 2],
        "in the run": [9, 3, 4, 2],
        "in the metadata": [9, 3, 4, 2],
        "t-s": [9, 3, 4, None],
    }


def test_helicone_failures_without_a_body(tmp_path: Path, settings: Settings) -> None:
    """A request that was given up, or whose answer is a text, failed."""
    row = {"request_created_at": "2025-01-01T00:00:00Z", "request_body": {"model": "gpt-4o", "messages": []}}
    rows = [
        {**row, "request_id": "given up", "response_status": -3},
        {**row, "request_id": "text", "response_status": 502, "response_body": "Bad gateway"},
    ]
    (tmp_path / "h.jsonl").write_bytes(b"\n".join(map(orjson.dumps, rows)))
    found = stored(tmp_path / "h.jsonl", tmp_path, settings)
    has(found["given up"], event__outcome="failure", llm__output=None)
    has(found["text"], event__outcome="failure", error__message="Bad gateway", llm__output=None)


def any_value(value: Any) -> dict[str, Any]:
    """A value as OTLP has it."""
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}


def test_otlp_other_ages_and_makers(tmp_path: Path, settings: Settings) -> None:
    """OpenLLMetry's first names, OpenInference's parts and values, the AI SDK's and Logfire's JSON."""
    user, said = '[{"role": "user", "content": "Why?"}]', '{"role": "assistant", "content": "So."}'
    first = {
        "llm.vendor": "openai",
        "llm.request.model": "gpt-4o",
        "llm.request.type": "completion",
        "llm.prompts.0.role": "user",
        "llm.prompts.0.content": "Why?",
        "llm.completions.0.content": "So.",
        "llm.usage.prompt_tokens": 3,
    }
    message = "llm.input_messages.{}.message."
    inference = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "gpt-4o",
        message.format(0) + "role": "user",
        message.format(0) + "contents.0.message_content.type": "text",
        message.format(0) + "contents.0.message_content.text": "Why?",
        message.format(0) + "contents.1.message_content.type": "image",
        message.format(0) + "contents.1.message_content.image.image.url": "https://example.com/a.png",
        "output.value": '{"messages": [' + said + "]}",
    }
    chain = {"openinference.span.kind": "CHAIN", "input.value": "Why?", "output.value": "So."}
    sdk = {
        "gen_ai.request.model": "gpt-4o",
        "ai.prompt.messages": user,
        "ai.response.text": "So.",
        "ai.response.toolCalls": '[{"toolCallId": "c1", "toolName": "f", "args": "{}"}]',
    }
    events = [
        {"event.name": "gen_ai.user.message", "content": "Why?"},
        {"event.name": "gen_ai.choice", "message": {"role": "assistant", "content": "So."}},
    ]
    logfire = {"gen_ai.request.model": "gpt-4o", "events": orjson.dumps(events).decode()}
    older = {
        "gen_ai.request.model": "gpt-4o",
        "request_data": '{"messages": ' + user + "}",
        "response_data": '{"message": ' + said + "}",
    }
    whole = {"gen_ai.request.model": "gpt-4o", "gen_ai.prompt": user, "gen_ai.completion": "[" + said + "]"}
    spans = [
        {
            "traceId": "5b8efff798038103d269b633813fc60c",
            "spanId": f"000000000000000{number}",
            "startTimeUnixNano": "1714000000000000000",
            "attributes": [{"key": name, "value": any_value(one)} for name, one in attributes.items()],
        }
        for number, attributes in enumerate([first, inference, sdk, logfire, older, whole, chain])
    ]
    (tmp_path / "spans.json").write_bytes(
        orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
    )
    found = list(stored(tmp_path / "spans.json", tmp_path, settings).values())
    assert [value(one, "span.id")[-1] for one in found] == list("012345")
    for one in found:
        has(one, llm__input__text="Why?", llm__output__text="So.", gen_ai__request__model="gpt-4o")
    has(found[0], gen_ai__operation__name="text_completion", gen_ai__usage__input_tokens=3)
    image = {"type": "uri", "modality": "image", "uri": "https://example.com/a.png"}
    assert found[1]["gen_ai"]["input"]["messages"][0]["parts"][1] == image
    assert found[2]["gen_ai"]["output"]["messages"][0]["parts"][1]["name"] == "f"
