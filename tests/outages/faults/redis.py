"""Failures of Redis by its own means."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from redis.exceptions import ResponseError

from tests.outages.environment import PASSWORD, USER, Environment
from tests.support.waiting import eventually

#: Nothing listens there.
_NOWHERE = ("127.0.0.1", "9")


@contextmanager
def is_busy(environment: Environment) -> Iterator[None]:
    """BUSY for every command: a script of someone else does not end."""
    with environment.admin(patience=None) as other:

        def loop() -> None:
            with suppress(ResponseError):  # it is killed
                other.eval("while true do end", 0)

        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        yield
        with environment.admin(patience=None) as client:
            client.script_kill()
        thread.join()


@contextmanager
def refuses_password(environment: Environment) -> Iterator[None]:
    """WRONGPASS; the workers' connections are closed."""
    with environment.admin() as client:
        client.execute_command("ACL", "SETUSER", USER, "resetpass", ">another")
        client.execute_command("CLIENT", "KILL", "USER", USER)
        yield
        client.execute_command("ACL", "SETUSER", USER, "resetpass", f">{PASSWORD}")


@contextmanager
def is_replica(environment: Environment) -> Iterator[None]:
    """READONLY for every write; connections stay open."""
    with environment.admin() as client:
        client.execute_command("REPLICAOF", *_NOWHERE)
        yield
        client.execute_command("REPLICAOF", "NO", "ONE")


@contextmanager
def is_out_of_memory(environment: Environment) -> Iterator[None]:
    """OOM for every command that may need memory."""
    with environment.admin() as client:
        client.config_set("maxmemory", "1")
        yield
        client.config_set("maxmemory", "0")


@contextmanager
def cannot_save(environment: Environment) -> Iterator[None]:
    """MISCONF for every write: the last snapshot could not be written."""
    folder = environment.folder / "gone"
    with environment.admin() as client:
        [usual] = client.config_get("dir").values()
        folder.mkdir(exist_ok=True)
        client.config_set("dir", str(folder))
        folder.rmdir()
        _save(environment, "err")
        yield
        client.config_set("dir", usual)
        _save(environment, "ok")


def _save(environment: Environment, status: str) -> None:
    with environment.admin() as client:
        client.bgsave()
        eventually(lambda: client.info("persistence")["rdb_last_bgsave_status"] == status)


@contextmanager
def has_wrong_clock(environment: Environment, seconds: int) -> Iterator[None]:
    """The server's clock jumps by this, and back at the end."""
    environment.redis.set_clock(seconds)
    yield
    environment.redis.set_clock(0)
