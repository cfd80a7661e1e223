"""Errors of connections say why: a certificate, a name and a port are repaired in different places."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from preppath_workers.clients.openai.client import OpenAI, SpeechOptions
from preppath_workers.clients.webhook import Webhook
from preppath_workers.config.model import WebhookConfig
from preppath_workers.errors import ServiceError
from tests.support.tls_proxy import TlsProxy

from .conftest import REALTIME_MODEL, Client
from .openai_requests import evaluate

Ask = Callable[[str], object]


@pytest.fixture(params=["HTTP", "Realtime", "webhook"])
def ask(request: pytest.FixtureRequest, client: Client) -> Ask:
    """Send a request to a server of this address."""

    def read(openai: OpenAI) -> None:
        with openai.reader(SpeechOptions("marin")) as reader:
            reader.read("Hello.")

    models = {"speech": REALTIME_MODEL}
    asks: dict[str, Ask] = {
        "HTTP": lambda address: evaluate(client(base_url=f"https://{address}/v1")),
        "Realtime": lambda address: read(client(base_url=f"https://{address}/v1", models=models)),
        "webhook": lambda address: Webhook(WebhookConfig(f"https://{address}/", None)).deliver("d1", b"{}"),
    }
    return asks[request.param]


def test_error_of_a_certificate_names_what_is_wrong_with_it(ask: Ask) -> None:
    with (
        TlsProxy(1).running() as proxy,
        pytest.raises(ServiceError, match=r"certificate verify failed: self.signed certificate"),
    ):
        ask(f"127.0.0.1:{proxy.port}")


def test_error_of_a_port_on_which_nothing_listens_says_so(ask: Ask) -> None:
    with pytest.raises(ServiceError, match=r"Error: Connection refused\)$"):
        ask("127.0.0.1:1")


def test_error_of_an_unknown_name_says_so(ask: Ask) -> None:
    with pytest.raises(ServiceError, match=r": (Name or service not known|.* name resolution)\)$"):
        ask("no-such-host.invalid")
