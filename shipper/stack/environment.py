"""The `.env` file that docker-compose.yml reads: one table of its variables, and secrets that nobody has to invent."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shipper.errors import ShipperError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_ASSIGNED = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=", re.MULTILINE)
_SECRET_BYTES = 24


@dataclass(frozen=True, slots=True)
class Variable:
    """One line of the file. `secret`: its value is generated, and the stack does not start without it."""

    name: str
    meaning: str
    default: str = ""
    secret: bool = False


VARIABLES = (
    Variable("STACK_VERSION", "Elasticsearch, Logstash and Kibana, all of one version.", "9.5.3"),
    Variable(
        "ELASTIC_PASSWORD", "Elasticsearch's superuser `elastic`; for people in an emergency.", secret=True
    ),
    Variable("KIBANA_SYSTEM_PASSWORD", "Kibana's own user `kibana_system`.", secret=True),
    Variable("LOGSTASH_INTERNAL_PASSWORD", "Logstash's user in Elasticsearch.", secret=True),
    Variable("MAINTENANCE_PASSWORD", "User `llm_maintenance`: aliases, templates, retention.", secret=True),
    Variable("JOINER_PASSWORD", "User `llm_joiner`: puts feedback on completions.", secret=True),
    Variable("INTAKE_USERNAME", "User of Logstash's HTTP input.", "shipper"),
    Variable("INTAKE_PASSWORD", "Password of Logstash's HTTP input.", secret=True),
    Variable("KAFKA_PASSWORD", "Kafka's user `llm`; only with --profile kafka.", secret=True),
    Variable("KIBANA_SECURITY_KEY", "Encrypts Kibana's sessions.", secret=True),
    Variable("KIBANA_SAVED_OBJECTS_KEY", "Encrypts secrets in Kibana's saved objects: keep it.", secret=True),
    Variable("KIBANA_REPORTING_KEY", "Encrypts Kibana's reports.", secret=True),
    Variable("STACK_BIND", "Address of this machine that the ports are opened on.", "127.0.0.1"),
    Variable("STACK_HOSTS", "Further names and addresses in the certificates, comma separated."),
    Variable("BUDGET_USD", "What a month may cost, as a line in Kibana; empty: none."),
    Variable("RETENTION_COMPLETIONS", "Age at which partitions are deleted, such as 365d; empty: never."),
    Variable("RETENTION_FIGURES", "The same for the figures beside them."),
    Variable("RETENTION_FEEDBACK", "The same for feedback and amendments."),
    Variable("RETENTION_DEADLETTER", "The same for dead letters."),
    Variable("RETENTION_DELIVERY", "The same for the processes' delivery reports.", "90d"),
)
_HEADER = "# The stack's settings and secrets, written by `shipper stack init`. Never into version control.\n"


class EnvironmentFileError(ShipperError):
    """The `.env` file can't be read or written, or would get into version control."""

    exit_code = 73  # EX_CANTCREAT


def example() -> str:
    """The file with every variable and without secrets: `.env.example`. Never raises."""
    return _HEADER.replace("written by", "as written by") + _lines(VARIABLES, lambda: "")


def complete(text: str, make_secret: Callable[[], str]) -> str:
    """The file with what it lacks at its end; unchanged where it lacks nothing. Pure but for `make_secret`.

    Args:
        text: the present content, empty for a new file.
        make_secret: returns a new secret at each call.
    """
    present = set(_ASSIGNED.findall(text))
    missing = [variable for variable in VARIABLES if variable.name not in present]
    if not missing:
        return text
    separator = "" if not text or text.endswith("\n") else "\n"
    return (text or _HEADER) + separator + _lines(missing, make_secret)


def write_environment(path: Path) -> list[str]:
    """Make the file, or complete it; nobody else on this machine can read it afterwards.

    Returns:
        Names of the variables that were added.

    Raises:
        EnvironmentFileError: it can't be read or written.
    """
    try:
        text = path.read_text("utf-8") if path.exists() else ""
        wanted = complete(text, lambda: secrets.token_hex(_SECRET_BYTES))
        if wanted != text:
            temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(wanted)
            temporary.replace(path)
        elif path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except (OSError, UnicodeDecodeError) as error:
        raise EnvironmentFileError(f"{path} can't be written: {error}. Choose another --folder.") from None
    present = set(_ASSIGNED.findall(text))
    return [name for name in _ASSIGNED.findall(wanted) if name not in present]


def _lines(variables: Iterable[Variable], make_secret: Callable[[], str]) -> str:
    return "".join(
        f"# {variable.meaning}\n{variable.name}={make_secret() if variable.secret else variable.default}\n"
        for variable in variables
    )
