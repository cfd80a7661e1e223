"""bin/demo: what it installs before it starts."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.waiting import eventually

_ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of bin/demo, whose bin/setup-venv only records what it is called for, and names a Python without
    any packages."""
    (tmp_path / "bin").mkdir()
    shutil.copy(_ROOT / "bin/demo", tmp_path / "bin")
    for name in ("tests", "preppath_workers"):
        (tmp_path / name).symlink_to(_ROOT / name)
    (tmp_path / "installed").touch()
    _write(
        tmp_path / "bin/setup-venv",
        f'[ "$1" != --python ] || {{ echo {tmp_path}/bare-python && exit; }}\n'
        f'echo "$1" >>{tmp_path}/installed\n'
        # exec: a child that dash forks at that moment doesn't get the signal.
        '[ "$1" != offline ] || exec sleep 60',
    )
    _write(tmp_path / "bare-python", f'exec {sys.executable} -S "$@"')
    _write(tmp_path / ".venv/bin/python", f'echo "$@" >{tmp_path}/started')
    return tmp_path


def _write(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def start(checkout: Path, *options: str, key: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [checkout / "bin/demo", *options],
        env={**os.environ, "OPENAI_API_KEY": key},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def installed(checkout: Path) -> Sequence[str]:
    return (checkout / "installed").read_text(encoding="utf-8").split()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--help"], 0),
        (["--lite"], 2),
        *((["--away", seconds], 2) for seconds in ("-1", "nan", "inf", "1e9")),
        *((["--report", path], 2) for path in ("/nowhere/x", "x" * 300, "/")),
    ],
)
def test_demo_that_does_not_start_installs_nothing(checkout: Path, options: Sequence[str], code: int) -> None:
    with start(checkout, *options) as demo:
        out, err = demo.communicate(timeout=30)
    assert (demo.returncode, installed(checkout)) == (code, [])
    assert (out or err).startswith("usage: bin/demo")


@pytest.mark.parametrize(("options", "key"), [(["--light"], ""), (["--away", "1"], "sk-1")])
def test_demo_that_needs_no_engines_installs_none(checkout: Path, options: Sequence[str], key: str) -> None:
    with start(checkout, *options, key=key) as demo:
        assert demo.communicate(timeout=30) == ("", "")
    assert (demo.returncode, installed(checkout)) == (0, ["demo"])
    started = (checkout / "started").read_text(encoding="utf-8")
    assert started == f"-P -m tests.demo {' '.join(options)}\n"


def test_demo_that_cannot_be_installed_does_not_start(checkout: Path) -> None:
    _write(checkout / "bin/setup-venv", f"[ $1 = --python ] && echo {checkout}/bare-python || exit 7")
    with start(checkout) as demo:
        demo.communicate(timeout=30)
    assert demo.returncode == 7
    assert not (checkout / "started").exists()


def test_demo_without_a_key_installs_the_engines_until_ctrl_c(checkout: Path) -> None:
    with start(checkout) as demo:
        eventually(lambda: installed(checkout) == ["demo", "offline"])
        os.killpg(demo.pid, signal.SIGINT)
        printed = demo.communicate(timeout=30)
    assert (demo.returncode, printed) == (130, ("", ""))
