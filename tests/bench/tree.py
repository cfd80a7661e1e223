"""The CPU and memory of a process tree, from /proc (proc(5)). The tree is a session: its leader and all
processes forked in it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


def members(*leaders: int) -> list[int]:
    """Return the process ids of the sessions, including zombies."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            with suppress(ProcessLookupError):
                if os.getsid(int(path.name)) in leaders:
                    found.append(int(path.name))
    return found


def cpu(pids: Sequence[int]) -> float:
    """Return the CPU time of the processes, ms."""
    ticks = 0
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks * _TICK_MS


def memory(pids: Sequence[int]) -> float:
    """Return the memory of the processes, MiB: a page that n processes share counts 1/n for each (PSS)."""
    kilobytes = 0
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            kilobytes += _field(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")
    return kilobytes / 1024


def own_memory(pid: int) -> float:
    """Return the MiB that no other process shares."""
    rollup = Path(f"/proc/{pid}/smaps_rollup")
    return (_field(rollup, "Private_Dirty:") + _field(rollup, "Private_Clean:")) / 1024


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill the whole session that the process leads."""
    while pids := members(process.pid):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.poll()
        time.sleep(0.01)
    process.wait()


def _field(path: Path, name: str) -> int:
    """Return the number after the name; lines are `name number unit`."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise ValueError(f"{path} has no {name}")
