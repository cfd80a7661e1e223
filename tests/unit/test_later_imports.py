"""What a command leaves out of redis-py, and that it is there when it is used."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from unittest.mock import patch

import pytest

from preppath_workers.cli.main import main

#: How each program begins.
PREPARED = """
import os, sys
from preppath_workers.cli.later_imports import import_later
import_later(with_metrics=False)
"""

#: Runs programs in forks of one that has begun: starting Python for each would take most of the time.
EACH = """
for program in {programs!r}:
    if not os.fork():
        exec(program)
        sys.stdout.flush()
        os._exit(0)
    if os.wait()[1]:
        sys.exit(program)
"""


def printed(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_command_loads_no_client_of_redis_that_it_does_not_use() -> None:
    loaded = printed(
        "import sys; from preppath_workers.cli.main import main; main(['queues', '--config', '/none']);"
        "print(*sys.modules)"
    )
    assert "redis.client" in loaded
    unneeded = {"redis.asyncio.client", "redis.cluster", "redis.sentinel", "email", "opentelemetry.sdk"}
    assert unneeded & {*loaded} == set()


def test_names_of_redis_are_found_when_they_are_first_used() -> None:
    names = (
        *("redis.Redis", "redis.RedisCluster", "redis.__version__", "redis.SSLConnection"),
        *("redis.client.Redis", "redis.cluster.RedisCluster", "redis.asyncio.Redis"),
        *("redis.asyncio.cluster.RedisCluster", "redis.asyncio.sentinel.Sentinel"),
        *("redis.sentinel.Sentinel", "redis.exceptions.RedisError"),
    )
    programs = [f"print({name} is not None)" for name in names]
    assert printed(f"{PREPARED}import redis\n{EACH.format(programs=programs)}") == ["True"] * len(names)


def test_imports_from_packages_that_are_run_later_work() -> None:
    statements = (
        "from redis import Redis, RedisCluster, asyncio",
        "from redis.asyncio import Redis, RedisCluster, Sentinel",
        "from redis import *; RedisCluster, Sentinel",
        "import redis.asyncio; redis.asyncio.Redis; redis.Redis",
        "from importlib.metadata import version; version('redis')",
        "from preppath_workers import AsyncQueue, Queue; AsyncQueue.from_env('tts'); Queue.from_env('tts')",
    )
    programs = [f"{statement}; print('done')" for statement in statements]
    assert printed(PREPARED + EACH.format(programs=programs)) == ["done"] * len(statements)


def test_openai_loads_no_models_of_apis_that_are_not_used() -> None:
    loaded = printed("import sys, preppath_workers.clients.openai.client; print(*sys.modules)")
    assert "openai.types.chat.chat_completion" in loaded
    assert {"openai.types.batch", "openai.types.responses.response"} & {*loaded} == set()


def test_names_of_openai_are_found_when_they_are_first_used() -> None:
    names = (
        *(
            "openai.types.Batch",
            "openai.types.responses.Response",
            "openai.types.responses.response.Response",
        ),
        *("openai.OpenAI(api_key='a').responses.create", "openai.OpenAI(api_key='a').batches.create"),
    )
    statements = (
        *(f"print({name} is not None)" for name in names),
        "from openai.types.responses import Response; print(Response.__name__ == 'Response')",
        "import openai.types.responses as found; print(found is openai.types.responses)",
    )
    prepared = "import os, sys, preppath_workers.clients.openai, openai"
    assert printed(f"{prepared}\n{EACH.format(programs=statements)}") == ["True"] * len(statements)


def test_run_all_runs_the_packages_that_were_put_off() -> None:
    program = f"""{PREPARED}
import preppath_workers.clients.openai, openai, redis
from preppath_workers.clients.later_packages import run_all
run_all()
print(*sys.modules)
"""
    assert {"openai.types.batch", "openai.types.responses.response", "redis.cluster"} <= {*printed(program)}


def test_name_that_a_package_lacks_raises_attribute_error() -> None:
    assert printed(f"{PREPARED}import redis; print(hasattr(redis, 'nosuch'), hasattr(redis, 'Redis'))") == [
        *("False", "True")
    ]


def test_package_is_run_once_if_threads_use_it_at_once() -> None:
    program = f"""{PREPARED}
import redis
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
barrier = Barrier(8)
def used(_):
    barrier.wait()
    return redis.Redis, redis.RedisCluster, redis.asyncio.Redis
with ThreadPoolExecutor(8) as pool:
    print(len(set(pool.map(used, range(8)))))
"""
    assert printed(program) == ["1"]


@pytest.mark.parametrize("with_metrics", [False, True])
def test_metrics_of_redis_are_there_if_the_program_may_ask_for_them(with_metrics: bool) -> None:
    if not find_spec("opentelemetry"):
        pytest.skip("needs the extra [otel]")
    program = f"""
from preppath_workers.cli.later_imports import import_later
import_later(with_metrics={with_metrics})
import redis.client, redis.observability.providers
from opentelemetry.sdk.metrics import MeterProvider
print(redis.observability.providers.OTEL_AVAILABLE)
"""
    assert printed(program) == [str(with_metrics)]


def test_help_loads_no_metrics() -> None:
    program = "import sys; from preppath_workers.cli.main import main; main(['--help']); print(*sys.modules)"
    assert not [name for name in printed(program) if name.startswith("opentelemetry.")]


def test_import_later_changes_nothing_once_redis_is_imported() -> None:
    asked = "print(redis.asyncio is known, 'Redis' in vars(redis))"
    program = f"import redis; known = redis.asyncio\n{PREPARED}{asked}"
    assert printed(program) == ["True", "True"]


def test_command_interrupted_while_it_imports_ends_without_a_traceback() -> None:
    with patch("preppath_workers.cli.main.import_later", side_effect=KeyboardInterrupt):
        assert main(["queues"]) == 130
