"""Build the Dockerfile and run the image, for real: `python -m tests.docker --folder FOLDER`, as root.

README.md beside this file says what it covers and what it does not. It prints a line for each check, and
exits with 1 if one fails.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import traceback
from pathlib import Path

from tests.nspawn.servers import servers
from tests.support.tool import run_tool

from . import image
from .checks import CHECKS, Checks
from .podman import Podman


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.docker", description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, required=True, help="keeps the Debian and the images; 3 GB")
    parser.add_argument("--suite", default="trixie", help="which Debian is the base (%(default)s)")
    parser.add_argument("--mirror", help="where debootstrap fetches it from")
    parser.add_argument("--show", action="append", default=[], metavar="PATH", help="seen by the build")
    parser.add_argument("--fresh", action="store_true", help="build without the layers of the last time")
    args = parser.parse_args()

    image.install()
    podman = Podman(args.folder.absolute())
    version = image.make_base(podman, args.folder.absolute() / "tree", args.suite, args.mirror)
    print(f"ok      base image {image.base_name()}: Debian {args.suite}'s Python {version}", flush=True)
    with tempfile.TemporaryDirectory(prefix="docker-") as folder:
        place = image.checkout(Path(folder))
        began = time.monotonic()
        try:
            context = image.context(podman, place)
            log = image.build(podman, place, args.show, args.fresh)
        except AssertionError as error:
            print(f"FAILED  the build: {str(error)[-3000:]}")
            return 1
    warnings = [line for line in log.splitlines() if line.startswith("WARN")]
    print(f"ok      the Dockerfile is built: {time.monotonic() - began:.0f} s", *warnings, flush=True)
    with servers() as running_servers:
        failures = _check_all(Checks(podman, running_servers, context, args.show))
    print(f"\n{failures} of {len(CHECKS)} failed" if failures else "\nall passed")
    return 1 if failures else 0


def _check_all(checks: Checks) -> int:
    failures = 0
    with checks.podman.container(image.IMAGE, checks.running_servers.variables()) as checks.container:
        for check in CHECKS:
            name = (check.__doc__ or "").strip()
            began = time.monotonic()
            try:
                seen = check(checks)
            except Exception:  # noqa: BLE001 -- the next check may still tell something
                failures += 1
                print(f"FAILED  {name}\n{traceback.format_exc()[-3000:]}", flush=True)
            else:
                print(f"ok      {name}: {seen} [{time.monotonic() - began:.0f} s]", flush=True)
    return failures


if __name__ == "__main__":
    run_tool(main)
