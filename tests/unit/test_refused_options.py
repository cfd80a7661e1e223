"""Options that are invalid, or that would have no effect beside others, are usage errors: exit code 2."""

from __future__ import annotations

import shlex

import pytest

from preppath_workers.cli.main import main

IGNORED = {
    "costs --store --by user": "--by has no effect with --store",
    "costs --store --since 1d": "--since has no effect with --store",
    "costs --store --limit 50": "--limit has no effect with --store",
    "costs --store --json": "--json has no effect with --store",
    "costs --caps --since 3d": "--since has no effect with --caps",
    "costs --unknown --by model": "--by has no effect with --unknown",
    "costs --resolve x --cost 0 --json": "--json has no effect with --resolve",
    "costs --cost 1": "--cost has no effect without --resolve",
    "cancel tts a --limit 1": "--limit has no effect without --state",
    "cancel tts a --older-than 0s": "--older-than has no effect without --state",
    "cancel tts a --where x=1": "--where has no effect without --state",
    "check --fast --paid": "--paid has no effect with --fast",
    "check --fast --fix": "--fix has no effect with --fast",
    "check --only redis --paid": "--paid has no effect without --only models",
    "check --only redis --fix": "--fix has no effect without --only data",
    "dead replay tts --json": "--json has no effect without --dry-run",
    "enqueue tts {} --json": "--json has no effect without --dry-run",
    "enqueue tts {} --group-size 2": "--group-size has no effect without --group",
    "enqueue tts - --id x": "--id has no effect with jobs from standard input",
    "run --check-config --burst": "--burst: not allowed with argument --check-config",
    "script --list enqueue": "NAME: not allowed with argument --list",
    "top --once --every 2": "--every: not allowed with argument --once",
    "web --new-token a --host ::1": "--host has no effect with --new-token",
    "web --new-token a --check-config": "--check-config has no effect with --new-token",
    "web --scopes read": "--scopes has no effect without --new-token",
}

INVALID = {
    "enqueue tts {} --priority 0": "argument --priority: '0' is not a whole number from 1 to 100",
    "enqueue tts {} --priority 1_0": "argument --priority: '1_0' is not a whole number from 1 to 100",
    "enqueue tts {} --priority ٣": "argument --priority: '٣' is not a whole number from 1 to 100",
    "prioritize tts a 0": "argument N: '0' is not a whole number from 1 to 100",
    "import-bullmq tts --without-priority 101": "'101' is not a whole number from 1 to 100",
    "enqueue tts {} --delay -1": "delay must be 0 or more seconds",
    "enqueue tts {} --expires nan": "expires must be later than delay",
    "enqueue tts {} --delay 9 --expires 5": "expires must be later than delay",
    "enqueue tts {} --id 'a b'": "id 'a b' must be",
    "enqueue tts {} --id ''": "id '' must be",  # of an empty variable of the shell
    "enqueue tts {} --group 'a b'": "group 'a b' must be",
    "enqueue tts {} --group g --group-size 0": "argument --group-size: must be 1 or more, not 0",
    "enqueue tts {} --group g --group-size 1_0": "argument --group-size: '1_0' is not a whole number",
    "enqueue tts {} --group g --group-size 1000001": "group_size must be",
    "show tts a --wait nan": "argument --wait: 'nan' is not a number of seconds, 0 or more",
    "show tts a --wait -1": "argument --wait: '-1' is not a number of seconds, 0 or more",
    "script nope": "argument NAME: invalid choice: 'nope'",
    "web --port 65536": "argument --port: must be 65535 or less, not 65536",
    "web --new-token ''": "--new-token: expected a name",
    **{
        f"{command} --host {host}": "is not a host name or address"
        for command in ("web", "offline")
        for host in ("''", "\udcff", "a\0b", "a..b", "é" * 70)
    },
    **{
        f"import-bullmq tts {option} {text}": f"argument {option}: {shown} is empty or not UTF-8"
        for option in ("--from", "--prefix")
        for text, shown in (("''", "''"), ("\udcff", "'\\udcff'"))
    },
    "offline --port 65536": "argument --port: must be 65535 or less, not 65536",
}


@pytest.mark.parametrize(("words", "message"), [*IGNORED.items(), *INVALID.items()])
def test_command_with_a_wrong_option_is_a_usage_error(
    words: str, message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JOBS", raising=False)
    assert main(shlex.split(words)) == 2
    printed = capsys.readouterr()
    command = " ".join(words.split()[: 2 if words.startswith("dead") else 1])
    assert printed.err.splitlines()[-1].startswith(f"preppath-workers {command}: error: ")
    assert message in printed.err.splitlines()[-1]
    assert not printed.out
