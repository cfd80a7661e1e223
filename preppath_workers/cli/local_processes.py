"""The workers that run on this host, by what their process titles say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: `preppath: tts[1] idle`; see processes/titles.py.
_TITLE = re.compile(rb"preppath: ([a-z_]+)\[(\d+)\] ")


@dataclass(frozen=True)
class LocalProcess:
    """A worker's process, and its resident memory (MiB), pages that it shares with others included."""

    pid: int
    mb: int


def local_workers() -> Mapping[tuple[int, str, int], LocalProcess]:
    """By the supervisor's pid, the queue and the slot's number. Empty where there is no /proc."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            title = _TITLE.match((folder / "cmdline").read_bytes())
            if not title:
                continue
            status = (folder / "status").read_text(encoding="utf-8")
        except OSError:  # it has ended just now, or is somebody else's
            continue
        facts = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        memory = facts.get("VmRSS", "0 kB").split()[0]
        place = (int(facts["PPid"]), title[1].decode(), int(title[2]))
        found[place] = LocalProcess(int(folder.name), int(memory) // 1024)
    return found
