"""podman, with its own storage folder, and the containers that it runs."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.waiting import eventually

#: What systemd/README.md recommends for a container, and what Kubernetes' "restricted" profile requires.
_RESTRICTED = (
    "--read-only", "--tmpfs=/tmp", "--cap-drop=all", "--security-opt=no-new-privileges", "--memory=2g",
)  # fmt: skip

#: Docker's engine runs health checks itself, podman uses systemd for that; here the trial runs them.
_NO_TIMER = "--health-interval=disable"


@dataclass(frozen=True)
class Podman:
    """podman with its images in `folder`."""

    folder: Path

    def command(self, *arguments: str) -> list[str]:
        """Return the command line for a podman subcommand."""
        storage = [
            f"--root={self.folder}/storage",
            f"--runroot={self.folder}/run",
            "--storage-driver=overlay",
        ]
        # crun, podman's first choice, refuses machines that have cgroups of both versions.
        return ["podman", *storage, "--cgroup-manager=cgroupfs", "--runtime=runc", *arguments]

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a subcommand. Raises AssertionError with its output if it fails and `check` is true."""
        found = subprocess.run(
            self.command(*arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert not check or not found.returncode, f"podman {arguments[0]}: {found.stdout}{found.stderr}"
        return found

    def once(
        self, image: str, *arguments: str, variables: Mapping[str, str] | None = None, entrypoint: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a new container, and remove the container."""
        options = [f"--entrypoint={entrypoint}"] if entrypoint else []
        with _file_of(variables or {}) as file:
            return self.run("run", "--rm", *_options(file), *options, image, *arguments, check=False)

    @contextmanager
    def container(self, image: str, variables: Mapping[str, str], *arguments: str) -> Iterator[Container]:
        """A container that runs the image's entrypoint; it is removed at the end, by force."""
        with _file_of(variables) as file, tempfile.TemporaryDirectory(prefix="container-") as folder:
            pid_file = Path(folder, "pid")
            name = self.run(
                "create", *_options(file), f"--pidfile={pid_file}", image, *arguments
            ).stdout.strip()
            try:
                yield Container(self, name, pid_file)
            finally:
                self.run("rm", "--force", "--time=0", name)


@dataclass(frozen=True)
class Container:
    """A container that was created."""

    podman: Podman
    name: str
    pid_file: Path

    def start(self) -> None:
        self.podman.run("start", self.name)

    def start_and_signal(self, number: int, delay: float) -> None:
        """Start it, and send the signal `delay` seconds after its program was executed."""
        starting = subprocess.Popen(
            self.podman.command("start", self.name), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        eventually(self._is_executed, deadline=60, every=0.001)
        subprocess.run(["sleep", str(delay)], check=True)
        os.kill(self.pid, number)
        assert starting.wait(60) == 0

    @property
    def pid(self) -> int:
        """The host's pid of the container's process 1."""
        return int(self.pid_file.read_text())

    def _is_executed(self) -> bool:
        try:
            return b"bin/preppath-workers" in Path(f"/proc/{self.pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return False

    def inspect(self) -> Mapping[str, Any]:
        """Return what podman knows about it."""
        found: Mapping[str, Any] = json.loads(self.podman.run("inspect", self.name).stdout)[0]
        return found

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command inside, as `docker exec` does."""
        return self.podman.run("exec", self.name, *command, check=False)

    def health_check(self) -> int:
        """Run the image's HEALTHCHECK; return its exit code."""
        return self.podman.run("healthcheck", "run", self.name, check=False).returncode

    def signal(self, name: str) -> None:
        self.podman.run("kill", f"--signal={name}", self.name)

    def exit_code(self, seconds: float) -> int:
        """Wait until process 1 has ended; return its exit code. Raises AssertionError if it goes on."""

        def has_ended() -> bool:
            return bool(self.inspect()["State"]["Status"] == "exited")

        eventually(has_ended, deadline=seconds, every=0.1)
        return int(self.inspect()["State"]["ExitCode"])

    def processes(self) -> list[tuple[int, str, str, str]]:
        """Return pid inside, user, state and title of each process."""
        lines = self.podman.run("top", self.name, "pid", "user", "state", "args").stdout.splitlines()[1:]
        rows = [line.split(maxsplit=3) for line in lines]
        return [(int(pid), user, state, title) for pid, user, state, title in rows]

    def log(self) -> str:
        found = self.podman.run("logs", self.name)
        return found.stdout + found.stderr


def _options(file: Path) -> Sequence[str]:
    # podman's own limits are higher than a machine without CAP_SYS_RESOURCE lets it set.
    limits = ("--ulimit=nofile=10000:10000", "--ulimit=nproc=4096:4096")
    return (*_RESTRICTED, _NO_TIMER, *limits, "--network=host", f"--env-file={file}")


@contextmanager
def _file_of(variables: Mapping[str, str]) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile("w", prefix="env-", suffix=".env") as file:
        file.write("".join(f"{name}={value}\n" for name, value in variables.items()))
        file.flush()
        yield Path(file.name)
