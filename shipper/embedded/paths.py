"""The folder of a node: where each thing lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class NodePaths:
    """Paths of the node that belongs to one home; nothing is read or made before `create`."""

    root: Path

    @classmethod
    def of_home(cls, home: Path) -> NodePaths:
        """The paths for a home folder. Never raises."""
        return cls(Path(home).absolute() / "embedded")

    @property
    def config(self) -> Path:
        """Elasticsearch's configuration folder."""
        return self.root / "config"

    @property
    def data(self) -> Path:
        """Elasticsearch's data folder: the indices, and the remembered port."""
        return self.root / "data"

    @property
    def logs(self) -> Path:
        """Log folder: `node.log` (Elasticsearch) and `console.log` (what the process printed)."""
        return self.root / "logs"

    @property
    def modules(self) -> Path:
        """Elasticsearch's modules; holds the HTTP and transport layer."""
        return self.root / "modules"

    @property
    def snapshots(self) -> Path:
        """The one folder in which snapshot repositories may be made (`path.repo`)."""
        return self.root / "snapshots"

    @property
    def temporary(self) -> Path:
        """The JVM's temporary files."""
        return self.root / "tmp"

    @property
    def node_log(self) -> Path:
        """Elasticsearch's own log of the latest start."""
        return self.logs / "node.log"

    @property
    def console_log(self) -> Path:
        """Standard output and error of the latest start."""
        return self.logs / "console.log"

    @property
    def launch_file(self) -> Path:
        """What the child process was told: class path, JVM options, settings."""
        return self.config / "launch.json"

    @property
    def port_file(self) -> Path:
        """The HTTP port of the latest start, so that the address stays the same."""
        return self.data / "http.port"

    @property
    def node_file(self) -> Path:
        """`node.json`: address and process id of the running node."""
        return self.root / "node.json"

    @property
    def node_lock(self) -> Path:
        """Locked for as long as the node's process lives."""
        return self.root / "node.lock"

    @property
    def start_lock(self) -> Path:
        """Locked while somebody starts, or removes, the node."""
        return self.root / "start.lock"

    def create(self) -> None:
        """Make the folders, readable by this user only: they hold prompts and answers.

        Raises:
            OSError: the home can't be written.
        """
        self.root.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root.mkdir(mode=0o700, exist_ok=True)
        for folder in (self.config, self.data, self.logs, self.modules, self.snapshots, self.temporary):
            folder.mkdir(mode=0o700, exist_ok=True)
