"""The tools of a request without what opens other people's servers: that is no content (pure)."""

from __future__ import annotations

from typing import Any, Final, cast

from shipper.settings import without_credentials

_LEFT_OUT: Final = "<left out>"


def without_tool_credentials(request: Any) -> Any:
    """The request; of its MCP tools the address without password, and headers and authorization as names only.

    https://platform.openai.com/docs/guides/tools-connectors-mcp: the API wants them anew in each request. Nothing is
    changed in place. Never raises for JSON.
    """
    tools = request.get("tools") if type(request) is dict else None
    if type(tools) is not list or not any(map(_is_mcp, tools)):
        return request
    return {**request, "tools": [_bare(tool) if _is_mcp(tool) else tool for tool in tools]}


def _is_mcp(tool: Any) -> bool:
    return type(tool) is dict and tool.get("type") == "mcp"


def _bare(tool: dict[str, Any]) -> dict[str, Any]:
    bare = dict(tool)
    if bare.get("authorization"):
        bare["authorization"] = _LEFT_OUT
    if headers := bare.get("headers"):
        named = type(headers) is dict
        bare["headers"] = dict.fromkeys(cast("dict[str, Any]", headers), _LEFT_OUT) if named else _LEFT_OUT
    if type(url := bare.get("server_url")) is str and "@" in url:
        try:
            bare["server_url"] = without_credentials(url)
        except ValueError:  # no address
            bare["server_url"] = _LEFT_OUT
    return bare
