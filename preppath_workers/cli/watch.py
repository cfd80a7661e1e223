"""`preppath-workers run --watch`: restart the workers when a file of the code changes. For development."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

from ..config import load
from ..config.env_file import refuse_second_read
from ..jobs.loading import OWN_JOBS, search_current_folder
from .terminal import print_error

#: Seconds between two looks at the files.
_LOOK = 0.5


def watch(args: Namespace) -> int:
    """Run the workers, and start them again after each change, until a signal stops them. Returns their exit
    code. Raises ConfigError."""
    refuse_second_read(args.config)  # each start of the workers reads it
    modules = args.modules or load.load_job_modules(load.read_environment(args.config), OWN_JOBS)
    search_current_folder()
    signal.signal(signal.SIGTERM, _interrupt)
    while True:
        files = _changed_at(modules, args.config)
        workers = subprocess.Popen(_command(args))
        try:
            while (now := _changed_at(modules, args.config)) == files:
                code = workers.poll()
                if code in (0, -signal.SIGINT):
                    return 0
                time.sleep(_LOOK)
        except KeyboardInterrupt:
            return _stop(workers)
        changed = sorted({path.name for path, _ in now.items() ^ files.items()})
        print_error(f"run: {', '.join(changed)} changed, restarting the workers")
        _stop(workers)


def _stop(workers: subprocess.Popen[bytes]) -> int:
    if workers.poll() is None:
        workers.send_signal(signal.SIGTERM)
    while True:
        try:
            return workers.wait()
        except KeyboardInterrupt:  # a second one: at once
            workers.send_signal(signal.SIGTERM)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _command(args: Namespace) -> list[str]:
    # -P: the folder that the program starts in must not replace a library.
    command = [sys.executable, "-P", "-m", "preppath_workers", "run", *args.modules]
    command += ["--config", args.config] if args.config else []
    return command + [word for queue in args.only for word in ("--queue", queue)]


def _changed_at(modules: tuple[str, ...] | list[str], config: str | None) -> Mapping[Path, int]:
    """Return the files that the workers are made of, and when each was changed (ns)."""
    files = {path for module in modules for path in _files(module.partition(".")[0])}
    if config:
        files.add(Path(config))
    found = {}
    for path in files:
        try:
            found[path] = path.stat().st_mtime_ns
        except OSError:  # an editor is replacing it
            found[path] = 0
    return found


def _files(package: str) -> Iterator[Path]:
    """Yield the files of a package; of a module that stands alone, the files beside it."""
    spec = find_spec(package)
    if spec is None:
        return
    for folder in spec.submodule_search_locations or ():
        yield from Path(folder).rglob("*.py")
    if not spec.submodule_search_locations and spec.origin:
        yield from Path(spec.origin).parent.glob("*.py")
