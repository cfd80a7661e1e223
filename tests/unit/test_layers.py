"""The package layout: imports between folders go one way only."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import preppath_workers

ROOT = Path(preppath_workers.__file__).parent
PACKAGE = preppath_workers.__name__

#: The entries of the package, from the bottom up: each may import itself and those before it.
LAYERS = (
    *("errors", "config", "log"),
    *("store", "queue"),  # with errors: all that a producer imports
    *("clients", "registry", "jobs", "offline"),
    *("worker", "testing", "web", "cli", "__main__"),
)

#: What the package itself, the public API, imports.
PUBLIC = ("errors", "store", "queue", "clients", "registry")

#: All that a producer imports of the package: each module more delays every command that adds a job.
PRODUCER = {
    *("errors", "config", "config.durability", "config.redis_url", "config.urls"),
    *(
        "store",
        "store.arguments",
        "store.group",
        "store.job",
        "store.job_id",
        "store.json_text",
        "store.keys",
        "store.layout",
    ),
    *("store.operation", "store.refusals", "store.scripts", "store.undecoded", "store.values"),
    *("store.connections", "store.connections.cluster", "store.connections.connection_classes"),
    *("store.connections.failover_retry", "store.connections.given_client", "store.connections.locator"),
    "store.connections.tls_connection",
    *("store.reading", "store.reading.reader"),
    *("queue", "queue.new_job", "queue.operations", "queue.queue", "queue.timeouts", "queue.tracing"),
}

#: The most entries that the package's top folder may have.
MOST_ENTRIES = 16


def modules() -> dict[str, Path]:
    """Return every module by its full name; a package has the name of its folder."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = (PACKAGE, *path.relative_to(ROOT).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imported(name: str) -> Iterator[str]:
    """Yield the modules of the package that a module imports anywhere, under TYPE_CHECKING too."""
    path = MODULES[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *(node.module or "").split(".")]).rstrip(".")
            for alias in node.names:
                if (base, alias.name) == (PACKAGE, "__version__"):
                    continue  # stands before all imports of the package
                inner = f"{base}.{alias.name}"
                if inner in MODULES or base in MODULES:
                    yield inner if inner in MODULES else base


@cache
def imports() -> Mapping[str, set[str]]:
    """Return the imports of each module. Not read when the tests are collected, which each worker does."""
    return {name: {*imported(name)} - {name} for name in MODULES}


def layer(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def test_package_top_has_few_entries_and_each_has_a_layer() -> None:
    entries = {path.name for path in ROOT.iterdir() if path.name != "__pycache__"}
    assert len(entries) <= MOST_ENTRIES, sorted(entries)
    assert {layer(name) for name in MODULES} == {"", *LAYERS}


def test_imports_go_one_way_only() -> None:
    wrong = []
    for name, others in imports().items():
        own = layer(name)
        allowed = set(PUBLIC) if own == "" else {*LAYERS[: LAYERS.index(own) + 1]}
        wrong += [f"{name} imports {other}" for other in others if layer(other) not in allowed]
    assert wrong == []


def test_imports_have_no_cycle() -> None:
    try:
        TopologicalSorter(imports()).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_imported_finds_relative_imports_of_every_kind() -> None:
    assert f"{PACKAGE}.queue" in imports()[PACKAGE]
    assert f"{PACKAGE}.config.model" in imports()[f"{PACKAGE}.store.consuming.consumer"]
    assert f"{PACKAGE}.errors" in imports()[f"{PACKAGE}.queue.operations"]
    assert f"{PACKAGE}.cli.commands" in imports()[f"{PACKAGE}.cli.program"]


def test_import_starts_no_thread_opens_no_socket_and_loads_no_client_library() -> None:
    """Modules that are imported before a fork must be safe to fork. The supervisor, which is imported last,
    may load the libraries."""
    program = f"""
import socket, sys, threading
opened = []
sys.addaudithook(lambda event, arguments: event == "socket.__new__" and opened.append(arguments))
import {PACKAGE}.queue, {PACKAGE}.cli.program
print("redis" in sys.modules, {{"openai", "boto3", "psycopg2", "requests"}} & {{*sys.modules}})
import {PACKAGE}.worker.supervisor
print(threading.active_count(), len(opened))
"""
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    )
    assert found.stdout.splitlines() == ["True set()", "1 0"]


def test_import_of_producer_loads_few_modules() -> None:
    program = (
        f"import sys, redis; before = {{*sys.modules}}; from {PACKAGE} import Queue;"
        "print(*{*sys.modules} - before)"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {*found.stdout.split()} == {PACKAGE, *(f"{PACKAGE}.{name}" for name in PRODUCER)}


def test_public_names_are_imported_when_they_are_used() -> None:
    assert {name for name in preppath_workers.__all__ if getattr(preppath_workers, name) is None} == set()
    with pytest.raises(AttributeError, match="has no attribute 'nosuch'"):
        _ = preppath_workers.nosuch  # type: ignore[attr-defined]


def test_help_before_any_name_is_used_shows_all_public_names() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "pydoc", PACKAGE], capture_output=True, text=True, check=True
    ).stdout
    assert {name for name in preppath_workers.__all__ if name not in found.split("CLASSES", 1)[1]} == set()


def test_import_of_producer_needs_redis_alone() -> None:
    program = f"""
import sys
missing = {{"openai", "boto3", "psycopg2", "requests", "dotenv", "hiredis", "lameenc", "websockets"}}
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in missing:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Missing())
from {PACKAGE} import AsyncQueue, Queue
Queue.from_env("tts"), AsyncQueue.from_env("tts")
print("imported")
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert found.stdout.split() == ["imported"], found.stderr
