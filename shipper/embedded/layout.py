"""Lay out Elasticsearch's home folder for a start: modules, logging, and what the child process is told."""

from __future__ import annotations

import json
import shutil
import zipfile
from typing import TYPE_CHECKING

from shipper.embedded import config
from shipper.embedded.artifacts import Artifact, elasticsearch_version, jar_path, pinned_artifacts

if TYPE_CHECKING:
    from pathlib import Path

    from shipper.embedded.paths import NodePaths


def lay_out(
    paths: NodePaths, cache_dir: Path, *, heap_mb: int, port: int, class_archive: Path | None
) -> None:
    """Write everything that this version expects to find; data, logs and snapshots stay as they are.

    Args:
        paths: the node's folder; made where missing.
        cache_dir: cache with every pinned jar.
        heap_mb: Java heap, MiB.
        port: HTTP port; 0 lets the operating system choose.
        class_archive: of `ensure_class_archive`.

    Raises:
        OSError: the folder can't be written.
    """
    paths.create()
    (paths.config / "log4j2.properties").write_text(config.LOGGING, "utf-8")
    shutil.rmtree(paths.modules)  # may be of another version
    for artifact in pinned_artifacts():
        if artifact.folder != "lib":
            _add_to_module(paths.root / artifact.folder, jar_path(cache_dir, artifact), artifact)
    launch = {
        "version": elasticsearch_version(),
        "class_path": [str(jar_path(cache_dir, jar)) for jar in pinned_artifacts() if jar.folder == "lib"],
        "jvm_options": config.jvm_options(paths, heap_mb, class_archive),
        "settings": config.node_settings(paths, port, heap_mb),
        "config_dir": str(paths.config),
        "node_file": str(paths.node_file),
        "port_file": str(paths.port_file),
        "lock_file": str(paths.node_lock),
    }
    paths.launch_file.write_text(json.dumps(launch, indent=2), "utf-8")


def _add_to_module(folder: Path, jar: Path, artifact: Artifact) -> None:
    """Copy a jar; a module's own also brings its descriptor."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(jar, folder / jar.name)
    if artifact.name != folder.name:
        return
    with zipfile.ZipFile(jar) as archive:
        published = archive.read(f"META-INF/es-plugins/{artifact.name}/plugin-descriptor.properties")
    (folder / "plugin-descriptor.properties").write_text(
        config.module_descriptor(published.decode()), "utf-8"
    )
