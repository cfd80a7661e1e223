"""A handler that does what the job's data says, and writes down that it ran.

The record is a file outside Redis, opened for appending, one line a run: the oracle of the process tests.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from preppath_workers.errors import (
    InvalidJob,
    JobLost,
    PermanentError,
    RateLimited,
    ServiceError,
    Shutdown,
    TransientError,
)
from preppath_workers.registry import JobContext


def handle(context: JobContext, services: object) -> Mapping[str, Any]:
    """Data: `{"do": name of a move, …its arguments}`; no move is a job that succeeds at once."""
    record(f"start {context.id} {os.getpid()}")
    _MOVES[context.data.get("do", "nothing")](context)
    record(f"end {context.id} {os.getpid()}")
    return {"pid": os.getpid()}


def record(line: str) -> None:
    """Writes it down in the file that the environment names."""
    append(Path(os.environ["PLAYBOOK_RECORD"]), line)


def append(path: Path, line: str) -> None:
    """Appends a line; one write call, so that lines of several processes do not mix."""
    with path.open("ab", buffering=0) as file:
        file.write(line.encode() + b"\n")


def _sleep(context: JobContext) -> None:
    time.sleep(context.data["seconds"])


def _hang(context: JobContext) -> None:
    """Deaf to SIGALRM, as a call into a library is that never returns."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM, signal.SIGTERM])
    time.sleep(3600)


def _swallow(context: JobContext) -> None:
    """Catches whatever it can, as careless code does."""
    while True:
        try:
            time.sleep(0.05)
        except Exception:  # noqa: BLE001 — that is the point
            record("swallowed")


def _die(context: JobContext) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _exit(context: JobContext) -> None:
    os._exit(context.data["code"])


def _fork(context: JobContext) -> None:
    """Forgets to end the child."""
    if os.fork():
        return
    record(f"copy {context.id} {os.getpid()}")
    match context.data["then"]:
        case "raise":
            raise ValueError("in the copy")
        case "exit":
            sys.exit(0)
        case "confirm":
            context.check_lease()


def _leak(context: JobContext) -> None:
    """Opens files until there is no descriptor left, and closes none."""
    try:
        while True:
            _LEAKED.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return


def _print(context: JobContext) -> None:
    for number in range(context.data["lines"]):
        print("line", number)


def _tell(context: JobContext) -> None:
    """Says a secret, in every way that code has."""
    secret = os.environ["OPENAI_API_KEY"]

    def fail() -> None:
        raise ValueError(secret)

    class Odd:
        def __del__(self) -> None:
            fail()

    match context.data["how"]:
        case "print":
            print("printed", secret)
        case "error":
            fail()
        case "interrupt":
            raise KeyboardInterrupt(secret)
        case "thread":
            threading.Thread(target=fail).start()
        case "finaliser":
            Odd()
        case "logging":
            logging.getLogger("library").warning("%d", secret)


def _leave_thread(context: JobContext) -> None:
    """Starts a thread that outlives it, and goes on with its attempt."""

    def confirm() -> None:
        try:
            while True:
                context.check_lease()
        except JobLost:
            record(f"stopped {context.id}")
        time.sleep(3600)

    threading.Thread(target=confirm).start()
    time.sleep(0.1)


def _fail(context: JobContext) -> None:
    raise {
        "transient": TransientError("try again"),
        "permanent": PermanentError("never"),
        "invalid": InvalidJob("data.x must be a string"),
        "limited": RateLimited("slow down", retry_after=context.data.get("after", 0.5)),
        "bug": ZeroDivisionError("oops"),
        "cancelled": asyncio.CancelledError("cancelled"),
        "interrupt": KeyboardInterrupt("interrupted"),
        "exit": SystemExit(3),
        "generator": GeneratorExit("closed"),
        "shutdown": Shutdown("stop"),
    }[context.data["how"]]


def _progress(context: JobContext) -> None:
    for percent in (10, 50, 90):
        context.progress(percent)
        time.sleep(0.25)


def _grow(context: JobContext) -> None:
    """Takes memory and keeps it."""
    _KEPT.append(bytearray(os.urandom(1)) * (context.data["mb"] * 2**20))


def _need(context: JobContext) -> None:
    """Works only once a file is gone."""
    if Path(context.data["absent"]).exists():
        raise ServiceError("openai", "the key is wrong", refuses_all=True)


def _serve(context: JobContext) -> None:
    """Needs a service that is down while a file exists, and that always fails a poisonous job."""
    if context.data.get("poison") or Path(context.data["down"]).exists():
        raise ServiceError("openai", "OpenAI answered 500")


def _fill_disk(context: JobContext) -> None:
    """Meets a full disk while a file exists."""
    if Path(context.data["full"]).exists():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _leave_behind(context: JobContext) -> None:
    """Starts a process that outlives it."""
    left = subprocess.Popen(["sleep", str(context.data["seconds"])])
    record(f"left {left.pid}")
    time.sleep(3600)


def _pay_then_die(context: JobContext) -> None:
    def pay() -> str:
        record(f"paid {context.id}")
        return "answer"

    is_first = not Path(os.environ["PLAYBOOK_RECORD"]).read_text(encoding="utf-8").count("paid")
    assert context.step("answer", pay) == "answer"
    if is_first:
        _die(context)


def _confirm_later(context: JobContext) -> None:
    time.sleep(0.5)
    context.check_lease()
    record(f"written {context.id}")


def _spend(context: JobContext) -> None:
    for number in range(context.data["requests"]):
        if number:
            context.acquire_token()
        record(f"request {context.id} {time.monotonic()}")


_KEPT: list[bytearray] = []
_LEAKED: list[int] = []

_MOVES: dict[str, Callable[[JobContext], None]] = {
    "nothing": lambda context: None,
    "sleep": _sleep,
    "hang": _hang,
    "swallow": _swallow,
    "die": _die,
    "exit": _exit,
    "fork": _fork,
    "leave_thread": _leave_thread,
    "leak": _leak,
    "print": _print,
    "tell": _tell,
    "fail": _fail,
    "progress": _progress,
    "grow": _grow,
    "need": _need,
    "serve": _serve,
    "fill_disk": _fill_disk,
    "leave_behind": _leave_behind,
    "pay_then_die": _pay_then_die,
    "confirm_later": _confirm_later,
    "spend": _spend,
}
