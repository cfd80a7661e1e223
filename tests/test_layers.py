"""The house: wings import one way only, nothing in a circle, and importing does nothing else."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import preppath_workers

ROOT = Path(preppath_workers.__file__).parent
PACKAGE = preppath_workers.__name__

#: From the bottom up: each may import those before it and itself.
WINGS = (
    "errors", "database_url", "certificates", "settings",
    "environment", "openai_speech", "config_redis", "config_vendors", "config", "log",
    "orphans", "queue", "clients", "handlers", "processes", "commands", "cli", "__main__",
)  # fmt: skip

#: For demos and tests: it may import the whole house, nobody in the house imports it.
APART = "dev"


def modules() -> dict[str, Path]:
    """Every module by its full name; a package goes by the name of its folder."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = (PACKAGE, *path.relative_to(ROOT).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imported(name: str) -> Iterator[str]:
    """The modules of the house that a module imports anywhere, under TYPE_CHECKING too."""
    path = MODULES[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *(node.module or "").split(".")]).rstrip(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                if inner in MODULES or base in MODULES:
                    yield inner if inner in MODULES else base


IMPORTS: Mapping[str, set[str]] = {name: {*imported(name)} - {name} for name in MODULES}


def wing(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def test_every_module_has_a_wing() -> None:
    assert {wing(name) for name in MODULES} == {"", APART, *WINGS}


def test_the_walk_sees_relative_imports_of_every_kind() -> None:
    assert f"{PACKAGE}.queue.job" in IMPORTS[PACKAGE]
    assert f"{PACKAGE}.settings" in IMPORTS[f"{PACKAGE}.log.setup"]
    assert f"{PACKAGE}.errors" in IMPORTS[f"{PACKAGE}.queue.queue"]
    assert f"{PACKAGE}.commands.run" in IMPORTS[f"{PACKAGE}.cli"]


def allowed(own: str) -> set[str]:
    """The wings that a module of this one may import; "" is the package itself."""
    if own == "":
        return {"queue"}  # what producers need
    if own == APART:
        return {"", *WINGS, APART}
    return {"", *WINGS[: WINGS.index(own) + 1]}


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_one_way_only(name: str) -> None:
    may = allowed(wing(name))
    assert {other for other in IMPORTS[name] if wing(other) not in may} == set()


def test_nothing_imports_in_a_circle() -> None:
    try:
        TopologicalSorter(IMPORTS).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@pytest.mark.parametrize("module", [PACKAGE, f"{PACKAGE}.cli", f"{PACKAGE}.processes.supervisor"])
def test_importing_starts_no_thread_and_opens_no_socket(module: str) -> None:
    """What is imported before a fork must bear being forked."""
    program = f"""
import socket, sys, threading
opened = []
sys.addaudithook(lambda event, arguments: event == "socket.__new__" and opened.append(arguments))
import {module}
print(threading.active_count(), len(opened))
"""
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    )
    assert found.stdout.split() == ["1", "0"]


def test_a_producer_loads_none_of_the_workers_libraries() -> None:
    program = f"import sys, {PACKAGE}; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"openai", "boto3", "psycopg2", "requests"} & {*found.stdout.split()} == set()
