"""`shipper stack`: what docker-compose.yml needs around the services themselves."""

from __future__ import annotations

import ipaddress
import re
import signal
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipper.cli.group import CommandGroup
from shipper.cli.retention import age_options, given_ages
from shipper.errors import ShipperError
from shipper.feedback.reprice import PENDING, reprice
from shipper.settings import Settings
from shipper.store.client import open_store
from shipper.store.retention import check_clock, delete, expired, stored_indices
from shipper.store.setup import setup as put_templates

if TYPE_CHECKING:
    from datetime import timedelta
    from types import FrameType

_EVERY_S = 3600.0
_CLIENT = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")
_HOST = re.compile(r"(\*\.)?[A-Za-z0-9_][A-Za-z0-9_.-]*")


@click.group(cls=CommandGroup)
def stack() -> None:
    """The full stack by docker compose: secrets, certificates, roles, users, upkeep. See docs/stack.md."""


@stack.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    default=Path(),
    help="Where docker-compose.yml is, or is to be. Default: here.",
)
def init(folder: Path) -> None:
    """Write .env with generated passwords and keys, readable by you alone.

    In a folder without a compose file these are written too, with Logstash's configuration. Run again it changes
    nothing; a variable that a newer version wants is added.
    """
    from shipper.stack.compose import write_compose
    from shipper.stack.environment import write_environment

    path = folder / ".env"
    if _would_be_committed(path):
        raise click.ClickException(f"{path} is not ignored by git: add `.env` to .gitignore first.")
    written = write_compose(folder)
    if written:
        click.echo(
            f"{folder}: {', '.join(name for name in written if '/' not in name)} and logstash/ written."
        )
    added = write_environment(path)
    click.echo(f"{path}: {', '.join(added)} added." if added else f"{path}: nothing to add.")
    if added:
        click.echo("Start the stack with: docker compose up --wait")


@stack.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--hosts", envvar="STACK_HOSTS", default="", help="Further names, comma separated. [STACK_HOSTS]"
)
@click.option(
    "--client", "clients", multiple=True, help="Also one for a sender by Beats or TCP, of this name."
)
@click.option("--renew", is_flag=True, help="Make every service's certificate anew.")
@click.option("--new-authority", is_flag=True, help="Make a new authority, trusted beside the old one.")
def certificates(
    folder: Path, hosts: str, clients: tuple[str, ...], renew: bool, new_authority: bool
) -> None:
    """Make the stack's certificates in FOLDER; those that are right stay.

    They are made again 45 days before they expire, and when a name is missing.
    """
    try:
        from shipper.stack.certificates import ensure_certificates
    except ImportError:
        raise click.ClickException(
            "This needs the package `cryptography`: pip install 'llm-shipper[stack]'"
        ) from None
    for name in clients:
        if not _CLIENT.fullmatch(name):
            raise click.BadParameter(f"{name!r} is no host name", param_hint="--client")
    more = [host.strip() for host in hosts.split(",") if host.strip()]
    for host in more:
        if not _is_host(host):
            raise click.BadParameter(
                f"{host!r} is no host name or address", param_hint="--hosts, STACK_HOSTS"
            )
    now = datetime.now(UTC)
    try:
        made = ensure_certificates(
            folder, now, more_hosts=more, clients=clients, renew=renew, new_authority=new_authority
        )
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"Made: {', '.join(made)}." if made else "All certificates are as they should be.")


@stack.command()
@click.option("--kibana-url", help="Also put data views and dashboards into Kibana at this address.")
@click.option("--only-kibana", is_flag=True, help="Leave Elasticsearch alone.")
@click.option("--kibana-system-password", envvar="KIBANA_SYSTEM_PASSWORD", help="[KIBANA_SYSTEM_PASSWORD]")
@click.option(
    "--logstash-internal-password", envvar="LOGSTASH_INTERNAL_PASSWORD", help="[LOGSTASH_INTERNAL_PASSWORD]"
)
@click.option("--maintenance-password", envvar="MAINTENANCE_PASSWORD", help="[MAINTENANCE_PASSWORD]")
@click.option("--joiner-password", envvar="JOINER_PASSWORD", help="[JOINER_PASSWORD]")
def setup(
    kibana_url: str | None,
    only_kibana: bool,
    kibana_system_password: str | None,
    logstash_internal_password: str | None,
    maintenance_password: str | None,
    joiner_password: str | None,
) -> None:
    """Put templates, lifecycle policy, roles and users into Elasticsearch, and what people see into Kibana.

    Can be repeated at any time. Needs a superuser's SHIPPER_ELASTICSEARCH_USERNAME and _PASSWORD. A user whose password
    is not given is left alone.
    """
    from shipper.stack.security import secure

    settings = Settings.load()
    if not only_kibana:
        given = {
            "kibana_system": kibana_system_password,
            "logstash_internal": logstash_internal_password,
            "llm_maintenance": maintenance_password,
            "llm_joiner": joiner_password,
        }
        with open_store(settings) as client:
            for change in put_templates(client):
                click.echo(f"{change.action}: {change.kind} {change.name}")
            for step in secure(client, {user: password for user, password in given.items() if password}):
                click.echo(f"{step.action}: {step.kind} {step.name}{step.reason and f' ({step.reason})'}")
    if kibana_url:
        _furnish_kibana(settings, kibana_url)


@stack.command()
@age_options(variables=True)
@click.option("--once", is_flag=True, help="Once, not every hour.")
def maintain(once: bool, **ages: timedelta | None) -> None:
    """Every hour: put lost aliases and templates back, price what is pending, delete partitions past the given ages.

    A failure is told and tried again an hour later; with --once it is the exit code.
    """
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    settings = Settings.load()
    while True:
        try:
            _maintain(settings, ages)
        except ShipperError as error:
            if once:
                raise
            click.echo(f"shipper: {error}", err=True)
        if once or stop.wait(_EVERY_S):
            return


def _maintain(settings: Settings, ages: dict[str, timedelta | None]) -> None:
    now = datetime.now(UTC)
    with open_store(settings) as client:
        for change in put_templates(client):
            if change.action not in ("unchanged", "kept"):
                click.echo(f"{change.action}: {change.kind} {change.name}")
        priced = reprice(client, now.isoformat(), statuses=(PENDING,)).changed["priced"]
        if priced:
            click.echo(f"priced: {priced} completions")
        wanted = given_ages(ages)
        if wanted:
            check_clock(client, now)
            old = expired(stored_indices(client), wanted, now)
            delete(client, old)
            for one in old:
                click.echo(f"deleted: {one.index}")


def _furnish_kibana(settings: Settings, url: str) -> None:
    from shipper.cli.kibana import put_files
    from shipper.stack.kibana import Kibana, basic

    if settings.elasticsearch_username is None or settings.elasticsearch_password is None:
        raise click.UsageError(
            "Kibana wants SHIPPER_ELASTICSEARCH_USERNAME and SHIPPER_ELASTICSEARCH_PASSWORD."
        )
    password = settings.elasticsearch_password.get_secret_value()
    kibana = Kibana(url, basic(settings.elasticsearch_username, password), settings.elasticsearch_ca)
    for step in put_files(kibana, settings):
        click.echo(f"{step.action}: {step.kind} {step.name}{step.reason and f' ({step.reason})'}")


def _is_host(text: str) -> bool:
    """Whether a certificate can have it: without scheme and port, and names of other alphabets in their `xn--` form."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return _HOST.fullmatch(text) is not None
    return True


def _would_be_committed(path: Path) -> bool:
    """Whether the file lies in a git work tree that does not ignore it; without git it can't be committed."""
    try:
        done = subprocess.run(
            ["git", "-C", str(path.parent), "check-ignore", "-q", path.name], capture_output=True, check=False
        )
    except OSError:
        return False
    return done.returncode == 1  # 0: ignored; 128: no work tree
