"""One frozen settings object; the only module that reads the environment.

Values come from, first to last: arguments, `SHIPPER_*` environment variables, a TOML file (`SHIPPER_CONFIG`,
else `shipper.toml` in the home folder), the defaults below. `docs/settings.md` is generated from this table.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit, urlunsplit

import platformdirs
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from shipper.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "SHIPPER_"
_RESERVED = {"SHIPPER_CONFIG"}  # names the file; every other SHIPPER_* variable is a setting

MIB = 1024 * 1024


class Settings(BaseModel):
    """How records are kept, sent and stored. Immutable; make changed copies with `replace`."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, str_strip_whitespace=True)

    home: Path = Field(
        default_factory=lambda: platformdirs.user_state_path("llm-shipper"),
        description="Folder of the spool, the embedded node's data and `shipper.toml`. One home, one destination.",
    )
    cache: Path = Field(
        default_factory=lambda: platformdirs.user_cache_path("llm-shipper"),
        description="Folder of downloaded artifacts (the embedded node's jars), shared by all homes.",
    )
    application: str = Field("default", description="Application name when a call or handler gives none.")
    version: str = Field("unversioned", description="The application's released version; it names the index.")
    environment: str | None = Field(None, description="Where it runs: prod, staging, …")

    elasticsearch_url: tuple[str, ...] = Field(
        (),
        description="Address(es) of the cluster, comma separated. Empty: the running embedded node, if there is one.",
    )
    elasticsearch_api_key: SecretStr | None = Field(None, description="API key, as `id:key` or encoded.")
    elasticsearch_username: str | None = Field(None, description="User for basic authentication.")
    elasticsearch_password: SecretStr | None = Field(None, description="Password for basic authentication.")
    elasticsearch_ca: Path | None = Field(None, description="CA certificate (PEM) that signed the cluster's.")
    logstash_url: tuple[str, ...] = Field(
        (), description="Address(es) of Logstash's HTTP input, comma separated. Set: events go there."
    )
    logstash_username: str | None = Field(None, description="User for Logstash's HTTP input.")
    logstash_password: SecretStr | None = Field(None, description="Password for Logstash's HTTP input.")
    logstash_ca: Path | None = Field(None, description="CA certificate (PEM) that signed Logstash's.")

    durability: Literal["process", "power", "memory"] = Field(
        "process",
        description="What a log call waits for: `process` the write to the spool (survives a killed process), "
        "`power` fdatasync (survives a power cut), `memory` nothing.",
    )
    send: Literal["background", "none"] = Field(
        "background", description="`none` leaves sending to `shipper drain` (prefork servers, short jobs)."
    )
    spool_max_bytes: int = Field(
        2048 * MIB, ge=MIB, description="Bound of the spool folder, bytes, over all processes of the home."
    )
    spool_policy: Literal["drop_new", "block", "drop_old"] = Field(
        "drop_new", description="What happens at the bound; every drop is counted by reason."
    )
    spool_block_timeout_s: float = Field(
        5.0, ge=0, le=3600, description="Longest wait of a log call under the `block` policy, seconds."
    )
    segment_max_bytes: int = Field(
        16 * MIB, ge=64 * 1024, description="Size at which a segment file is closed."
    )
    memory_max_bytes: int = Field(
        8 * MIB,
        ge=64 * 1024,
        description="Bound of the memory buffer (`memory` durability, or a full disk), bytes.",
    )
    max_event_bytes: int = Field(
        MIB, ge=16 * 1024, le=16 * MIB, description="Longest content of a larger event is cut, bytes."
    )

    batch_max_events: int = Field(500, ge=1, le=100_000, description="Events in one request, at most.")
    batch_max_bytes: int = Field(
        4 * MIB, ge=64 * 1024, le=90 * MIB, description="Bytes in one request, at most."
    )
    flush_interval_s: float = Field(
        1.0, gt=0, le=3600, description="Age at which a smaller batch is sent, seconds."
    )
    connections: int = Field(2, ge=1, le=16, description="Batches sent at the same time.")
    compression: Literal["auto", "gzip", "none"] = Field(
        "auto", description="`auto`: gzip, but not to this machine's own address."
    )
    request_timeout_s: float = Field(30.0, gt=0, le=600, description="Time-out of one request, seconds.")
    retry_max_interval_s: float = Field(
        30.0, gt=0, le=3600, description="Longest pause between tries, seconds."
    )
    exit_timeout_s: float = Field(
        2.0,
        ge=0,
        le=600,
        description="Longest wait for delivery at exit, seconds; the rest stays in the spool.",
    )
    heartbeat_interval_s: float = Field(
        60.0, ge=1, le=3600, description="Seconds between the process's delivery reports in the store."
    )

    partition: Literal["month", "day"] = Field("month", description="Time span of one index.")
    raw: Literal["never", "errors", "always"] = Field(
        "never", description="When the provider's payloads are kept as sent and received."
    )
    save: bool = Field(True, description="Keep content; off keeps numbers only.")
    redact: Literal["none", "secrets", "all"] = Field(
        "none",
        description="What is replaced before anything is written: `secrets` keys, tokens and passwords; `all` "
        "personal data too.",
    )
    content_rate: float = Field(
        1.0,
        ge=0,
        le=1,
        description="Share of calls whose content is kept; the figures of every call are, and the content of errors.",
    )
    content_slow_s: float = Field(
        10.0, ge=0, description="A call that took this long keeps its content at any `content_rate`, seconds."
    )

    lower_is_better: tuple[str, ...] = Field(
        (), description="Names of evaluations whose high scores are bad (`toxic`), comma separated."
    )
    budget_usd: float | None = Field(
        None, gt=0, description="What a month may cost, US dollars: a line in `shipper report` and in Kibana."
    )
    alerts_file: Path | None = Field(
        None, description="Rules of `shipper alerts`. Empty: those that come with the package."
    )
    alerts_webhook: SecretStr | None = Field(
        None, description="Where `shipper alerts check --notify` posts what fires, in Slack's form."
    )
    alerts_smtp: SecretStr | None = Field(
        None, description="Mail server for what fires: `smtp://user:password@host:587`, or `smtps://…`."
    )
    alerts_mail_from: str | None = Field(None, description="Sender of these mails.")
    alerts_mail_to: tuple[str, ...] = Field((), description="Receivers of these mails, comma separated.")
    retention_days: int | None = Field(
        None, ge=1, description="Age at which completions are deleted; feedback doesn't wait longer for one."
    )

    @field_validator("elasticsearch_url", "logstash_url", mode="before")
    @classmethod
    def _split_urls(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        for url in value or ():
            parts = urlsplit(str(url))
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError("wants http:// or https:// addresses, comma separated")
            if parts.username or parts.password:
                raise ValueError("must not contain a password; use the username and password settings")
        return tuple(str(url).rstrip("/") for url in value or ())

    @field_validator("lower_is_better", "alerts_mail_to", mode="before")
    @classmethod
    def _split_names(cls, value: Any) -> Any:
        names = value.split(",") if isinstance(value, str) else value or ()
        return tuple(name.strip() for name in names if name.strip())

    @field_validator("home", "cache", "elasticsearch_ca", "logstash_ca", "alerts_file", mode="after")
    @classmethod
    def _expand(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value is not None else None

    @model_validator(mode="after")
    def _check_combinations(self) -> Settings:
        if self.elasticsearch_api_key and self.elasticsearch_username:
            raise ValueError("elasticsearch_api_key and elasticsearch_username exclude each other")
        if (self.elasticsearch_username is None) != (self.elasticsearch_password is None):
            raise ValueError("elasticsearch_username and elasticsearch_password belong together")
        if (self.logstash_username is None) != (self.logstash_password is None):
            raise ValueError("logstash_username and logstash_password belong together")
        if self.max_event_bytes > self.batch_max_bytes:
            raise ValueError(
                "max_event_bytes must not exceed batch_max_bytes: an event has to fit into a request"
            )
        return self

    def __init__(self, **values: Any) -> None:
        """Check the values.

        Raises:
            SettingsError: a name is unknown or a value can't be used; names the option and the valid ones.
        """
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingsError(_explain(error, type(self))) from None

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, **arguments: Any) -> Settings:
        """Settings from arguments, environment and file, in this order.

        Args:
            environ: the environment; None reads the process's own.
            arguments: values that win over both; None means "not given".

        Raises:
            SettingsError: a name or a value is wrong, or the file can't be read.
        """
        environ = os.environ if environ is None else environ
        given = {name: value for name, value in arguments.items() if value is not None}
        from_env = _from_environment(environ, cls)
        merged = {**from_env, **given}
        named = environ.get("SHIPPER_CONFIG")
        home = merged.get("home")
        folder = Path(home).expanduser() if home else platformdirs.user_state_path("llm-shipper")
        from_file = _from_file(Path(named).expanduser() if named else folder / "shipper.toml", bool(named))
        return cls(**{**from_file, **merged})

    def replace(self, **changes: Any) -> Settings:
        """A changed copy, checked like a new one.

        Raises:
            SettingsError: as the constructor.
        """
        return type(self)(**{**{name: getattr(self, name) for name in self.model_fields_set}, **changes})

    @property
    def spool_dir(self) -> Path:
        """Folder of the spool."""
        return self.home / "spool"


def _from_environment(environ: Mapping[str, str], cls: type[Settings]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in environ.items():
        if not name.startswith(PREFIX) or name in _RESERVED:
            continue
        option = name.removeprefix(PREFIX).lower()
        if option not in cls.model_fields:
            raise SettingsError(_unknown(name, [PREFIX + known.upper() for known in cls.model_fields]))
        if value != "":
            found[option] = value
    return found


def _from_file(path: Path, required: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        if required:
            raise SettingsError(f"SHIPPER_CONFIG names {path}, which does not exist.") from None
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"The settings file {path} can't be read: {error}. It has to be TOML.") from None


def _unknown(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return f"Unknown setting {name}.{hint} Valid ones: {', '.join(sorted(known))}."


def _explain(error: ValidationError, cls: type[Settings]) -> str:
    """The validation errors as sentences; never shows a value of a secret."""
    sentences: list[str] = []
    for fault in error.errors(include_url=False, include_context=False):
        name = ".".join(str(part) for part in fault["loc"]) or "settings"
        if fault["type"] == "extra_forbidden":
            sentences.append(_unknown(name, list(cls.model_fields)))
            continue
        option = name.split(".", 1)[0]
        secret = option in cls.model_fields and "Secret" in str(cls.model_fields[option].annotation)
        shown = (
            ""
            if secret or option == "settings"
            else f" (it was {_without_secrets(option, fault['input'])!r})"
        )
        sentences.append(f"Setting {name}: {fault['msg'].removeprefix('Value error, ')}{shown}.")
    return " ".join(sentences)


def _without_secrets(option: str, value: Any) -> Any:
    """A refused value as it may be repeated: an address can hold a password."""
    if not option.endswith("_url"):
        return value
    return ", ".join(without_credentials(part.strip()) for part in str(value).split(","))


def without_credentials(url: str) -> str:
    """The address as it may be shown to people: user and password removed. Never raises on a parsed URL."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
