"""The report as one web page that loads nothing."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .interview import QUESTIONS, SCORES
from .provider import Provider
from .results import Results
from .story import Story
from .tasks import Task

_KINDS = {
    "good": "A good answer",
    "poor": "A poor answer",
    "order": "With an order to the grader",
}


def write_report(file: Path, story: Story, results: Results, provider: Provider, seconds: float) -> None:
    """Write the page. `seconds`: how long the demo took. Raises OSError."""
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    chart = _Chart(story)
    page = templates.get_template("report.html").render(
        questions=[(question, results.of(question)) for question in QUESTIONS],
        kinds=_KINDS,
        scores=SCORES,
        figures=list(_figures(story, results, provider)),
        chart=[(name, [chart.bar(task) for task in story.tasks.of(name)]) for name in chart.queues],
        outage=chart.outage(),
        audio={name: base64.b64encode(mp3).decode() for name, mp3 in story.audio.items()},
        events=story.events,
        checks=results.checks,
        passed=results.passed,
        provider=provider,
        seconds=seconds,
    )
    file.write_text(page, encoding="utf-8")


def _figures(story: Story, results: Results, provider: Provider) -> Iterator[tuple[str, str]]:
    yield "jobs completed", str(sum(task.job.state == "completed" for task in story.tasks.all))
    yield "jobs in the dead-letter list", str(sum(task.job.state == "failed" for task in story.tasks.all))
    if provider.hears:
        yield "word error rate of the questions", f"{results.mean_error_rate:.2f}"
    if story.kill.task:
        yield "from a worker's death to its job's next start", f"{story.kill.ms:.0f} ms"
    if story.outage:
        yield "OpenAI was away", f"{story.outage.ended - story.outage.began:.1f} s"


class _Chart:
    """The jobs as bars, in percent of the time from the first job to the last one's end."""

    def __init__(self, story: Story) -> None:
        self._story = story
        spans = [span for task in story.tasks.all for span in task.spans]
        self._begin = min((span.begin for span in spans), default=0.0)
        self._length = max((span.end for span in spans), default=0.0) - self._begin or 1.0
        self.queues = dict.fromkeys(task.queue.name for task in story.tasks.all)

    def bar(self, task: Task) -> Mapping[str, Any]:
        kill = self._story.kill
        return {
            "title": task.utterance.title,
            "pieces": [{"state": span.state, **self._place(span.begin, span.end)} for span in task.spans],
            "kill": self._percent(kill.seconds) if kill.task is task else None,
            "text": ", ".join(f"{span.state} for {span.end - span.begin:.1f} s" for span in task.spans),
        }

    def outage(self) -> Mapping[str, float] | None:
        outage = self._story.outage
        return self._place(outage.began, outage.ended) if outage else None

    def _place(self, begin: float, end: float) -> dict[str, float]:
        return {"left": self._percent(begin), "width": round(100 * (end - begin) / self._length, 2)}

    def _percent(self, seconds: float) -> float:
        return round(100 * (seconds - self._begin) / self._length, 2)
