"""The units in the container and the state of their jobs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from preppath_workers import Queue
from tests.support.waiting import eventually

from .container import Container


@dataclass(frozen=True)
class Unit:
    """A service in the container, by its name without `.service`."""

    container: Container
    name: str

    def show(self) -> Mapping[str, str]:
        """Return systemd's properties: ActiveState, MainPID, NRestarts, StatusText, Result, …"""
        lines = self.container.run(f"systemctl show {self.name}").stdout.splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    @property
    def state(self) -> str:
        return self.show()["ActiveState"]

    @property
    def main_pid(self) -> int:
        pid = int(self.show()["MainPID"])
        assert pid, "the unit does not run"
        return pid

    @property
    def restarts(self) -> int:
        return int(self.show()["NRestarts"])

    def ask(self, verb: str) -> str:
        """Run `systemctl VERB`; return its output, which is empty on success."""
        return self.container.run(f"systemctl {verb} {self.name}").stdout.strip()

    def processes(self) -> dict[int, str]:
        """Return the unit's processes: pid and title."""
        status = self.container.run(
            f"systemctl status --no-pager --full --lines=0 {self.name} || true"
        ).stdout
        return {int(pid): title.strip('"') for pid, title in re.findall(r"[├└]─\s*(\d+) (.*)", status)}

    def worker_of(self, job_id: str) -> int:
        """Return the pid of the worker whose title names the job."""
        found = eventually(
            lambda: [pid for pid, title in self.processes().items() if f"job {job_id} " in title], deadline=15
        )
        return found[0]

    def limit_memory(self, megabytes: int) -> None:
        """Limit the memory of all its processes together, from now on.

        Without the memory controller, as in containers on machines with cgroups of version 1, `MemoryMax=`
        has no effect, so the limit is set from the host.
        """
        outside = Path("/sys/fs/cgroup/memory")
        if not outside.exists():
            self.container.run(f"systemctl set-property --runtime {self.name} MemoryMax={megabytes}M")
            return
        group = outside / "preppath-trial"
        group.mkdir(exist_ok=True)
        (group / "memory.limit_in_bytes").write_text(str(megabytes * 2**20))
        for pid in self.processes():
            (group / "cgroup.procs").write_text(str(self.container.pid_here(pid)))

    def log(self) -> str:
        return self.container.run(f"journalctl --no-pager --output=cat --unit={self.name}").stdout


def completes(queue: Queue, job_id: str, deadline: float = 30) -> str:
    """Wait until the job is completed; return its state: `completed, attempts 1, recoveries 0`."""

    def is_done() -> bool:
        job = queue.get(job_id)
        assert job is not None, f"{job_id} does not exist"
        assert job.state != "failed", f"{job_id} failed: {job.error}"
        return job.state == "completed"

    eventually(is_done, deadline)
    return how(queue, job_id)


def how(queue: Queue, job_id: str) -> str:
    job = queue.get(job_id)
    assert job is not None
    return f"{job.state}, attempts {job.attempts}, recoveries {job.recoveries}"
