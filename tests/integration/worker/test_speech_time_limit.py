"""A job's timeout, which is a signal, ends the wait for a silent WebSocket."""

from __future__ import annotations

import subprocess
import sys

from tests.fake_openai.application import RESPONSES
from tests.fake_openai.control import OpenAIServer
from tests.support.process import ROOT

PROGRAM = """
import os, sys, threading, time
from preppath_workers.clients.openai.client import OpenAI, SpeechOptions
from preppath_workers.errors import JobTimeout
from preppath_workers.worker.processes.interrupts import Deadline, SignalState, StopRequest
from preppath_workers.config.model import ModelConfig, OpenAIConfig

model = ModelConfig("gpt-realtime-2.1-mini", "sk-test", sys.argv[1], timeout=60)
deadline = Deadline(0.7, lambda: None)
SignalState(StopRequest(), deadline).install()
vendor = OpenAI(OpenAIConfig(model, model, model))
for silence in ("before", "middle"):
    begun = time.monotonic()
    try:
        with deadline, vendor.reader(SpeechOptions("marin")) as reader:
            reader.read("Why?")
    except JobTimeout:
        print(silence, "interrupted", time.monotonic() - begun < 20)
    while threading.active_count() > 1 and time.monotonic() - begun < 20:
        time.sleep(0.01)
    print(threading.active_count(), flush=True)
os._exit(0)  # as a worker ends: the timer may still tick
"""


def test_job_timeout_before_and_in_a_silent_response_raises_and_leaves_no_thread(
    vendor: OpenAIServer,
) -> None:
    vendor.order({"path": RESPONSES, "latency": 60}, {"path": RESPONSES, "silence": 60})

    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, vendor.base_url],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=50,
    )  # fmt: skip

    assert run.stdout.splitlines() == ["before interrupted True", "1", "middle interrupted True", "1"]
