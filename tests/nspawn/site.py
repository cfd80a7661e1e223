"""The web process as its users meet it: over HTTP, with a token."""

from __future__ import annotations

from dataclasses import dataclass

import requests

from preppath_workers import Queue
from tests.support.waiting import eventually

_OWN = {"Sec-Fetch-Site": "same-origin"}  # what a browser sends with a form of the page itself


@dataclass(frozen=True)
class Site:
    """`preppath-workers web` at an address; `token` has all scopes."""

    url: str
    token: str

    def get(self, path: str, with_token: bool = True) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if with_token else {}
        return requests.get(self.url + path, headers=headers, timeout=10)

    def is_up(self) -> bool:
        try:
            return self.get("/healthz", with_token=False).status_code == 200
        except requests.ConnectionError:
            return False

    def answers(self, queue: Queue) -> str:
        """Ask for everything that is served; return what was seen.

        The queue is paused meanwhile, so that the job that is added can be cancelled.
        """
        eventually(self.is_up, deadline=30, every=0.1)
        assert self.get("/readyz", with_token=False).json() == {"status": "ok"}
        for path in ("/", "/metrics", "/api/v1/queues"):
            assert self.get(path, with_token=False).status_code == 401, path
        metrics = self.get("/metrics").text
        assert f'preppath_queue_jobs{{queue="{queue.name}",state="completed"}}' in metrics, metrics
        self._adds_and_cancels(queue)
        return f"{len(metrics.splitlines())} lines of metrics, {self._signs_in()}; a job added and cancelled"

    def _adds_and_cancels(self, queue: Queue) -> None:
        jobs = f"/api/v1/jobs/{queue.name}"
        for action, path, body in (
            ("pause", f"/api/v1/queues/{queue.name}/pause", {}),
            ("add", jobs, {"id": "by-http", "data": {"questionId": "q1", "text": "Why?"}}),
            ("cancel", f"{jobs}/by-http/cancel", {}),
            ("resume", f"/api/v1/queues/{queue.name}/resume", {}),
        ):
            headers = {"Authorization": f"Bearer {self.token}"}
            found = requests.post(self.url + path, json=body, headers=headers, timeout=10)
            assert found.ok, (action, found.status_code, found.text)
        assert self.get(f"{jobs}/by-http").json()["state"] == "cancelled"

    def _signs_in(self) -> str:
        """Load the page as a browser does, with what it needs."""
        with requests.Session() as browser:
            page = browser.post(
                f"{self.url}/sign-in", {"token": self.token, "next": "/"}, headers=_OWN, timeout=10
            )
            assert page.status_code == 200, page.text
            assert "<title>Overview" in page.text, page.text
            for path in ("/static/app.css", "/static/app.js", "/queues/tts"):
                found = browser.get(self.url + path, timeout=10)
                assert found.ok, (path, found.status_code)
        return f"a page of {len(page.content) // 1000} kB after signing in"
