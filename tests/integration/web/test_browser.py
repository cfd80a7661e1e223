"""The page in a real browser: Debian's chromium, driven by Playwright, with a real supervisor at work."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from redis import Redis

from preppath_workers import Queue
from preppath_workers.store.keys import BUDGET, Keys
from preppath_workers.store.reading.spending import today
from preppath_workers.web.tokens import new_token
from tests.support.minimal_env import MINIMAL_ENV
from tests.support.process import ROOT
from tests.support.redis import RedisServer
from tests.support.waiting import eventually

from .conftest import start_site

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
#: Success criteria of WCAG 2.2 AA, and what axe recommends.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
JOB = "queues/scripted/jobs/for-axe"
#: Keeps the elements of the live part as the server sent them with the page, before the first update.
FIRST_NODES = """
addEventListener("DOMContentLoaded", () => {
  window.firstNodes = [...document.querySelectorAll("#live > *")];
});
"""
MODULE = "tests.integration.web.scripted_jobs"
TOKEN, ENTRY = new_token("operator", ["read", "admin"])

pytestmark = [
    pytest.mark.trial,
    pytest.mark.skipif(
        not CHROMIUM and os.environ.get("TEST_BROWSER") != "required",
        reason="chromium is not installed: apt-get install chromium",
    ),
]


@dataclass(frozen=True)
class Served:
    """The servers that the tests of this module share."""

    url: str
    queue: Queue


@pytest.fixture(scope="module")
def served(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A web server that wants a token, and a supervisor with one worker."""
    prefix = f"test-{uuid.uuid4().hex[:12]}"
    variables = {**MINIMAL_ENV, "REDIS_URL": redis_server.url, "KEY_PREFIX": prefix, "JOBS": MODULE}
    supervisor = subprocess.Popen(
        [sys.executable, "-m", "preppath_workers", "run", MODULE],
        cwd=ROOT,
        env={**os.environ, **variables},
        stderr=subprocess.DEVNULL,
    )
    site = start_site(
        (), {**variables, "WEB_TOKENS": ENTRY, "BUDGET_DAY": "2/1"}, tmp_path_factory.mktemp("web") / "log"
    )
    with Redis.from_url(redis_server.url) as client:
        queue = Queue("scripted", client, prefix)
        eventually(lambda: queue.counts().workers == 1)
        yield Served(site.url, queue)
    for process in (site.process, supervisor):
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # CI runs as root, whom chromium refuses a sandbox.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def signed_in(browser: Browser, served: Served) -> Iterator[Page]:
    """A page of a browser that has signed in: a new one for each test would take most of the tests' time."""
    with browser.new_context(base_url=served.url) as context:
        page = context.new_page()
        page.set_default_timeout(20_000)
        sign_in(page)
        yield page


@pytest.fixture
def page(signed_in: Page) -> Iterator[Page]:
    """The page, at the list of queues; a message on the console is a failure."""
    complaints: list[str] = []
    listeners = {
        "console": lambda message: complaints.append(message.text),
        "pageerror": lambda error: complaints.append(str(error)),
    }
    for event, listener in listeners.items():
        signed_in.on(event, listener)  # type: ignore[call-overload]
    signed_in.goto("/")
    yield signed_in
    for event, listener in listeners.items():
        signed_in.remove_listener(event, listener)
    assert complaints == []


def sign_in(page: Page) -> None:
    page.goto("/sign-in")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Queues")).to_be_visible()


def test_job_is_watched_until_it_has_finished(served: Served, page: Page) -> None:
    served.queue.pause()
    served.queue.enqueue({"end": "well"}, id="watched")
    page.get_by_label("Find a job by its id").fill("watched")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_text("but the queue is paused")).to_be_visible()

    served.queue.resume()

    expect(page.get_by_text("completed by attempt 1")).to_be_visible()
    expect(page.get_by_role("region", name="Result")).to_contain_text('"applause": "loud"')


def test_queue_is_paused_and_resumed(served: Served, page: Page) -> None:
    page.goto("/queues/scripted")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status")).to_contain_text("paused")
    assert served.queue.gate().paused

    page.get_by_role("button", name="Resume").click()

    expect(page.get_by_role("status")).to_contain_text("open")
    assert not served.queue.gate().paused


def test_dead_letter_is_replayed_after_a_dry_run(served: Served, page: Page) -> None:
    served.queue.enqueue({"end": "badly"}, id="a/../died")
    page.goto("/queues/scripted/dead")
    expect(page.get_by_text("the script says to end <b>badly</b>").first).to_be_visible()

    page.get_by_label("Select a/../died").check()
    page.get_by_role("button", name="Replay selected…").click()
    expect(page.get_by_role("heading", name="Replay 1 dead letter of scripted?")).to_be_visible()
    assert served.queue.counts().failed == 1
    page.get_by_role("button", name="Replay 1 dead letter").click()

    expect(page.get_by_role("status")).to_contain_text("1 replayed")
    page.get_by_role("link", name="a/../died").click()
    expect(page.get_by_text("1 replay", exact=False).first).to_be_visible()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete 1 dead letter").click()
    expect(page.get_by_text("No dead letters.")).to_be_visible()


def test_first_update_keeps_the_elements_of_the_page(served: Served, page: Page) -> None:
    served.queue.enqueue({"end": "badly"}, id="kept")
    eventually(lambda: served.queue.counts().failed)
    page.add_init_script(FIRST_NODES)
    for path in ("/", "/costs", "/queues/scripted", "/queues/scripted/jobs/kept", "/queues/scripted/dead"):
        page.goto(path)
        as_of = page.locator(".asof").inner_text()

        expect(page.locator(".asof")).not_to_have_text(as_of)

        assert page.evaluate("firstNodes.filter(node => !node.isConnected).length") == 0, path

    page.get_by_role("button", name="Delete…").first.click()
    page.get_by_role("button", name="Delete 1 dead letter").click()
    expect(page.get_by_text("No dead letters.")).to_be_visible()


def test_updates_keep_ticks_and_typed_text_when_rows_and_notices_appear(served: Served, page: Page) -> None:
    queue = served.queue
    queue.enqueue({"end": "badly"}, id="first")
    eventually(lambda: queue.counts().failed)
    page.goto("/queues/scripted/dead")
    page.get_by_label("Select first").check()
    queue.enqueue({"end": "badly"}, id="second")
    expect(page.get_by_label("Select second")).not_to_be_checked()
    expect(page.get_by_label("Select first")).to_be_checked()
    page.goto("/queues/scripted")
    page.locator("summary", has_text="Filter").click()
    page.get_by_label("User").fill("typed")

    queue.pause()

    expect(page.get_by_role("status")).to_contain_text("paused")
    expect(page.get_by_label("User")).to_have_value("typed")
    queue.resume()
    queue.purge(["first", "second"])


def test_outage_shows_its_cause_and_ends_by_a_probe(served: Served, page: Page) -> None:
    served.queue.enqueue({"end": "outage"}, id="refused")

    summary = page.get_by_role("status")
    expect(summary).to_contain_text("1 of 1 queue cannot work: scripted is out of service")
    expect(page.get_by_text("openai: Incorrect API key provided").first).to_be_visible()
    page.goto("/queues/scripted")
    page.get_by_role("button", name="Probe now").click()
    expect(page.get_by_role("status")).to_contain_text("out of service")  # the job is refused again

    served.queue.enqueue({"end": "well"}, id="probe")

    expect(page.get_by_role("status")).to_contain_text("open")


def test_page_behind_a_proxy_that_had_no_server_for_a_moment_is_live_again(
    served: Served, browser: Browser
) -> None:
    with browser.new_context(base_url=served.url) as context:
        page = context.new_page()
        sign_in(page)
        page.clock.install()
        page.route("**/?live=", lambda route: route.fulfill(status=502), times=1)
        page.goto("/")
        expect(page.get_by_role("alert")).to_contain_text("The page shows older data")
        page.clock.fast_forward(10_000)
        expect(page.get_by_role("alert")).to_have_count(0)


def test_pages_meet_wcag_at_phone_width_in_light_and_dark(served: Served, browser: Browser) -> None:
    served.queue.enqueue({"end": "badly"}, id="for-axe")
    eventually(lambda: served.queue.counts().failed)
    day, redis = today(served.queue).isoformat(), served.queue.redis
    redis.hset(served.queue.keys.spent_on(day), mapping={"m calls": 2, "m nano": 10**9, "m unknown": 7})
    redis.hset(Keys(served.queue.keys.prefix, BUDGET).budget(day), "spent all", 1_900_000_000)
    with browser.new_context(base_url=served.url, viewport={"width": 375, "height": 720}) as context:
        page = context.new_page()
        page.goto("/sign-in")
        check(page)
        sign_in(page)
        for path in (
            "",
            "find?id=x",
            "queues/scripted?state=failed",
            "queues/scripted/dead",
            "costs?by=day",
            JOB,
        ):
            page.goto(f"/{path}")
            check(page)
        page.get_by_role("button", name="Delete…").click()
        check(page)


def check(page: Page) -> None:
    """Check that axe finds nothing, in dark either, and that nothing is wider than the window."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for scheme, rules in (("light", RULES), ("dark", ["color-contrast"])):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found = page.evaluate("rules => axe.run({runOnly: rules})", rules)
        violations = [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]]
        assert violations == [], (page.url, scheme)
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), page.url


def test_page_without_javascript_does_the_same(served: Served, browser: Browser) -> None:
    served.queue.enqueue({"end": "well"}, id="plain", delay=3600)
    with browser.new_context(base_url=served.url, java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page)
        page.goto("/queues/scripted?state=delayed")
        page.get_by_role("link", name="plain").click()
        page.get_by_role("button", name="Cancel…").click()
        page.get_by_role("button", name="Cancel 1 job").click()
        expect(page.get_by_text("cancelled before it started")).to_be_visible()
        expect(page.get_by_role("link", name="Refresh")).to_be_visible()
