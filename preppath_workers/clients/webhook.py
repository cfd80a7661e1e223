"""PrepPath's API, as the one that is told what became of jobs: one signed POST for each delivery."""

from __future__ import annotations

import hashlib
import hmac
import time
from urllib.parse import urlsplit

import requests

from .. import __version__
from ..errors import JobError, PermanentError, TransientError
from ..settings import WebhookConfig
from .retry_after import retry_after

#: Seconds for the connection, and of silence before the answer. Together less than the queue lets a job run.
TIMEOUTS = (5.0, 15.0)


class Webhook:
    """Sends deliveries. It keeps nothing between two of them, so there is nothing to close: a connection kept
    open would save little at one delivery for each job, and is often half dead when the next one comes."""

    def __init__(self, config: WebhookConfig, timeouts: tuple[float, float] = TIMEOUTS) -> None:
        self._config = config
        self._timeouts = timeouts

    def deliver(self, delivery_id: str, body: bytes) -> int:
        """Sends the JSON once and returns the status, 200 to 299. The answer's body is not read.

        Raises PermanentError when nobody wants it: no URL is configured, or the receiver says 410, Gone.
        Raises TransientError for everything else, a redirect too. A receiver's limit (429 with Retry-After)
        delays this delivery alone: it holds no queue.
        """
        if not self._config.url:
            raise PermanentError("WEBHOOK_URL is not set: there is nobody to tell")
        place = _place(self._config.url)
        try:
            answer = self._post(self._config.url, delivery_id, body)
        # What is raised here repeats the URL, token and all, so it is neither chained nor quoted. A host that
        # no DNS could hold is a ValueError of urllib3's, which requests lets through.
        except requests.Timeout:
            raise TransientError(f"{place} did not answer in time") from None
        except (requests.RequestException, ValueError) as error:
            raise TransientError(f"no answer from {place} ({type(error).__name__})") from None
        if not 200 <= answer.status_code < 300:
            raise _refusal(place, answer)
        return answer.status_code

    def _post(self, url: str, delivery_id: str, body: bytes) -> requests.Response:
        request = requests.Request("POST", url, headers=self._headers(delivery_id, body), data=body)
        # Prepared here and not by the session, which would add what ~/.netrc has for the host.
        prepared = request.prepare()
        with requests.Session() as session:
            # Proxies and authorities (REQUESTS_CA_BUNDLE) are the environment's. `stream`: see `deliver`.
            settings = session.merge_environment_settings(
                prepared.url, {}, stream=True, verify=None, cert=None
            )
            with session.send(prepared, timeout=self._timeouts, allow_redirects=False, **settings) as answer:
                return answer

    def _headers(self, delivery_id: str, body: bytes) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "PrepPath-Delivery": delivery_id,
            "User-Agent": f"preppath-workers/{__version__}",
        }
        if self._config.secret:
            headers["PrepPath-Signature"] = signature(self._config.secret, int(time.time()), body)
        return headers


def signature(secret: str, seconds: int, body: bytes) -> str:
    """`t=<seconds>,v1=<hex HMAC-SHA256 of "<seconds>.<body>">`.

    The time, in seconds since the epoch, is signed too: so a receiver can refuse what somebody recorded and
    sends again. `v1` leaves room for a successor beside it.
    """
    digest = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def _place(url: str) -> str:
    """The scheme, host and port: what of a URL may be seen."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _refusal(place: str, answer: requests.Response) -> JobError:
    message = f"{place} answered {answer.status_code}"
    if answer.status_code == requests.codes.gone:
        return PermanentError(message)
    return TransientError(message, retry_after(answer.headers))
