"""The tools under tests/ that are started by hand: what they do with their command line and output."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.full_output import run_with_full_output
from tests.support.process import ROOT

#: The demo names itself bin/demo. The stand-in for OpenAI is started by other programs, and starts in half
#: the time without what `run_tool` imports.
_OTHERS = {"tests.demo", "tests.fake_openai"}


def _tools() -> list[str]:
    """Return the modules that describe themselves with --help."""
    found = []
    for path in (ROOT / "tests").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        if "ArgumentParser(" in source and 'if __name__ == "__main__":' in source:
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__")
            found += [name] if path != Path(__file__) else []
    return found


def test_tool_started_by_hand_is_run_by_the_function_that_looks_at_its_output() -> None:
    tools = sorted({*_tools()} - _OTHERS)
    assert len(tools) > 15
    for tool in tools:
        path = ROOT / tool.replace(".", "/")
        source = (path / "__main__.py" if path.is_dir() else path.with_suffix(".py")).read_text(
            encoding="utf-8"
        )
        assert source.endswith('if __name__ == "__main__":\n    run_tool(main)\n'), tool


@pytest.mark.parametrize(
    ("module", "name"),
    [("tests.crash_matrix", "python -m tests.crash_matrix"), ("tests.demo", "bin/demo")],
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_tool_whose_help_cannot_be_written_exits_with_74(module: str, name: str, unbuffered: str) -> None:
    found = run_with_full_output([sys.executable, "-m", module, "--help"], PYTHONUNBUFFERED=unbuffered)
    assert found == (74, f"{name}: cannot write the output: No space left on device\n")


@pytest.mark.parametrize("module", ["tests.bench.idle", "tests.demo.picture"])
def test_tool_without_options_refuses_one(module: str) -> None:
    command = [sys.executable, "-m", module, "--no-such-option"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "unrecognized arguments: --no-such-option" in done.stderr
