"""Failures of Redis by its own means."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from redis.exceptions import ResponseError

from tests.outages.stage import PASSWORD, USER, Stage
from tests.support.waiting import eventually

#: Nothing listens there.
_NOWHERE = ("127.0.0.1", "9")


@contextmanager
def is_busy(stage: Stage) -> Iterator[None]:
    """BUSY for every command: a script of someone else does not end."""
    with stage.admin(patience=None) as other:

        def loop() -> None:
            with suppress(ResponseError):  # it is killed
                other.eval("while true do end", 0)

        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        yield
        with stage.admin(patience=None) as client:
            client.script_kill()
        thread.join()


@contextmanager
def refuses_password(stage: Stage) -> Iterator[None]:
    """WRONGPASS; the workers' connections are closed."""
    with stage.admin() as client:
        client.execute_command("ACL", "SETUSER", USER, "resetpass", ">another")
        client.execute_command("CLIENT", "KILL", "USER", USER)
        yield
        client.execute_command("ACL", "SETUSER", USER, "resetpass", f">{PASSWORD}")


@contextmanager
def is_replica(stage: Stage) -> Iterator[None]:
    """READONLY for every write; connections stay open."""
    with stage.admin() as client:
        client.execute_command("REPLICAOF", *_NOWHERE)
        yield
        client.execute_command("REPLICAOF", "NO", "ONE")


@contextmanager
def is_out_of_memory(stage: Stage) -> Iterator[None]:
    """OOM for every command that may need memory."""
    with stage.admin() as client:
        client.config_set("maxmemory", "1")
        yield
        client.config_set("maxmemory", "0")


@contextmanager
def cannot_save(stage: Stage) -> Iterator[None]:
    """MISCONF for every write: the last snapshot could not be written."""
    folder = stage.folder / "gone"
    with stage.admin() as client:
        [usual] = client.config_get("dir").values()
        folder.mkdir(exist_ok=True)
        client.config_set("dir", str(folder))
        folder.rmdir()
        _save(stage, "err")
        yield
        client.config_set("dir", usual)
        _save(stage, "ok")


def _save(stage: Stage, status: str) -> None:
    with stage.admin() as client:
        client.bgsave()
        eventually(lambda: client.info("persistence")["rdb_last_bgsave_status"] == status)


@contextmanager
def has_wrong_clock(stage: Stage, seconds: int) -> Iterator[None]:
    """The server's clock steps by this, and back again."""
    stage.set_clock(seconds)
    yield
    stage.set_clock(0)
