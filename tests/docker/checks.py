"""What is checked, in this order. Each check returns what it saw, or raises AssertionError."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from tests.nspawn.servers import Servers
from tests.nspawn.units import completes, how
from tests.support.waiting import eventually

from .image import IMAGE, PLANTED
from .own_job import runs_own_job
from .podman import Container, Podman
from .web import serves

_WORKER = re.compile(r"preppath: \w+\[\d+\]")
_WORKERS = 10  # the default concurrency of the three queues together

#: What the build needs, and the image must not contain.
_LEFTOVERS = r"""
for path in /build /root/.cache /var/lib/apt/lists/* /tmp/*; do [ -e "$path" ] && echo "$path"; done
command -v gcc git
find / -xdev \( -name '.env*' -o -path '*/preppath_workers/tests*' \) 2>/dev/null
true
"""


@dataclass
class Checks:
    """What the checks share: podman, the servers, and the container that `starts` started."""

    podman: Podman
    running_servers: Servers
    context: list[str]
    show: Sequence[str]
    container: Container | None = field(default=None)

    @property
    def running(self) -> Container:
        assert self.container is not None
        return self.container

    def workers(self) -> dict[int, str]:
        """Return pid inside and title of each worker."""
        rows = self.running.processes()
        return {pid: title for pid, _, _, title in rows if _WORKER.match(title)}

    def health(self) -> int:
        """Return the exit code of `health --local`, inside."""
        return self.running.execute("preppath-workers", "health", "--local").returncode


def sees_what_it_needs(checks: Checks) -> str:
    """.dockerignore lets the package through, and no secret"""
    seen = {*checks.context}
    assert {"pyproject.toml", "LICENSE", "preppath_workers/cli/main.py"} <= seen, seen
    strangers = [name for name in seen if name in PLANTED or name.startswith(("tests", ".git"))]
    assert not strangers, strangers
    return f"{len(seen)} files"


def is_configured(checks: Checks) -> str:
    """The image's user, stop signal, entrypoint and health check"""
    found = json.loads(checks.podman.run("image", "inspect", IMAGE).stdout)[0]
    config = found["Config"]
    assert config["User"] == "10001:10001", config
    assert config["StopSignal"] == "SIGTERM", config
    health = found.get("HealthCheck") or found["Healthcheck"]
    assert health["Test"] == ["CMD", "preppath-workers", "health", "--local", "--quiet"], health
    return f"user {config['User']}, {' '.join(config['Entrypoint'])}; {found['Size'] / 1e6:.0f} MB"


def has_no_leftovers(checks: Checks) -> str:
    """The image holds nothing of its build"""
    found = checks.podman.once(IMAGE, "-c", _LEFTOVERS, entrypoint="/bin/sh")
    assert found.returncode == 0, found.stderr
    assert not found.stdout, found.stdout
    return "no sources, caches, package lists, compilers or .env"


def is_restricted(checks: Checks) -> str:
    """A process in the image has no rights"""
    script = "id -u; id -g; ffmpeg -version | head -1 | cut -c-14; touch /x /opt/preppath-workers/x 2>&1"
    found = checks.podman.once(IMAGE, "-c", script, entrypoint="/bin/sh").stdout
    assert found.startswith("10001\n10001\nffmpeg version\n"), found
    assert found.count("Read-only file system") == 2, found
    return "user 10001, nothing writable but /tmp; ffmpeg runs"


def refuses_wrong_configuration(checks: Checks) -> str:
    """A wrong configuration ends it with 78"""
    found = checks.podman.once(
        IMAGE, variables=checks.running_servers.variables() | {"TTS_CONCURRENCY": "many"}
    )
    assert found.returncode == 78, found
    assert "TTS_CONCURRENCY" in found.stderr, found
    return "78"


def makes_tables(checks: Checks) -> str:
    """init-db and check, by docker run"""
    found = checks.podman.once(IMAGE, "init-db", variables=checks.running_servers.variables())
    assert found.returncode == 0, found
    checks.running_servers.add_rows()
    found = checks.podman.once(IMAGE, "check", variables=checks.running_servers.variables())
    assert found.returncode in (0, 1), found  # 1: warnings
    return f"check says {found.returncode}"


def starts(checks: Checks) -> str:
    """A started container becomes healthy"""
    began = time.monotonic()
    checks.running.start()
    eventually(lambda: checks.running.health_check() == 0, deadline=60, every=0.5)
    took = time.monotonic() - began
    assert checks.health() == 0
    rows = checks.running.processes()
    assert rows[0][0] == 1, rows
    assert rows[0][3].startswith("preppath: supervisor"), rows
    assert {user for _, user, _, _ in rows} <= {"10001", "preppath"}, rows
    assert len(checks.workers()) == _WORKERS, rows
    return f"after {took:.0f} s; process 1 is the supervisor, {len(rows)} processes of one user"


def works(checks: Checks) -> str:
    """A job of each queue completes"""
    ids = checks.running_servers.one_of_each()
    return ", ".join(f"{name} {completes(checks.running_servers.queue(name), ids[name])}" for name in ids)


def clears_away(checks: Checks) -> str:
    """kill -9 of a worker during its job"""
    job = checks.running_servers.speech(seconds=5)
    found = eventually(lambda: [pid for pid, title in checks.workers().items() if job in title], deadline=15)
    checks.running.execute("python", "-c", f"import os; os.kill({found[0]}, 9)")
    outcome = completes(checks.running_servers.queue("tts"), job)
    assert "recoveries 1" in outcome, outcome
    eventually(lambda: len(checks.workers()) == _WORKERS, deadline=30, every=0.2)
    zombies = [row for row in checks.running.processes() if row[2].startswith("Z")]
    assert not zombies, zombies
    return f"job {outcome}; the worker was replaced, no zombie is left"


def reloads(checks: Checks) -> str:
    """docker kill --signal HUP replaces the workers"""
    before = {*checks.workers()}
    checks.running.signal("HUP")

    def are_replaced() -> bool:
        now = {*checks.workers()}
        return len(now) == _WORKERS and not now & before

    eventually(are_replaced, deadline=60, every=0.5)
    assert checks.health() == 0
    return f"{len(before)} of {len(before)}"


def stops(checks: Checks) -> str:
    """SIGTERM to process 1, with a job that ends in time"""
    job = checks.running_servers.speech(seconds=5)
    eventually(lambda: any(job in title for title in checks.workers().values()), deadline=15)
    outcome = _ends_in_order(checks, lambda: checks.running.signal("TERM"))
    assert how(checks.running_servers.queue("tts"), job) == "completed, attempts 1, recoveries 0"
    return f"{outcome}; the job completed"


def is_unhealthy(checks: Checks) -> str:
    """health --local after it has stopped"""
    found = checks.podman.once(IMAGE, "health", "--local", variables=checks.running_servers.variables())
    assert found.returncode == 1, found
    return "1"


def stops_in_time(checks: Checks) -> str:
    """docker stop, with a job that does not end (SHUTDOWN_GRACE is 8 s)"""
    checks.running.start()
    job = checks.running_servers.speech(seconds=120)
    eventually(lambda: any(job in title for title in checks.workers().values()), deadline=60, every=0.2)
    stop = ("stop", "--time=45", checks.running.name)
    outcome = _ends_in_order(checks, lambda: checks.podman.run(*stop))
    assert how(checks.running_servers.queue("tts"), job) == "waiting, attempts 0, recoveries 0"
    checks.running_servers.queue("tts").cancel(job)
    return f"{outcome}; the job waits, uncounted"


def stops_early(checks: Checks) -> str:
    """SIGTERM while it starts"""
    delays = (0, 0.05, 0.2, 0.5, 1)
    seen = []
    for delay in delays:
        outcome = _ends_in_order(checks, partial(checks.running.start_and_signal, signal.SIGTERM, delay))
        seen.append(f"{delay:g} s: {outcome}")
    return ", ".join(seen)


def _ends_in_order(checks: Checks, stop: Callable[[], object]) -> str:
    began = time.monotonic()
    stop()
    code = checks.running.exit_code(30)
    took = time.monotonic() - began
    assert code == 0, f"exit code {code}: {checks.running.log()[-2000:]}"
    left = [key for key in checks.running_servers.redis_keys() if ":active:" in key or ":instance" in key]
    assert not left, left
    return f"0 after {took:.1f} s"


CHECKS: tuple[Callable[[Checks], str], ...] = (
    sees_what_it_needs, is_configured, has_no_leftovers, is_restricted, refuses_wrong_configuration,
    makes_tables, starts, works, serves, runs_own_job, clears_away, reloads, stops, is_unhealthy,
    stops_in_time, stops_early,
)  # fmt: skip
