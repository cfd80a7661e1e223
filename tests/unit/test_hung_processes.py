"""When an idle worker counts as hung."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from preppath_workers.config.load import load
from preppath_workers.config.model import QueueConfig
from preppath_workers.registry import Registry
from preppath_workers.worker.pool import Pool
from preppath_workers.worker.processes.liveness import Liveness
from preppath_workers.worker.processes.managed_process import ManagedProcess
from tests.support.minimal_env import MINIMAL_ENV


@pytest.mark.parametrize(
    ("ahead", "silent_for", "are_killed"), [(0, 20, False), (0, 60, True), (90, 60, False), (90, 200, True)]
)
def test_idle_worker_that_is_silent_is_killed_unless_it_has_said_how_long_it_may_be(
    ahead: float, silent_for: float, are_killed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have a finished job in its hand, as while it looks up the name of Redis."""
    killed: list[str] = []
    beat = Liveness.beat
    monkeypatch.setattr(Liveness, "beat", lambda liveness: beat(liveness, ahead - silent_for))
    monkeypatch.setattr(ManagedProcess, "is_running", True)
    monkeypatch.setattr(ManagedProcess, "kill", lambda process, *_: killed.append(process.name))
    config = load({**MINIMAL_ENV, "LEASE_SECONDS": "3600"}, [QueueConfig("tts", concurrency=2)])
    Pool(config, Registry({"tts": Mock()}, lambda _: Mock()), "own").kill_hung()
    assert killed == (["tts:0", "tts:1"] if are_killed else [])
