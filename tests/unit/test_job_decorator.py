"""@job makes job types of functions, and modules are searched for them."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from preppath_workers import job
from preppath_workers.config.load import load
from preppath_workers.config.model import QueueConfig, RateLimit
from preppath_workers.errors import ConfigError, InvalidJob
from preppath_workers.jobs.loading import load_job_types
from preppath_workers.registry import JobType
from preppath_workers.worker.run import run_workers


@dataclass
class Mail:
    to: str


@job("mail", concurrency=4, rate_limit="30/60", retries=5, timeout=60)
def send(context: Any, data: Mail) -> str:
    return data.to


class Context:
    def __init__(self, **data: Any) -> None:
        self.data = data


def test_job_is_a_value_with_the_settings_of_its_queue() -> None:
    assert send.defaults == QueueConfig(
        "mail", concurrency=4, rate_limit=RateLimit(30, 60), retries=5, timeout=60
    )
    assert send(None, Mail("a")) == "a"


def test_job_on_load_becomes_a_function_that_decodes_the_data() -> None:
    services: Any = "services"

    @job("one")
    def one(context: Any) -> Any:
        return context.data

    @job("two")
    def two(context: Any, services: Any, data: dict[str, Any], times: int = 2) -> Any:
        return data, services, times

    context: Any = Context(to="a")
    assert send.load()(context, services) == "a"
    assert one.load()(context, services) == {"to": "a"}
    assert two.load()(context, services) == ({"to": "a"}, "services", 2)
    wrong: Any = Context(to=1)
    with pytest.raises(InvalidJob, match="to must be text"):
        send.load()(wrong, services)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "Mail"}, "job 'Mail': expected a name of lower-case letters"),
        ({"rate_limit": "many"}, "job mail: rate_limit 'many': expected starts per seconds, such as 10/60"),
        ({"rate_limit": 5}, "job mail: rate_limit 5: rate_limit must be text"),
        ({"concurrency": 0}, "job mail: concurrency must be a whole number from 1 to 1,000, not 0"),
        ({"concurrency": 1.5}, "job mail: concurrency must be a whole number"),
        ({"retries": "3"}, "job mail: retries must be a whole number from 0 to 30, not '3'"),
        ({"retries": 31}, "job mail: retries must be a whole number from 0 to 30, not 31"),
        ({"timeout": float("inf")}, "job mail: timeout must be 1 or more seconds, and at most ten years"),
        ({"timeout": "60"}, "job mail: timeout must be a number of seconds, not '60'"),
        ({"backoff_max": None}, "job mail: backoff_max must be a number of seconds, not None"),
        ({"fair_by": 5}, "job mail: fair_by must be text, not 5"),
        ({"services": ("s3",)}, "job mail: unknown service 's3'"),
    ],
    ids=str,
)
def test_job_with_a_wrong_setting_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        job(**{"name": "mail", **settings})


def test_job_without_a_name_is_refused() -> None:
    def mail(context: Any) -> None: ...

    decorate: Any = job
    with pytest.raises(TypeError, match='@job needs the queue\'s name: @job\\("mail"\\)'):
        decorate(mail)


def test_job_of_a_function_that_cannot_run_jobs_is_refused() -> None:
    async def asynchronous(context: Any) -> None: ...
    def without() -> None: ...
    def more(context: Any, size: int) -> None: ...
    def unnamed(context: Any, data: Mail, /) -> None: ...
    def collected(context: Any, **data: Any) -> None: ...

    async def stream(context: Any) -> AsyncIterator[int]:
        yield 1

    class Asynchronous:
        async def __call__(self, context: Any) -> None: ...

    for function, message in (
        (asynchronous, "must be a plain function; call asyncio.run in it for async code"),
        (without, "must have a first parameter"),
        (more, "has a parameter 'size'"),
        (unnamed, "must take data as a parameter that is set by its name"),
        (collected, "must take data as a parameter that is set by its name"),
        (stream, "must be a plain function"),
        (Asynchronous(), "must be a plain function"),
    ):
        with pytest.raises(TypeError, match=f"job mail: .*{message}"):
            job("mail")(function)


def module(**values: Any) -> ModuleType:
    made = ModuleType("app")
    vars(made).update(values)
    return made


def test_job_types_of_a_module_are_those_at_its_top_level_and_webhook() -> None:
    other = job("other")(send.function)
    found = load_job_types([module(send=send, more=[other], number=3)])
    assert [job_type.name for job_type in found] == ["mail", "other", "webhook"]
    assert [job_type.name for job_type in load_job_types([send])] == ["mail", "webhook"]


def test_modules_are_found_although_the_current_folder_was_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A supervisor that is reloaded after a deployment has deleted its release."""
    deleted = tmp_path / "release"
    deleted.mkdir()
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    (tmp_path / "kept_jobs.py").write_text(
        "from preppath_workers import job\n\n@job('x')\ndef run(context, data): ...\n", encoding="utf-8"
    )
    monkeypatch.chdir(deleted)
    deleted.rmdir()
    assert [job_type.name for job_type in load_job_types(["kept_jobs"])] == ["x", "webhook"]
    with pytest.raises(ConfigError, match="no module 'nowhere' in the current folder, which was deleted"):
        load_job_types(["nowhere"])


def test_module_that_cannot_be_used_is_a_problem_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "broken_jobs.py").write_text("\nraise ValueError('no')\n", encoding="utf-8")
    decorated = "from preppath_workers import job\n\n@job('x')\ndef run(): ...\n"
    (tmp_path / "wrong_jobs.py").write_text(decorated, encoding="utf-8")
    (tmp_path / "exiting_jobs.py").write_text("import sys\nsys.exit(3)\n", encoding="utf-8")
    same: JobType = job("mail")(send.function)
    with pytest.raises(ConfigError) as error:
        load_job_types(
            [
                *(
                    "nowhere.jobs",
                    "./app/jobs.py",
                    "app.jobs:send",
                    "broken_jobs",
                    "wrong_jobs",
                    "exiting_jobs",
                    "queue",
                ),
                *(module(), module(a=send, b=same)),
            ]
        )
    missing, path, attribute, broken, wrong, exiting, shadowed, empty, double = error.value.problems
    assert missing.startswith("cannot import the jobs of nowhere.jobs: there is no module 'nowhere' in")
    assert path == "cannot import the jobs of ./app/jobs.py: expected a module's name, such as app.jobs"
    assert attribute == "cannot import the jobs of app.jobs:send: expected a module's name, such as app.jobs"
    assert broken.startswith("cannot import the jobs of broken_jobs: ValueError: no (")
    assert broken.endswith("broken_jobs.py, line 2)")
    assert wrong.endswith("wrong_jobs.py, line 3)")  # not the line of the package that raises
    assert exiting.startswith("cannot import the jobs of exiting_jobs: SystemExit: 3 (")
    assert re.match(r"module queue \(/.*/queue.py\) has no jobs", shadowed)  # Python's own
    assert empty == "module app has no jobs: expected functions decorated with @job"
    assert double == "two jobs have the name mail"


def test_configuration_of_own_jobs_needs_no_vendor_and_has_their_variables() -> None:
    loaded = load({"MAIL_CONCURRENCY": "7", "MAIL_RATE_LIMIT": "none"}, [send.defaults])
    assert [(queue.concurrency, queue.rate_limit) for queue in loaded.queues] == [(7, None)]
    assert loaded.secrets() == ()


def test_job_whose_function_cannot_be_imported_is_a_problem_of_the_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.environ", {"REDIS_URL": "redis://localhost:1"})
    for function, message in (
        ("nowhere:run", "ModuleNotFoundError: No module named 'nowhere'"),
        ("json:nothing", "AttributeError: module 'json' has no attribute 'nothing'"),
    ):
        with pytest.raises(ConfigError, match=f"^cannot run the job mail: {message}$"):
            run_workers(job("mail")(function))


def test_module_name_that_is_empty_or_that_of_a_queue_is_a_problem_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(ConfigError) as error:
        load_job_types(["", "evaluation"])
    empty, queue = error.value.problems
    assert empty == "cannot import the jobs of '': expected a module's name, such as app.jobs"
    assert queue.endswith("in PYTHONPATH or installed; --queue evaluation runs this queue")
