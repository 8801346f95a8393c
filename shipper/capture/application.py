"""An application: the name and version that calls are logged under, and the methods that log them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shipper import notice
from shipper.capture import context
from shipper.capture.call import Logged, as_texts, body_of, drop_vectors, identify, join_keys_of
from shipper.capture.checks import described
from shipper.capture.content import ContentPolicy, Redact, Sample
from shipper.capture.conversation import CONVERSATIONS
from shipper.capture.judgement import first_judgements_of, judgements_of
from shipper.errors import UsageError
from shipper.process import default_settings, pipeline_for
from shipper.record.entry import Call, application_fragment, encode
from shipper.record.ids import new_event_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shipper.redact import Redactor
    from shipper.settings import Settings


class Application:
    """What `get_application` returns. Cheap to make, safe to share between threads and over a fork."""

    def __init__(
        self,
        name: str | None = None,
        *,
        version: str | None = None,
        environment: str | None = None,
        project_id: str | None = None,
        redact: Redact | Redactor | None = None,
        sample: Sample | None = None,
        settings: Settings | None = None,
    ) -> None:
        """Name it.

        Args:
            name: the application; None takes the setting.
            version: its released version, which names the index; None takes the setting.
            environment: where it runs; None takes the setting.
            project_id: what it belongs to.
            redact: what is replaced before anything is written, or a `Redactor` with patterns or a function of
                one's own; None takes the setting.
            sample: takes a call as JSON and returns the rate (0 to 1) at which content like its is kept; None takes
                the setting `content_rate`.
            settings: None takes the process's defaults.

        Raises:
            SettingsError: the environment or the settings file is wrong.
            UsageError: `redact` is no word that is known.
        """
        self._settings = settings if settings is not None else default_settings()
        self._pipeline = pipeline_for(self._settings)
        self.name = name or self._settings.application
        self._pipeline.serve(self.name)
        self._content = ContentPolicy(self._settings, redact, sample)
        self.version = version or self._settings.version
        self.environment = environment or self._settings.environment
        self._fragment = application_fragment(
            {
                "name": self.name,
                "version": self.version,
                "environment": self.environment,
                "project_id": project_id,
            }
        )

    def __repr__(self) -> str:
        return f"Application({self.name!r}, version={self.version!r}, environment={self.environment!r})"

    def log_completion(
        self,
        request: object = None,
        response: object = None,
        *,
        error: object = None,
        started_at: datetime | str | float | None = None,
        ended_at: datetime | str | float | None = None,
        created_at: datetime | str | float | None = None,
        request_attributes: Mapping[str, Any] | None = None,
        response_attributes: Mapping[str, Any] | None = None,
        session_id: object = None,
        user_id: object = None,
        tags: Sequence[str] | None = None,
        prompt_name: str | None = None,
        prompt_version: str | None = None,
        prompt_variables: Mapping[str, Any] | None = None,
        selected_choice_index: int = 0,
        join_keys: Sequence[str] | str | None = None,
        event_id: object = None,
        parent_id: object = None,
        trace_id: object = None,
        chain_id: object = None,
        run_id: object = None,
        datapoint_id: object = None,
        environment: str | None = None,
        source: str | None = None,
        logs: str | None = None,
        cost: float | Mapping[str, Any] | None = None,
        raw: str | None = None,
        save: bool = True,
        feedback: Mapping[str, Any] | None = None,
    ) -> Logged:
        """Log one call of a model.

        Args:
            request: what was sent: a dict, JSON text, or the keyword arguments of openai's client.
            response: the answer: a dict, JSON text, openai's object, or the list of a stream's chunks. None when
                there was none (yet).
            error: why there is no answer: an exception, a text, or a dict with type, message, code, status.
            started_at: when the request was sent. Times are datetimes, ISO 8601 text or epoch numbers; one without
                a zone is taken as UTC.
            ended_at: when the answer was complete.
            created_at: when this was logged first, if not now.
            request_attributes: the caller's own metadata of the request.
            response_attributes: the caller's own metadata of the answer.
            session_id: the conversation.
            user_id: the end user.
            tags: labels to search by.
            prompt_name: the prompt that the request was made from.
            prompt_version: its version.
            prompt_variables: what was filled into it.
            selected_choice_index: the choice (by its `index`) that was used, when there are several.
            join_keys: the caller's own keys for feedback; the event id and the provider's response id always count.
            event_id: the caller's own id; the same id logged again with the same content is one document.
            parent_id: the event that this one belongs under.
            trace_id: the trace.
            chain_id: the chain of calls.
            run_id: the run of an evaluation or job.
            datapoint_id: the test case that this call answers.
            environment: where this call ran, if not the application's.
            source: where the model was called from.
            logs: captured output.
            cost: what the call cost (US dollars, or amount, currency, input, output); None computes it.
            raw: `never`, `errors` or `always` keep the payloads as they are; None takes the setting.
            save: False drops the content before it is written anywhere and keeps the numbers.
            feedback: a first verdict, logged with the call; as a row of `log`'s feedbacks.

        Returns:
            The event's id and its join keys.

        Never raises.
        """
        return self.record(
            {
                "request": request,
                "response": response,
                "error": error,
                "started_at": started_at,
                "ended_at": ended_at,
                "created_at": created_at,
                "request_attributes": request_attributes,
                "response_attributes": response_attributes,
                "session_id": session_id,
                "user_id": user_id,
                "tags": tags,
                "prompt_name": prompt_name,
                "prompt_version": prompt_version,
                "prompt_variables": prompt_variables,
                "selected_choice_index": selected_choice_index,
                "join_keys": join_keys,
                "parent_id": parent_id,
                "trace_id": trace_id,
                "chain_id": chain_id,
                "run_id": run_id,
                "datapoint_id": datapoint_id,
                "environment": environment,
                "source": source,
                "logs": logs,
                "cost": cost,
                "raw": raw,
            },
            event_id=event_id,
            save=save,
            feedback=feedback,
        )

    def log(
        self,
        *,
        inputs: Sequence[Any] | None = None,
        outputs: Sequence[Any] | None = None,
        feedbacks: Sequence[Any] | None = None,
        join_keys: Sequence[str] | None = None,
    ) -> tuple[str, list[str]]:
        """Log calls of any model or function, one document a row; and feedback on these or earlier calls.

        Args:
            inputs: what went in, a row each.
            outputs: what came out, a row each.
            feedbacks: verdicts, a row each: a dict of what was found by name, or one value; None for a row without.
                Numbers from 0 to 1 and booleans are scores, other values are kept beside them. Keys that are
                arguments of `send_feedback` mean the same here.
            join_keys: a key for each row; made when not given. Required when there is only feedback.

        Returns:
            The batch's id and the rows' join keys.

        Raises:
            UsageError: the lists differ in length or are missing, or a verdict can't be meant; nothing was logged then.
        """
        rows = _row_count(
            {"inputs": inputs, "outputs": outputs, "feedbacks": feedbacks, "join_keys": join_keys}
        )
        batch_id = new_event_id()
        given = as_texts(list(join_keys)) if join_keys is not None else None
        if given is not None and len(given) != rows:
            raise UsageError("join_keys must be texts that are not empty. Nothing was logged.")
        calls: list[Call] = []
        keys: list[str] = []
        for row in range(rows):
            event_id = new_event_id()
            key = given[row] if given is not None else event_id
            keys.append(key)
            about: object = event_id  # with a call in the same row, the feedback is about that one alone
            if inputs is not None or outputs is not None:
                body: dict[str, Any] = {"run_id": batch_id}
                if inputs is not None:
                    body["inputs"] = inputs[row]
                if outputs is not None:
                    body["outputs"] = outputs[row]
                if given is not None:
                    body["join_keys"] = [key]
                context.bind(body, context.current())
                calls.append(Call("llm.completion", event_id, False, time.time_ns(), body))
            elif join_keys is not None:
                about = join_keys[row]
            if feedbacks is not None and feedbacks[row] is not None:
                calls.extend(judgements_of(about, feedbacks[row], new_event_id(), given=False))
        for call in calls:
            self.append(call)
        return batch_id, keys

    def record(
        self,
        fields: Mapping[str, Any],
        *,
        event_id: object = None,
        save: bool = True,
        feedback: object = None,
    ) -> Logged:
        """Log one call from `log_completion`'s arguments by name. Never raises."""
        identity, given = identify(event_id)
        keys = [identity]
        try:
            call = self.call(fields, identity, given=given)
            keys = join_keys_of(identity, call.body)
            CONVERSATIONS.link(self.name, identity, call.body)
            self.append(call, save=save)
            if feedback is not None:
                for judgement in first_judgements_of(identity, feedback, given=given):
                    self.append(judgement, save=save)
        except Exception as error:
            notice.internal_error("An event could not be logged", error)
        return Logged(identity, keys)

    def call(
        self,
        fields: Mapping[str, Any],
        event_id: str,
        *,
        given: bool,
        within: Mapping[str, Any] | None = None,
    ) -> Call:
        """The call that the fields describe, now.

        Args:
            fields: arguments of `log_completion` by name.
            event_id: its id.
            given: whether the caller gave the id.
            within: `context.current()` of when the call began; None takes that of now.

        Never raises.
        """
        body = body_of(fields)
        context.bind(body, context.current() if within is None else within)
        if self._settings.raw != "never":
            body.setdefault("raw", self._settings.raw)
        if body.get("raw") != "always":
            drop_vectors(body)
        return Call("llm.completion", event_id, given, time.time_ns(), body)

    def line(self, call: Call, *, save: bool, redact: Redact | Redactor | bool | None = None) -> bytes:
        """A call as the end of an entry's line (see `shipper.record.entry`).

        Args:
            call: what to write.
            save: False drops the content.
            redact: for this call, instead of the application's; True means `all`.

        Raises:
            UsageError: `redact` is no word that is known.
        """
        call, changed = self._content.apply(call, save=save, redact=redact)
        return encode(call, self._fragment, self._settings.max_event_bytes, changed)

    def append(
        self, call: Call, *, save: bool = True, redact: Redact | Redactor | bool | None = None
    ) -> None:
        """Write a call to the spool.

        Raises:
            UsageError: as `line`.
        """
        self._pipeline.append(self.line(call, save=save, redact=redact))


def _row_count(columns: Mapping[str, Sequence[Any] | None]) -> int:
    """The common length of the given lists.

    Raises:
        UsageError: there is nothing to log, one is no list, or the lengths differ.
    """
    for name, column in columns.items():
        if column is not None and (
            isinstance(column, (str, bytes, Mapping)) or not hasattr(column, "__len__")
        ):
            raise UsageError(
                f"{name} is {described(column)}; it has to be a list, with a row for each call. Nothing was logged."
            )
    lengths = {name: len(column) for name, column in columns.items() if column is not None}
    if set(lengths) <= {"join_keys"}:
        raise UsageError("Nothing to log: give inputs, outputs or feedbacks.")
    if set(lengths) == {"feedbacks"}:
        raise UsageError(
            "Feedback alone needs join_keys that say which calls it is about. Nothing was logged."
        )
    if len(set(lengths.values())) != 1:
        shown = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise UsageError(f"The lists must be of equal length: {shown}. Nothing was logged.")
    return next(iter(lengths.values()))
