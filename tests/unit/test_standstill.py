"""How the supervisor notices that it stood still."""

from __future__ import annotations

from preppath_workers.worker.processes.standstill import Standstill


def test_standstill_after_a_pause_lasts_until_the_others_had_time() -> None:
    now = 1000.0
    standstill = Standstill(lambda: now)
    seen = []
    for pause in (1.0, 1.0, 3600.0, *[1.0] * 29, 1.0, 1.0):
        now += pause
        seen.append(standstill.look())
    assert seen == [False, False, *[True] * 30, False, False]
