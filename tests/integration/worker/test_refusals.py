"""A machine without processes, memory or descriptors: the supervisor goes on and leaks nothing."""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from preppath_workers import Queue
from preppath_workers.worker.processes.forking import Child
from preppath_workers.worker.processes.host import open_standard_files
from preppath_workers.worker.processes.liveness import Liveness
from preppath_workers.worker.processes.managed_process import ManagedProcess
from preppath_workers.worker.processes.systemd import Notifier, Phase
from tests.support.waiting import eventually

from .conftest import Start
from .harness import is_alive, state_of

pytestmark = pytest.mark.processes


def descriptors(pid: int) -> list[str]:
    return sorted(path.name for path in Path(f"/proc/{pid}/fd").iterdir())


@contextmanager
def no_free_descriptor() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize(
    "function",
    ["os.fork", "mmap.mmap", "os.kill", "os.waitid", "os.waitpid", "signal.sigtimedwait", "ctypes.CDLL"],
)
def test_supervisor_whose_system_calls_fail_for_a_while_works_and_stops_cleanly(
    launch: Start, alpha: Queue, function: str
) -> None:
    app = launch(REFUSED=function, ALPHA_CONCURRENCY="1")
    app.module = "tests.integration.worker.refusing_app"
    app.start()
    alpha.enqueue({}, id="j")
    eventually(lambda: state_of(alpha, "j") == "completed")
    os.kill(app.workers()["alpha:0"], signal.SIGKILL)
    alpha.enqueue({}, id="k")
    eventually(lambda: state_of(alpha, "k") == "completed")
    assert app.stop() == 0
    assert not app.logged("Unhandled exception in supervisor")


def test_supervisor_with_a_bug_kills_its_processes_and_exits_with_1(launch: Start) -> None:
    app = launch(REFUSED="signal.sigtimedwait", BUG_AFTER="2", LEASE_SECONDS="60")
    app.module = "tests.integration.worker.refusing_app"
    assert app.launch().wait() == 1
    assert [line["level"] for line in app.logged("Unhandled exception in supervisor")] == ["critical"]
    assert app.logged("Killing janitor: supervisor failed")
    started = [line["processPid"] for line in app.logged("Process started")]
    assert started
    eventually(lambda: not any(map(is_alive, started)))


def test_supervisor_without_a_free_descriptor_keeps_its_workers(
    launch: Start, alpha: Queue, tmp_path: Path
) -> None:
    """It can neither notify systemd nor read its configuration again."""
    file = tmp_path / "env"
    file.write_text("ALPHA_CONCURRENCY=1\n", encoding="utf-8")
    app = launch(NOTIFY_SOCKET="@preppath-unbound", ENV_FILE=str(file), ALPHA_CONCURRENCY="").start()
    before = app.processes()
    limits = resource.prlimit(app.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(app.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    app.send(signal.SIGHUP)
    eventually(
        lambda: "Cannot reload configuration, keeping the old one" in app.log_path.read_text(encoding="utf-8")
    )
    alpha.enqueue({}, id="j")
    eventually(lambda: state_of(alpha, "j") == "completed")
    assert app.processes() == before

    resource.prlimit(app.pid, resource.RLIMIT_NOFILE, limits)
    app.send(signal.SIGHUP)
    eventually(lambda: app.logged("Configuration reloaded"))
    assert app.stop() == 0


def test_notifier_without_a_free_descriptor_raises_nothing() -> None:
    with no_free_descriptor():
        Notifier("@preppath-unbound").report(Phase.READY, "well", good_for=1)


@pytest.mark.parametrize("address", ["/no/such/path", "/" + "x" * 500, "/dev/null"])
def test_notifier_with_a_useless_address_raises_nothing(address: str) -> None:
    Notifier(address).report(Phase.READY, "well", good_for=1)


def test_respawn_delay_of_a_refused_fork_grows_to_two_seconds() -> None:
    def refuse(liveness: Liveness) -> Child:
        raise OSError(11, "Resource temporarily unavailable")

    process, waits = ManagedProcess("s", refuse), []
    for _ in range(7):
        process.spawn(generation=1, time_limit=9.0)
        waits.append(round(process.respawn_delay, 1))
    assert not process.is_running
    assert waits == [0.0, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


def test_refused_fork_leaves_no_descriptor_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise OSError(11, "Resource temporarily unavailable")

    before = descriptors(os.getpid())
    with monkeypatch.context() as patch:
        patch.setattr(os, "fork", refuse)
        for _ in range(50):
            with pytest.raises(OSError, match="unavailable"):
                Child(target=print).start()
    assert descriptors(os.getpid()) == before


def test_last_worker_of_many_has_as_few_descriptors_as_the_first(launch: Start, alpha: Queue) -> None:
    app = launch(ALPHA_CONCURRENCY="12").start()
    eventually(lambda: alpha.counts().workers == 12)
    counted = eventually(lambda: (found := held(app.workers())) and len({*found.values()}) == 1 and found)
    assert len(descriptors(app.pid)) <= counted["alpha:0"]


def held(workers: dict[str, int]) -> dict[str, int]:
    return {name: len(descriptors(pid)) for name, pid in workers.items()}


def test_workers_with_a_limit_of_16_descriptors_run_their_jobs(launch: Start, alpha: Queue) -> None:
    app = launch(ALPHA_CONCURRENCY="30")
    app.prepare = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
    app.start()
    for number in range(60):
        alpha.enqueue({"do": "sleep", "seconds": 0.05}, id=f"j{number}")
    eventually(lambda: alpha.counts().completed == 60, deadline=30)
    assert not app.logged("Process died")


def test_processes_under_a_soft_limit_raise_it_to_the_hard_limit_and_dump_no_core(launch: Start) -> None:
    app = launch(ALPHA_CONCURRENCY="1")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]

    def prepare() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    app.prepare = prepare
    app.start()
    for pid in (app.pid, *app.processes().values()):
        assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == (hard, hard)
        assert resource.prlimit(pid, resource.RLIMIT_CORE) == (1, 1)


def test_process_that_crashes_with_a_core_limit_of_1_leaves_no_core(tmp_path: Path) -> None:
    if not (pid := os.fork()):
        faulthandler.disable()
        os.chdir(tmp_path)
        resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
        os.kill(os.getpid(), signal.SIGSEGV)
    status = os.waitpid(pid, 0)[1]
    assert os.WTERMSIG(status) == signal.SIGSEGV
    assert not os.WCOREDUMP(status)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("closed", [(0,), (2,), (0, 1, 2)])
def test_open_standard_files_with_closed_ones_opens_them(closed: tuple[int, ...]) -> None:
    if not (pid := os.fork()):
        for descriptor in closed:
            os.close(descriptor)
        open_standard_files()
        os._exit(len([os.fstat(descriptor) for descriptor in (0, 1, 2)]))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3


def test_supervisor_with_a_bug_while_it_reloads_keeps_its_processes(launch: Start, alpha: Queue) -> None:
    app = launch(REFUSED="tests.integration.worker.starting.Mock", BUG_AFTER="1")
    app.module = "tests.integration.worker.refusing_app"
    app.start()
    before = app.processes()
    app.send(signal.SIGHUP)
    eventually(lambda: app.logged("Cannot reload configuration, keeping the old one"))
    alpha.enqueue({}, id="j")
    eventually(lambda: state_of(alpha, "j") == "completed")
    assert app.processes() == before
    assert app.stop() == 0
