"""What is read from the `llm` command's database, whatever tables and columns it has.

https://llm.datasette.io/en/stable/logging.html (SQL schema): `responses` with `prompt_fragments`, `tool_calls`,
`tool_results`, `prompt_attachments` and so on, which came one after the other; from 2026 `turns`, whose messages are a
tree by hash; before 2023-07 `logs` or `log`. A database that grew with the command has several of them.
"""

# ruff: noqa: S608 - the queries are made of nothing but what stands here
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ATTACHMENT = "'id', a.id, 'type', a.type, 'path', a.path, 'url', a.url, 'bytes', length(a.content)"
_TOOL = "'name', tools.name, 'description', tools.description, 'parameters', json(tools.input_schema)"
_FRAGMENTS = """SELECT json_group_array(content) FROM (
    SELECT content FROM {0} JOIN fragments ON fragments.id = fragment_id
    WHERE response_id = responses.id ORDER BY "order")"""
_USED = """SELECT fragment_id FROM {0} JOIN responses AS r ON r.id = response_id
    WHERE r.id = responses.id OR r.conversation_id = responses.conversation_id"""

# Of a response: column → the tables that it needs, and its query
_OF_RESPONSE = {
    "conversation_name": (
        {"conversations"},
        "SELECT name FROM conversations WHERE conversations.id = responses.conversation_id",
    ),
    "tool_calls": (
        {"tool_calls"},
        """SELECT json_group_array(json_object('id', tool_call_id, 'name', name, 'arguments', arguments))
        FROM tool_calls WHERE tool_calls.response_id = responses.id""",
    ),
    "tool_results": (
        {"tool_results"},
        """SELECT json_group_array(json_object('id', tool_call_id, 'name', name, 'output', output))
        FROM tool_results WHERE tool_results.response_id = responses.id""",
    ),
    "tools": (
        {"tools", "tool_responses"},
        f"""SELECT json_group_array(json_object({_TOOL}))
        FROM tool_responses JOIN tools ON tools.id = tool_id WHERE tool_responses.response_id = responses.id""",
    ),
    "fragments": ({"fragments", "prompt_fragments"}, _FRAGMENTS.format("prompt_fragments")),
    "system_fragments": ({"fragments", "system_fragments"}, _FRAGMENTS.format("system_fragments")),
    "said_before": (  # what `prompt_json` refers to as {"$": "f:1"} and {"$": "r:01…"}
        {"fragments", "prompt_fragments", "system_fragments"},
        f"""SELECT json_group_object(key, content) FROM (
            SELECT 'f:' || fragments.id AS key, content FROM fragments
            WHERE fragments.id IN ({_USED.format("prompt_fragments")} UNION {_USED.format("system_fragments")})
            UNION SELECT 'r:' || r.id, r.response FROM responses AS r
            WHERE r.conversation_id = responses.conversation_id)""",
    ),
    "attachments": (
        {"attachments", "prompt_attachments"},
        f"""SELECT json_group_array(json_object({_ATTACHMENT})) FROM prompt_attachments
        JOIN attachments AS a ON a.id = attachment_id WHERE prompt_attachments.response_id = responses.id""",
    ),
    "schema_json": ({"schemas"}, "SELECT content FROM schemas WHERE schemas.id = responses.schema_id"),
}

_TEXT = """coalesce(parts.text, (
    SELECT group_concat(coalesce(json_extract(piece.value, '$.literal'), (
        SELECT content FROM fragments WHERE fragments.id = json_extract(piece.value, '$.fragment')), ''), '')
    FROM json_each(parts.payload, '$.text_ref') AS piece))"""
_PARTS = f"""SELECT json_group_array(json_object(
        'type', type, 'text', text, 'payload', json(payload), 'attachments', json(attachments)))
    FROM (SELECT type, payload, {_TEXT} AS text, (
        SELECT json_group_array(json_object({_ATTACHMENT})) FROM part_attachments
        JOIN attachments AS a ON a.id = attachment_id WHERE part_id = parts.id) AS attachments
    FROM parts WHERE message_hash = hash ORDER BY position)"""
_MESSAGES = f"""WITH RECURSIVE chain (hash, parent_hash, role, depth) AS (
        SELECT hash, parent_hash, role, 0 FROM messages WHERE hash = turns.tip_message_hash
        UNION ALL SELECT m.hash, m.parent_hash, m.role, depth + 1
        FROM messages AS m JOIN chain ON m.hash = chain.parent_hash)
    SELECT json_group_array(json_object('hash', hash, 'role', role, 'parts', json(({_PARTS}))))
    FROM (SELECT * FROM chain ORDER BY depth DESC)"""
_TURNS = f"""SELECT turns.*, thread_id AS conversation_id, threads.name AS conversation_name,
        ({_MESSAGES}) AS messages, schemas.content AS schema_json, (
        SELECT json_group_array(json_object({_TOOL})) FROM turn_tools JOIN tools ON tools.id = tool_id
        WHERE turn_id = turns.id) AS tools
    FROM turns LEFT JOIN threads ON threads.id = thread_id LEFT JOIN schemas ON schemas.id = turns.schema_id
    ORDER BY turns.id"""
_OLDEST = {
    "log": "SELECT 'log' AS llm_table, rowid AS id, * FROM log ORDER BY rowid",
    "logs": "SELECT 'logs' AS llm_table, * FROM logs ORDER BY id",
}


def queries(tables: dict[str, frozenset[str]]) -> Iterator[str]:
    """The queries whose rows are the database's calls, each call once.

    Args:
        tables: names of all tables, with those of their columns.
    """
    if "responses" in tables:
        yield _responses(tables)
    else:
        yield from (query for table, query in _OLDEST.items() if table in tables)
    if {"turns", "messages", "parts", "threads"} <= tables.keys():
        yield _TURNS


def _responses(tables: dict[str, frozenset[str]]) -> str:
    columns = [
        f", ({query}) AS {name}"
        for name, (needed, query) in _OF_RESPONSE.items()
        if needed <= tables.keys() and (name != "schema_json" or "schema_id" in tables["responses"])
    ]
    once = " WHERE id NOT IN (SELECT id FROM turns)" if "turns" in tables else ""  # logged both ways
    return f"SELECT responses.*{''.join(columns)} FROM responses{once} ORDER BY responses.id"
