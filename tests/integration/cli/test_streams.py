"""Commands with closed standard files, another encoding, a terminal that can do little, a missing package."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from preppath_workers import Queue
from preppath_workers.cli.main import main
from tests.support.full_output import run_with_full_output
from tests.support.minimal_env import MINIMAL_ENV
from tests.support.process import ROOT

PROGRAM = str(ROOT / "bin/preppath-workers")


@pytest.fixture
def environment(redis_url: str, key_prefix: str) -> dict[str, str]:
    return {**os.environ, "REDIS_URL": redis_url, "KEY_PREFIX": key_prefix}


@pytest.mark.parametrize(
    ("words", "closed", "code", "output"),
    [
        ("top", ">&-", 0, ""),
        ("enqueue tts -", "<&-", 1, "enqueue: standard input is closed\n"),
        (
            *("dead purge tts", "<&-", 1),
            "dead purge: not confirmed, nothing was deleted (--yes skips the confirmation)\n",
        ),
        ("show tts no-such-job", "2>&-", 1, ""),
    ],
)
def test_command_with_a_closed_standard_file_ends_as_usual(
    environment: dict[str, str], tts: Queue, words: str, closed: str, code: int, output: str
) -> None:
    job = tts.enqueue({})
    tts.redis.lrem(tts.keys.wait, 1, job.id)
    tts.redis.lpush(tts.keys.dead, job.id)
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" {words} {closed}', PROGRAM],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, output)


@pytest.mark.parametrize(
    ("words", "code", "waiting"),
    [("dead replay tts --id dead", 0, 2), ("promote tts dead", 1, 1), ("dead list tts --id other", 1, 1)],
)
def test_command_whose_messages_cannot_be_written_does_its_work(
    environment: dict[str, str], tts: Queue, words: str, code: int, waiting: int
) -> None:
    tts.redis.lrem(tts.keys.wait, 1, tts.enqueue({}, id="dead").id)
    tts.redis.hset(tts.keys.job("dead"), "state", "failed")
    tts.redis.lpush(tts.keys.dead, "dead")
    tts.enqueue({}, id="waiting")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [PROGRAM, *words.split()],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=full,
            timeout=30,
            check=False,
        )
    assert (done.returncode, tts.counts().waiting) == (code, waiting)


@pytest.mark.parametrize("words", ["queues", "show tts a", "check --only data", "costs --caps", "top --once"])
def test_command_reads_its_configuration_from_a_pipe(
    redis_url: str, key_prefix: str, tts: Queue, words: str
) -> None:
    tts.enqueue({}, id="a")
    variables = {**MINIMAL_ENV, "REDIS_URL": redis_url, "KEY_PREFIX": key_prefix}
    config = "".join(f"{name}={value}\n" for name, value in variables.items())
    command = [PROGRAM, "--config", "/dev/stdin", *words.split()]
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        command, input=config, env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_enqueue_of_text_that_is_not_utf8_is_refused_in_any_locale(
    environment: dict[str, str], tts: Queue
) -> None:
    plain = {**environment, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    enqueue = [PROGRAM, "enqueue", "tts"]
    for data in (b"-", b'{"text": "caf\xe9"}'):
        done = subprocess.run(
            [*enqueue, data], input=b'{"text": "caf\xe9"}', env=plain, capture_output=True, check=False
        )
        assert done.returncode == 1
        assert b"can't decode byte 0xe9" in done.stderr
    assert tts.counts().waiting == 0


@pytest.mark.parametrize("data", ["-", '{"text": "Grüße, 你好"}'])
def test_enqueue_of_utf8_stores_it_as_it_is_in_any_locale(
    environment: dict[str, str], tts: Queue, data: str
) -> None:
    plain = {**environment, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    enqueue = [PROGRAM, "enqueue", "tts", data.encode()]
    lines = b'\xef\xbb\xbf{"text": "Gr\xc3\xbc\xc3\x9fe, \xe4\xbd\xa0\xe5\xa5\xbd"}\r\n'
    done = subprocess.run(enqueue, input=lines, env=plain, capture_output=True, check=True)
    job = tts.get(done.stdout.decode().strip())
    assert job is not None
    assert job.data == {"text": "Grüße, 你好"}


@pytest.mark.parametrize("terminal", ["dumb", "no-such-terminal", ""])
def test_top_on_a_terminal_without_a_cursor_prints_one_snapshot(
    environment: dict[str, str], terminal: str
) -> None:
    master, slave = pty.openpty()
    changed = {**environment, "TERM": terminal}
    done = subprocess.run([PROGRAM, "top"], env=changed, stdout=slave, timeout=30, check=False)
    os.close(slave)
    assert done.returncode == 0
    assert os.read(master, 65_536).startswith(b"QUEUE ")
    os.close(master)


def test_command_without_a_required_package_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "env").touch()
    for module in ("dotenv", "dotenv.parser"):
        monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    assert main(["queues", "--config", str(tmp_path / "env")]) == 69
    missing = "Python's package dotenv is missing; `pip install .` installs what is needed"
    assert capsys.readouterr().err == f"preppath-workers: {missing}\n"


@pytest.mark.parametrize("words", [[], ["run"]])
def test_start_without_dev_null_is_one_line_and_exits_with_78(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    monkeypatch.setattr(os, "devnull", "/nowhere/null")  # as in a bare chroot
    assert main(words) == 78
    problem = "cannot open /nowhere/null, which the workers need: No such file or directory"
    assert capsys.readouterr().err == f"preppath-workers: {problem}\n"


@pytest.mark.parametrize(
    ("target", "code"),
    [("", 141), (">/dev/full", 74), (">/dev/full 2>/dev/full", 74)],
    ids=["pipe", "full", "both"],
)
def test_command_whose_output_fails_without_dev_null_ends_as_usual(target: str, code: int) -> None:
    program = (
        "import os, sys; from preppath_workers.cli.main import main; "
        "os.devnull = '/nowhere/null'; sys.exit(main())"
    )
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -P -c "$1" --help {target}', sys.executable, program],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=30,
        check=False,
    )
    os.close(write)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["--help", "--version", "check --help", "script enqueue"])
def test_command_whose_output_a_limit_refuses_exits_with_74(
    tmp_path: Path, unbuffered: str, words: str
) -> None:
    output = tmp_path / "output"
    done = subprocess.run(
        ["/bin/sh", "-c", f'ulimit -f 0; exec "$0" {words} >"$1"', PROGRAM, str(output)],
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        stderr=subprocess.PIPE,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, output.read_text()) == (74, "")
    assert done.stderr == "preppath-workers: cannot write the output: File too large\n"


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_usage_error_with_a_full_output_exits_with_2(unbuffered: str) -> None:
    code, printed = run_with_full_output([PROGRAM, "no-such-command"], PYTHONUNBUFFERED=unbuffered)
    assert (code, "cannot write" in printed) == (2, False)
