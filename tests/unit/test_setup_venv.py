"""bin/setup-venv: which Python it takes, and what it does with a .venv that does not work."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.process import ROOT

#: Runs code with the Python of the tests. Modules are only recorded; `venv` copies this.
_PYTHON = f"""#!/bin/sh
case "$*" in
"-P -c "*) exec {sys.executable} "$@" ;;
"-P -m venv --clear "*) rm -rf "$5" && mkdir -p "$5/bin" && cp "$0" "$5/bin/python" ;;
esac
while [ "$1" != -m ]; do shift; done
echo "${{0##*/}} $2" >>"$CALLS"
"""

_TOOLS = ("awk", "cksum", "cp", "dirname", "env", "flock", "mkdir", "rm", "sh", "touch", "tr")


class Checkout:
    """A checkout with only what bin/setup-venv needs, and a PATH with only the Pythons that a test makes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "a checkout"
        self.programs = folder / "programs"
        self.calls = folder / "calls"
        (self.folder / "bin").mkdir(parents=True)
        self.programs.mkdir()
        shutil.copy(ROOT / "bin/setup-venv", self.folder / "bin")
        (self.folder / "pyproject.toml").touch()
        for tool in _TOOLS:
            (self.programs / tool).symlink_to(shutil.which(tool) or tool)

    def add(self, name: str, program: str = _PYTHON) -> Path:
        path = self.programs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(program, encoding="utf-8")
        path.chmod(0o755)
        return path

    def set_up(self, word: str = "dev", **variables: str) -> subprocess.CompletedProcess[str]:
        self.calls.write_text("", encoding="utf-8")
        return subprocess.run(
            [self.folder / "bin/setup-venv", word],
            env={"PATH": str(self.programs), "CALLS": str(self.calls), **variables},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def modules(self) -> list[str]:
        """Return which Pythons ran which modules, in the latest call."""
        return self.calls.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


#: As a shim of pyenv: another version is chosen, but this one is installed.
_SHIM = _PYTHON.replace("\n", '\n[ "${0##*/}" = python ] || [ "${PYENV_VERSION:-}" = 3.13 ] || exit 127\n', 1)

#: As a shim without its version, a Python 3.10, and Debian's without its package python3-venv.
_BROKEN = {
    "a shim": "#!/bin/sh\necho 'pyenv: python3.13: command not found' >&2\nexit 127\n",
    "too old": "#!/bin/sh\necho 'unknown option -P' >&2\nexit 2\n",
    "without ensurepip": _PYTHON.replace(
        '"$@"', '"$1" "$2" "import sys; sys.modules[\'ensurepip\'] = None; $3"'
    ),
}


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        ("python3 python3.11 python3.12 python3.13", "python3.13"),
        ("python3 python3.11 python3.12", "python3.12"),
        ("python3 python3.11", "python3"),
        ("python3.11", "python3.11"),
    ],
)
def test_venv_is_created_with_python_3_13_or_3_12_if_there_is_one(
    checkout: Checkout, names: str, taken: str
) -> None:
    for name in names.split():
        checkout.add(name)
    done = checkout.set_up()
    assert (done.returncode, done.stdout) == (0, "")
    assert f"Installing [dev] into .venv (Python {platform.python_version()})" in done.stderr
    assert checkout.modules() == [f"{taken} venv", "python pip"]
    again = checkout.set_up()
    assert (again.returncode, again.stderr, checkout.modules()) == (0, "", [])


@pytest.mark.parametrize("broken", _BROKEN.values(), ids=_BROKEN)
def test_python_that_does_not_work_is_passed_over_silently(checkout: Checkout, broken: str) -> None:
    checkout.add("python3.13", broken)
    checkout.add("python3.12", broken)
    checkout.add("python3")
    done = checkout.set_up()
    assert done.returncode == 0
    assert len(done.stderr.splitlines()) == 1  # what it installs
    assert checkout.modules()[0] == "python3 venv"


def test_python_that_pyenv_has_but_has_not_chosen_is_taken(checkout: Checkout) -> None:
    checkout.add("python3.13", _SHIM)
    checkout.add("python3")
    assert checkout.set_up().returncode == 0
    assert checkout.modules()[0] == "python3.13 venv"


def test_python_that_pyenv_is_told_to_run_is_taken(checkout: Checkout) -> None:
    checkout.add("python3.13", _SHIM)
    checkout.add("python3")
    assert checkout.set_up(PYENV_VERSION="3.11.7").returncode == 0
    assert checkout.modules()[0] == "python3 venv"


def test_venv_is_created_with_the_python_that_the_variable_names(checkout: Checkout) -> None:
    checkout.add("python3.13")
    named = checkout.add("of my own/python3.11")
    assert checkout.set_up(PYTHON=str(named)).returncode == 0
    assert checkout.modules()[0] == "python3.11 venv"


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("a shim", "PYTHON=python3.12 is not Python 3.11 or newer, or does not work"),
        (
            "without ensurepip",
            "python3.12 has no venv, pip, ctypes or ssl; on Debian and Ubuntu: apt-get install ",
        ),
    ],
)
def test_python_of_the_variable_that_does_not_work_is_refused(
    checkout: Checkout, broken: str, message: str
) -> None:
    checkout.add("python3")
    checkout.add("python3.12", _BROKEN[broken])
    done = checkout.set_up(PYTHON="python3.12")
    assert done.returncode == 1
    assert done.stderr.startswith(f"setup-venv: {message}")
    assert checkout.modules() == []


def test_machine_without_a_usable_python_gets_one_line(checkout: Checkout) -> None:
    checkout.add("python3", _BROKEN["too old"])
    done = checkout.set_up()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("setup-venv: Python 3.11 or newer is needed; ")
    assert len(done.stderr.splitlines()) == 1


_CACHED = "  Using cached redis-7.1.0-py3-none-any.whl (354 kB)"
_METADATA = "  Downloading boto3-1.42.0-py3-none-any.whl.metadata (6.8 kB)"
_LOADED = "  Downloading boto3-1.42.0-py3-none-any.whl (141 MB)"
_DONE = "Successfully installed preppath-workers-1.0"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([_METADATA, _LOADED, _DONE], "  1 wheel downloaded, 141 MB"),
        ([_LOADED, _LOADED, _CACHED, _DONE], "  2 wheels downloaded, 282 MB; 1 from pip's cache"),
        ([_CACHED, _CACHED, _DONE], "  2 wheels from pip's cache"),
        (["Requirement already satisfied: redis", _DONE], "  nothing to download: all is there"),
        (["ERROR: No matching distribution found for redis"], None),
    ],
    ids=["downloaded", "both", "cached", "nothing", "failed"],
)
def test_installation_ends_with_what_was_downloaded(
    checkout: Checkout, lines: list[str], said: str | None
) -> None:
    printed = "\n".join(f'[ "$2" != pip ] || echo "{line}"' for line in lines)
    checkout.add("python3", f"{_PYTHON}{printed}\n")
    shown = checkout.set_up().stderr.splitlines()
    assert shown[1:] == ([said] if said else [])


def test_installation_of_a_changed_checkout_says_that_it_updates(checkout: Checkout) -> None:
    checkout.add("python3")
    version = platform.python_version()
    assert checkout.set_up("demo").stderr.startswith("Installing [demo] into .venv (Python ")
    (checkout.folder / "pyproject.toml").write_text("changed")
    said = f"Updating [demo] in .venv (Python {version}), because pyproject.toml has changed …\n"
    assert checkout.set_up("demo").stderr == said
    assert checkout.set_up("dev").stderr.startswith("Installing [dev] into .venv (Python ")


def test_venv_whose_python_was_removed_is_created_again(checkout: Checkout) -> None:
    checkout.add("python3")
    checkout.set_up()
    python = checkout.folder / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    assert checkout.set_up().returncode == 0
    assert checkout.modules()[-1] == "python pip"
    assert os.access(python, os.X_OK)


def test_venv_without_pip_is_given_it_and_all_that_was_installed(checkout: Checkout) -> None:
    """Its Python was updated to another version, or its creation was interrupted."""
    checkout.add("python3")
    checkout.set_up()
    (checkout.folder / ".venv/.installed-demo-of-another-version").touch()
    without = _PYTHON.replace('"$@"', '"$1" "$2" "import sys; sys.modules[\'pip\'] = None; $3"')
    checkout.add("../a checkout/.venv/bin/python", without)
    assert checkout.set_up().returncode == 0
    assert checkout.modules() == ["python ensurepip", "python pip"]
    assert len([*(checkout.folder / ".venv").glob(".installed-*")]) == 1


def test_python_option_prints_the_python_to_use_and_creates_nothing(checkout: Checkout) -> None:
    checkout.add("python3")
    done = checkout.set_up("--python")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{sys.executable}\n", "")
    assert not (checkout.folder / ".venv").exists()
    (checkout.programs / "python3").unlink()
    done = checkout.set_up("--python")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("setup-venv: Python 3.11 or newer is needed; ")


@pytest.mark.parametrize(("word", "code"), [("--help", 0), ("", 2), ("of", 2), ("--dev", 2)])
def test_word_that_is_no_extra_installs_nothing(checkout: Checkout, word: str, code: int) -> None:
    checkout.add("python3")
    done = checkout.set_up(word)
    assert (done.returncode, checkout.modules()) == (code, [])
    assert (done.stderr or done.stdout).startswith("usage: bin/setup-venv demo | dev | ")


def test_usage_names_each_extra_of_the_package() -> None:
    usage = subprocess.run(
        [ROOT / "bin/setup-venv", "--help"], capture_output=True, text=True, check=True
    ).stdout
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert usage == f"usage: bin/setup-venv {' | '.join(sorted(extras))} | --python\n"
