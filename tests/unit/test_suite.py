"""The tests themselves: their names, the length of their files, the ports of their servers; lines of Lua."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.support.process import free_port

TESTS = Path(__file__).parents[1]
MOST_LINES = 300
MOST_CHARACTERS = 126


def test_name_of_each_test_has_its_unit_a_condition_and_a_result() -> None:
    names = [
        node.name
        for path in TESTS.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert len(names) > 1_000
    assert not [name for name in names if len(name.split("_")) < 5]


def test_file_of_python_under_tests_has_at_most_300_lines() -> None:
    lengths = {
        str(path.relative_to(TESTS)): len(path.read_text(encoding="utf-8").splitlines())
        for path in TESTS.rglob("*.py")
        if "node_modules" not in path.parts
    }
    assert not {name: length for name, length in lengths.items() if length > MOST_LINES}


def test_line_of_lua_has_at_most_126_characters() -> None:
    """Ruff checks those of Python."""
    scripts = [*TESTS.parent.glob("preppath_workers/store/lua/**/*.lua")]
    assert len(scripts) > 80
    long = [
        f"{path.name}:{number}"
        for path in scripts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > MOST_CHARACTERS
    ]
    assert not long


def test_ports_chosen_before_any_server_starts_all_differ() -> None:
    ports = [free_port() for _ in range(400)]
    assert len(set(ports)) == len(ports)
