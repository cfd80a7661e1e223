"""A server in a process of its own: on a free loopback port, in a folder of its own, dead when we are.

No thread is ever started here: whoever starts servers may fork afterwards.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from preppath_workers.parent_death import set_pdeathsig

HOST = "127.0.0.1"

#: The folder from which servers of our own import `tests`.
ROOT = Path(__file__).resolve().parents[2]

#: Ports to choose from. They lie below the range that systems hand out to outgoing connections (from 32768
#: on Linux): there, a client that keeps trying a stopped server can end up connected to itself.
PORTS = range(20_000, 32_000)

#: Seconds that a server gets until it answers.
START_DEADLINE = 30.0

#: Seconds that a server gets to end in order before it is killed.
STOP_DEADLINE = 10.0

#: Seconds between two looks at a server that is starting.
POLL = 0.01


class ServerFailed(Exception):
    """The server ended, or did not answer in time; the message shows the end of its log."""


class Server(ABC):
    """One server process. `start` and `stop` by hand, or as a context manager.

    Without `port`, a free one is chosen; without `directory`, a temporary one is made, which `stop` removes
    again. Both stay the same when the server is killed and started again.
    """

    #: What ends this server in order.
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, port: int | None = None, directory: Path | None = None) -> None:
        self.port = port or free_port()
        self._given = directory
        self._directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()

    @abstractmethod
    def command(self) -> Sequence[str]:
        """The program and its arguments."""

    def ready(self) -> bool:
        """Whether the server answers; by default, whether its port accepts connections."""
        with socket.socket() as connection:
            connection.settimeout(1)
            return connection.connect_ex((HOST, self.port)) == 0

    @property
    def directory(self) -> Path:
        """The server's folder, with its data and `server.log`."""
        if self._directory is None:
            self._directory = self._given or Path(tempfile.mkdtemp(prefix=f"{type(self).__name__.lower()}-"))
        return self._directory

    @property
    def pid(self) -> int:
        """The process id. Raises ServerFailed when the server does not run."""
        if self._process is None:
            raise ServerFailed(f"{type(self).__name__} was not started")
        return self._process.pid

    def start(self) -> Self:
        """Starts the server and returns once it answers. Raises ServerFailed, also when it runs already."""
        if self._process is not None:
            raise ServerFailed(f"{type(self).__name__} runs already")
        try:
            self.launch()
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def launch(self) -> None:
        """The first half of `start`: returns at once, so that several servers start side by side."""
        self.spawn(self.command())

    def wait_until_ready(self) -> None:
        """The second half of `start`. Raises ServerFailed."""
        deadline = time.monotonic() + START_DEADLINE
        while True:
            if self._process is None or self._process.poll() is not None:
                raise ServerFailed(f"{type(self).__name__} ended: {self.log_end()}")
            if self.ready():
                return
            if time.monotonic() > deadline:
                raise ServerFailed(f"{type(self).__name__} did not answer: {self.log_end()}")
            time.sleep(POLL)

    def stop(self) -> None:
        """Ends the server in order, by force when that takes too long, and removes its temporary folder.

        Does nothing in a forked child, whose copy of this object is not the one in charge.
        """
        if self._owner != os.getpid():
            return
        self._end(self.stop_signal)
        if self._directory is not None and self._given is None:
            shutil.rmtree(self._directory)
        self._directory = None

    def kill(self) -> None:
        """Kills the server (SIGKILL) and keeps its folder, as a crash would; `start` brings it back."""
        if self._owner != os.getpid() or self._process is None:
            return
        forked = children_of(self._process.pid)
        self._end(signal.SIGKILL)
        # PostgreSQL does not start again before the last of them has noticed and let go of its memory.
        deadline = time.monotonic() + STOP_DEADLINE
        while any(Path(f"/proc/{pid}").exists() for pid in forked) and time.monotonic() < deadline:
            time.sleep(POLL)

    def log_end(self) -> str:
        """The last 2,000 characters of the server's log."""
        return (self.directory / "server.log").read_text(errors="replace")[-2_000:]

    def spawn(
        self, command: Sequence[str], user: str | None = None, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Starts the command in the server's folder, with its output in `server.log`, as the given system
        user. It gets no signals from our terminal: whoever started it stops it, after what depends on it."""
        if not _is_free(self.port):  # or else we would take whoever answers there for our server
            raise ServerFailed(f"port {self.port} is taken")
        log = self.directory / "server.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=self.directory,
                env={**os.environ, "PYTHONPATH": _python_path(), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
                user=user,
                extra_groups=None if user is None else [],
                preexec_fn=set_pdeathsig(self.stop_signal),
            )
        return self._process

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def children_of(pid: int) -> list[str]:
    """Process ids, as proc(5) tells them, ended ones among them that were not waited for; none where the
    process has ended, or the system has no such file."""
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    for port in random.sample(PORTS, 100):
        if _is_free(port):
            return port
    raise ServerFailed("no free port found")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _python_path() -> str:
    return os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
