"""The tests themselves: their names, the length of their files, and the ports of their servers."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.support.process import free_port

TESTS = Path(__file__).parents[1]
MOST_LINES = 300


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


def test_ports_chosen_before_any_server_starts_all_differ() -> None:
    ports = [free_port() for _ in range(400)]
    assert len(set(ports)) == len(ports)
