"""What `shipper stack init` writes where there is no checkout of the repository."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from shipper import __version__
from shipper.stack.compose import FILES, write_compose
from shipper.stack.environment import EnvironmentFileError
from tests.unit.stack.compose import REPOSITORY, resolve
from tests.unit.stack.test_compose import ENVIRONMENT, faults

if TYPE_CHECKING:
    from pathlib import Path


def test_an_empty_folder_gets_everything(tmp_path: Path) -> None:
    """Compose files that keep the rules and find what they mount, without a build context of sources."""
    written = write_compose(tmp_path)
    assert set(FILES) <= set(written)
    for name in FILES:
        compose: dict[str, Any] = resolve(yaml.safe_load((tmp_path / name).read_text("utf-8")), ENVIRONMENT)
        schema = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
        jsonschema.validate(compose, json.loads(schema.read_text("utf-8")))
        assert faults(compose) == []
        for service in compose["services"].values():
            for mount in service.get("volumes", []):
                if str(mount).startswith("./"):
                    assert (tmp_path / str(mount).partition(":")[0]).exists(), mount
        recipe = compose["services"]["setup"]["build"]["dockerfile_inline"]
        assert "COPY" not in recipe
        assert f"pip install --no-cache-dir 'llm-shipper[stack]=={__version__}'" in recipe


def test_logstashs_folder_is_the_repositorys(tmp_path: Path) -> None:
    """Every file, byte for byte."""
    write_compose(tmp_path)
    ours, theirs = (
        {
            path.relative_to(root): path.read_bytes()
            for path in (root / "logstash").rglob("*")
            if path.is_file()
        }
        for root in (REPOSITORY, tmp_path)
    )
    assert ours == theirs


def test_a_compose_file_that_is_there_stays(tmp_path: Path) -> None:
    """Whoever has one gets nothing written, a checkout above all."""
    (tmp_path / FILES[0]).write_text("services: {}", "utf-8")
    assert write_compose(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == [FILES[0]]
    assert write_compose(REPOSITORY) == []


def test_a_folder_that_cant_be_written_is_told(tmp_path: Path) -> None:
    """The error names it, and what to do."""
    (tmp_path / "logstash").write_text("in the way", "utf-8")
    with pytest.raises(EnvironmentFileError, match=f"{tmp_path}.*--folder"):
        write_compose(tmp_path)
