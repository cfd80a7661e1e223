"""Collects the job types of modules, PrepPath's own and others."""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

from ..errors import ConfigError
from ..registry import JobType
from . import JOB_TYPES

#: The package's own folder.
_FOLDER = Path(__file__).parent.parent

#: The module of PrepPath's own jobs: the default of `JOBS`.
OWN_JOBS = __package__

_OWN_QUEUES = {job_type.name for job_type in JOB_TYPES}
#: Deliveries belong to the package: jobs of every module end in events.
_WEBHOOK = next(job_type for job_type in JOB_TYPES if job_type.name == "webhook")


def load_job_types(sources: Iterable[str | ModuleType | JobType]) -> tuple[JobType, ...]:
    """Return the job types: given themselves, or at the top level of modules, which are imported; and the one
    that delivers webhooks. Raises ConfigError."""
    found: dict[str, JobType] = {}
    problems = []
    for source in sources:
        try:
            collected = [source] if isinstance(source, JobType) else list(_of_module(source))
        except _ModuleProblem as error:
            problems.append(str(error))
            continue
        problems += [
            f"two jobs have the name {job_type.name}"
            for job_type in collected
            if found.setdefault(job_type.name, job_type) is not job_type
        ]
    found.setdefault(_WEBHOOK.name, _WEBHOOK)
    prefixes: dict[str, str] = {}
    for name, job_type in found.items():
        other = prefixes.setdefault(job_type.defaults.variable_prefix, name)
        if other != name:
            problems.append(f"the variables of jobs {other} and {name} have the same names")
    if problems:
        raise ConfigError(*problems)
    return tuple(found.values())


def no_such_queue(name: str, names: Sequence[str]) -> str:
    """Return the problem that none of the queues `names` has this name."""
    from difflib import get_close_matches  # lazy: only a mistake needs it

    similar = get_close_matches(name, names, 1)
    hint = f"; did you mean {similar[0]}?" if similar else ""
    return f"there is no queue {name!r}: expected {', '.join(names)} (or set JOBS){hint}"


class _ModuleProblem(Exception):
    """Raised when a module cannot be imported or has no jobs."""


def _of_module(source: str | ModuleType) -> Iterator[JobType]:
    module = _imported(source) if isinstance(source, str) else source
    found = [job_type for value in vars(module).values() for job_type in _job_types(value)]
    if not found:
        # A file named like a module of Python's or of a library is never found.
        file = f" ({module.__file__})" if getattr(module, "__file__", None) else ""
        raise _ModuleProblem(
            f"module {module.__name__}{file} has no jobs: expected functions decorated with @job"
        )
    yield from dict.fromkeys(found)


def _job_types(value: object) -> Sequence[JobType]:
    if isinstance(value, JobType):
        return [value]
    if isinstance(value, list | tuple):
        return [each for each in value if isinstance(each, JobType)]
    return []


def search_current_folder() -> None:
    """Make the modules of the current folder importable."""
    folder = _current_folder()
    if folder and folder not in sys.path:
        sys.path.append(folder)  # at the end: a file of the folder must not replace a library


def _current_folder() -> str | None:
    try:
        return str(Path.cwd())
    except FileNotFoundError:  # a deployment has deleted it
        return None


def _imported(name: str) -> ModuleType:
    if not re.fullmatch(r"\w+(\.\w+)*(?<!\.py)", name):
        example = re.sub(r"\W+", ".", name.partition(":")[0].removesuffix(".py")).strip(".") or "app.jobs"
        shown = name if name.strip() else repr(name)
        raise _ModuleProblem(
            f"cannot import the jobs of {shown}: expected a module's name, such as {example}"
        )
    if name != OWN_JOBS:
        search_current_folder()
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name and f"{name}.".startswith(f"{error.name}."):
            hint = f"; --queue {name} runs this queue" if name in _OWN_QUEUES else ""
            raise _ModuleProblem(
                f"cannot import the jobs of {name}: there is no module {error.name!r} in "
                f"{_current_folder() or 'the current folder, which was deleted'}, in PYTHONPATH or installed"
                f"{hint}"
            ) from error
        raise _failed(name, error) from error
    except (Exception, SystemExit) as error:  # a reload must not end the supervisor
        raise _failed(name, error) from error


def _failed(name: str, error: BaseException) -> _ModuleProblem:
    if isinstance(error, SyntaxError):
        message, where = error.msg, f"{error.filename}, line {error.lineno}"
    else:
        frames = traceback.extract_tb(error.__traceback__)
        # `@job` raises for what the line above it says.
        last = next(
            (frame for frame in reversed(frames) if _FOLDER not in Path(frame.filename).parents), frames[-1]
        )
        message, where = str(error), f"{last.filename}, line {last.lineno}"
    return _ModuleProblem(f"cannot import the jobs of {name}: {type(error).__name__}: {message} ({where})")
