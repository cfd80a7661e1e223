"""The command line imports a command's module only if the command is given."""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser

import pytest

from preppath_workers.cli.commands import COMMANDS, modules_for


@pytest.mark.parametrize("module", COMMANDS)
def test_commands_of_a_module_are_those_of_the_table(module: str) -> None:
    subparsers = ArgumentParser().add_subparsers()
    for found in modules_for([COMMANDS[module][0]]):
        found.add_parser(subparsers)
    assert [*subparsers.choices] == [*COMMANDS[module]]


def test_help_names_the_commands_of_every_module() -> None:
    assert len(modules_for(["--help"])) == len(COMMANDS)


@pytest.mark.parametrize("words", [[], ["--queue", "tts"], ["--config", ".env", "--queue", "tts"]])
def test_program_without_a_command_loads_only_the_default_one(words: list[str]) -> None:
    assert [module.__name__.rpartition(".")[2] for module in modules_for(words)] == ["run"]


@pytest.mark.parametrize("words", [["--queue"], ["--verison"], ["-h"], ["qeueus"]])
def test_program_with_a_wrong_command_line_loads_every_command(words: list[str]) -> None:
    assert len(modules_for(words)) == len(COMMANDS)


def test_queues_loads_no_other_command_and_nothing_of_the_workers() -> None:
    program = (
        "import sys; from preppath_workers.cli.main import main; main(['queues', '--config', '/none']);"
        "print(*(name for name in sys.modules if name.startswith('preppath_workers.')))"
    )
    words = [sys.executable, "-c", program]
    loaded = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    assert "preppath_workers.cli.queues" in loaded
    unneeded = ("worker", "web", "offline", "cli.check", "cli.top", "cli.enqueue")
    assert [name for name in loaded if name.split(".", 1)[1].startswith(unneeded)] == []


def test_garbage_of_a_program_is_collected_once_its_imports_are_done() -> None:
    program = (
        "import gc, sys; from preppath_workers.cli.main import main; sys.argv[1:] = ['script', 'enqueue'];"
        "main(); print(gc.isenabled(), gc.get_freeze_count() > 0)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert printed.splitlines()[-1] == "True True"
