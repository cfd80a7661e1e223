"""One run of the demo, from the first line to the last."""

from __future__ import annotations

import shlex
import signal
import traceback
from contextlib import suppress
from pathlib import Path

from tests.support.process import ServerFailed

from .environment import ACCESS_KEY, BUCKET, SECRET_KEY, Environment, Interrupted, running
from .interview import QUESTIONS, SCORES
from .provider import choose
from .report import write_report
from .results import Results
from .sandbox import enter_sandbox
from .screen import GREY, Screen
from .story import Story
from .tasks import NotFinished

#: The answers in the terminal's report.
_NAMES = {"good": "good answer", "poor": "poor answer", "order": "poor answer, order to grader"}

#: Lines of the supervisor's log that are shown when the demo fails.
_TAIL = 15


def show(light: bool, away: float, report: Path, keeps: bool) -> int:
    """Run the demo; the arguments are the options of `bin/demo`. Return its exit code."""
    screen = Screen()
    provider = choose(light)
    enter_sandbox(keeps_openai=provider.server is None)
    screen.say("preppath-workers: one interview through three queues", "bold")
    for line in provider.description:
        screen.say(line)
    screen.say()
    with running(provider) as environment:
        passed = False
        try:
            passed = _run(environment, screen, away, report, keeps)
        except Interrupted as interrupted:
            screen.release()
            screen.say(f"{interrupted}: stopping everything …", "yellow")
            return 128 + interrupted.number
        except (ServerFailed, NotFinished) as error:
            _report_failure(str(error), environment, screen)
        except Exception:  # noqa: BLE001 — report any failure and stop everything
            _report_failure(traceback.format_exc(), environment, screen)
    code = environment.workers.exit_code if passed else None
    screen.say("Everything is stopped, and the temporary folder is removed.")
    return int(not passed or code != 0)


def _run(environment: Environment, screen: Screen, away: float, report: Path, keeps: bool) -> bool:
    """Run up to the report; return whether everything was as it should be."""
    screen.event("starting the servers and the workers …")
    environment.start()
    screen.event(f"servers and workers have started; the supervisor is process {environment.workers.pid}")
    story = Story(environment, screen)
    story.speak_questions()
    story.hear_everything()
    story.score_answers(away)
    screen.release()
    results = Results(story, environment)
    _print_results(results, environment.provider.hears, screen)
    write_report(report, story, results, environment.provider, screen.seconds)
    screen.say()
    for check in results.checks:
        screen.check(check.passed, check.text)
    screen.say()
    screen.say(f"The report, with everything to listen to: {report}", "bold")
    if keeps:
        _keep(environment, screen)
    return results.passed


def _print_results(results: Results, hears: bool, screen: Screen) -> None:
    for number, question in enumerate(QUESTIONS, 1):
        asked, *answered = results.of(question)
        screen.say()
        screen.say(f"Question {number}: {question.text}", "bold")
        if hears:
            screen.say(f"  heard: {asked.transcript}")
            screen.say(f"  word error rate {asked.error_rate:.2f}", GREY)
        for each in answered:
            scores = each.feedback or {}
            details = [f"{name} {scores.get(f'{name}Score', 0):.1f}" for name in SCORES]
            screen.score(_NAMES[each.utterance.kind], each.score, ", ".join(details))


def _keep(environment: Environment, screen: Screen) -> None:
    """Print commands to look around with, and wait for a signal."""
    # Without the user's variables, which would override the file.
    config = shlex.quote(str(environment.config_file))
    command = f'env -i PATH="$PATH" TERM="$TERM" bin/preppath-workers --config {config}'
    query = 'select "totalScore", feedback from answer_feedback'
    keys = f"AWS_ACCESS_KEY_ID={ACCESS_KEY} AWS_SECRET_ACCESS_KEY={SECRET_KEY}"
    endpoint = f"--endpoint-url {environment.s3.endpoint} --region us-east-1"
    screen.say()
    screen.say("Everything keeps running until Ctrl-C. From the checkout:", "bold")
    for words in ("top", "queues", "show transcription transcription-q1-good"):
        screen.quote(f"  {command} {words}")
    screen.say("With other programs, if you have them:")
    screen.quote(f"  redis-cli -u {environment.redis.url} lrange 'preppath:{{evaluation}}:completed' 0 -1")
    screen.quote(f"  psql {environment.postgres.url} -c {shlex.quote(query)}")
    screen.quote(f"  {keys} aws {endpoint} s3 ls --recursive s3://{BUCKET}")
    with suppress(Interrupted):
        while True:
            signal.pause()


def _report_failure(message: str, environment: Environment, screen: Screen) -> None:
    screen.release()
    screen.say(f"The demo failed: {message}", "bold red")
    lines = environment.log_end(_TAIL)
    if lines:
        screen.say("The end of the supervisor's log:")
        for line in lines:
            screen.quote(f"  {line}")
