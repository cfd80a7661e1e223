"""Tests the systemd units on a real systemd: `python -m tests.nspawn --tree FOLDER`, as root, some seven
minutes.

Needs debootstrap, systemd-container, and access to Debian's and Python's packages. Creates a Debian in FOLDER
unless it exists, boots a copy, installs the checkout with the commands of systemd/README.md, starts the units
and runs the trials. Prints a line for each trial; the exit code is 1 if one failed.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
import time
import traceback
from pathlib import Path

from tests.support.process import ROOT
from tests.support.tool import run_tool

from .container import Container, make_tree, put_checkout
from .servers import Servers, servers
from .trials import TRIALS, Trial

#: The step at which the environment file is filled in, and the shorter watchdog of the trials.
_FILL_IN = "fill in the environment file"
_DROP_IN = "[Service]\nWatchdogSec=10\nTimeoutAbortSec=5\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.nspawn", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--tree", type=Path, required=True, help="use the Debian in this folder; create it if missing"
    )
    parser.add_argument("--suite", default="bookworm", help="create this release of Debian (%(default)s)")
    parser.add_argument("--mirror", help="create it from this mirror")
    parser.add_argument(
        "--show", action="append", default=[], metavar="PATH", help="bind this path, read-only"
    )
    parser.add_argument(
        "--readme", type=Path, default=ROOT / "systemd/README.md", help="read the commands from here"
    )
    args = parser.parse_args()

    make_tree(args.tree.absolute(), args.suite, args.mirror)
    with tempfile.TemporaryDirectory(prefix="nspawn-") as folder, servers() as running_servers:
        # A copy, so that each run begins with a clean system.
        subprocess.run(["cp", "--archive", args.tree, f"{folder}/tree"], check=True)
        put_checkout(Path(folder, "tree"))
        container = Container(Path(folder, "tree"), Path(folder, "console"), args.show)
        try:
            container.boot()
            failures = _install(container, running_servers, args.readme)
            failures += 0 if failures else _try_all(container, running_servers)
        finally:
            container.power_off()
    print(f"\n{failures} failed" if failures else "\nall passed")
    return 1 if failures else 0


def _install(container: Container, running_servers: Servers, readme: Path) -> int:
    """Run the first two blocks of commands under "Install", and fill in the environment file between them."""
    section = readme.read_text(encoding="utf-8").partition("## Install\n")[2]
    first, second = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)[:2]
    began = time.monotonic()
    for command in [*first.splitlines(), _FILL_IN, *second.splitlines()]:
        if command == _FILL_IN:
            _fill_in(container, running_servers)
            continue
        found = container.run(f"cd /opt/preppath-workers\n{command}")
        # `check` exits with 1 if there are warnings.
        if found.returncode > (1 if " check " in command else 0):
            print(f"FAILED  {command}: exit code {found.returncode}\n{found.stdout[-3000:]}")
            return 1
    running_servers.add_rows()
    print(f"ok      installed by the README's commands: {time.monotonic() - began:.0f} s", flush=True)
    return 0


def _fill_in(container: Container, running_servers: Servers) -> None:
    file = container.tree / "etc/preppath-workers/env"
    file.write_text("".join(f"{name}={value}\n" for name, value in running_servers.variables().items()))
    drop_in = container.tree / "etc/systemd/system/preppath-workers@.service.d/trial.conf"
    drop_in.parent.mkdir(exist_ok=True)
    drop_in.write_text(_DROP_IN)
    container.run("systemctl daemon-reload")


def _try_all(container: Container, running_servers: Servers) -> int:
    failures = 0
    for trial in TRIALS:
        name = (trial.__doc__ or "").strip()
        began = time.monotonic()
        try:
            seen = trial(Trial(container, running_servers))
        except Exception:  # noqa: BLE001 — the other trials run too
            failures += 1
            print(f"FAILED  {name}\n{traceback.format_exc()}", flush=True)
            print(container.run("systemctl status --no-pager preppath-workers@tts || true").stdout[-3000:])
        else:
            print(f"ok      {name}: {seen} [{time.monotonic() - began:.0f} s]", flush=True)
    return failures


if __name__ == "__main__":
    run_tool(main)
