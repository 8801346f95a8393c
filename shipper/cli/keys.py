"""`shipper keys`: API keys for applications, of one role each."""

from __future__ import annotations

from dataclasses import asdict

import click
import orjson

from shipper.cli.group import CommandGroup
from shipper.read.terminal import printable
from shipper.settings import Settings
from shipper.stack.roles import BY_APPLICATION, for_application, key_descriptor, load_roles
from shipper.store.client import open_store
from shipper.store.keys import ApiKey, create_key, list_keys, revoke_keys

_ROLES = {name.removeprefix("shipper_"): name for name in BY_APPLICATION}
_every_owner = click.option(
    "--every-owner", is_flag=True, help="Also keys of others; needs the privilege `manage_api_key`."
)


@click.group(cls=CommandGroup)
def keys() -> None:
    """Make, list and revoke API keys: one for each application, with no more rights than it needs.

    Set SHIPPER_ELASTICSEARCH_USERNAME and _PASSWORD of a user with the role `shipper_admin`: what an API key makes
    has no rights at all.
    """


@keys.command()
@click.option("--app", help="For this application's indices only. Without: for all applications.")
@click.option("--role", type=click.Choice(list(_ROLES)), required=True, help="What it may do: docs/keys.md.")
@click.option("--expires", metavar="SPAN", help="Valid for so long, such as 90d. Without: for ever.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def create(app: str | None, role: str, expires: str | None, as_json: bool) -> None:
    """Make a key and print it: for SHIPPER_ELASTICSEARCH_API_KEY. It can't be shown again."""
    name = _ROLES[role]
    body = load_roles()[name]
    descriptor = key_descriptor(for_application(body, app) if app else body)
    with open_store(Settings.load()) as client:
        key, secret = create_key(client, name, descriptor, application=app or "", expires=expires)
    if as_json:
        click.echo(orjson.dumps({**asdict(key), "encoded": secret}))
        return
    click.echo(f"Key {key.id} ({key.name}), valid {_until(key)}:", err=True)
    click.echo(secret)


@keys.command("list")
@click.option("--app", help="Of this application only.")
@click.option("--role", type=click.Choice(list(_ROLES)), help="Of this role only.")
@_every_owner
@click.option("--json", "as_json", is_flag=True, help="Print the keys as NDJSON.")
def list_(app: str | None, role: str | None, every_owner: bool, as_json: bool) -> None:
    """List the valid keys that were made here, oldest first."""
    with open_store(Settings.load()) as client:
        found = list_keys(
            client, application=app, role=_ROLES[role] if role else None, every_owner=every_owner
        )
    for key in found:
        if as_json:
            click.echo(orjson.dumps(asdict(key)))
        else:
            click.echo(
                f"{key.id}  {key.role:<22}  {printable(key.application) or '(all)':<20}  made "
                f"{key.created_at:%Y-%m-%d}, valid {_until(key)}"
            )
    if not found and not as_json:
        click.echo("No keys.")


@keys.command()
@click.argument("key_ids", nargs=-1, metavar="ID…")
@click.option("--app", help="All keys of this application.")
@click.option("--role", type=click.Choice(list(_ROLES)), help="With --app: of this role only.")
@_every_owner
def revoke(key_ids: tuple[str, ...], app: str | None, role: str | None, every_owner: bool) -> None:
    """Make keys void, at once and for good. What their processes have not sent stays in their spools.

    Exit code 1 when one of the IDs was not a valid key.
    """
    if bool(key_ids) == bool(app):
        raise click.UsageError("Name the keys to revoke, or --app.")
    with open_store(Settings.load()) as client:
        if app:
            name = _ROLES[role] if role else None
            key_ids = tuple(
                key.id for key in list_keys(client, application=app, role=name, every_owner=every_owner)
            )
        revoked = revoke_keys(client, key_ids, every_owner=every_owner) if key_ids else []
    click.echo(f"{len(revoked)} revoked.")
    if set(key_ids) - set(revoked):
        click.echo(f"No valid keys: {', '.join(sorted(set(key_ids) - set(revoked)))}", err=True)
        raise click.exceptions.Exit(1)


def _until(key: ApiKey) -> str:
    return "for ever" if key.expires_at is None else f"until {key.expires_at:%Y-%m-%d %H:%M} UTC"
