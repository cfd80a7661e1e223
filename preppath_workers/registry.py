"""Job types and handlers: a handler is a plain function of a job's context and the services it uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from .clients.services import Services
from .config.model import Config, QueueConfig


class JobContext(Protocol):
    """The job as its handler sees it, independent of Redis, signals and retries."""

    @property
    def id(self) -> str:
        """The job's id, the same for every attempt."""

    @property
    def data(self) -> Mapping[str, Any]:
        """The producer's data: any JSON object, not yet validated."""

    def progress(self, percent: int) -> None:
        """Publish the job's progress, 0 to 100. Raises JobLost if another worker owns the job."""

    def step(self, name: str, call: Callable[[], Any]) -> Any:
        """Return the call's result, stored with the job under this name.

        The result is JSON (a tuple comes back as a list) and is stored before this returns, so a later
        attempt reads it instead of paying for the call again. Names are unique within a job; steps may be
        nested.
        Raises what the call raises, and JobLost.
        """

    def keep(self, name: str, call: Callable[[], bytes], store: Callable[[bytes], None]) -> bytes:
        """Return the call's bytes after `store` has saved them.

        A failing `store` is retried until the job's time limit. Up to 750 kB are kept with the job under this
        name, so a later attempt can store them without the call. Raises what both raise, and JobLost.
        """

    def acquire_token(self) -> None:
        """Wait until the queue's rate limit allows another paid request.

        Starting the attempt acquires the token for its first request; call this before each further one.
        Raises JobLost, and Snooze if the wait is long; do not catch it.
        """

    def check_lease(self) -> None:
        """Raise JobLost if another worker owns the job. Call this just before an irreversible effect."""


#: Return the job's result: JSON, or None.
Handler = Callable[[JobContext, Services], Any]

#: Modules of the clients in `clients/` whose path isn't the service's name.
_CLIENTS = {"openai": "openai.client", "storage": "s3.client", "database": "postgres.client"}


@dataclass(frozen=True)
class JobType:
    """A job type: its queue's defaults, the module in `jobs/` whose `handle` runs it, and the services that
    it uses, by their names in `Services`.

    Modules are named, not imported: most commands need only the names, and vendors' libraries load slowly.
    """

    defaults: QueueConfig
    module: str
    services: tuple[str, ...]

    @property
    def name(self) -> str:
        """The queue's name."""
        return self.defaults.name

    def load(self) -> Handler:
        """Import the handler and its services' libraries. Call this before forking, to share their memory.

        A handler returns the job's result as JSON. It raises InvalidJob, PermanentError, TransientError,
        RateLimited, ServiceError or MachineError; any other exception is retried like a TransientError.
        """
        for service in self.services:
            import_module(f".clients.{_CLIENTS.get(service, service)}", __package__)
        handler: Handler = import_module(f".jobs.{self.module}", __package__).handle
        return handler


@dataclass(frozen=True)
class Registry:
    """The handlers by queue, loaded before forking, and the factory of their services, called after it."""

    handlers: Mapping[str, Handler]
    services: Callable[[Config], Services]
