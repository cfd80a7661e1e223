"""Webhook deliveries over real HTTP, and how failed ones are classified."""

from __future__ import annotations

import re
import runpy
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from preppath_workers import __version__
from preppath_workers.clients.webhook import Webhook, signature
from preppath_workers.config.model import WebhookConfig
from preppath_workers.errors import JobError, MachineError, PermanentError, ServiceError, TransientError
from tests.support.receiver import Receiver, receiver

from .shortages import no_descriptors

README = Path(__file__).parents[3] / "preppath_workers/jobs/README.md"
SECRET = "0123456789abcdef"
BODY = '{"text":"Zoë 😀"}'.encode()


@pytest.fixture
def api() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


def webhook(url: str | None, secret: str | None = None, timeout: float = 10) -> Webhook:
    return Webhook(WebhookConfig(url, secret), (timeout, timeout))


def failure(url: str | None, secret: str | None = None, timeout: float = 10) -> JobError:
    with pytest.raises(JobError) as caught:
        webhook(url, secret, timeout).deliver("d1", BODY)
    return caught.value


def test_delivery_is_one_post_of_the_unchanged_body(api: Receiver) -> None:
    assert webhook(f"{api.url}/hooks?token=t").deliver("d1", BODY) == 204

    [request] = api.received
    assert (request.path, request.body) == ("/hooks?token=t", BODY)
    assert request.headers == {
        "Host": api.url.removeprefix("http://"),
        "Accept-Encoding": "identity",
        "Content-Length": str(len(BODY)),
        "Content-Type": "application/json",
        "PrepPath-Delivery": "d1",
        "User-Agent": f"preppath-workers/{__version__}",
    }


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_delivery_with_a_success_status_returns_it(api: Receiver, status: int) -> None:
    api.status = status
    assert webhook(api.url).deliver("d1", BODY) == status


@pytest.mark.parametrize("status", [400, 409, 413, 415, 422])
def test_delivery_with_a_refusal_status_is_a_transient_error(api: Receiver, status: int) -> None:
    api.status = status

    error = failure(api.url)

    assert (type(error), str(error)) == (TransientError, f"{api.url} answered {status}")


@pytest.mark.parametrize(
    ("status", "refuses_all"),
    [
        *((status, True) for status in (301, 302, 307, 308, 401, 405, 407)),
        *((status, False) for status in (403, 404, 408, 425, 429, 500, 502, 503, 504)),
    ],
)
def test_delivery_with_a_receiver_failure_is_a_service_error(
    api: Receiver, status: int, refuses_all: bool
) -> None:
    api.status, api.headers = status, {"Location": f"{api.url}/other"}

    error = failure(f"{api.url}/hooks")

    assert str(error) == f"{api.url} answered {status}"
    assert isinstance(error, ServiceError)
    assert (error.service, error.refuses_all, error.may_be_paid) == ("webhook", refuses_all, False)
    assert error.retry_after is None
    assert [request.path for request in api.received] == ["/hooks"], "one request, and no redirect followed"


def test_delivery_with_410_is_a_permanent_error(api: Receiver) -> None:
    api.status = 410
    error = failure(api.url)
    assert (type(error), str(error)) == (PermanentError, f"{api.url} answered 410")


@pytest.mark.parametrize("status", [429, 503])
def test_delivery_with_retry_after_sets_the_delay(api: Receiver, status: int) -> None:
    api.status, api.headers = status, {"Retry-After": "7"}

    error = failure(api.url)

    assert isinstance(error, ServiceError)
    assert error.retry_after == 7


def test_delivery_on_a_cut_connection_is_a_service_error(api: Receiver) -> None:
    api.cut = True
    assert type(failure(api.url)) is ServiceError
    assert len(api.received) == 1


def test_delivery_without_an_answer_in_time_is_a_service_error(api: Receiver) -> None:
    api.answers.clear()

    error = failure(api.url, timeout=0.1)

    assert (type(error), str(error)) == (ServiceError, f"{api.url} did not answer in time")


def test_delivery_to_a_receiver_that_never_ends_its_answer_is_a_service_error(
    alarm: Callable[[float], None],
) -> None:
    """As to a silent one: with a byte from time to time, only the job's time limit ends the wait."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        alarm(0.2)
        error = failure(url)

    assert (type(error), str(error)) == (ServiceError, f"{url} did not answer in time")


def test_delivery_over_https_without_tls_is_a_service_error(api: Receiver) -> None:
    url = api.url.replace("http:", "https:")
    error = failure(url)
    assert type(error) is ServiceError
    assert str(error).startswith(f"no answer from {url} (SSLError: [SSL: WRONG_VERSION_NUMBER]")


@pytest.mark.parametrize("host", ["127.0.0.1:1", f"{'a' * 64}.invalid", ".invalid"])
def test_delivery_to_an_unreachable_host_is_a_service_error(host: str) -> None:
    error = failure(f"http://{host}/hooks")
    assert isinstance(error, ServiceError)
    assert error.refuses_all is ("invalid" in host), (
        "an impossible URL refuses all, a server that is down does not"
    )
    assert str(error).startswith(f"no answer from http://{host} (")


def test_connection_without_a_free_descriptor_is_a_machine_error(api: Receiver) -> None:
    client = webhook(api.url)
    with no_descriptors(), pytest.raises(MachineError) as caught:
        client.deliver("d1", BODY)
    assert caught.value.resource == "descriptors"


def test_delivery_without_a_url_is_a_permanent_error() -> None:
    error = failure(None)
    assert (type(error), str(error)) == (PermanentError, "cannot deliver the event: WEBHOOK_URL is not set")


def test_delivery_after_a_cookie_does_not_send_it(api: Receiver) -> None:
    api.headers = {"Set-Cookie": "session=1"}
    client = webhook(api.url)

    client.deliver("d1", BODY)
    client.deliver("d2", BODY)

    assert len(api.received) == 2
    assert not any("Cookie" in request.headers for request in api.received)


def test_delivery_uses_credentials_of_the_url_and_not_of_netrc(
    api: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login machine-user password else\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))

    webhook(api.url).deliver("d1", BODY)
    webhook(api.url.replace("//", "//user:p%40ss@")).deliver("d2", BODY)

    assert [request.headers.get("Authorization") for request in api.received] == [None, "Basic dXNlcjpwQHNz"]


@pytest.mark.parametrize("fault", ["status", "gone", "cut", "slow", "down", "no TLS", "no host"])
def test_delivery_error_never_shows_the_secrets_of_its_url(
    api: Receiver, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    api.status = 410 if fault == "gone" else 500
    api.cut = fault == "cut"
    if fault == "slow":
        api.answers.clear()
    urls = {"down": "http://127.0.0.1:1", "no TLS": f"https{api.url[4:]}", "no host": "http://a..b"}
    scheme, host = urls.get(fault, api.url).split("//")

    error = failure(
        f"{scheme}//user:secret-1@{host}/secret-2?token=secret-3", "secret-4-is-longer", timeout=0.2
    )

    assert f"{scheme}//{host}" in str(error)
    assert "secret" not in str(error) + caplog.text
    assert "user" not in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__, (
        "the original message would be logged with ours"
    )


def test_signature_of_a_body_covers_the_time_and_the_body() -> None:
    # printf %s '1700000000.{}' | openssl dgst -sha256 -hmac 0123456789abcdef
    digest = "e4f8e2ecae2295b2ddb2f0b5584c8275e226c0ebe9b3b819e70156bb67122e3e"
    assert signature(SECRET, 1_700_000_000, b"{}") == f"t=1700000000,v1={digest}"


def test_delivery_without_a_secret_is_not_signed(api: Receiver) -> None:
    webhook(api.url).deliver("d1", BODY)
    assert "PrepPath-Signature" not in api.received[0].headers


Verify = Callable[[bytes, str, str], bool]


def readme(language: str) -> str:
    """The README's code for receivers."""
    [_, webhooks] = README.read_text(encoding="utf-8").split("## Webhooks\n")
    [code, *_] = re.findall(rf"```{language}\n(.*?)```", webhooks, re.DOTALL)
    return str(code)


def in_python(tmp_path: Path) -> Verify:
    file = tmp_path / "receiver.py"
    file.write_text(readme("python"), encoding="utf-8")
    verify: Verify = runpy.run_path(str(file))["is_genuine"]
    return verify


def in_node(tmp_path: Path) -> Verify:
    node = shutil.which("node") or pytest.skip("Node.js is not installed")
    file = tmp_path / "receiver.js"
    call = "process.exit(isGenuine(require('fs').readFileSync(0), process.argv[2], process.argv[3]) ? 0 : 1)"
    file.write_text(f"{readme('js')}\n{call}\n", encoding="utf-8")

    def verify(body: bytes, header: str, secret: str) -> bool:
        ended = subprocess.run([node, file, header, secret], input=body, capture_output=True, check=False)
        assert ended.stderr == b""
        return ended.returncode == 0

    return verify


@pytest.mark.parametrize("language", [in_python, in_node])
def test_verification_code_of_the_readme_rejects_forgeries(
    api: Receiver, tmp_path: Path, language: Callable[[Path], Verify]
) -> None:
    is_genuine = language(tmp_path)
    webhook(api.url, SECRET).deliver("d1", BODY)
    [request] = api.received
    header = request.headers["PrepPath-Signature"]

    assert is_genuine(request.body, header, SECRET)

    assert not is_genuine(request.body + b" ", header, SECRET)
    assert not is_genuine(request.body, header, SECRET + "g")
    assert not is_genuine(request.body, header.replace("t=1", "t=2"), SECRET)
    assert not is_genuine(request.body, signature(SECRET, int(time.time()) - 301, request.body), SECRET)
    for nonsense in ("", "t=1", "v1=1,t=1", "t=x,v1=y", f"t={'9' * 5_000},v1={'0' * 64}", "t=1,v1=é"):
        assert not is_genuine(request.body, nonsense, SECRET)
