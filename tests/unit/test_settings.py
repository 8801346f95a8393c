"""Settings: where they come from, and what is said when they are wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shipper.errors import SettingsError
from shipper.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def test_arguments_win_over_environment_over_file(tmp_path: Path) -> None:
    """First to last: arguments, environment, file, defaults."""
    (tmp_path / "shipper.toml").write_text('application = "file"\nversion = "file"\nenvironment = "file"\n')
    environ = {"SHIPPER_HOME": str(tmp_path), "SHIPPER_APPLICATION": "env", "SHIPPER_VERSION": "env"}
    settings = Settings.load(environ, application="argument")
    assert (settings.application, settings.version, settings.environment) == ("argument", "env", "file")
    assert settings.send == "background"


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        (
            {"SHIPPER_DURABILTY": "power"},
            ["SHIPPER_DURABILTY", "Did you mean SHIPPER_DURABILITY?", "SHIPPER_HOME"],
        ),
        ({"SHIPPER_DURABILITY": "strong"}, ["durability", "'process', 'power' or 'memory'", "strong"]),
        ({"SHIPPER_SPOOL_MAX_BYTES": "lots"}, ["spool_max_bytes", "lots"]),
        ({"SHIPPER_ELASTICSEARCH_URL": "localhost:9200"}, ["elasticsearch_url", "http:// or https://"]),
        ({"SHIPPER_ELASTICSEARCH_USERNAME": "u"}, ["elasticsearch_username", "belong together"]),
        ({"SHIPPER_CONFIG": "/nowhere/x.toml"}, ["/nowhere/x.toml", "does not exist"]),
    ],
)
def test_a_wrong_setting_is_named(environ: dict[str, str], words: list[str]) -> None:
    """The message has the option, the value and what would be right."""
    with pytest.raises(SettingsError) as caught:
        Settings.load(environ)
    for word in words:
        assert word in str(caught.value)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    """A file that is no TOML is an error with its path, not a silent default."""
    (tmp_path / "shipper.toml").write_text("application = ")
    with pytest.raises(SettingsError, match=r"shipper\.toml"):
        Settings.load({"SHIPPER_HOME": str(tmp_path)})


@pytest.mark.parametrize(
    "options",
    [
        {"elasticsearch_username": "u", "elasticsearch_password": "geheim"},
        {"elasticsearch_api_key": "geheim"},
        {"logstash_username": "u", "logstash_password": "geheim"},
    ],
)
def test_secrets_are_never_shown(options: dict[str, Any]) -> None:
    """Neither repr nor an error of another setting shows a secret."""
    assert "geheim" not in repr(Settings(**options))
    with pytest.raises(SettingsError) as caught:
        Settings(**options, elasticsearch_urls="x")
    assert "geheim" not in str(caught.value)
    with pytest.raises(SettingsError) as caught:
        Settings(**{name: ["geheim"] for name in options if not name.endswith("username")})
    assert "geheim" not in str(caught.value)


def test_a_password_in_a_url_is_refused_unseen() -> None:
    """Addresses are shown to people, so a password in one is refused, and not repeated."""
    with pytest.raises(SettingsError) as caught:
        Settings(elasticsearch_url="https://u:geheim@host")
    assert "geheim" not in str(caught.value)


def test_settings_are_frozen() -> None:
    """A changed copy is checked again; the object itself never changes."""
    settings = Settings(connections=3)
    with pytest.raises(ValueError, match="frozen"):
        settings.connections = 4  # type: ignore[misc]
    assert settings.replace(version="2").connections == 3
    with pytest.raises(SettingsError):
        settings.replace(connections=0)
