"""A job's timeout, which is a signal, ends the wait for a silent WebSocket."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.fake_openai.application import RESPONSES
from tests.fake_openai.control import OpenAIServer

from .harness import ROOT

PROGRAM = """
import sys, threading, time
from preppath_workers.clients.openai.client import OpenAI, SpeechOptions
from preppath_workers.errors import JobTimeout
from preppath_workers.worker.processes.signals import Deadline, StopRequest, install
from preppath_workers.config.model import ModelConfig, OpenAIConfig

model = ModelConfig("gpt-realtime-2.1-mini", "sk-test", sys.argv[1], timeout=60)
deadline = Deadline(1.0, lambda: None)
install(StopRequest(), deadline)
begun = time.monotonic()
try:
    vendor = OpenAI(OpenAIConfig(model, model, model))
    with deadline, vendor.reader(SpeechOptions("marin")) as reader:
        reader.read("Why?")
except JobTimeout:
    print("interrupted", time.monotonic() - begun < 20)
time.sleep(1)
print(threading.active_count())
"""


@pytest.mark.parametrize("fault", [{"latency": 60}, {"silence": 60}], ids=["before", "middle"])
def test_job_timeout_during_a_silent_response_raises_and_leaves_no_thread(
    vendor: OpenAIServer, fault: dict[str, float]
) -> None:
    vendor.order({"path": RESPONSES, **fault})

    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, vendor.base_url],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=50,
    )  # fmt: skip

    assert run.stdout.split() == ["interrupted", "True", "1"]
