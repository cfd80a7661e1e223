"""Dead letters that are replayed and purged over HTTP."""

from __future__ import annotations

from typing import Any

from preppath_workers import Queue
from tests.support.dead_letters import add_dead_letters

from .conftest import SPEECH, Site


def test_dead_jobs_are_replayed_after_a_dry_run(site: Site, tts: Queue) -> None:
    tts.enqueue(SPEECH, id="alive")
    add_dead_letters(tts, "d1")
    replay = "/api/v1/queues/tts/dead/replay"

    dry = site.post(replay, {"ids": ["d1", "alive"], "dryRun": True}).json()
    assert (dry["ids"], tts.counts().failed) == (["d1"], 1)
    assert dry["cost"]["jobs"] == len(dry["ids"])
    done = site.post(replay, {"ids": ["d1"]}).json()
    assert done == {"queue": "tts", "jobs": 1, "dryRun": False, "next": None}
    assert (tts.counts().failed, tts.counts().waiting) == (0, 2)
    assert site.post(replay, {"ids": []}).status_code == 422


def test_dead_jobs_are_selected_by_what_they_died_of(site: Site, tts: Queue) -> None:
    for job_id, error_class, hours in (("d1", "A", 3), ("d2", "B", 3), ("d3", "A", 0)):
        add_dead_letters(tts, job_id, error={"class": error_class}, age=hours * 3_600)

    def change(action: str, **body: object) -> Any:
        return site.post(f"/api/v1/queues/tts/dead/{action}", body)

    assert change("replay", errorClass="A", dryRun=True).json()["ids"] == ["d1", "d3"]
    assert change("replay", errorClass="A", olderThan="1h").json()["jobs"] == 1
    assert (change("purge").status_code, change("purge", reason="invalid").json()["jobs"]) == (422, 0)
    assert change("purge", all=True).json()["jobs"] == 2
    assert (tts.counts().failed, tts.counts().waiting) == (0, 1)


def test_replay_looks_at_a_bounded_number_of_dead_jobs_and_says_where_the_next_one_continues(
    site: Site, tts: Queue
) -> None:
    ids = [f"d{number}" for number in range(3_200)]
    add_dead_letters(tts, *ids[:2_600], reason="permanent")
    add_dead_letters(tts, *ids[2_600:])

    def replay(**body: object) -> list[Any]:
        answers, cursor = [], 0
        while cursor is not None:
            answers.append(site.post("/api/v1/queues/tts/dead/replay", {**body, "cursor": cursor}).json())
            cursor = answers[-1]["next"]
        return [(answer["jobs"], answer["next"]) for answer in answers]

    assert replay(reason="retries", dryRun=True) == [(0, 2_000), (500, 3_100), (100, None)]
    assert replay(reason="retries") == [(0, 2_000), (500, 2_600), (100, None)]
    assert (tts.counts().failed, tts.counts().waiting) == (2_600, 600)
    assert replay(ids=["d2000", "d3000"]) == [(1, None)]
    wrong = site.post("/api/v1/queues/tts/dead/replay", {"all": True, "cursor": -1})
    assert wrong.status_code == 422


def test_replay_skips_what_a_replay_cannot_help_unless_it_is_named(site: Site, tts: Queue) -> None:
    for number, reason in enumerate(("retries", "invalid", "malformed", "retries")):
        add_dead_letters(tts, f"d{number}", reason=reason, replays=3 * (number == 3))

    def found(**body: object) -> Any:
        return site.post("/api/v1/queues/tts/dead/replay", {**body, "dryRun": True}).json()["ids"]

    assert found(all=True) == ["d0"]
    assert found(all=True, maxReplays=4) == ["d0", "d3"]
    assert found(reason="invalid") == ["d1"]
    assert found(ids=["d2", "d3"]) == ["d2", "d3"]
    purge = {"all": True, "dryRun": True}
    assert len(site.post("/api/v1/queues/tts/dead/purge", purge).json()["ids"]) == 4
