"""The clients are openai's own, and stay so."""

from __future__ import annotations

import asyncio
import copy
import inspect
import pickle
from pathlib import Path
from typing import Any

import openai
import pytest

import shipper.openai
from shipper.openai import (
    AsyncAzureOpenAI,
    AsyncOpenAI,
    AzureOpenAI,
    CallParams,
    CaptureConfig,
    OpenAI,
    TemplateChat,
    instrument,
    uninstrument,
)
from shipper.testing import Captured, OpenAIServer, answer, stream
from tests.fixtures.openai_api import BLUE, CHAT, COMPLETION

PAIRS = [
    (OpenAI, openai.OpenAI),
    (AsyncOpenAI, openai.AsyncOpenAI),
    (AzureOpenAI, openai.AzureOpenAI),
    (AsyncAzureOpenAI, openai.AsyncAzureOpenAI),
]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_each_client_is_a_subclass_with_one_argument_more(ours: Any, theirs: Any) -> None:
    """Name, constructor arguments and their defaults are openai's, with `shipper` behind them."""
    assert issubclass(ours, theirs)
    assert ours.__name__ == theirs.__name__
    parameters = inspect.signature(ours).parameters
    expected = inspect.signature(theirs).parameters
    assert list(parameters) == [*expected, "shipper"]
    assert all(parameters[name].default is expected[name].default for name in expected)


def test_resources_and_their_methods_look_like_openais(captured: Captured) -> None:
    """Classes, names, signatures and coroutine functions are the same to who asks."""
    ours, bare = OpenAI(api_key="k"), openai.OpenAI(api_key="k")
    for path in (
        "chat",
        "chat.completions",
        "completions",
        "responses",
        "embeddings",
        "images",
        "audio.speech",
    ):
        mine, theirs = ours, bare
        for name in path.split("."):
            mine, theirs = getattr(mine, name), getattr(theirs, name)
        assert isinstance(mine, type(theirs))
        assert type(mine).__qualname__ == type(theirs).__qualname__
        for method in ("create", "parse", "stream", "generate"):
            if hasattr(theirs, method):
                assert inspect.signature(getattr(mine, method)) == inspect.signature(getattr(theirs, method))
    mine, theirs = AsyncOpenAI(api_key="k"), openai.AsyncOpenAI(api_key="k")
    for name in ("create", "parse", "stream"):
        same = [inspect.iscoroutinefunction(getattr(one.chat.completions, name)) for one in (mine, theirs)]
        assert same[0] == same[1]


def test_the_rest_of_openais_module_is_there_too() -> None:
    """`from shipper import openai` stands for `import openai`."""
    assert shipper.openai.RateLimitError is openai.RateLimitError
    assert shipper.openai.types is openai.types
    with pytest.raises(AttributeError):
        _ = shipper.openai.nothing_of_this_name


def test_a_client_by_its_other_name_records_too() -> None:
    """The clients that openai calls `Client` and `AsyncClient` as well are recording ones."""
    assert shipper.openai.Client is shipper.openai.OpenAI is not openai.Client
    assert shipper.openai.AsyncClient is shipper.openai.AsyncOpenAI is not openai.AsyncClient


def test_no_module_of_ours_stands_before_one_of_openais() -> None:
    """`resources`, `types` and whatever else openai's package holds are openai's under our name too."""
    from shipper.openai import resources, types

    assert (resources, types) == (openai.resources, openai.types)
    folder = Path(str(shipper.openai.__file__)).parent
    ours = {path.stem for path in folder.iterdir() if path.suffix == ".py" and path.stem != "__init__"}
    assert not [name for name in ours if hasattr(openai, name)]


def test_the_modules_own_calls_are_recorded(captured: Captured) -> None:
    """`openai.api_key = …; openai.chat.completions.create(…)`, without a client."""
    mine: Any = shipper.openai
    with OpenAIServer(answer(COMPLETION)) as server:
        mine.api_key, mine.base_url = "k", server.url
        try:
            answered = mine.chat.completions.create(**CHAT, shipper=CallParams(user_id="u"))
            assert (openai.api_key, mine.api_key) == ("k", "k")
        finally:
            mine.api_key = mine.base_url = None
            openai._reset_client()
    [document] = captured.documents
    assert document["user"] == {"id": "u"}
    assert answered.model_extra["shipper_feedback_key"] == document["event"]["id"]


def test_copies_and_options_record_alike(captured: Captured) -> None:
    """`with_options` and `copy` give clients of the same class that log under the same name."""
    with OpenAIServer(answer(COMPLETION)) as server:
        client = OpenAI(base_url=server.url, api_key="k", shipper=CaptureConfig(application="bot"))
        for other in (
            client.with_options(max_retries=0),
            client.copy(timeout=5),
            client.with_options().copy(),
        ):
            assert type(other) is OpenAI
            other.chat.completions.create(**CHAT)
    assert [one["llm"]["application"]["name"] for one in captured.documents] == ["bot"] * 3


def test_what_can_be_pickled_is_what_can_be_pickled_of_openais(captured: Captured) -> None:
    """Answers are pickled with their key; clients and streams are refused as before."""
    with OpenAIServer(answer(COMPLETION), stream(BLUE)) as server:
        client = OpenAI(base_url=server.url, api_key="k")
        answered = client.chat.completions.create(**CHAT)
        again = pickle.loads(pickle.dumps(answered))
        assert again == answered
        assert again.model_extra == answered.model_extra
        assert copy.deepcopy(answered).model_extra == answered.model_extra
        bare = openai.OpenAI(base_url=server.url, api_key="k")
        for unpicklable in (client, bare, client.chat.completions.create(**CHAT, stream=True)):
            with pytest.raises(TypeError):
                pickle.dumps(unpicklable)


def test_azure_clients_record_with_azure_as_the_provider(captured: Captured) -> None:
    """The deployment's path is openai's affair; the record names the provider, whatever gateway stands before it."""
    with OpenAIServer(answer(COMPLETION)) as server:
        client = AzureOpenAI(
            azure_endpoint=server.url,
            api_version="2024-06-01",
            api_key="k",
            shipper=CaptureConfig(application="a"),
        )
        client.chat.completions.create(**CHAT)
        assert server.requests[0].path.endswith("/deployments/gpt-4o-mini/chat/completions")
    assert captured.documents[0]["llm"]["output"]["text"] == "Blue."
    assert captured.documents[0]["gen_ai"]["provider"] == {"name": "azure.ai.openai"}


def test_async_clients_take_the_same_arguments(captured: Captured) -> None:
    """Templates, parameters, errors and raw responses work alike."""

    async def scenario(url: str) -> None:
        async with AsyncOpenAI(base_url=url, api_key="k", shipper=CaptureConfig(application="bot")) as client:
            messages = TemplateChat([{"role": "user", "content": "{x}?"}], {"x": "sky"})
            params = CallParams(prompt_template_name="colour", chat_id="c")
            await client.chat.completions.create(model="m", messages=messages, shipper=params)
            raw = await client.chat.completions.with_raw_response.create(**CHAT, shipper=params)
            assert raw.http_response.json() == COMPLETION
            async with client.chat.completions.with_streaming_response.create(**CHAT) as read:
                assert (await read.parse()).choices[0].message.content == "Blue."

    with OpenAIServer(answer(COMPLETION)) as server:
        asyncio.run(scenario(server.url))
    first, second, third = captured.documents
    assert first["gen_ai"]["prompt"]["name"] == second["gen_ai"]["prompt"]["name"] == "colour"
    assert second["llm"]["previous"]["event_id"] == first["event"]["id"]
    assert third["llm"]["output"]["text"] == "Blue."


def test_a_client_that_somebody_else_made_can_be_instrumented_and_back(captured: Captured) -> None:
    """It stays the same object and an instance of its class; resources made before take the argument too."""
    with OpenAIServer(answer(COMPLETION)) as server:
        client = openai.OpenAI(base_url=server.url, api_key="k")
        completions, create = client.chat.completions, client.chat.completions.create
        before = (type(client), type(completions))
        assert instrument(client, CaptureConfig(application="bot")) is client
        assert instrument(client) is client
        assert isinstance(client, openai.OpenAI)
        assert type(client).__name__ == "OpenAI"
        completions.create(**CHAT, shipper=CallParams(user_id="u"))
        create(**CHAT)  # a method taken before knows nothing of the argument, and is recorded
        client.with_options(timeout=5).chat.completions.create(**CHAT)
        assert uninstrument(client) is client
        assert (type(client), type(completions)) == before
        answered = client.chat.completions.create(**CHAT)
    assert answered.to_dict() == COMPLETION
    assert [one.get("user") for one in captured.documents] == [{"id": "u"}, None, None]
    assert {one["llm"]["application"]["name"] for one in captured.documents} == {"bot"}


def test_a_users_own_subclass_keeps_its_behaviour(captured: Captured) -> None:
    """Instrumenting a derived class with its own constructor and methods changes neither."""

    class Mine(openai.OpenAI):
        def __init__(self, place: str, **options: Any) -> None:
            super().__init__(base_url=place, **options)

        def colour(self) -> str | None:
            return self.chat.completions.create(**CHAT).choices[0].message.content

    with OpenAIServer(answer(COMPLETION)) as server:
        client = instrument(Mine(server.url, api_key="k"))
        assert client.colour() == "Blue."
        assert isinstance(client, Mine)
    assert len(captured.documents) == 1


def test_only_openais_clients_can_be_instrumented() -> None:
    """Anything else is refused with a sentence; undoing what was not done does nothing."""
    with pytest.raises(TypeError, match="client of the openai package"):
        instrument(object())  # type: ignore[type-var]
    client = OpenAI(api_key="k")
    assert type(uninstrument(client)) is OpenAI


def test_parameters_of_another_type_are_refused_before_the_call(captured: Captured) -> None:
    """A dict instead of CallParams is a mistake that the developer sees."""
    with OpenAIServer(answer(COMPLETION)) as server:
        client = OpenAI(base_url=server.url, api_key="k")
        with pytest.raises(TypeError, match=r"shipper= takes CallParams"):
            client.chat.completions.create(**CHAT, shipper={"chat_id": "c"})
        assert server.requests == []


def test_the_declared_options_are_the_constructors() -> None:
    """What editors complete is what openai's newest constructors take."""
    import ast
    from pathlib import Path

    declared: dict[str, set[str]] = {}
    tree = ast.parse(Path(shipper.openai.__file__).with_name("clients.pyi").read_text())
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name.endswith("Options"):
            names = {part.target.id for part in node.body if isinstance(part, ast.AnnAssign)}
            declared[node.name] = names.union(*(declared.get(base.id, set()) for base in node.bases))
    for client, options in ((openai.OpenAI, "OpenAIOptions"), (openai.AzureOpenAI, "AzureOptions")):
        taken = set(inspect.signature(client).parameters) - {"api_key"}
        if int(openai.__version__.partition(".")[0]) >= 3:
            assert declared[options] == taken
        else:
            assert declared[options] & taken


def test_settings_that_are_wrong_are_told_when_the_client_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt setting is an error at construction, not a silent loss of records."""
    from shipper.errors import SettingsError

    monkeypatch.setenv("SHIPPER_APLICATION", "x")
    with pytest.raises(SettingsError, match="SHIPPER_APPLICATION"):
        OpenAI(api_key="k")


def test_configuration_is_immutable() -> None:
    """Both objects refuse unknown names and changes."""
    for kind in (CaptureConfig, CallParams):
        with pytest.raises(TypeError):
            kind(no_such_part=1)
        with pytest.raises((AttributeError, TypeError)):  # Python 3.11 and later differ
            kind().no_such_part = 1
