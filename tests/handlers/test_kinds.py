from __future__ import annotations

import subprocess
import sys

from preppath_workers.handlers import KINDS


def stdout(program: str) -> str:
    """What the program prints, run by a Python of its own with nothing imported."""
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    ).stdout


def test_each_kind_has_a_queue_and_a_handler_of_its_own() -> None:
    assert [kind.name for kind in KINDS] == ["transcription", "tts", "evaluation", "webhook"]
    assert len({kind.load() for kind in KINDS}) == len(KINDS)


def test_the_registry_alone_loads_no_vendors_library() -> None:
    program = """
import sys
import preppath_workers.handlers
print(*{"openai", "boto3", "psycopg2"} & set(sys.modules))
"""
    assert stdout(program).split() == []


def test_loading_the_handlers_opens_no_connection_and_starts_no_thread() -> None:
    """What is loaded before a fork must bear being forked."""
    program = """
import sys, threading
from pathlib import Path
from preppath_workers.handlers import KINDS
for kind in KINDS:
    kind.load()
links = [str(file.readlink()) for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
print(threading.active_count(), sum("socket" in link for link in links))
print({"openai", "boto3", "psycopg2"} <= set(sys.modules))
"""
    assert stdout(program).split() == ["1", "0", "True"]
