"""Webhook client: one signed POST per delivery."""

from __future__ import annotations

import hashlib
import hmac
import time
from urllib.parse import urlsplit

import requests

from .. import __version__
from ..config.model import WebhookConfig
from ..errors import JobError, JobTimeout, PermanentError, ServiceError, TransientError
from .causes import described
from .machine import machine_error
from .retry_after import retry_after

#: Timeouts to connect and to read, seconds. Their sum is below the queue's time limit.
TIMEOUTS = (5.0, 15.0)
#: Statuses about credentials (401, 407) or the URL (405). Not 403 and 404, which may be about one delivery: a
#: firewall that rejects its text, a question that was deleted.
_REFUSES_ALL = (401, 405, 407)
#: Statuses that refuse this delivery only.
_OF_THIS_DELIVERY = (400, 409, 413, 415, 422)


class Webhook:
    """Sends deliveries, each on a new connection: an idle one would often be dead when the next is due."""

    def __init__(self, config: WebhookConfig, timeouts: tuple[float, float] = TIMEOUTS) -> None:
        self._config = config
        self._timeouts = timeouts

    def deliver(self, delivery_id: str, body: bytes) -> int:
        """Send the JSON once and return the status, 200 to 299. The response body is not read, and redirects
        are not followed.

        Raises PermanentError if no URL is configured or the receiver answers 410 Gone; TransientError if it
        refuses this delivery; ServiceError if it is unreachable or fails. That has `refuses_all` if the URL
        or the secret may be the cause.
        """
        if not self._config.url:
            raise PermanentError("cannot deliver the event: WEBHOOK_URL is not set")
        origin = _origin(self._config.url)
        try:
            answer = self._post(self._config.url, delivery_id, body)
        # These errors quote the URL with its token, so they are neither chained nor quoted. urllib3 raises
        # ValueError for an invalid host.
        except (requests.Timeout, JobTimeout):  # the latter for one that sends a byte from time to time
            raise ServiceError("webhook", f"{origin} did not answer in time") from None
        except (requests.RequestException, ValueError, OSError) as error:
            raise _no_answer(origin, error) from None
        if not 200 <= answer.status_code < 300:
            raise _refusal(origin, answer)
        return answer.status_code

    def _post(self, url: str, delivery_id: str, body: bytes) -> requests.Response:
        request = requests.Request("POST", url, headers=self._headers(delivery_id, body), data=body)
        # Not prepared by the session, which would add credentials from ~/.netrc.
        prepared = request.prepare()
        with requests.Session() as session:
            # Proxies and REQUESTS_CA_BUNDLE come from the environment. `stream`: the body is not read.
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
    """Return `t=<seconds>,v1=<hex HMAC-SHA256 of "<seconds>.<body>">`.

    The time, in seconds since the epoch, is signed too, so a receiver can refuse replayed requests. `v1`
    allows another scheme to be added.
    """
    digest = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def _origin(url: str) -> str:
    """Return the scheme, host and port: the parts of a URL that are not secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _no_answer(origin: str, error: Exception) -> JobError:
    if machine := machine_error(error):
        return machine
    # A ValueError is about the URL: an invalid scheme, port or host.
    message = f"no answer from {origin} ({described(error)})"
    return ServiceError("webhook", message, refuses_all=isinstance(error, ValueError))


def _refusal(origin: str, answer: requests.Response) -> JobError:
    message, status = f"{origin} answered {answer.status_code}", answer.status_code
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
