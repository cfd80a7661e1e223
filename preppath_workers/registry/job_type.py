"""Job types: a queue's settings and the function that runs its jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeAlias, TypeVar, overload

from ..config.model import MOST_RECOVERIES, MOST_RETRIES, MOST_WORKERS, OPENAI_PARTS, QueueConfig, RateLimit
from ..store.arguments import plain_text, seconds, whole_number
from ..store.keys import QUEUE_NAME, is_queue_name
from .functions import parameters

if TYPE_CHECKING:
    from ..clients.services import Services
    from ..clients.usage import Usage
    from ..config.model import Config
    from .context import JobContext

#: What a worker calls: returns the job's result, JSON or None.
Handler: TypeAlias = "Callable[[JobContext, Services], Any]"

#: What `@job` decorates, or names as `module:function`.
Function = Callable[..., Any] | str

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

#: Called with the data of several jobs and the services, yields for each job the most that each of its paid
#: requests can use; no request for a job that will be refused.
WorstCases: TypeAlias = "Callable[[Sequence[dict[str, Any]], Services], Iterator[Sequence[Usage]]]"

#: Modules of the clients in `clients/` whose path isn't the service's name.
_CLIENTS = {"openai": "openai.client", "storage": "s3.client", "database": "postgres.client"}
_SERVICES = ("openai", "storage", "database", "webhook", *(f"openai.{part}" for part in OPENAI_PARTS))


@dataclass(frozen=True)
class JobType:
    """A job type: its queue's settings and the function that runs its jobs. `@job` makes it."""

    defaults: QueueConfig
    function: Function
    #: The function that tells the worst cases of its paid requests, or its name.
    worst_cases: WorstCases | str | None = None

    @property
    def name(self) -> str:
        """The queue's name."""
        return self.defaults.name

    def load(self) -> Handler:
        """Import the function and its services' libraries. Call this before forking, to share their memory.

        Returns a function of the context and the services, which decodes the job's data, calls the function
        and returns its result. Raises TypeError if the function isn't one that can run jobs.
        """
        for name in self.defaults.services:
            service = name.partition(".")[0]
            import_module(f"...clients.{_CLIENTS.get(service, service)}", __name__)
        function = _imported(self.function)
        taken = parameters(function)
        if not taken:
            return lambda context, _: function(context)
        if taken == {"services"}:
            return lambda context, services: function(context, services=services)
        from .decoding import decoder  # most commands only need the queue's settings

        decode = decoder(function)
        if taken == {"data"}:
            return lambda context, _: function(context, data=decode(context.data))
        return lambda context, services: function(context, data=decode(context.data), services=services)

    def load_worst_cases(self) -> WorstCases | None:
        """Return the function that tells the most that its jobs can use, None if there is none."""
        return _imported(self.worst_cases) if self.worst_cases else None


@dataclass(frozen=True)
class FunctionJobType(JobType, Generic[Parameters, Result]):
    """A job type made of a function. A call calls the function, so that a test can do so too."""

    function: Callable[Parameters, Result]

    def __call__(self, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        return self.function(*args, **kwargs)


class Decorator(Protocol):
    """What `job` returns."""

    @overload
    def __call__(self, function: Callable[Parameters, Result], /) -> FunctionJobType[Parameters, Result]: ...

    @overload
    def __call__(self, function: str, /) -> JobType: ...

    def __call__(self, function: Any, /) -> JobType:
        """Return the job type of a function, or of the name of one."""


def job(
    name: str,
    *,
    concurrency: int = QueueConfig.concurrency,
    rate_limit: str | None = None,
    retries: int = QueueConfig.retries,
    backoff: float = QueueConfig.backoff,
    backoff_max: float = QueueConfig.backoff_max,
    timeout: float = QueueConfig.timeout,
    recoveries: int = QueueConfig.recoveries,
    fair_by: str = QueueConfig.fair_by,
    needs: str | None = None,
    services: tuple[str, ...] = (),
    worst_cases: WorstCases | str | None = None,
) -> Decorator:
    """Make a job type of a function:

        @job("thumbnail", concurrency=4, rate_limit="30/60", retries=5, timeout=60)
        def make_thumbnail(context: JobContext, data: Thumbnail) -> dict[str, int]: ...

    The function's first parameter gets the JobContext. A parameter `data` gets the job's data. If it is
    annotated with a dataclass or a TypedDict, the data is decoded and checked, and wrong data is refused with
    the reason `invalid`. A parameter `services` gets the clients that `services` names. The function returns
    the job's result as JSON, or None. It raises InvalidJob, PermanentError, TransientError, RateLimited,
    ServiceError or MachineError; any other exception is retried like a TransientError.

    In place of a function, `module:function` names one that is imported when it is needed.

    Args:
        name: the queue's name: lower-case letters, digits, _ and -. Variables `<NAME>_…` override the rest.
        concurrency: workers in one supervisor.
        rate_limit: starts per seconds on all machines together, such as "30/60".
        retries: runs after the first one that a job's own failures may cause.
        backoff: seconds before the first retry; each further one waits twice as long, up to `backoff_max`.
        timeout: seconds that a job may run.
        recoveries: times that a job runs again after its worker died during it.
        fair_by: the field of the data that identifies a user, so that users take turns.
        needs: a variable without which the queue isn't worked on by default.
        services: clients of PrepPath's services that it uses: openai, storage, database, webhook. A part,
            such as `openai.speech`, has the supervisor prepare less: transcription, speech or evaluation.
        worst_cases: a function of the data of several jobs and the services that yields the most that the
            paid requests of each can use, so that commands tell what jobs can cost; or its name.

    Raises ValueError or TypeError, when the module is imported.
    """
    name = _checked_name(name)
    try:
        limit = None if rate_limit is None else RateLimit.parse(plain_text("rate_limit", rate_limit))
    except ValueError as error:
        raise ValueError(f"job {name}: rate_limit {rate_limit!r}: {error}") from None
    if unknown := [service for service in services if service not in _SERVICES]:
        raise ValueError(f"job {name}: unknown service {unknown[0]!r}, expected {', '.join(_SERVICES)}")
    try:
        defaults = QueueConfig(
            name,
            concurrency=whole_number("concurrency", concurrency, 1, MOST_WORKERS),
            rate_limit=limit,
            retries=whole_number("retries", retries, 0, MOST_RETRIES),
            backoff=seconds("backoff", backoff, 0),
            backoff_max=seconds("backoff_max", backoff_max, 0),
            timeout=seconds("timeout", timeout, 1),
            recoveries=whole_number("recoveries", recoveries, 0, MOST_RECOVERIES),
            fair_by=plain_text("fair_by", fair_by),
            needs=needs,
            services=services,
        )
    except ValueError as error:
        raise ValueError(f"job {name}: {error}") from None

    def decorate(function: Any) -> Any:
        if isinstance(function, str):
            return JobType(defaults, function, worst_cases)
        try:
            parameters(function)
        except TypeError as error:
            raise TypeError(f"job {name}: {error}") from None
        return FunctionJobType(defaults, function, worst_cases)

    return decorate


def _imported(function: Function) -> Callable[..., Any]:
    if not isinstance(function, str):
        return function
    module, _, name = function.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


def _checked_name(name: object) -> str:
    """Return a queue's name as plain text. Raises TypeError and ValueError."""
    if callable(name):
        raise TypeError(f'@job needs the queue\'s name: @job("{getattr(name, "__name__", "name")}")')
    if not isinstance(name, str) or not is_queue_name(name):
        raise ValueError(f"job {name!r}: expected {QUEUE_NAME}")
    return plain_text("name", name)


@dataclass(frozen=True)
class Registry:
    """What the workers of one program run. Both are needed before the first fork: see `Services`.

    Args:
        handlers: by queue, loaded.
        services: makes the handlers' services for a configuration.
    """

    handlers: Mapping[str, Handler]
    services: Callable[[Config], Services]
