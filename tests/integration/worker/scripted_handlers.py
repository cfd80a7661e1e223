"""A handler that does what the job's data says, and records that it ran.

The record is a file outside Redis, one line a run, so that tests need not trust what Redis says.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from preppath_workers import errors
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

from .process_changes import CHANGES, STREAMS
from .unreadable_errors import ERRORS


def handle(context: JobContext, services: object) -> Mapping[str, Any]:
    """Run the action that the data names: `{"do": action, …its arguments}`; without one, succeed at once."""
    record(f"start {context.id} {os.getpid()}")
    _ACTIONS[context.data.get("do", "nothing")](context)
    record(f"end {context.id} {os.getpid()}")
    return {"pid": os.getpid()}


def record(line: str) -> None:
    """Append the line to the file that HANDLER_RECORD names."""
    append(Path(os.environ["HANDLER_RECORD"]), line)


def append(path: Path, line: str) -> None:
    """Append a line in one write, so that lines of several processes do not mix."""
    with path.open("ab", buffering=0) as file:
        file.write(line.encode() + b"\n")


def _hang(context: JobContext) -> None:
    """Block SIGALRM and SIGTERM, like a call into a C library that never returns."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM, signal.SIGTERM])
    time.sleep(3600)


def _swallow(context: JobContext) -> None:
    """Catch every exception, as careless code does."""
    while True:
        try:
            time.sleep(0.05)
        except Exception:  # noqa: BLE001 — the purpose of this handler
            record("swallowed")


def _need_lock(context: JobContext) -> None:
    """Need a lock that stays held if the job is interrupted, as those of pools of connections may."""
    _LOCK.acquire()
    time.sleep(context.data["seconds"])
    _LOCK.release()


def _die(context: JobContext) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _exit(context: JobContext) -> None:
    if "file" in context.data:
        _await(context)
    os._exit(context.data["code"])


def _fork(context: JobContext) -> None:
    """Fork and let the forked process leave the handler."""
    if os.fork():
        return
    record(f"forked {context.id} {os.getpid()}")
    match context.data["then"]:
        case "raise":
            raise ValueError("in the forked process")
        case "exit":
            sys.exit(0)
        case "check_lease":
            context.check_lease()


def _fork_and_count(context: JobContext) -> None:
    """Record how many connections to Redis this process has, and a process that it forks."""
    record(f"own-connections {context.id} {_connections_to_redis()}")
    if forked := os.fork():
        os.waitpid(forked, 0)
        return
    record(f"forked-connections {context.id} {_connections_to_redis()}")
    os._exit(0)


def _connections_to_redis() -> int:
    port, found = urlsplit(os.environ["REDIS_URL"]).port, 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            if descriptor.readlink().name.startswith("socket:"):
                with socket.socket(fileno=os.dup(int(descriptor.name))) as connection:
                    found += connection.getpeername()[1:2] == (port,)
    return found


def _leak(context: JobContext) -> None:
    """Open files until no descriptor is left."""
    with suppress(OSError):
        while True:
            _LEAKED.append(os.open(os.devnull, os.O_RDONLY))


def _print(context: JobContext) -> None:
    for number in range(context.data["lines"]):
        print("line", number)


def _leak_secret(context: JobContext) -> None:
    """Print, log or raise a secret."""
    secret = os.environ["OPENAI_API_KEY"]

    def fail() -> None:
        raise ValueError(secret)

    class Finalised:
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
            Finalised()
        case "logging":
            logging.getLogger("library").warning("%d", secret)


def _leave_thread(context: JobContext) -> None:
    """Start a thread that outlives the job and keeps using its context."""

    def check_forever() -> None:
        try:
            while True:
                context.check_lease()
        except JobLost:
            record(f"stopped {context.id}")
        time.sleep(3600)

    threading.Thread(target=check_forever).start()
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
    }.get(how := context.data["how"]) or getattr(errors, how)("of an earlier job")


def _fail_unreadably(context: JobContext) -> None:
    """Fail once with the named error."""
    if not any(words[:2] == ["failed", context.id] for words in _records()):
        record(f"failed {context.id}")
        raise ERRORS[context.data["how"]]


def _records() -> list[list[str]]:
    return [line.split() for line in Path(os.environ["HANDLER_RECORD"]).read_text("utf-8").splitlines()]


def _progress(context: JobContext) -> None:
    for percent in (10, 50, 90):
        context.progress(percent, "half an emoji: \ud83d")
        time.sleep(0.25)


def _need(context: JobContext) -> None:
    """Need a service that refuses every job while a file exists."""
    if Path(context.data["absent"]).exists():
        raise ServiceError("openai", "the key is wrong", refuses_all=True)


def _serve(context: JobContext) -> None:
    """Need a service that is down while a file exists, and that always fails a poison job."""
    if context.data.get("poison") or Path(context.data["down"]).exists():
        raise ServiceError("openai", "OpenAI answered 500")


def _fill_disk(context: JobContext) -> None:
    """Find the disk full while a file exists."""
    if Path(context.data["full"]).exists():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _leave_behind(context: JobContext) -> None:
    """Start a process that outlives the job."""
    left = subprocess.Popen(["sleep", str(context.data["seconds"])])
    record(f"left {left.pid}")
    time.sleep(3600)


def _pay_then_die(context: JobContext) -> None:
    def pay() -> str:
        record(f"paid {context.id}")
        return "answer"

    is_first = not Path(os.environ["HANDLER_RECORD"]).read_text(encoding="utf-8").count("paid")
    assert context.step("answer", pay) == "answer"
    if is_first:
        _die(context)


def _check_lease_later(context: JobContext) -> None:
    time.sleep(0.5)
    context.check_lease()
    record(f"written {context.id}")


def _await(context: JobContext) -> None:
    """Wait until a file exists, and then `check` the lease or not."""
    while not Path(context.data["file"]).exists():
        time.sleep(0.02)
    if context.data.get("check"):
        context.check_lease()


def _acquire_tokens(context: JobContext) -> None:
    for number in range(context.data["requests"]):
        if number:
            context.acquire_token()
        record(f"request {context.id} {time.time()}")


_LEAKED: list[int] = []
_LOCK = threading.Lock()

_ACTIONS: dict[str, Callable[[JobContext], None]] = {
    "nothing": lambda context: None,
    "sleep": lambda context: time.sleep(context.data["seconds"]),
    "hang": _hang,
    "swallow": _swallow,
    "need_lock": _need_lock,
    "die": _die,
    "exit": _exit,
    "fork": _fork,
    "fork_and_count": _fork_and_count,
    "leave_thread": _leave_thread,
    "leak": _leak,
    # Not even those of connections that are closed later are left.
    "take_descriptors": lambda context: resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3)),
    "print": _print,
    "leak_secret": _leak_secret,
    "fail": _fail,
    "fail_unreadably": _fail_unreadably,
    "progress": _progress,
    "need": _need,
    "serve": _serve,
    "fill_disk": _fill_disk,
    "leave_behind": _leave_behind,
    "pay_then_die": _pay_then_die,
    "check_lease_later": _check_lease_later,
    "await": _await,
    "acquire_tokens": _acquire_tokens,
    "change": lambda context: (CHANGES | STREAMS)[context.data["what"]]() and None,
}
