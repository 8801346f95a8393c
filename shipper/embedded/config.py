"""The node's settings: Elasticsearch, JVM and logging. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from shipper.embedded.paths import NodePaths

CLUSTER_NAME = "llm-shipper"
NODE_NAME = "embedded"

LOGGING = """\
status = error

appender.rolling.type = RollingFile
appender.rolling.name = rolling
appender.rolling.fileName = ${sys:es.logs.base_path}${sys:file.separator}node.log
appender.rolling.filePattern = ${sys:es.logs.base_path}${sys:file.separator}node-%i.log
appender.rolling.layout.type = PatternLayout
appender.rolling.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] [%node_name] %marker%m%n
appender.rolling.policies.type = Policies
# A file per start: what it holds belongs to the node that runs, or ran last.
appender.rolling.policies.startup.type = OnStartupTriggeringPolicy
appender.rolling.policies.size.type = SizeBasedTriggeringPolicy
appender.rolling.policies.size.size = 10MB
appender.rolling.strategy.type = DefaultRolloverStrategy
appender.rolling.strategy.max = 4

rootLogger.level = info
rootLogger.appenderRef.rolling.ref = rolling
"""
"""Log4j: at most five files of 10 MB."""


def node_settings(paths: NodePaths, port: int, heap_mb: int) -> dict[str, str]:
    """Elasticsearch's settings; `port` 0 lets the operating system choose. Never raises."""
    return {
        "cluster.name": CLUSTER_NAME,
        "node.name": NODE_NAME,
        "path.home": str(paths.root),
        "path.data": str(paths.data),
        "path.logs": str(paths.logs),
        "path.repo": str(paths.snapshots),
        "discovery.type": "single-node",
        # No security in this distribution: nobody but this machine may reach it.
        "network.host": "127.0.0.1",
        "http.port": str(port),
        "transport.port": "0",
        # The defaults are shares of the disk (85, 90, 95 %): a laptop's disk is often that full with 50 GB to spare,
        # and the store would turn read-only. What counts is what a merge needs, so the limits are absolute.
        "cluster.routing.allocation.disk.watermark.low": "1gb",
        "cluster.routing.allocation.disk.watermark.high": "500mb",
        "cluster.routing.allocation.disk.watermark.flood_stage": "250mb",
        # An index per application, version and month makes many small shards; the default is 1000, whatever the heap.
        # A thousand of them with 150 fields each held 250 of 512 MB (docs/embedded.md).
        "cluster.max_shards_per_node": str(heap_mb * 4),
        # The breaker on real memory counts garbage: it relies on G1, which Elasticsearch can make collect it. With the
        # serial collector a heap that is full of garbage refused every request until something else filled it.
        "indices.breaker.total.use_real_memory": "false",
        # They are opened so many at a time at a start. The default is 4: each round is a write of the cluster state.
        "cluster.routing.allocation.node_initial_primaries_recoveries": "32",
    }


SHARED_JVM_OPTIONS = (
    # Serial: a third less memory than G1 at the same speed, with a heap this small (docs/embedded.md).
    "-XX:+UseSerialGC",
    "--enable-native-access=ALL-UNNAMED",
)
"""JVM options that the class archive depends on: the same when it is made and when it is used."""


def jvm_options(paths: NodePaths, heap_mb: int, class_archive: Path | None) -> list[str]:
    """Options of the Java virtual machine. Never raises."""
    archive = (
        [f"-XX:SharedArchiveFile={class_archive}", "-Xlog:cds=off", "-Xlog:aot=off"] if class_archive else []
    )
    return [
        *SHARED_JVM_OPTIONS,
        *archive,
        f"-Xms{min(heap_mb, 128)}m",
        f"-Xmx{heap_mb}m",
        f"-XX:MaxDirectMemorySize={heap_mb // 2}m",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:-OmitStackTraceInFastThrow",
        f"-XX:ErrorFile={paths.logs / 'jvm-crash.log'}",
        f"-Djava.io.tmpdir={paths.temporary}",
        # The native libraries are not published; naming a folder that exists keeps the log quiet.
        f"-Des.nativelibs.path={paths.temporary}",
        "-Dio.netty.noUnsafe=true",
        "-Dio.netty.noKeySetOptimization=true",
        "-Dio.netty.recycler.maxCapacityPerThread=0",
        "-Dlog4j.shutdownHookEnabled=false",
        "-Dlog4j2.disable.jmx=true",
    ]


def module_descriptor(published: str) -> str:
    """A module's descriptor for use with jars on the class path: without its Java module name. Never raises."""
    lines = published.splitlines()
    return "\n".join(line for line in lines if line and not line.startswith(("#", "modulename="))) + "\n"
