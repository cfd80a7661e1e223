"""The systemd units, checked by systemd-analyze. `tests/nspawn` runs them under systemd itself."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from preppath_workers.jobs import JOB_TYPES
from tests.support.minimal_env import MINIMAL_ENV
from tests.support.process import ROOT

UNITS = sorted(path.name for path in (ROOT / "systemd").glob("preppath-*"))

#: Where the units expect the checkout.
INSTALLED = "/opt/preppath-workers"

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The units, with this checkout as the installed one."""
    for name in UNITS:
        text = (ROOT / "systemd" / name).read_text(encoding="utf-8").replace(INSTALLED, str(ROOT))
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def analyze(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@needs_systemd
@pytest.mark.parametrize("name", UNITS)
def test_unit_passes_systemd_analyze_verify(folder: Path, name: str) -> None:
    found = analyze(folder, "verify", f"./{name.replace('@', '@tts')}")
    assert (found.returncode, found.stdout) == (0, "")


@needs_systemd
@pytest.mark.parametrize("name", [name for name in UNITS if name.endswith(".service")])
def test_service_passes_systemd_analyze_security(folder: Path, name: str) -> None:
    found = analyze(folder, "security", "--offline=true", "--threshold=20", f"./{name.replace('@', '@tts')}")
    assert found.returncode == 0, found.stdout.splitlines()[-1]


def test_target_wants_every_queue_that_needs_no_variable() -> None:
    text = (ROOT / "systemd/preppath-workers.target").read_text(encoding="utf-8")
    wanted = re.findall(r"preppath-workers@(\w+)\.service", text)
    assert wanted == [job_type.name for job_type in JOB_TYPES if not job_type.defaults.needs]


@pytest.mark.parametrize(
    ("unit", "wrong_value"),
    [
        ("preppath-workers@.service", {"TTS_RATE_LIMIT": "fast"}),
        ("preppath-workers-web.service", {"WEB_TOKENS": "secret"}),
    ],
)
def test_reload_checks_the_configuration_first(
    tmp_path: Path, unit: str, wrong_value: dict[str, str]
) -> None:
    text = (ROOT / "systemd" / unit).read_text(encoding="utf-8")
    check, signal = re.findall(r"^ExecReload=(.+)$", text, re.MULTILINE)
    assert "kill -HUP" in signal
    file = tmp_path / "env"
    words = (
        check.replace(INSTALLED, str(ROOT))
        .replace("/etc/preppath-workers/env", str(file))
        .replace("%i", "tts")
    )
    right = {**MINIMAL_ENV, "REDIS_URL": "redis://127.0.0.1:9"}
    for wrong, code in ((False, 0), (True, 78)):
        values = right | (wrong_value if wrong else {})
        file.write_text("".join(f"{name}={value}\n" for name, value in values.items()), encoding="utf-8")
        done = subprocess.run(words.split(), capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        assert all((name in done.stderr) == wrong for name in wrong_value)


def test_programs_that_units_start_are_executable() -> None:
    commands = [line for name in UNITS for line in (ROOT / "systemd" / name).read_text().splitlines()]
    programs = re.findall(
        rf"{INSTALLED}/(bin/\S+)", "\n".join(line for line in commands if line.startswith("Exec"))
    )
    assert programs
    assert [name for name in programs if not (ROOT / name).stat().st_mode & 0o111] == []
