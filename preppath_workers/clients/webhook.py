"""PrepPath's API, as the one that is told what became of jobs: one signed POST for each delivery."""

from __future__ import annotations

import hashlib
import hmac
import time
from urllib.parse import urlsplit

import requests

from .. import __version__
from ..config.model import WebhookConfig
from ..errors import JobError, PermanentError, ServiceError, TransientError
from .machine import machine_error
from .retry_after import retry_after

#: Seconds for the connection, and of silence before the answer. Together less than the queue lets a job run.
TIMEOUTS = (5.0, 15.0)
#: A receiver that wants other credentials (401, 407), or a URL that takes no POST (405). 403 and 404 may also
#: be about one delivery: a firewall that dislikes its text, a question that was deleted.
_REFUSES_ALL = (401, 405, 407)
#: The receiver is there and refuses what this delivery says.
_OF_THIS_DELIVERY = (400, 409, 413, 415, 422)


class Webhook:
    """Sends deliveries. It keeps nothing between two of them, so there is nothing to close: a connection kept
    open would save little at one delivery for each job, and is often half dead when the next one comes."""

    def __init__(self, config: WebhookConfig, timeouts: tuple[float, float] = TIMEOUTS) -> None:
        self._config = config
        self._timeouts = timeouts

    def deliver(self, delivery_id: str, body: bytes) -> int:
        """Sends the JSON once and returns the status, 200 to 299. The answer's body is not read.

        Raises PermanentError when nobody wants it: no URL is configured, or the receiver says 410, Gone.
        Raises TransientError when it refuses this delivery, and ServiceError when it is not there, fails, or
        takes none, with `refuses_all` for what depends on the URL or the secret. A redirect is not followed.
        """
        if not self._config.url:
            raise PermanentError("WEBHOOK_URL is not set: there is nobody to tell")
        place = _place(self._config.url)
        try:
            answer = self._post(self._config.url, delivery_id, body)
        # What is raised here repeats the URL, token and all, so it is neither chained nor quoted. A host that
        # no DNS could hold is a ValueError of urllib3's, which requests lets through.
        except requests.Timeout:
            raise ServiceError("webhook", f"{place} did not answer in time") from None
        except (requests.RequestException, ValueError, OSError) as error:
            raise _no_answer(place, error) from None
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


def _no_answer(place: str, error: Exception) -> JobError:
    if machine := machine_error(error):
        return machine
    # A ValueError is about the URL: a scheme, a port or a host that cannot be.
    message = f"no answer from {place} ({type(error).__name__})"
    return ServiceError("webhook", message, refuses_all=isinstance(error, ValueError))


def _refusal(place: str, answer: requests.Response) -> JobError:
    message, status = f"{place} answered {answer.status_code}", answer.status_code
    if status == requests.codes.gone:
        return PermanentError(message)
    if status in _OF_THIS_DELIVERY:
        return TransientError(message, retry_after(answer.headers))
    return ServiceError(
        "webhook",
        message,
        refuses_all=status < 400 or status in _REFUSES_ALL,
        retry_after=retry_after(answer.headers),
    )
