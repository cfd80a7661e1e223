"""Run a program with a time limit and bounded error output."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from ..machine import spawn_error
from ..parent_death import set_pdeathsig

#: Bytes of standard error that are kept: a broken recording can cause gigabytes of messages.
_MAX_STDERR = 4_096
#: Characters of its last line that are kept.
_MAX_LINE = 300


@dataclass(frozen=True)
class CompletedProgram:
    """A completed program: its exit status (negative: killed by that signal), its captured standard output,
    and its last line of standard error, made printable."""

    status: int
    output: bytes
    last_line: str


def run_program(
    command: Sequence[str], source: IO[bytes], output: IO[bytes] | int, limit: float
) -> CompletedProgram | None:
    """Run the program with `source` as its input. Returns None if it was killed after `limit` seconds.

    `output` is a file, or subprocess.PIPE to capture it. The program is killed if this process dies. Raises
    MachineError if this machine lacks memory, processes or descriptors to start it.
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
    output_bytes, messages = captured
    return CompletedProgram(process.returncode, output_bytes, _last_line(messages))


def _read(process: subprocess.Popen[bytes], deadline: float) -> tuple[bytes, bytes] | None:
    """Return standard output and error, read until the program ends; None after the deadline."""
    printed, messages = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for pipe, kept in ((process.stdout, printed), (process.stderr, messages)):
            if pipe:
                selector.register(pipe, selectors.EVENT_READ, kept)
        while selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            for key, _ in selector.select(left):
                piece = os.read(key.fd, 65_536)
                key.data.extend(piece)
                if key.data is messages:
                    del messages[:-_MAX_STDERR]
                if not piece:
                    selector.unregister(key.fileobj)
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return None
    return bytes(printed), bytes(messages)


def _last_line(messages: bytes) -> str:
    lines = messages.decode(errors="replace").split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "").strip()
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in last)[
        :_MAX_LINE
    ]
