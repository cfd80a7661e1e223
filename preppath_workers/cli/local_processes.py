"""The workers on this host, found by their process titles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: `preppath: tts[1] idle`
_TITLE = re.compile(rb"preppath: ([a-z0-9_-]+)\[(\d+)\] ")


@dataclass(frozen=True)
class LocalProcess:
    """A worker's process and its resident memory (MiB), including shared pages."""

    pid: int
    mb: int


def local_workers() -> Mapping[tuple[int, str, int], LocalProcess]:
    """Return the workers by supervisor's pid, queue and slot; empty on systems without /proc."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            title = _TITLE.match((folder / "cmdline").read_bytes())
            if not title:
                continue
            status = (folder / "status").read_text(encoding="utf-8")
        except OSError:  # the process exited, or belongs to another user
            continue
        fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        memory = fields.get("VmRSS", "0 kB").split()[0]
        position = (int(fields["PPid"]), title[1].decode(), int(title[2]))
        found[position] = LocalProcess(int(folder.name), int(memory) // 1024)
    return found
