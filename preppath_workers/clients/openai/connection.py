"""Makes the SDK's clients: one for each configured model."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import closing
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx2
import openai

from ...config.model import ModelConfig
from ...errors import ServiceError
from .classification import SERVICE

#: Seconds to connect.
CONNECT_TIMEOUT = 5.0
#: Bytes of the largest response, decompressed: ten times the longest speech.
MAX_RESPONSE = 64 * 1024 * 1024
#: Statuses of a redirect that keeps the method and the body: others make a GET of a POST.
_KEEPS_REQUEST = frozenset({307, 308})
#: Characters of a redirect's location that are shown.
_MAX_LOCATION = 200
#: Headers that describe a body as it was sent, not as it is here.
_OF_TRANSFER = ("content-encoding", "content-length", "transfer-encoding")


class ResponseTooLarge(ValueError):
    """Raised for a response of more than `MAX_RESPONSE` bytes."""


class Redirected(httpx2.RequestError):
    """Raised for a redirect that is not followed; the message is where to, without credentials and query."""


class _Client(openai.DefaultHttpxClient):
    """Reads at most `MAX_RESPONSE` bytes of a response. One that never ends would use all of the memory."""

    def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        response = super().send(request, stream=True, **options)
        if stream:
            return response
        headers = [pair for pair in response.headers.multi_items() if pair[0].lower() not in _OF_TRANSFER]
        with closing(response):
            try:
                content = _content(response)
            except (httpx2.HTTPError, ResponseTooLarge) as error:
                if response.is_success:
                    raise
                # The status says enough: what is refused isn't paid for.
                content = f"the body cannot be read ({type(error).__name__})".encode()
                headers = [pair for pair in headers if pair[0].lower() != "content-type"]
        return httpx2.Response(
            response.status_code,
            headers=headers,
            content=content,
            request=response.request,
            history=response.history,
        )


def _content(response: httpx2.Response) -> bytes:
    content = bytearray()
    for part in response.iter_bytes():
        content += part
        if len(content) > MAX_RESPONSE:
            raise ResponseTooLarge("the response is too large")
    return bytes(content)


def connect(
    model_config: ModelConfig,
    organization: str | None,
    tls: ssl.SSLContext,
    received: Callable[[httpx2.Response], None],
) -> openai.OpenAI:
    """Return a client that has not connected yet. `received` is called with each response, before its body.

    Raises ServiceError, with `refuses_all`, for what the library cannot use, such as a proxy in the
    environment.
    """
    try:
        return openai.OpenAI(
            api_key=model_config.api_key,
            organization=organization,
            base_url=model_config.base_url,
            max_retries=0,
            timeout=openai.Timeout(model_config.timeout, connect=min(CONNECT_TIMEOUT, model_config.timeout)),
            # No cookies: one that isn't ASCII would make every later request of this process fail.
            http_client=_Client(
                verify=tls,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                event_hooks={"response": [received, _check_redirect]},
            ),
        )
    except (openai.OpenAIError, httpx2.InvalidURL, ImportError, ValueError) as error:
        raise ServiceError(SERVICE, f"cannot make a client of OpenAI: {error}", refuses_all=True) from None


def _check_redirect(response: httpx2.Response) -> None:
    """Raise Redirected unless the redirect keeps the request and the server, as that of a path's last slash.

    Another server would get what users said, but not the key, and would answer that the key is missing.
    """
    if not response.has_redirect_location:
        return
    try:
        target = response.url.join(response.headers["location"])
    except (httpx2.InvalidURL, ValueError):
        raise Redirected("an invalid URL") from None
    same = (target.host, target.port) == (response.url.host, response.url.port)
    if (
        not same
        or target.scheme not in (response.url.scheme, "https")
        or response.status_code not in _KEEPS_REQUEST
    ):
        place = target.copy_with(userinfo=b"", query=None, fragment=None)
        raise Redirected(str(place)[:_MAX_LOCATION])
