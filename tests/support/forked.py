"""Programs of this project that fork from a process which has imported their modules.

Importing them takes most of a second of CPU, and the tests start hundreds of programs.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from .process import ROOT

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.support.preloaded"])


class ForkedProcess:
    """`python -m module arguments` in a new session, with the methods of `subprocess.Popen`.

    It runs in the checkout's folder unless another is given. Standard error is appended to
    the file; standard output goes to the connection, if there is one.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        stderr: Path,
        stdout: Connection | None = None,
        folder: Path = ROOT,
    ) -> None:
        self._name = module
        self._process = _context.Process(
            target=_run, args=(module, [*arguments], {**environment}, str(stderr), stdout, str(folder))
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Return the exit code, or None if the process runs; -N after signal N."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code when the process has ended. Raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(self._name, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send the signal if the process runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()


def run(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], folder: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run a ForkedProcess to its end, as `subprocess.run` does; return also what it printed."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as stderr:
        reading, writing = multiprocessing.Pipe(duplex=False)
        process = ForkedProcess(module, arguments, environment, Path(stderr.name), writing, folder)
        writing.close()
        with reading, os.fdopen(os.dup(reading.fileno()), encoding="utf-8") as stdout:
            printed = stdout.read()
        return subprocess.CompletedProcess([module, *arguments], process.wait(), printed, stderr.read())


def _run(
    module: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    stderr: str,
    stdout: Connection | None,
    folder: str,
) -> None:
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(os.open(stderr, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), 2)
    if stdout is not None:
        os.dup2(stdout.fileno(), 1)
        stdout.close()
        sys.stdout = os.fdopen(1, "w", closefd=False)  # the old one may expect a file
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
