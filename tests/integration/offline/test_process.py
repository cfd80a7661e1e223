"""The offline provider as a process."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.support.offline import API_KEY, OfflineServer, is_installed
from tests.support.process import HOST
from tests.support.waiting import eventually

pytestmark = pytest.mark.offline


def cpu_seconds(pid: int) -> float:
    """User time from proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return int(fields[11]) / os.sysconf("SC_CLK_TCK")


def test_sigterm_ends_it_within_a_second_in_the_middle_of_a_request() -> None:
    if not is_installed():
        pytest.skip("needs the extra [offline]: bin/setup-venv offline")
    body = json.dumps({"model": "tts-1", "voice": "alloy", "input": "It takes a while to say this. " * 130})
    head = f"Authorization: Bearer {API_KEY}\r\nContent-Length: {len(body)}\r\n\r\n"
    with OfflineServer() as server:
        variables = f"OPENAI_BASE_URL={server.base_url}\nOPENAI_API_KEY={API_KEY}\n"
        eventually(lambda: variables in server.log_end())
        used = cpu_seconds(server.pid)
        with socket.create_connection((HOST, server.port)) as connection:
            connection.sendall(f"POST /v1/audio/speech HTTP/1.1\r\n{head}{body}".encode())
            eventually(lambda: cpu_seconds(server.pid) > used + 0.2)
            os.kill(server.pid, signal.SIGTERM)
            began = time.monotonic()
            assert connection.recv(1) == b"", "the connection ends without a response"
            assert time.monotonic() - began < 1
