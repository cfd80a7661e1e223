"""What a handler is: a plain function of an attempt at a job and the services it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from .clients.services import Services
from .config.model import Config, QueueConfig


class JobContext(Protocol):
    """What a handler sees of the job it works on: neither Redis nor signals nor retries."""

    @property
    def id(self) -> str:
        """The job's id, the same in every attempt."""

    @property
    def data(self) -> Mapping[str, Any]:
        """The job's data, as the producer gave it: any JSON object."""

    def progress(self, percent: int) -> None:
        """Shows how far the job is, 0 to 100. Raises JobLost when another worker owns the job now."""

    def step(self, name: str, call: Callable[[], Any]) -> Any:
        """What the call returns: JSON, so a tuple comes back as a list. It is stored with the job before
        anything else happens, and a later attempt gets it from there: a paid call is never made twice for its
        answer. The name tells the job's calls apart; a call may use `step` itself, under other names. Raises
        what the call raises, and JobLost."""

    def keep(self, name: str, call: Callable[[], bytes], store: Callable[[bytes], None]) -> bytes:
        """What the call returns, once `store` has put it where it belongs. While `store` fails, it is called
        again until the job's time ends. Up to 750 kB are left with the job meanwhile, and a later attempt
        stores them, by their name, without the call. Raises what both raise, and JobLost."""

    def acquire_token(self) -> None:
        """Waits until the queue's rate limit allows one more paid request. The start of the attempt has paid
        for the first one; every further one needs this before it. Raises JobLost, and Snooze when the wait
        is long: let it pass."""

    def check_lease(self) -> None:
        """To be called just before an effect that can not be taken back: raises JobLost when another worker
        owns the job now."""


#: Returns the job's result: JSON, or None for none.
#: Where the client of each service is in clients/, where its name alone does not say it.
_CLIENTS = {"openai": "openai.client", "storage": "s3.client", "database": "postgres.client"}

Handler = Callable[[JobContext, Services], Any]


@dataclass(frozen=True)
class JobType:
    """A kind of job: its queue's defaults, the module beside this one whose `handle` does the work, and the
    services that it uses, by the names that they have in Services and in `clients/`.

    Both are named and not imported, because commands that only look at queues need the names alone, and the
    vendors' libraries behind them take a second to load.
    """

    defaults: QueueConfig
    module: str
    services: tuple[str, ...]

    @property
    def name(self) -> str:
        """The queue's name."""
        return self.defaults.name

    def load(self) -> Handler:
        """The handler, imported with its services' libraries. Call this before a fork, to share the memory.

        A handler's return value is the job's result; it must be JSON. It raises InvalidJob, PermanentError,
        TransientError, RateLimited, ServiceError or MachineError; anything else is retried like a
        TransientError.
        """
        for service in self.services:
            import_module(f".clients.{_CLIENTS.get(service, service)}", __package__)
        handler: Handler = import_module(f".jobs.{self.module}", __package__).handle
        return handler


@dataclass(frozen=True)
class Registry:
    """All that workers are able to do: the handlers by queue, and what makes the services they use. Handlers
    are loaded before the fork, so that their memory is shared; services are made after it."""

    handlers: Mapping[str, Handler]
    services: Callable[[Config], Services]
