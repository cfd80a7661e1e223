"""What the documents mention exists: commands, options, paths, links, variables, keys, log lines."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from dotenv import dotenv_values

import preppath_workers
from preppath_workers.cli import program as command_line
from preppath_workers.config.load import load
from preppath_workers.config.names import variables_read
from preppath_workers.jobs import JOB_TYPES
from preppath_workers.store.keys import Keys
from preppath_workers.store.scripts import scripts
from tests.support.process import ROOT

FOLDERS = ("systemd", "preppath_workers", "tests")
FOUND = sorted(path for name in FOLDERS for path in (ROOT / name).rglob("*.md"))
DOCUMENTS = [ROOT / "README.md", *(path for path in FOUND if "node_modules" not in path.parts)]
ENV_EXAMPLE = ROOT / ".env.example"
QUEUE_DEFAULTS = [job_type.defaults for job_type in JOB_TYPES]

#: Variables that are not the product's, or the tests' own.
FOREIGN_VARIABLES = {"NO_COLOR", "TEST_DATABASE_URL", "TEST_S3_ENDPOINT"}

#: Constructions that documents, comments and messages avoid, and names that have a better one now.
EXCLUDED = re.compile(
    r"\b(?:"  # once: a test of each alternative at each character takes fifteen times as long
    r"can not\b|(?<!there )is no (?!longer\b)\w|mend(s|ed|ing)?\b|whoever\b|anew\b|so many\b"
    r"|for ever\b|in good order\b|in hand\b|(the|his|on our) books\b|crews?\b|(is|are) told\b"
    r"|hasten|footprint|whereabouts|circumstances|postponed|begin_turn|give_back|clear_slot"
    r"|log_facts|dies_with_us|vacant_for|was_left_in_order|reap_adopted)",
    re.IGNORECASE,
)


class Shown(NamedTuple):
    """Something that a document shows."""

    document: Path
    text: str

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}: {self.text}"


def prose(document: Path) -> str:
    """Return the document without its code blocks."""
    return re.sub(r"^```.*?^```$", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def blocks(language: str) -> Iterator[Shown]:
    pattern = re.compile(rf"^```{language}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    for document in DOCUMENTS:
        yield from (Shown(document, code) for code in pattern.findall(document.read_text(encoding="utf-8")))


def in_backticks() -> Iterator[Shown]:
    for document in DOCUMENTS:
        yield from (Shown(document, text) for text in re.findall(r"`([^`\n]+)`", prose(document)))


def lines() -> Iterator[Shown]:
    """Yield every line that someone may type: of shell blocks, after a prompt, in backticks."""
    for shell in blocks("sh"):
        yield from (Shown(shell.document, line) for line in shell.text.splitlines())
    for output in blocks(""):
        yield from (Shown(output.document, line.removeprefix("$ ")) for line in output.text.splitlines())
    yield from in_backticks()


#: Our program, called by its name, a path, docker exec or cron; the comment or redirection after it.
_COMMAND = re.compile(
    r"(?:\S*/|docker exec \w+ |\*/15 .*/)?(preppath-workers|preppath-dlq-replay)((?: .*)?)$"
)
_REST = re.compile(r"\s+(#|<|>|\|).*")


def commands() -> Iterator[Shown]:
    """Yield the lines that call our program, and `check --fast` and the like, which leave its name out."""
    for line in lines():
        if _COMMAND.match(line.text):
            yield line
        elif re.match(r"(check|dead|health|queues|run|show|top) .*--[a-z]", line.text):
            yield Shown(line.document, f"preppath-workers {line.text}")


def arguments(line: str) -> list[str]:
    """Return the arguments that such a line calls our program with."""
    found = _COMMAND.match(line)
    assert found
    words = shlex.split(_REST.sub("", found[2]))
    return words if found[1] == "preppath-workers" else ["dead", "replay", "--all", "--quiet", *words]


def headings(document: Path) -> set[str]:
    """Return the anchors that GitHub makes of the headings."""
    titles = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links() -> Iterator[Shown]:
    for document in DOCUMENTS:
        found = re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", prose(document))
        yield from (Shown(document, target) for target in found if "://" not in target)


def test_documents_contain_enough_to_check() -> None:
    assert len(DOCUMENTS) > 8
    assert len([*commands()]) > 60
    assert len([*links()]) > 30


def test_link_leads_to_a_file_and_a_heading() -> None:
    def is_broken(link: Shown) -> bool:
        path, _, anchor = link.text.partition("#")
        target = (link.document.parent / path).resolve() if path else link.document
        return not target.exists() or bool(anchor and anchor not in headings(target))

    assert [str(link) for link in links() if is_broken(link)] == []


def test_command_is_understood_by_the_parser(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = []
    for command in commands():
        try:
            command_line._parse(arguments(command.text))
        except SystemExit as end:
            if end.code:
                wrong.append(f"{command}: {capsys.readouterr().err}")
    assert wrong == []


def test_path_in_backticks_exists() -> None:
    roots = (*(f"{name}/" for name in FOLDERS), "bin/", ".ci/")
    missing = []
    for shown in in_backticks():
        path = shown.text.partition(" ")[0]
        if path.startswith(roots) and not any(mark in path for mark in "*<{"):
            missing += [] if (ROOT / path).exists() else [str(shown)]
    assert missing == []


def test_part_of_the_package_in_the_readme_exists() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("| part | |")[2].partition("\n\n")[0]
    parts = [part for row in table.splitlines() for part in re.findall(r"`([^`]+)`", row.split(" | ")[0])]
    assert len(parts) > 8
    assert [part for part in parts if not (ROOT / "preppath_workers" / part).exists()] == []


def test_module_that_is_run_exists_and_has_the_options() -> None:
    shown = [line for line in lines() if re.search(r"python3? -m tests\.", line.text)]
    assert len(shown) > 15
    for line in shown:
        found = re.search(r"-m ([\w.]+)(.*)", line.text.partition("  #")[0])
        assert found
        module = importlib.util.find_spec(found[1])
        assert module is not None, line
        assert module.origin is not None
        folder = Path(module.origin).parent
        source = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
        assert [
            option for option in re.findall(r"--[\w-]+", found[2]) if f'"{option}"' not in source
        ] == [], line


def test_variable_is_in_the_env_example() -> None:
    known = {*dotenv_values(stream=ENV_EXAMPLE.open(encoding="utf-8"))} | _commented_out().keys()
    unknown = []
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8").replace("<QUEUE>", "TTS").replace("THUMBNAIL", "TTS")
        found = {*re.findall(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=[^`]*)?`", text)}
        unknown += [
            f"{document.name}: {name}" for name in found - known - FOREIGN_VARIABLES if not _is_constant(name)
        ]
    assert unknown == []


def test_env_example_has_every_variable_that_is_read() -> None:
    known = {*dotenv_values(stream=ENV_EXAMPLE.open(encoding="utf-8"))} | _commented_out().keys()
    assert known == variables_read(QUEUE_DEFAULTS)


def test_env_example_shows_the_defaults() -> None:
    required = {"OPENAI_API_KEY": "x", "S3_BUCKET": "b", "DATABASE_URL": "postgresql://h/d"}
    # OpenAI's own address, all queues, and examples of what has no default.
    meant = {"OPENAI_BASE_URL", "QUEUES", "WEBHOOK_URL", "SSL_CERT_FILE"}
    shown = {name: value for name, value in _commented_out().items() if name not in meant}
    names = [queue.name for queue in QUEUE_DEFAULTS]
    assert load({**required, **shown}, QUEUE_DEFAULTS, names) == load(required, QUEUE_DEFAULTS, names)
    assert _commented_out()["QUEUES"].split(",") == names
    queue = replace(QUEUE_DEFAULTS[0], retries=30)
    assert load({**required, **shown}, [queue], [queue.name]) != load(required, [queue], [queue.name])


def test_key_is_one_of_a_queue() -> None:
    keys = Keys("preppath", "q")
    names = {name for name, value in vars(Keys).items() if isinstance(value, property)} - {"base"}
    known = {getattr(keys, name).removeprefix(keys.base) for name in names} | {
        "active",
        "budget",
        "ended",
        "instance",
        "job",
        "cancels",
        "group",
    }
    shown = {
        (document.name, name)
        for document in DOCUMENTS
        for name in re.findall(r"preppath:\{\w+\}:([a-z_]+)", document.read_text(encoding="utf-8"))
    }
    assert {name for _, name in shown} == known


def test_store_readme_names_every_transition() -> None:
    text = (ROOT / "preppath_workers/store/README.md").read_text(encoding="utf-8")
    section = text.partition("## Transitions")[2].partition("\n## ")[0]
    table = [row.split(" | ")[0] for row in section.splitlines() if row.startswith("| `")]
    assert {name for row in table for name in re.findall(r"`(\w+)`", row)} == scripts().keys()


def test_log_line_to_alert_on_is_one_that_is_logged() -> None:
    text = (ROOT / "systemd/README.md").read_text(encoding="utf-8")
    section = text.partition("## Alerts")[2].partition("\n## ")[0]
    table = [row.split(" | ")[0] for row in section.splitlines() if row.startswith("| `")]
    warnings = section.partition("Warnings worth a look:")[2].partition("\n")[0]
    messages = re.findall(r"`([A-Z][^`]+)`", " ".join([*table, warnings]))
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "preppath_workers").rglob("*.py"))
    assert len(messages) > 8
    assert [message for message in messages if f'"{message}' not in source] == []


def test_python_block_is_python_and_imports_what_is_exported() -> None:
    statements = [statement for code in blocks("python") for statement in ast.walk(ast.parse(code.text))]
    imported = [
        alias.name
        for statement in statements
        if isinstance(statement, ast.ImportFrom) and statement.module == "preppath_workers"
        for alias in statement.names
    ]
    assert imported
    assert {*imported} <= {*preppath_workers.__all__}


def test_json_block_is_valid_json() -> None:
    assert [json.loads(code.text) for code in blocks("json")]


def test_readme_has_at_most_200_lines() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200


def test_language_keeps_to_the_rules() -> None:
    found = []
    for document in [*DOCUMENTS, ENV_EXAMPLE]:
        text = re.sub(
            r"`[^`\n]*`", "", document.read_text(encoding="utf-8")
        )  # what programs say is shown as it is
        found += [f"{document.relative_to(ROOT)}: {match[0]}" for match in EXCLUDED.finditer(text)]
    assert found == []


def test_language_of_the_code_keeps_to_the_rules() -> None:
    exempt = {ROOT / "preppath_workers/jobs/tts/spellings.py", Path(__file__)}
    files = [
        path
        for name in ("bin", *FOLDERS)
        for path in (ROOT / name).rglob("*")
        if path.suffix in ("", ".py", ".lua", ".html", ".service") and path.is_file()
    ]
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in sorted({*files} - exempt)
        if "node_modules" not in path.parts
        for match in EXCLUDED.finditer(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


def _commented_out() -> dict[str, str]:
    text = ENV_EXAMPLE.read_text(encoding="utf-8")
    return dict(re.findall(r"^#([A-Z][A-Z0-9_]+)=(.*)$", text, re.MULTILINE))


def _is_constant(name: str) -> bool:
    """Whether it is a name of the code that the documents mention, such as JOB_TYPES."""
    return name in {"JOB_TYPES"}
