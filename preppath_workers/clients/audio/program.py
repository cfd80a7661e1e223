"""Runs a program to its end, within a time, and keeps no more of what it says than is told."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from ...parent_death import set_pdeathsig
from ..machine import spawn_error

#: Bytes of standard error that are kept: a broken recording can fill a gigabyte with complaints.
_KEPT = 4_096
#: Characters of its last line that are told.
_TOLD = 300


@dataclass(frozen=True)
class CompletedProgram:
    """How a program ended: its exit status, or the negated number of the signal; what it wrote to standard
    output, if that was captured; and its last line of standard error, printable."""

    status: int
    output: bytes
    last_line: str


def run_program(
    command: Sequence[str], source: IO[bytes], output: IO[bytes] | int, limit: float
) -> CompletedProgram | None:
    """Run the program with `source` as its input, and return how it ended; None if it was not done after
    `limit` seconds and was killed.

    `output` is a file, or subprocess.PIPE to capture it. The program dies with this process. Raises
    MachineError if it cannot be started for want of memory, processes or descriptors.
    """
    try:
        process = subprocess.Popen(
            command, stdin=source, stdout=output, stderr=subprocess.PIPE, preexec_fn=set_pdeathsig()
        )
    except OSError as error:
        shortage = spawn_error(error)
        if shortage is None:
            raise
        raise shortage from error
    with process:
        try:
            captured = _read(process, time.monotonic() + limit)
        except BaseException:
            process.kill()
            raise
        if captured is None:
            process.kill()
            return None
    printed, complaints = captured
    return CompletedProgram(process.returncode, printed, _last_line(complaints))


def _read(process: subprocess.Popen[bytes], deadline: float) -> tuple[bytes, bytes] | None:
    """What it writes to its pipes until it ends; None if the time is up."""
    printed, complaints = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for pipe, kept in ((process.stdout, printed), (process.stderr, complaints)):
            if pipe:
                selector.register(pipe, selectors.EVENT_READ, kept)
        while selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            for key, _ in selector.select(left):
                piece = os.read(key.fd, 65_536)
                key.data.extend(piece)
                if key.data is complaints:
                    del complaints[:-_KEPT]
                if not piece:
                    selector.unregister(key.fileobj)
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return None
    return bytes(printed), bytes(complaints)


def _last_line(complaints: bytes) -> str:
    lines = complaints.decode(errors="replace").split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "").strip()
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in last)[:_TOLD]
