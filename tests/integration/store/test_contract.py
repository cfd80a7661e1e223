"""The contract of producers in other languages: the scripts, the jobs' hashes and queue/README.md agree."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ResponseError

import preppath_workers
from preppath_workers.queue import Queue
from preppath_workers.queue.contract import CONTRACT, SCRIPTS
from preppath_workers.store.consuming.outcome import Completed, Failed, Outcome, Released
from preppath_workers.store.dead_letters import REASONS
from preppath_workers.store.job import Job
from preppath_workers.store.keys import LAYOUT

from .consumer_steps import OpenConsumer, done, next_job, settle_and_fetch

DOCUMENT = (Path(preppath_workers.__file__).parent / "queue/README.md").read_text(encoding="utf-8")

NUMBER, TIME, PERCENT, TEXT = r"\d{1,9}", r"\d{13}", r"\d{1,3}(\.\d+)?", r"\S.*"


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading."""
    section = DOCUMENT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    table = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    assert table
    return table


def promised() -> Mapping[str, tuple[re.Pattern[str] | None, bool]]:
    """Return each promised field: what its value looks like (None: JSON), and whether it is always there."""
    types = {"time": TIME, "number": NUMBER, "percent": PERCENT, "text": TEXT}
    found = {}
    for name, kind, there, *_ in rows("The fields of a job"):
        pattern = types.get(re.split(r"\W", kind)[0]) or "|".join(re.findall(r"`([\w-]+)`", kind))
        is_json = kind.startswith("JSON")
        found[name.strip("`")] = (None if is_json else re.compile(pattern), there.strip() == "always")
    return found


def internal() -> set[str]:
    (line,) = [line for line in DOCUMENT.splitlines() if "are the workers' own" in line]
    return {*re.findall(r"`([\w:]+)(?:<name>)?`", line)}


def settle(open_consumer: OpenConsumer, *outcomes: Outcome, **settings: object) -> None:
    """Give the job one of these ends after the other."""
    consumer = open_consumer(**settings)
    for outcome in outcomes:
        job = next_job(consumer)
        consumer.running_job.begin(job)
        consumer.running_job.progress(job, 33.3, "resizing")
        consumer.running_job.checkpoint(job, "download", '"here"')
        consumer.settle(done(job, outcome))


def jobs_in_every_state(queue: Queue, open_consumer: OpenConsumer) -> Iterator[Job]:
    """Yield a job in each state and after each turn that it can take, by the real transitions."""
    ref = queue.enqueue({"n": 1}, id="j", expires=60, group="g")
    yield ref.status()
    queue.prioritize("j", 7)
    settle(open_consumer, Released(), Released(delay_ms=1, reason="busy"))
    yield ref.status()
    queue.promote("j")
    service = Failed('{"class":"ServiceError","message":"down"}', "refused", "openai", "down")
    settle(open_consumer, service)
    yield ref.status()
    queue.promote("j")
    queue.resume()
    active = open_consumer(1)
    assert next_job(active).id == "j"
    ref.cancel(running=False)
    yield ref.status()
    open_consumer(1).recover()
    yield ref.status()
    settle(open_consumer, Failed('{"class":"PermanentError","message":"no"}', "permanent", words="no"))
    yield ref.status()
    queue.replay(["j"])
    with pytest.raises(TimeoutError):
        ref.wait(0)
    settle(open_consumer, Completed('{"bytes":3}'))
    yield ref.status()
    running = queue.enqueue({}, id="k")
    next_job(active)
    running.cancel(running=True)
    yield running.status()
    open_consumer(1).recover()
    yield running.status()
    queue.enqueue({}, id="late", expires=60)
    queue.redis.hset(queue.keys.job("late"), "expiresAt", 1_795_435_200_123)  # long ago
    assert not settle_and_fetch(open_consumer(2))
    yield from queue.get_many(["late"])
    queue.redis.lpush(queue.keys.wait, '{"$id": "raw", "n": 1}', "nonsense")
    settle(open_consumer, Completed("1"))
    yield from queue.get_many(["raw"])
    yield from queue.dead_letters()


def check_fields(job: Job) -> set[str]:
    """Check a job's hash against the document. Returns the names of its fields."""
    names = {re.sub(r"^checkpoint:.*", "checkpoint:", name) for name in job.fields}
    assert names <= promised().keys() | internal(), job.state
    for name, (pattern, is_always_there) in promised().items():
        assert name in names or not is_always_there, f"{job.state} without {name}"
        value = job.fields.get(name)
        if value is not None and pattern is not None:
            assert pattern.fullmatch(value), f"{name}: {value!r}"
        elif value is not None and job.reason != "malformed":
            json.loads(value)
    return names


def test_job_in_any_state_has_documented_fields_alone_and_each_appears(
    queue: Queue, open_consumer: OpenConsumer
) -> None:
    seen: set[str] = set()
    states = set()
    for job in jobs_in_every_state(queue, open_consumer):
        names = check_fields(job)
        state, words = queue.redis.eval(SCRIPTS["status"].text, 1, queue.keys.base, "", job.id)
        fields = {name: job.fields[name] for name in names & promised().keys()}
        assert (state, dict(zip(words[::2], words[1::2], strict=True))) == (
            job.state,
            {"id": job.id, **fields},
        )
        seen |= names
        states.add(state)
    assert promised().keys() - seen == set()
    assert {"waiting", "delayed", "active", "completed", "failed", "cancelled", "expired"} <= states


def test_document_names_each_reason_of_a_dead_letter() -> None:
    (kind,) = [kind for name, kind, *_ in rows("The fields of a job") if name == "`reason`"]
    assert {*re.findall(r"`([\w-]+)`", kind)} == {*REASONS}


def test_document_describes_each_script_with_its_arguments_and_answers() -> None:
    table = {row[0].strip("`"): row for row in rows("The scripts")}
    assert table.keys() == SCRIPTS.keys()
    for name, script in SCRIPTS.items():
        head = script.text.partition("\n\n")[0]
        assert head.startswith(f"-- preppath-workers script {name}, contract {CONTRACT}\n")
        arguments = re.findall(r"`(\w+)`", table[name][1])
        described = head.count("ARGV[") - 1 if name != "enqueue" else 4
        assert len(arguments) == described, name
        answers = re.findall(r"\"(\w+)\"", table[name][2])
        assert [answer for answer in answers if f'{{"{answer}"' not in head] == [], name
    assert f"this is contract {CONTRACT}." in DOCUMENT


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_refuses_a_queue_of_a_newer_layout(queue: Queue, name: str) -> None:
    queue.redis.hset(queue.keys.meta, "layout", LAYOUT + 1)
    with pytest.raises(ResponseError, match=f"^NEWERLAYOUT the queue has layout {LAYOUT + 1} "):
        queue.redis.eval(SCRIPTS[name].text, 1, queue.keys.base, "", "j", "{}", 50, 0)
    assert queue.redis.keys(f"{queue.keys.base}*") == [queue.keys.meta]


def test_scripts_answer_as_documented(redis: Redis, key_prefix: str, queue: Queue) -> None:
    def call(name: str, *arguments: str | int) -> object:
        return redis.eval(SCRIPTS[name].text, 1, queue.keys.base, "", *arguments)

    for created in (1, 0):
        assert call("enqueue", "q1", '{"n": 1}', 10, '{"expires": 60000}') == [created]
    assert call("enqueue", "q2", "{}", 50, 0, "q3", "{}", 50, 60_000) == [1, 1]
    assert call("status", "q3")[0] == "delayed"  # type: ignore[index] # a list
    assert [call(name, "none") for name in ("status", "wait", "cancel")] == [["unknown"]] * 3
    assert call("wait", "q1") == ["waiting", "waiting"]
    assert call("cancel", "q1") == call("cancel", "q1") == ["cancelled"]
    ended = f"{queue.keys.base}ended:q1"
    assert redis.brpoplpush(ended, ended, 5) == "cancelled"
    assert call("wait", "q1")[0] == "ended"  # type: ignore[index]
    assert 0 < redis.pttl(queue.keys.job("q1")) <= 86_400_000
    with pytest.raises(ResponseError, match=r"^INVALIDJOB job q5: priority must be"):
        call("enqueue", "q4", "{}", 50, 0, "q5", "{}", 101, 0)
    assert call("status", "q4") == ["unknown"]
