"""A job's time limit, which is a signal, ends the wait for a WebSocket that says nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from preppath_workers.dev.openai.application import RESPONSES
from preppath_workers.dev.openai.control import OpenAIServer
from tests.processes.harness import ROOT

PROGRAM = """
import sys, threading, time
from preppath_workers.clients.openai import Manner, OpenAI
from preppath_workers.errors import JobTimeout
from preppath_workers.processes.interrupts import Deadline, StopRequest, install
from preppath_workers.settings import Capability, OpenAIConfig

capability = Capability("gpt-realtime-2.1-mini", "sk-test", sys.argv[1], timeout=60)
deadline = Deadline(1.0, lambda: None)
install(StopRequest(), deadline)
begun = time.monotonic()
try:
    with deadline, OpenAI(OpenAIConfig(capability, capability, capability)).reader(Manner("marin")) as reader:
        reader.read("Why?")
except JobTimeout:
    print("interrupted", time.monotonic() - begun < 20)
time.sleep(1)
print(threading.active_count())
"""


@pytest.mark.parametrize("fault", [{"latency": 60}, {"silence": 60}], ids=["before", "middle"])
def test_time_limit_of_a_job_ends_a_silent_response_and_leaves_no_thread(
    vendor: OpenAIServer, fault: dict[str, float]
) -> None:
    vendor.order({"path": RESPONSES, **fault})

    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, vendor.base_url],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=50,
    )  # fmt: skip

    assert run.stdout.split() == ["interrupted", "True", "1"]
