"""The supervisor as the first process of a container: it gets its signals and reaps orphans."""

from __future__ import annotations

import ctypes
import os
import signal

import pytest

from preppath_workers import Queue
from tests.support.process import children_of
from tests.support.waiting import eventually

from .conftest import Start
from .harness import state_of

pytestmark = pytest.mark.processes

#: From <sys/prctl.h>: the calling process adopts its descendants' orphans, as process 1 does.
_PR_SET_CHILD_SUBREAPER = 36


def test_supervisor_as_subreaper_reaps_the_orphans_of_killed_workers(launch: Start, alpha: Queue) -> None:
    libc = ctypes.CDLL(None)
    app = launch(ALPHA_CONCURRENCY="1")
    app.prepare = lambda: libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    app.start()
    alpha.enqueue({"do": "leave_behind", "seconds": 2}, id="j")
    worker = app.pid_of("j")
    (words,) = eventually(lambda: app.records("left"))
    os.kill(worker, signal.SIGKILL)

    eventually(lambda: words[1] in children_of(app.pid))
    eventually(lambda: words[1] not in children_of(app.pid))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for a PID namespace")
def test_supervisor_as_process_1_finishes_its_jobs_before_it_stops(launch: Start, alpha: Queue) -> None:
    app = launch()
    app.starter = ["unshare", "--pid", "--fork", "--kill-child"]
    app.launch()
    eventually(lambda: alpha.counts().workers == 2)
    (first,) = children_of(app.pid)
    alpha.enqueue({"do": "sleep", "seconds": 1}, id="j")
    eventually(lambda: app.runs("j"))

    os.kill(int(first), signal.SIGTERM)

    assert app.wait() == 0
    assert state_of(alpha, "j") == "completed"
