"""LiteLLM's spend logs in its database: the table of its proxy, oldest first.

https://github.com/BerriAI/litellm/blob/main/schema.prisma (`LiteLLM_SpendLogs`). A row comes as the JSON that the server
makes of it, whatever columns its release has; the format is `litellm`, as for files of the same rows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from shipper.errors import UsageError
from shipper.history.event import START, Place, Row
from shipper.history.sources.lines import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SCHEMES: Final = ("postgresql://", "postgres://")

_ROWS: Final = """
    SELECT row_to_json(log)::text, (extract(epoch FROM log."startTime") * 1000000)::bigint
    FROM "LiteLLM_SpendLogs" AS log
    WHERE log."startTime" >= timestamp 'epoch' + %s * interval '1 microsecond'
    ORDER BY log."startTime", log.request_id
"""
_AT_A_TIME: Final = 200  # with prompts in them, rows are long
# What Prisma takes in an address and libpq refuses: https://www.prisma.io/docs/orm/overview/databases/postgresql
_PRISMAS: Final = frozenset(
    ["schema", "connection_limit", "pool_timeout", "socket_timeout", "pgbouncer", "statement_cache_size"]
)

_NO_ADDRESS: Final = (
    "{} can't be reached: what is given is no address. Of user and password everything but letters and digits has to be "
    "percent-encoded (@ is %40)."
)


class Address(NamedTuple):
    """Where a database is."""

    url: str
    """As libpq takes it, with credentials."""
    schema: str
    """Where the table is; empty is the role's own search path."""
    name: str
    """For people and documents: host and database only."""


class SpendLogs:
    """The table's rows. `end` of a row is its time: there a resumed import goes on, and what it meets again it knows."""

    def __init__(self, source: str) -> None:
        """Take an address apart; nothing is asked yet.

        Raises:
            UsageError: it is none.
        """
        self._address = address_of(source)
        self.name = self._address.name
        self.size: int | None = None
        self.modified_ns: int | None = None
        self.header = b""
        self.repeatable = False

    def rows(self, start: Place = START) -> Iterator[Row]:
        """A row for each call, as of one moment.

        Raises:
            UsageError: psycopg is missing; or the database can't be reached or has no such table, or left in the middle.
        """
        try:
            import psycopg
            from psycopg.conninfo import conninfo_to_dict
        except ImportError:
            raise UsageError(
                f"{self.name}: reading from there needs the extra: pip install 'llm-shipper[postgres]'."
            ) from None
        url, schema, _ = self._address
        options = f"-csearch_path={schema}" if schema else None
        try:
            conninfo_to_dict(url)
        except psycopg.Error:  # its message repeats what it can't read
            raise UsageError(_NO_ADDRESS.format(self.name)) from None
        try:
            with (
                psycopg.connect(url, options=options) as connection,
                connection.cursor(name="shipper_import") as cursor,
            ):
                cursor.itersize = _AT_A_TIME
                cursor.execute(_ROWS, (start.offset,))
                yield from rows_of(cursor, self.name, start)
        except psycopg.Error as error:
            raise UsageError(f"{self.name} can't be read: {str(error).strip()}.") from None

    def progress(self) -> int:
        """Nobody counts its bytes. Never raises."""
        return 0


def address_of(source: str) -> Address:
    """A database's address, as LiteLLM has it in `DATABASE_URL` too. Pure.

    Raises:
        UsageError: it is none.
    """
    scheme, _, rest = source.partition("://")
    name = f"{scheme}://{re.split('[?&#]', rest.rpartition('@')[2])[0]}"
    try:
        parts = urlsplit(source)
        if "@" in rest and "@" not in parts.netloc:
            _ = parts.port  # else it is the beginning of a password, and the netloc ends within that
    except ValueError:
        raise UsageError(_NO_ADDRESS.format(name)) from None
    asked = parse_qsl(parts.query)
    kept = urlencode([one for one in asked if one[0] not in _PRISMAS])
    return Address(urlunsplit(parts._replace(query=kept)), dict(asked).get("schema", ""), name)


def rows_of(found: Iterable[tuple[Any, ...]], source: str, start: Place = START) -> Iterator[Row]:
    """Rows of JSON texts with their times in µs since the epoch. Never raises."""
    for number, (text, at) in enumerate(found, start.line + 1):
        yield Row(source, number, at, text.encode("utf-8", "surrogatepass"), read=read)
