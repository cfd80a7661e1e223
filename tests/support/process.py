"""A server as a process: on a free loopback port, in its own folder, killed when its parent dies.

No thread is started here, so that the caller may fork afterwards.
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

from preppath_workers.clients.parent_death import set_pdeathsig

HOST = "127.0.0.1"

#: The folder that our own servers import `tests` from.
ROOT = Path(__file__).resolve().parents[2]

#: Ports to choose from, below Linux's range for outgoing connections (from 32768): in that range, a client
#: that retries a stopped server can end up connected to itself.
PORTS = range(20_000, 32_000)

#: The number of this worker of xdist, and how many there are. Each chooses from ports of its own: a server of
#: another could take a port between its choice and its use.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))

#: These ports in a random order, each once: of several servers that choose before the first of them starts,
#: two would otherwise choose the same sometimes.
_choices = iter(random.sample(PORTS[_WORKER::_WORKERS], len(PORTS[_WORKER::_WORKERS])))

#: Seconds until a server must answer.
START_DEADLINE = 60.0

#: Seconds that a server has to stop before it is killed.
STOP_DEADLINE = 10.0

#: Seconds between two polls of a starting server.
POLL = 0.01


class ServerFailed(Exception):
    """The server ended, or did not answer in time; the message shows the end of its log."""


class Server(ABC):
    """One server process, used with `start` and `stop` or as a context manager.

    Without `port`, a free one is chosen; without `directory`, a temporary one is made, which `stop` removes.
    Both stay the same if the server is killed and started again.
    """

    #: The signal that stops this server.
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, port: int | None = None, directory: Path | None = None) -> None:
        self.port = port or free_port()
        self._given = directory
        self._directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._creator_pid = os.getpid()

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
        """The process id. Raises ServerFailed if the server was not started."""
        if self._process is None:
            raise ServerFailed(f"{type(self).__name__} was not started")
        return self._process.pid

    @property
    def is_started(self) -> bool:
        """Whether the server was started and not stopped; it may have ended by itself."""
        return self._process is not None

    def start(self) -> Self:
        """Start the server and return once it answers. Raises ServerFailed, also if it runs already."""
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
        """Start the process and return at once, so that several servers start in parallel."""
        self.spawn(self.command())

    def wait_until_ready(self) -> None:
        """Wait until the server answers. Raises ServerFailed."""
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
        """Stop the server, kill it if that takes too long, and remove its temporary folder.

        No-op in a forked process: the process that created this object stops the server.
        """
        if self._creator_pid != os.getpid():
            return
        self._end(self.stop_signal)
        if self._directory is not None and self._given is None:
            shutil.rmtree(self._directory)
        self._directory = None

    def kill(self) -> None:
        """Kill the server (SIGKILL) and keep its folder, like a crash; `start` starts it again."""
        if self._creator_pid != os.getpid() or self._process is None:
            return
        forked = children_of(self._process.pid)
        self._end(signal.SIGKILL)
        # PostgreSQL starts again only after the last of them has released its shared memory.
        deadline = time.monotonic() + STOP_DEADLINE
        while any(Path(f"/proc/{pid}").exists() for pid in forked) and time.monotonic() < deadline:
            time.sleep(POLL)

    def log_end(self) -> str:
        """The last 2,000 characters of the server's log."""
        return (self.directory / "server.log").read_text(errors="replace")[-2_000:]

    def spawn(
        self, command: Sequence[str], user: str | None = None, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start the command in the server's folder, with its output in `server.log`, as the given system
        user. It gets no signals from the terminal, so that servers stop after the processes that use them."""
        if not _is_free(self.port):  # another server would seem to be ours
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
    """Process ids from proc(5), including zombies; empty if the process has ended or the system has no such
    file."""
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def free_port() -> int:
    """A loopback port on which nothing listens at the moment, and that this process did not choose before."""
    for port in _choices:
        if _is_free(port):
            return port
    raise ServerFailed("no free port is left")


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
