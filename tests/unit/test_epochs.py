"""Epochs: a janitor logs once that Redis has lost writes."""

from __future__ import annotations

from typing import Any

import pytest
from redis.exceptions import ResponseError

from preppath_workers.errors import NewerLayout
from preppath_workers.worker.maintenance.epochs import Epochs

WARNING = "Redis lost its latest writes: jobs may be missing, and finished ones may run again"


def logged(caplog: pytest.LogCaptureFixture, epochs: Epochs) -> list[dict[str, Any]]:
    """Return the fields of what `log_losses` logs now."""
    caplog.clear()
    epochs.log_losses()
    assert {record.getMessage() for record in caplog.records} <= {WARNING}
    return [record.__dict__["fields"] for record in caplog.records]


def test_loss_before_the_first_call_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    epochs = Epochs()
    assert epochs.seen("tts") == (0, 0)
    epochs.compare("tts", 1_000, [7, 500, 200, "1"])
    assert epochs.seen("tts") == (7, 1_000)
    assert logged(caplog, epochs) == []


@pytest.mark.parametrize(
    ("losses", "seconds"),
    [
        pytest.param({"tts": 2_000}, 2.0, id="one queue"),
        pytest.param({"tts": 2_000, "evaluation": 3_460}, 3.5, id="the longest of two queues"),
        pytest.param({"tts": 2_000, "evaluation": -1}, None, id="one queue lost everything"),
    ],
)
def test_losses_of_all_queues_are_logged_once_in_one_line(
    caplog: pytest.LogCaptureFixture, losses: dict[str, int], seconds: float | None
) -> None:
    epochs = Epochs()
    for queue, lost_ms in losses.items():
        epochs.compare(queue, 1_000, [7, 0, 0, "1"])
        epochs.compare(queue, 2_000, [1_008, 2_000, lost_ms, "1"])
    assert logged(caplog, epochs) == [{"queues": sorted(losses), "seconds": seconds}]
    for queue in losses:
        epochs.compare(queue, 3_000, [1_009, 2_000, losses[queue], "1"])
    assert logged(caplog, epochs) == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [(["the epoch is not a number"], ResponseError), ([7, 0, 0, "99"], NewerLayout)],
    ids=["edited by hand", "newer layout"],
)
def test_compare_with_an_answer_that_cannot_be_used_raises(answer: list[Any], error: type[Exception]) -> None:
    epochs = Epochs()
    with pytest.raises(error):
        epochs.compare("tts", 1_000, answer)
    assert epochs.seen("tts") == (0, 0)
