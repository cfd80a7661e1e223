"""A release of the program in its own folder, and its processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Self

from preppath_workers.store.keys import FIRST_LAYOUT
from tests.integration.worker.harness import is_alive
from tests.support.process import ROOT, children_of
from tests.support.waiting import eventually

#: Where the layout's number is, and how.
_KEYS, _NUMBER = "preppath_workers/store/keys.py", f"LAYOUT = {FIRST_LAYOUT}"


class NoHistory(Exception):
    """Raised when this checkout lacks the repository's history, or the release."""


@dataclass(frozen=True)
class Release:
    """The files of a release; `name` is the first letters of its commit, or `this`."""

    name: str
    folder: Path

    @classmethod
    def this(cls) -> Self:
        return cls("this", ROOT)

    @classmethod
    def previous(cls, revision: str | None, folder: Path) -> Self:
        """Unpack the revision, by default the first with this layout. Raises NoHistory."""
        if revision is None:
            commits = _git("log", "--format=%H", "--reverse", f"-S{_NUMBER}", "--", _KEYS).decode().split()
            # The only commit of a shallow clone seems to set everything.
            if not commits or commits[0] == _git("rev-parse", "HEAD").decode().strip():
                raise NoHistory(f"no earlier commit sets {_NUMBER}: is this a shallow clone?")
            revision = commits[0]
        archive = _git("archive", "--format=tar", revision)
        with tarfile.open(fileobj=BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
        ours = Path(__file__).parent
        (folder / "tests/upgrade").mkdir(exist_ok=True)
        for name in ("__init__.py", "app.py", "producer.py"):
            shutil.copy(ours / name, folder / "tests/upgrade" / name)
        return cls(_git("rev-parse", "--short", revision).decode().strip(), folder)

    def run(self, module: str, *arguments: str, environment: Mapping[str, str], log: Path) -> Program:
        """Start a module of this release."""
        with log.open("ab") as output:
            return Program(
                self,
                subprocess.Popen(
                    [sys.executable, "-m", module, *arguments],
                    cwd=self.folder,
                    env={**os.environ, **environment, "PYTHONPATH": str(self.folder)},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                ),
            )


@dataclass(frozen=True)
class Program:
    """A running supervisor or producer."""

    release: Release
    process: subprocess.Popen[bytes]

    def stop(self) -> int:
        """Send SIGTERM; return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self) -> list[int]:
        """Send SIGKILL to the supervisor; return the process ids of its children, which die with it."""
        self.process.send_signal(signal.SIGSTOP)  # so that it forks no others meanwhile
        time.sleep(0.01)
        children = [*map(int, children_of(self.process.pid))]
        self.process.kill()
        self.process.wait()
        eventually(lambda: not any(map(is_alive, children)))
        return children

    def end(self) -> None:
        """Kill the process if it runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def _git(*words: str) -> bytes:
    command = ["git", "-C", str(ROOT), *words]
    found = subprocess.run(command, capture_output=True, check=False)
    if found.returncode:
        raise NoHistory(f"{' '.join(command[3:])}: {found.stderr.decode(errors='replace').strip()}")
    return found.stdout
