"""The trials of the web process's unit, while the workers' units run."""

from __future__ import annotations

import hashlib
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from tests.support.process import ROOT
from tests.support.waiting import eventually

from .site import Site

if TYPE_CHECKING:
    from .trials import Trial

_TOKEN = "token-of-the-trial"
_ENTRY = f"trial:read+enqueue+admin:{hashlib.sha256(_TOKEN.encode()).hexdigest()}"
#: Any free port, because the container shares the host's network.
_DROP_IN = "[Service]\nExecStart=\nExecStart={command} --port 0\n"
_LISTENS = "0A"  # a state in /proc/net/tcp


def needs_its_extra(trial: Trial) -> str:
    """web: start without its extra"""
    unit = (ROOT / "systemd/preppath-workers-web.service").read_text(encoding="utf-8")
    drop_in = trial.container.tree / "etc/systemd/system/preppath-workers-web.service.d/trial.conf"
    drop_in.parent.mkdir()
    drop_in.write_text(_DROP_IN.format(command=re.findall(r"^ExecStart=(.*)", unit, re.MULTILINE)[0]))
    trial.container.run("systemctl daemon-reload")
    trial.web.ask("start")
    eventually(lambda: trial.web.state == "failed", deadline=20, every=0.2)
    time.sleep(8)  # longer than RestartSec: systemd must not restart it
    found = trial.web.show()
    assert (found["ActiveState"], found["ExecMainStatus"]) == ("failed", "69"), found
    assert "the extra [web] is not installed" in trial.web.log()
    return "failed with 69, not restarted; the log says what to install"


def starts(trial: Trial) -> str:
    """web: the README's commands, then everything that it serves"""
    readme = (ROOT / "systemd/README.md").read_text(encoding="utf-8")
    row = next(line for line in readme.splitlines() if "enable --now preppath-workers-web" in line)
    trial.configure(WEB_TOKENS=_ENTRY)
    for command in re.findall(r"`([^`]*(?:pip install|systemctl enable)[^`]*)`", row):
        found = trial.container.run(command)
        assert found.returncode == 0, found.stdout
    site = _site(trial)
    seen = site.answers(trial.jobs)
    addresses = _listening(int(site.url.rpartition(":")[2]))
    assert addresses == ["127.0.0.1"], addresses
    resident = int(Path(f"/proc/{trial.container.pid_here(trial.web.main_pid)}/statm").read_text().split()[1])
    return f"{trial.web.show()['StatusText']} alone; {seen}; {resident * 4 // 1024} MiB"


def outlives_redis(trial: Trial) -> str:
    """web: Redis is down for 10 s"""
    site, before = _site(trial), trial.web.main_pid
    trial.running_servers.redis.kill()
    time.sleep(10)  # the outage: nothing may happen meanwhile
    during = {path: site.get(path).status_code for path in ("/healthz", "/readyz", "/", "/metrics")}
    assert during == {"/healthz": 200, "/readyz": 503, "/": 503, "/metrics": 503}, during
    trial.running_servers.redis.start()
    eventually(lambda: site.get("/readyz").status_code == 200, deadline=15, every=0.2)
    assert (trial.web.main_pid, trial.web.restarts) == (before, 0)
    return f"{during}; then ready, without a restart"


def restarts(trial: Trial) -> str:
    """web: kill -9"""
    before = trial.web.main_pid
    trial.container.run(f"kill -9 {before}")
    began = time.monotonic()
    eventually(lambda: trial.web.state == "active" and trial.web.restarts == 1, deadline=30, every=0.2)
    took = time.monotonic() - began
    assert _site(trial).is_up()
    return f"back within {took:.0f} s"


def stops(trial: Trial) -> str:
    """web: stop, while a browser listens to events"""
    site, job = _site(trial), trial.running_servers.speech(seconds=60)
    trial.tts.worker_of(job)
    headers = {"Authorization": f"Bearer {_TOKEN}"}
    address = f"{site.url}/api/v1/jobs/tts/{job}/events"
    with requests.get(address, headers=headers, stream=True, timeout=10) as events:
        assert "event: active" in events.iter_lines(chunk_size=1, decode_unicode=True)
        began = time.monotonic()
        assert trial.web.ask("stop") == ""
        took = time.monotonic() - began
    trial.jobs.cancel(job, running=True)
    found, log = trial.web.show(), trial.web.log()
    assert (found["ActiveState"], found["Result"]) == ("inactive", "success"), found
    assert took < 10, took
    assert '"Change requested over HTTP"' in log
    secrets = (_TOKEN, _ENTRY.rpartition(":")[2], "trial-secret-key", "sk-trial-key")
    leaked = [secret for secret in secrets if secret in log]
    assert not leaked, leaked
    trial.configure()
    return f"after {took:.1f} s; no token or key in {len(log.splitlines())} lines of log"


def is_sandboxed(trial: Trial) -> str:
    """systemd-analyze security of each service (0 is best)"""
    names = ("preppath-workers@tts", "preppath-workers-web", "preppath-dlq-replay")
    scores = {}
    for name in names:
        output = trial.container.run(f"systemd-analyze security --no-pager {name}.service").stdout
        scores[name] = float(re.findall(r"Overall exposure level for \S+: ([\d.]+)", output)[0])
    assert max(scores.values()) < 1.5, scores
    assert f"says {scores[names[0]]:g} " in (ROOT / "systemd/README.md").read_text(encoding="utf-8"), scores
    return ", ".join(f"{name} {score:g}" for name, score in scores.items())


def _site(trial: Trial) -> Site:
    """Return the page where the unit says that it listens."""
    status = eventually(lambda: trial.web.show().get("StatusText", ""), deadline=20, every=0.2)
    return Site(status.removeprefix("listening on "), _TOKEN)


def _listening(port: int) -> list[str]:
    """Return the IPv4 addresses on which this machine listens at the port; `ipv6` for one of IPv6."""
    found = []
    for file in ("tcp", "tcp6"):
        for line in Path("/proc/net", file).read_text().splitlines()[1:]:
            address, at = line.split()[1].split(":")
            if int(at, 16) == port and line.split()[3] == _LISTENS:
                found.append(socket.inet_ntoa(bytes.fromhex(address)[::-1]) if file == "tcp" else "ipv6")
    return found


WEB_TRIALS: tuple[Callable[[Trial], str], ...] = (
    needs_its_extra, starts, outlives_redis, restarts, stops, is_sandboxed,
)  # fmt: skip
