"""A real Elasticsearch 9 on this machine, without Docker and without a Java installation.

The node lives in the folder `embedded` of a home: jars from a cache shared by all homes, a Java runtime from a
wheel, one child process that outlives the one that started it. `start_node` needs the extra
`llm-shipper[embedded]`; everything else here works without it.

::

    artifacts.json  what to fetch, with sizes and hashes
    artifacts.py    is what lies in the cache what it should be?
    download.py     fetch what is missing
    paths.py        the folder of a node
    config.py       its Elasticsearch, JVM and logging settings
    layout.py       write them down for a start
    class_archive.py  make the JVM start quicker
    state.py        who runs: locks, node.json, the remembered port
    child.py        the process itself (run by path; imports nothing of ours)
    lifecycle.py    start, stop, remove
    diagnosis.py    from a log to a sentence
    support.py      can this machine run it at all?
"""

from __future__ import annotations

from shipper.embedded.diagnosis import diagnose, node_log_tail
from shipper.embedded.lifecycle import remove_node, start_node, stop_node
from shipper.embedded.state import NodeAlreadyRunning, NodeInfo, find_node

__all__ = [
    "NodeAlreadyRunning",
    "NodeInfo",
    "diagnose",
    "find_node",
    "node_log_tail",
    "remove_node",
    "start_node",
    "stop_node",
]
