"""Pin the embedded node's jars: `python tools/pin_embedded.py 9.5.3`.

Resolves that Elasticsearch's published artifacts, downloads them into an empty folder and writes their sizes and
SHA-256 to `shipper/embedded/artifacts.json`. Only for a change of version; read the difference before committing.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from jgo.maven import MavenContext

from shipper.embedded.artifacts import sha256_of

MODULE = "transport-netty4"
IN_MODULE = (
    "io.netty:",
    f"org.elasticsearch.plugin:{MODULE}:",
    "org.elasticsearch:elasticsearch-ssl-config:",
)
TARGET = Path(__file__).resolve().parents[1] / "shipper" / "embedded" / "artifacts.json"


def pin(version: str, repository: Path) -> list[dict[str, Any]]:
    """The rows of `artifacts.json` for one version; downloads into `repository`."""
    context = MavenContext(repo_cache=repository, timeout=60)
    roots = [f"org.elasticsearch:elasticsearch:{version}", f"org.elasticsearch.plugin:{MODULE}:{version}"]
    inputs, transitive = context.resolver.resolve([context.create_dependency(root) for root in roots])
    rows: list[dict[str, Any]] = []
    for dependency in [*inputs, *(one for one in transitive if one.scope in ("compile", "runtime"))]:
        artifact = dependency.artifact
        coordinate = f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}"
        folder = f"modules/{MODULE}" if coordinate.startswith(IN_MODULE) else "lib"
        path = artifact.resolve()
        rows.append(
            {
                "coordinate": coordinate,
                "folder": folder,
                "bytes": path.stat().st_size,
                "sha256": sha256_of(path),
            }
        )
    return sorted(rows, key=lambda row: row["coordinate"])


def main(version: str) -> None:
    """Write the file, one artifact a line."""
    with tempfile.TemporaryDirectory() as repository:
        rows = pin(version, Path(repository))
    lines = ",\n".join(f"    {json.dumps(row)}" for row in rows)
    TARGET.write_text(f'{{\n  "elasticsearch": "{version}",\n  "artifacts": [\n{lines}\n  ]\n}}\n', "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
