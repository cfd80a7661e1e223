"""The trials, in this order. Each is one event and its expected outcome, and returns what it saw."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support.waiting import eventually

from .container import Container
from .servers import Servers
from .units import Unit, completes, how
from .web_trials import WEB_TRIALS


@dataclass
class Trial:
    """The container, the servers and the units of one trial."""

    container: Container
    running_servers: Servers

    def __post_init__(self) -> None:
        names = ("transcription", "tts", "evaluation")
        self.units = [Unit(self.container, f"preppath-workers@{name}") for name in names]
        self.tts = self.units[1]
        self.web = Unit(self.container, "preppath-workers-web")
        self.jobs = self.running_servers.queue("tts")
        self.environment = self.container.tree / "etc/preppath-workers/env"

    def configure(self, **changed: str) -> None:
        """Write the environment file with these values changed."""
        variables = self.running_servers.variables() | changed
        self.environment.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))

    def is_well(self, workers: int = 3) -> bool:
        return self.tts.show().get("StatusText") == f"{workers} of {workers} workers, 0 busy"


def started(trial: Trial) -> str:
    """`enable --now` of the target starts three units"""
    for unit, workers in zip(trial.units, (2, 3, 5), strict=True):
        assert unit.show()["StatusText"].startswith(f"{workers} of {workers} workers"), unit.show()
        assert unit.state == "active"
    return ", ".join(f"{unit.name}: {unit.show()['StatusText']}" for unit in trial.units)


def works(trial: Trial) -> str:
    """A job of each queue, in the units' sandbox"""
    ids = trial.running_servers.one_of_each()
    return ", ".join(f"{name} {completes(trial.running_servers.queue(name), ids[name])}" for name in ids)


def titles(trial: Trial) -> str:
    """Process titles show what each process does"""
    job = trial.running_servers.speech(seconds=3)
    trial.tts.worker_of(job)
    seen = sorted(trial.tts.processes().values())
    completes(trial.jobs, job)
    assert {"preppath: janitor", "preppath: supervisor tts"} <= {*seen}
    return ", ".join(seen)


def killed_child(trial: Trial) -> str:
    """kill -9 of a worker during its job"""
    before, job = trial.tts.main_pid, trial.running_servers.speech(seconds=4)
    trial.container.run(f"kill -9 {trial.tts.worker_of(job)}")
    outcome = completes(trial.jobs, job)
    assert (trial.tts.main_pid, trial.tts.restarts, trial.tts.state) == (before, 0, "active")
    assert "recoveries 1" in outcome
    return f"the unit continued; job {outcome}"


def reloaded(trial: Trial) -> str:
    """reload with one more worker, during a job"""
    before, job = trial.tts.main_pid, trial.running_servers.speech(seconds=4)
    trial.tts.worker_of(job)
    trial.configure(TTS_CONCURRENCY="4")
    began = time.monotonic()
    assert trial.tts.ask("reload") == ""
    took = time.monotonic() - began
    eventually(lambda: trial.is_well(4), deadline=30, every=0.2)
    outcome = completes(trial.jobs, job)
    assert trial.tts.main_pid == before
    assert outcome == "completed, attempts 1, recoveries 0"
    return f"4 of 4 workers, systemctl took {took:.1f} s; job {outcome}"


def reloaded_wrongly(trial: Trial) -> str:
    """reload with a wrong configuration"""
    before = trial.tts.main_pid
    trial.configure(TTS_CONCURRENCY="many")
    assert trial.container.run(f"systemctl reload {trial.tts.name}").returncode != 0
    eventually(lambda: "TTS_CONCURRENCY is wrong" in trial.tts.log(), deadline=10)
    assert (trial.tts.main_pid, trial.tts.state) == (before, "active")
    trial.configure()
    assert trial.tts.ask("reload") == ""
    eventually(lambda: trial.is_well(3), deadline=30, every=0.2)
    return "the old one stays in force, the log names the mistake"


def resized(trial: Trial) -> str:
    """TTIN and TTOU by systemctl kill"""
    trial.tts.ask("kill --kill-who=main -s TTIN")
    eventually(lambda: trial.is_well(4), deadline=20, every=0.2)
    trial.tts.ask("kill --kill-who=main -s TTOU")
    eventually(lambda: trial.is_well(3), deadline=20, every=0.2)
    return "4 workers, then 3"


def killed_main(trial: Trial) -> str:
    """kill -9 of the main process, during a job"""
    before, job = trial.tts.main_pid, trial.running_servers.speech(seconds=60)
    worker = trial.tts.worker_of(job)
    trial.container.run(f"kill -9 {before}")
    eventually(lambda: trial.container.run(f"kill -0 {worker}").returncode, deadline=5)
    began = time.monotonic()
    eventually(lambda: trial.tts.restarts == 1 and trial.tts.state == "active", deadline=40, every=0.2)
    took = time.monotonic() - began
    outcome = completes(trial.jobs, job)
    return f"its workers died with it, restarted within {took:.0f} s; job {outcome}"


def frozen(trial: Trial) -> str:
    """The main process frozen (kill -STOP)"""
    before = trial.tts.main_pid
    trial.container.run(f"kill -STOP {before}")
    began = time.monotonic()
    eventually(lambda: trial.tts.show()["MainPID"] not in (str(before), "0"), deadline=60, every=0.2)
    eventually(trial.is_well, deadline=30, every=0.2)
    took = time.monotonic() - began
    assert "Watchdog timeout (limit 10s)!" in trial.tts.log()
    outcome = completes(trial.jobs, trial.running_servers.speech())
    return f"watchdog (here 10 s) fired, back within {took:.0f} s; job {outcome}"


def frozen_workers(trial: Trial) -> str:
    """A worker frozen (kill -STOP): the supervisor replaces it"""
    before, restarts = trial.tts.main_pid, trial.tts.restarts
    worker = next(pid for pid, title in trial.tts.processes().items() if "tts[0]" in title)
    trial.container.run(f"kill -STOP {worker}")
    began = time.monotonic()
    eventually(lambda: worker not in trial.tts.processes(), deadline=60, every=0.5)
    took = time.monotonic() - began
    eventually(trial.is_well, deadline=20, every=0.2)
    assert (trial.tts.main_pid, trial.tts.restarts) == (before, restarts)
    return f"replaced after {took:.0f} s, the unit continued"


def out_of_memory(trial: Trial) -> str:
    """A worker over the memory limit of the unit"""
    before, restarts = trial.tts.main_pid, trial.tts.restarts
    trial.tts.limit_memory(40)
    # The server takes orders of up to 32 MiB; the worker holds the pieces of the answer and the whole.
    job = trial.running_servers.speech(body="x" * 31_000_000)
    outcome = completes(trial.jobs, job, deadline=60)
    assert "recoveries 1" in outcome, outcome
    assert (trial.tts.main_pid, trial.tts.restarts, trial.tts.state) == (before, restarts, "active")
    assert "signal SIGKILL" in trial.tts.log()
    trial.tts.ask("restart")
    return f"the kernel killed the worker, the unit continued; job {outcome}"


def redis_away(trial: Trial) -> str:
    """Redis is down for longer than the watchdog's limit"""
    before, restarts = trial.tts.main_pid, trial.tts.restarts
    trial.running_servers.redis.kill()
    time.sleep(25)  # the outage: nothing may happen meanwhile
    status = trial.tts.show().get("StatusText")
    trial.running_servers.redis.start()
    outcome = completes(trial.jobs, trial.running_servers.speech())
    assert (trial.tts.main_pid, trial.tts.restarts, trial.tts.state) == (before, restarts, "active")
    return f"no restart in 25 s ({status}); then job {outcome}"


def stopped(trial: Trial) -> str:
    """stop, during a job that ends in time"""
    _, took, outcome = _stop_over_a_job(trial, seconds=4)
    assert outcome == "completed, attempts 1, recoveries 0"
    assert trial.tts.ask("start") == ""
    return f"after {took:.1f} s; job {outcome}"


def stopped_in_time(trial: Trial) -> str:
    """stop, during a job that does not end (SHUTDOWN_GRACE is 8 s)"""
    job, took, outcome = _stop_over_a_job(trial, seconds=120)
    assert outcome == "waiting, attempts 0, recoveries 0"
    assert 7 < took < 16
    assert trial.tts.ask("start") == ""
    completes(trial.jobs, job)
    return f"after {took:.1f} s; job {outcome}"


def _stop_over_a_job(trial: Trial, seconds: float) -> tuple[str, float, str]:
    """Stop the unit during a job of `seconds`; return the job's id, the seconds it took and the job's
    state."""
    job = trial.running_servers.speech(seconds=seconds)
    trial.tts.worker_of(job)
    began = time.monotonic()
    assert trial.tts.ask("stop") == ""
    took = time.monotonic() - began
    found = trial.tts.show()
    assert (found["ActiveState"], found["Result"]) == ("inactive", "success")
    return job, took, how(trial.jobs, job)


def wrong_configuration(trial: Trial) -> str:
    """start with a wrong configuration"""
    trial.tts.ask("stop")
    trial.configure(TTS_CONCURRENCY="many")
    trial.tts.ask("start")
    eventually(lambda: trial.tts.state == "failed", deadline=20, every=0.2)
    time.sleep(8)  # longer than RestartSec: systemd must not restart it
    found = trial.tts.show()
    assert (found["ActiveState"], found["ExecMainStatus"]) == ("failed", "78"), found
    assert "TTS_CONCURRENCY is wrong" in trial.tts.log()
    trial.configure()
    trial.tts.ask("start")
    assert trial.tts.state == "active"
    return "failed with 78/CONFIG, not restarted; with the fixed file it starts"


def started_without_redis(trial: Trial) -> str:
    """start while Redis is down"""
    trial.tts.ask("stop")
    trial.running_servers.redis.kill()
    trial.tts.ask("start --no-block")
    time.sleep(12)  # two attempts or more
    during = trial.tts.show()
    trial.running_servers.redis.start()
    eventually(trial.is_well, deadline=40, every=0.5)
    return f"{during['ActiveState']} ({during['SubState']}), running once Redis was back"


def replayed(trial: Trial) -> str:
    """dead-letter replay by its service and timer"""
    # With a parameter: a refusal without a reason counts as the service's until the model has answered.
    job = trial.running_servers.speech(status=400, code="invalid_request_error", param="input")
    eventually(lambda: how(trial.jobs, job).startswith("failed"), deadline=15)
    found = trial.container.run("systemctl start preppath-dlq-replay.service")
    assert found.returncode == 0, found.stdout
    outcome = completes(trial.jobs, job)
    enabled = trial.container.run("systemctl enable --now preppath-dlq-replay.timer")
    assert enabled.returncode == 0, enabled.stdout
    timers = trial.container.run("systemctl list-timers --no-legend preppath-dlq-replay.timer").stdout
    trial.container.run("systemctl disable --now preppath-dlq-replay.timer")
    assert "preppath-dlq-replay.service" in timers
    return f"job {outcome}; the timer is set"


def nothing_left(trial: Trial) -> str:
    """stop of the target leaves no process, file or key"""
    assert trial.container.run("systemctl stop preppath-workers.target").returncode == 0
    eventually(lambda: all(unit.state == "inactive" for unit in trial.units), deadline=40, every=0.5)
    owned = trial.container.run("find /proc -maxdepth 1 -user preppath").stdout.strip()
    files = [path for path in Path(trial.container.tree, "tmp").rglob("*") if path.is_file()]
    keys = [key for key in trial.running_servers.redis_keys() if ":active:" in key or ":instance" in key]
    assert not owned, f"processes: {owned}"
    assert not files, f"files: {files}"
    assert not keys, f"keys: {keys}"
    return "no process, no temporary file, no instance or active list in Redis"


TRIALS: tuple[Callable[[Trial], str], ...] = (
    started, works, titles, killed_child, reloaded, reloaded_wrongly, resized, killed_main, frozen,
    frozen_workers, out_of_memory, redis_away, stopped, stopped_in_time, wrong_configuration,
    started_without_redis, replayed, *WEB_TRIALS, nothing_left,
)  # fmt: skip
