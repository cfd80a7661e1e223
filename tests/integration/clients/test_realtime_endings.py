"""What a Realtime response that did not succeed says, and what it costs."""

from __future__ import annotations

import pytest

from preppath_workers.clients.openai.client import SpeechOptions
from preppath_workers.errors import JobError
from tests.fake_openai.application import RESPONSES
from tests.fake_openai.control import OpenAIServer

from .conftest import REALTIME_MODEL, Client


@pytest.mark.parametrize(
    ("code", "reason", "said"),
    [
        (1000, "", "OpenAI closed the connection (1000)"),
        (1008, "not now", "OpenAI closed the connection (1008): not now"),
        (
            3000,
            "invalid_request_error.invalid_api_key",
            "OpenAI closed the connection (3000): invalid_request_error.invalid_api_key",
        ),
        (3000, "wrong key sk-***-key", "OpenAI closed the connection (3000)"),
    ],
)
def test_message_of_a_closed_session_has_its_code_and_reason_and_no_part_of_the_key(
    client: Client, vendor: OpenAIServer, code: int, reason: str, said: str
) -> None:
    vendor.order({"path": RESPONSES, "close": code, "message": reason})
    openai = client(models={"speech": REALTIME_MODEL})

    with openai.reader(SpeechOptions("marin")) as reader, pytest.raises(JobError) as caught:
        reader.read("Hello.")

    assert str(caught.value) == said
