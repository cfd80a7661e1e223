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


@pytest.mark.parametrize(("silent_for", "are_killed"), [(60.0, False), (200.0, True)])
def test_idle_worker_is_killed_only_after_the_longest_look_up_of_a_name(
    silent_for: float, are_killed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default glibc asks each name server twice, for 5 s, and again in each search domain: that may take a
    minute, and the worker may have a finished job in its hand."""
    killed: list[str] = []
    monkeypatch.setattr(ManagedProcess, "is_running", True)
    monkeypatch.setattr(ManagedProcess, "kill", lambda process, *_: killed.append(process.name))
    monkeypatch.setattr(Liveness, "silent_for", silent_for)
    config = load({**MINIMAL_ENV, "LEASE_SECONDS": "3600"}, [QueueConfig("tts", concurrency=2)])
    Pool(config, Registry({"tts": Mock()}, lambda _: Mock()), "own").kill_hung()
    assert killed == (["tts:0", "tts:1"] if are_killed else [])
