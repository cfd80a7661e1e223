"""Shortages of this machine, distinguished from other OSErrors."""

from __future__ import annotations

import errno
import tempfile

import pytest

from preppath_workers.clients.machine import machine_error, spawn_error, temporary_file
from preppath_workers.errors import MachineError

from .shortages import no_descriptors


@pytest.mark.parametrize(
    ("number", "resource"),
    [
        (errno.ENOSPC, "disk"),
        (errno.EDQUOT, "disk"),
        (errno.EROFS, "disk"),
        (errno.EFBIG, "disk"),
        (errno.EMFILE, "descriptors"),
        (errno.ENFILE, "descriptors"),
        (errno.ENOMEM, "memory"),
        (errno.EAGAIN, None),
        (errno.ECONNREFUSED, None),
        (errno.ENOENT, None),
    ],
)
def test_machine_error_of_an_errno_names_the_resource(number: int, resource: str | None) -> None:
    found = machine_error(OSError(number, "why"))

    assert getattr(found, "resource", None) == resource


def test_machine_error_of_a_wrapped_error_is_found() -> None:
    error = ValueError("a library's own")
    error.__context__ = OSError(errno.EMFILE, "why")

    found = machine_error(error)

    assert found is not None
    assert found.resource == "descriptors"


def test_machine_error_of_a_refused_thread_is_processes() -> None:
    found = machine_error(RuntimeError("can't start new thread"))

    assert found is not None
    assert found.resource == "processes"
    assert machine_error(RuntimeError("a bug")) is None


def test_machine_error_of_an_error_that_is_an_argument_is_found() -> None:
    found = machine_error(ValueError(OSError(errno.EMFILE, "why")))

    assert found is not None
    assert found.resource == "descriptors"


def test_machine_error_of_errors_in_a_circle_is_none() -> None:
    one, other = ValueError("1"), ValueError("2")
    one.__cause__, other.__cause__ = other, one

    assert machine_error(one) is None


def test_machine_error_of_a_memory_error_is_memory() -> None:
    found = machine_error(MemoryError())

    assert found is not None
    assert found.resource == "memory"


def test_spawn_error_of_a_refused_fork_is_processes() -> None:
    found = spawn_error(BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"))

    assert found is not None
    assert found.resource == "processes"


def test_temporary_file_without_a_free_descriptor_is_a_machine_error() -> None:
    temporary_file().close()  # finds the directory

    with no_descriptors(), pytest.raises(MachineError) as caught:
        temporary_file()

    assert caught.value.resource == "descriptors"


def test_temporary_file_without_a_writable_directory_is_a_machine_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nowhere/at/all"])

    with pytest.raises(MachineError) as caught:
        temporary_file()

    assert caught.value.resource == "disk"
