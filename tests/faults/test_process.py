"""How a process can end, fork and share: what a log call returned for is in the store, once."""

from __future__ import annotations

import signal
import socket
from typing import TYPE_CHECKING

import pytest

from shipper.store.setup import setup
from tests.faults.programs import Program, assert_balanced, books, drain, shipper_command, stored_ids

if TYPE_CHECKING:
    from pathlib import Path

    from elasticsearch import Elasticsearch

    from shipper.embedded import NodeInfo

pytestmark = pytest.mark.node


@pytest.fixture
def store(clean_store: Elasticsearch) -> Elasticsearch:
    """An empty store with its templates."""
    setup(clean_store)
    return clean_store


def test_a_normal_exit_delivers(store: Elasticsearch, node: NodeInfo, home: Path) -> None:
    """A process that just ends has delivered everything, and leaves no folder behind."""
    ids = Program("for n in range(50): log(f'normal-{n}')", home, node.url).finish()
    assert sorted(stored_ids(store)) == sorted(ids)
    assert_balanced(home, delivered=50)


def test_exit_without_goodbye_is_delivered_by_the_next(
    store: Elasticsearch, node: NodeInfo, home: Path
) -> None:
    """After `os._exit` right behind a log call, the next process sends what was left."""
    first = Program("for n in range(50): log(f'exit-{n}')\nos._exit(0)", home, node.url, flush_interval_s=60)
    ids = first.finish()
    ids += Program("log('next'); time.sleep(0.2); shipper.flush(10)", home, node.url).finish()
    drain(home, node.url)
    assert sorted(stored_ids(store)) == sorted(ids)
    assert_balanced(home, delivered=51)


def test_sigterm_loses_nothing(store: Elasticsearch, node: NodeInfo, home: Path) -> None:
    """SIGTERM ends a process at once; what it logged is sent by `shipper drain`."""
    program = Program(
        "for n in range(20): log(f'term-{n}')\ntime.sleep(60)", home, node.url, flush_interval_s=60
    )
    program.wait_for(20)
    program.process.send_signal(signal.SIGTERM)
    ids = program.finish()
    drain(home, node.url)
    assert sorted(stored_ids(store)) == sorted(ids)
    assert_balanced(home, delivered=20)


def test_logging_at_interpreter_shutdown(store: Elasticsearch, node: NodeInfo, home: Path) -> None:
    """Calls logged by exit handlers, before and behind ours, and by a dying object reach the store."""
    code = """
atexit.register(log, 'handler')
class Dying:
    def __del__(self): app.log_completion({"model": "m"}, "late", event_id='dying')
dying = Dying()
log('normal')
"""
    Program(code, home, node.url).finish()
    early = "atexit.register(lambda: app.log_completion({'model': 'm'}, 'x', event_id='early'))\nlog('later')"
    Program("import atexit\n" + early, home, node.url).finish()
    drain(home, node.url)
    assert sorted(stored_ids(store)) == ["dying", "early", "handler", "later", "normal"]
    assert_balanced(home, delivered=5)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(
    store: Elasticsearch, node: NodeInfo, home: Path, tmp_path: Path, method: str
) -> None:
    """Workers of every start method log for themselves, while the parent goes on."""
    (tmp_path / "worker.py").write_text(
        "import shipper\n"
        "def work(n):\n"
        "    app = shipper.get_application('faults', version='1', flush_interval_s=0.05)\n"
        "    app.log_completion({'model': 'm'}, 'ok', event_id=f'worker-{n}')\n"
        "    import os; os.write(1, f'worker-{n}\\n'.encode())\n"
    )
    code = f"""
sys.path.insert(0, {str(tmp_path)!r})
import multiprocessing, worker
if __name__ == '__main__':
    log('before')
    context = multiprocessing.get_context({method!r})
    workers = [context.Process(target=worker.work, args=(n,)) for n in range(4)]
    for one in workers: one.start()
    log('during')
    for one in workers: one.join()
    log('after')
"""
    ids = Program(code, home, node.url).finish()
    assert len(ids) == 7
    drain(home, node.url)  # workers of multiprocessing end by os._exit
    assert sorted(stored_ids(store)) == sorted(ids)
    assert_balanced(home, delivered=7)


def test_preloaded_server(store: Elasticsearch, node: NodeInfo, home: Path) -> None:
    """A prefork server that logged before it forked: each worker has its own folder, sequence and sender."""
    code = """
log('preload')
workers = []
for w in range(3):
    pid = os.fork()
    if pid == 0:
        for n in range(10): log(f'worker-{w}-{n}')
        shipper.flush(10)
        os._exit(0)
    workers.append(pid)
for n in range(10): log(f'master-{n}')
for pid in workers: os.waitpid(pid, 0)
"""
    ids = Program(code, home, node.url).finish()
    assert len(ids) == 41
    drain(home, node.url)
    assert sorted(stored_ids(store)) == sorted(ids)
    assert_balanced(home, delivered=41)


def test_fork_while_threads_log(store: Elasticsearch, node: NodeInfo, home: Path) -> None:
    """A fork in the middle of other threads' log calls deadlocks nobody."""
    code = """
stop = threading.Event()
def work(w):
    n = 0
    while not stop.is_set() and n < 300:
        log(f'thread-{w}-{n}'); n += 1
threads = [threading.Thread(target=work, args=(w,)) for w in range(4)]
for one in threads: one.start()
children = []
for c in range(5):
    pid = os.fork()
    if pid == 0:
        app.log_completion({"model": "m"}, "ok", event_id=f'child-{c}')
        os._exit(0)
    children.append(pid)
for pid in children: os.waitpid(pid, 0)
stop.set()
for one in threads: one.join()
"""
    ids = Program(code, home, node.url).finish() + [f"child-{c}" for c in range(5)]
    drain(home, node.url)
    assert sorted(stored_ids(store)) == sorted(ids)
    assert_balanced(home, delivered=len(ids))


def test_asyncio_tasks(store: Elasticsearch, node: NodeInfo, home: Path) -> None:
    """A hundred tasks log; none waits for the network."""
    code = """
import asyncio
async def one(n): log(f'task-{n}')
async def main(): await asyncio.gather(*(one(n) for n in range(100)))
asyncio.run(main())
"""
    ids = Program(code, home, node.url).finish()
    assert sorted(stored_ids(store)) == sorted(ids)
    assert_balanced(home, delivered=100)


def test_a_sidecar_sends_for_a_living_process(store: Elasticsearch, node: NodeInfo, home: Path) -> None:
    """With `send = "none"` the process only writes; `shipper drain` sends while it lives and after."""
    program = Program("for n in range(30): log(f'side-{n}')\nsys.stdin.read()", home, None, send="none")
    program.wait_for(30)
    done = shipper_command(home, node.url, "drain", "--timeout", "30")
    assert done.returncode == 0, done.stderr
    assert len(stored_ids(store)) == 30
    ids = program.kill()
    drain(home, node.url)
    assert sorted(stored_ids(store)) == sorted(ids)
    assert_balanced(home, delivered=30)
    last = {"match": {"process.pid": program.process.pid}}
    [report] = store.search(index="llm-delivery-*", query=last)["hits"]["hits"]
    assert report["_source"]["llm"]["delivery"]["delivered"] == 30
    assert report["_source"]["llm"]["shipper"]["instance"].split("-")[-2] == str(program.process.pid)


def test_logging_first_and_starting_later(store: Elasticsearch, node: NodeInfo, home: Path) -> None:
    """With no store at all events wait in the spool, the exit is quick, and a later drain finds them."""
    ids = Program("for n in range(30): log(f'early-{n}')", home, None).finish(timeout_s=20)
    assert books(home).pending == 30
    drain(home, node.url)
    assert sorted(stored_ids(store)) == sorted(ids)
    assert_balanced(home, delivered=30)


@pytest.mark.parametrize("hangs", [False, True])
def test_what_memory_holds_at_the_end_is_written(
    store: Elasticsearch, node: NodeInfo, home: Path, *, hangs: bool
) -> None:
    """With `memory` durability an orderly end writes also what was under way to a store that is away or hangs."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1] if hangs else 1
        program = Program(
            "for n in range(40): log(f'held-{n}')",
            home,
            f"http://127.0.0.1:{port}",
            durability="memory",
            flush_interval_s=0.05,
            batch_max_events=10,
            exit_timeout_s=0.2,
        )
        ids = program.finish()
    drain(home, node.url)
    assert sorted(stored_ids(store)) == sorted(ids)
    assert_balanced(home, delivered=40)


def test_what_can_be_kept_nowhere_is_told(home: Path) -> None:
    """Where neither the store nor the disk takes the events, the end of the process says how many are lost."""
    home.mkdir()
    (home / "spool").write_text("")
    program = Program("for n in range(7): log(f'gone-{n}')", home, "http://127.0.0.1:1", exit_timeout_s=0.1)
    program.finish()
    assert "7 events could be neither sent nor written" in program.errors


def test_kill_while_writing(store: Elasticsearch, node: NodeInfo, home: Path) -> None:
    """Rounds of kill -9 of four writing processes: what a log call returned for is there, nothing twice."""
    logged: list[str] = []
    for round_ in range(3):
        writers = [
            Program(f"n = 0\nwhile True: log(f'{round_}-{w}-{{n}}'); n += 1", home, node.url)
            for w in range(4)
        ]
        for writer in writers:
            writer.wait_for(50)
        for writer in writers:
            writer.process.kill()
        for writer in writers:
            logged += writer.finish()
    drain(home, node.url)
    stored = stored_ids(store)
    assert len(stored) == len(set(stored))
    assert set(logged) <= set(stored)
    # a call may have reached the spool without having returned: at most one a writer
    assert len(set(stored) - set(logged)) <= 12
    assert_balanced(home, delivered=len(stored))
