"""The sentence about all queues at the top of the page."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from preppath_workers.web.pages.overview import summary


@pytest.mark.parametrize(
    ("states", "sentence"),
    [
        ([], "All queues are open."),
        ([("good", "open")], "All queues are open."),
        ([("wait", "no workers")], "No queue needs attention. q0 has no workers."),
        (
            [("bad", "no workers"), ("wait", "paused"), ("bad", "out of service"), ("good", "open")],
            "2 of 4 queues cannot work: q0 has no workers; q2 is out of service. q1 is paused.",
        ),
    ],
)
def test_summary_of_queues_tells_those_that_cannot_work_first(
    states: list[tuple[str, str]], sentence: str
) -> None:
    views = [SimpleNamespace(name=f"q{n}", tone=tone, word=word) for n, (tone, word) in enumerate(states)]
    assert summary(views) == sentence  # type: ignore[arg-type] # stand in for QueueView
