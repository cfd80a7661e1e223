"""A Debian booted with systemd, in a container that shares the host's network."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.process import ROOT, children_of
from tests.support.waiting import eventually

#: Packages of the new tree; the others are installed by the commands of systemd/README.md.
_PACKAGES = "systemd,systemd-sysv,dbus,python3,ca-certificates"

#: Variables that package managers need on machines behind a proxy.
_PASSED_ON = ("PIP_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


def make_tree(tree: Path, suite: str, mirror: str | None, packages: str = _PACKAGES) -> None:
    """Create a minimal Debian, unless it exists. Takes about a minute."""
    if (tree / "etc/os-release").exists():
        return
    command = ["debootstrap", "--variant=minbase", f"--include={packages}", suite, str(tree)]
    subprocess.run([*command, *([mirror] if mirror else [])], check=True, stdout=sys.stderr)


def put_checkout(tree: Path) -> None:
    """Copy the files that git tracks or does not ignore, with uncommitted changes, to their place on a
    server."""
    place = tree / "opt/preppath-workers"
    place.mkdir(parents=True, exist_ok=True)
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    files = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True).stdout
    present = b"\0".join(name for name in files.split(b"\0") if name and (ROOT / os.fsdecode(name)).exists())
    packed = subprocess.run(
        ["tar", "--create", "--null", "--files-from=-"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        input=present,
    )
    unpack = ["tar", "--extract", "--no-same-owner", "--directory", str(place)]
    subprocess.run(unpack, check=True, input=packed.stdout)


@dataclass
class Container:
    """One boot of a tree."""

    tree: Path
    log: Path
    #: Files and folders of the host that are visible inside, read-only, such as certificates.
    shown: Sequence[str] = ()
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def boot(self) -> None:
        """Boot, and return when all enabled units have started."""
        binds = [f"--bind-ro={path}" for path in self.shown]
        command = ["systemd-nspawn", "--directory", str(self.tree), "--register=no", "--keep-unit", *binds]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--boot"], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        eventually(
            lambda: (
                self._leaders()
                and self.run("systemctl is-system-running").stdout in ("running\n", "degraded\n")
            ),
            deadline=60,
            every=0.5,
        )

    def _leaders(self) -> list[int]:
        """Return the host's pid of the container's first process, once it exists."""
        assert self._process is not None
        return [*map(int, children_of(self._process.pid))]

    def power_off(self) -> None:
        if self._process and self._process.poll() is None:
            # The signal for an orderly shutdown (systemd-nspawn(1), --kill-signal).
            for leader in self._leaders():
                os.kill(leader, signal.SIGRTMIN + 3)
            self._process.wait(60)

    def run(
        self, script: str, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the script in a shell in the container; return its exit code and output."""
        known = {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}
        path = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
        return subprocess.run(
            [
                "nsenter",
                f"--target={self._leaders()[0]}",
                "--all",
                "--root",
                "--wd",
                "/bin/sh",
                "-euc",
                script,
            ],
            env={**known, **path, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def pid_here(self, pid: int) -> int:
        """Return the host's pid of a process of the container."""
        inner = Path(f"/proc/{self._leaders()[0]}/ns/pid").readlink()
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                numbers = next(
                    line.split()[1:] for line in status.read_text().splitlines() if line.startswith("NSpid:")
                )
                if numbers[-1] == str(pid) and (status.parent / "ns/pid").readlink() == inner:
                    return int(numbers[0])
            except (OSError, StopIteration):
                continue
        raise LookupError(f"no process {pid}")
