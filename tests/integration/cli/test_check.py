"""The command check on models: its findings and exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from preppath_workers.cli.check.models import shutdown_finding
from preppath_workers.cli.check.requests import price
from preppath_workers.cli.main import main
from preppath_workers.config.model import ModelConfig, OpenAIConfig
from preppath_workers.config.prices import load_prices
from tests.fake_openai.application import RESPONSES
from tests.fake_openai.control import OpenAIServer

TODAY = date(2026, 11, 23)

Check = Callable[..., tuple[int, str]]


@pytest.fixture
def check(vendor: OpenAIServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    """Run the command with a complete configuration, changed as given; return exit code and output."""

    def run(*words: str, **variables: str) -> tuple[int, str]:
        configured = {
            "OPENAI_API_KEY": "sk-test",
            "OPENAI_BASE_URL": vendor.base_url,
            "S3_BUCKET": "preppath-audio",
            "DATABASE_URL": "postgresql://127.0.0.1:1/preppath",
        }
        for name, value in {**configured, **variables}.items():
            monkeypatch.setenv(name, value)
        code = main(["check", "--only", "models", *words])
        printed = capsys.readouterr()
        assert printed.err == ""
        return code, printed.out

    return run


def set_shutdown_date(vendor: OpenAIServer, model: str, days: int) -> None:
    """Let the vendor announce the model's shutdown, this many days from now."""
    day = datetime.now(UTC).date() + timedelta(days)
    body = {"id": model, "object": "model", "created": 0, "owned_by": "system", "shutdown_date": str(day)}
    vendor.order({"path": f"/v1/models/{model}", "body": json.dumps(body)})


@pytest.mark.parametrize(
    ("days", "status", "code"), [(400, "ok", 0), (80, "warning", 1), (14, "error", 2), (-1, "error", 2)]
)
def test_check_with_several_findings_exits_by_the_worst(
    check: Check, vendor: OpenAIServer, days: int, status: str, code: int
) -> None:
    set_shutdown_date(vendor, "gpt-realtime-2.1-mini", days)

    exit_code, output = check("--json")

    assert exit_code == code
    assert [(finding["what"], finding["status"]) for finding in json.loads(output)] == [
        ("transcription model gpt-transcribe", "ok"),
        ("tts model gpt-realtime-2.1-mini", status),
        ("evaluation model gpt-6-luna", "ok"),
    ]


def test_check_of_an_unknown_model_is_an_error_beside_the_other_findings(
    check: Check, vendor: OpenAIServer
) -> None:
    set_shutdown_date(vendor, "gpt-realtime-2.1-mini", 400)

    exit_code, output = check(OPENAI_MODEL="gpt-9")

    lines = output.splitlines()
    assert exit_code == 2
    assert lines[0] == "ok       transcription model gpt-transcribe: no shutdown is announced"
    assert lines[2].startswith("error    evaluation model gpt-9: model gpt-9: OpenAI answered 404")


def test_check_with_two_vendors_looks_each_model_up_at_its_own(check: Check, vendor: OpenAIServer) -> None:
    _, output = check(OPENAI_TTS_BASE_URL="http://127.0.0.1:1/v1", OPENAI_TTS_API_KEY="sk-another")

    assert "error    tts model gpt-realtime-2.1-mini: no connection to OpenAI" in output
    assert [call["path"] for call in vendor.calls()] == [
        "/v1/models/gpt-transcribe", "/v1/models/gpt-6-luna"
    ]  # fmt: skip


REQUESTS = ("/v1/audio/transcriptions", RESPONSES, "/v1/chat/completions")

SPEECH = {"OPENAI_TTS_MODEL": "gpt-4o-mini-tts"}


def paid(check: Check, **variables: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code of a check with paid requests, and its findings about them."""
    code, output = check("--paid", "--json", **variables)
    findings = {finding["what"]: (finding["status"], finding["detail"]) for finding in json.loads(output)}
    return code, {what: found for what, found in findings.items() if what.endswith(" request")}


def test_check_without_paid_sends_no_paid_request(check: Check, vendor: OpenAIServer) -> None:
    check()

    assert {call["method"] for call in vendor.calls()} == {"GET"}


def test_check_with_paid_makes_one_small_request_for_each_use(check: Check, vendor: OpenAIServer) -> None:
    code, found = paid(check, OPENAI_EVALUATION_MAX_TOKENS="500", OPENAI_TTS_VOICE="sage")

    assert code == 0
    assert list(found) == ["transcription request", "tts request", "evaluation request"]
    assert {status for status, _ in found.values()} == {"ok"}
    assert found["evaluation request"][1].endswith("s, costs about $0.0004 at most")
    calls = [call for call in vendor.calls() if call["method"] != "GET"]
    assert [call["path"] for call in calls] == [*REQUESTS]
    assert calls[1]["body"]["response"]["audio"]["output"]["voice"] == "sage"
    assert calls[2]["body"]["max_completion_tokens"] == 500
    assert calls[2]["body"]["response_format"]["type"] == "json_schema"


@pytest.mark.parametrize(
    ("variables", "request_", "detail"),
    [
        ({"OPENAI_EVALUATION_TEMPERATURE": "0.2"}, "evaluation", "setting temperature: OpenAI answered 400"),
        ({**SPEECH, "OPENAI_TTS_VOICE": "unknown"}, "tts", "setting voice: OpenAI answered 400"),
        ({"OPENAI_TTS_MODEL": "tts-1", "OPENAI_TTS_VOICE": "marin"}, "tts", "setting voice: OpenAI answered"),
    ],
    ids=str,
)
def test_check_with_paid_names_the_setting_that_the_vendor_refuses(
    check: Check, variables: dict[str, str], request_: str, detail: str
) -> None:
    code, found = paid(check, **variables)

    assert code == 2
    assert {what for what, (status, _) in found.items() if status == "error"} == {f"{request_} request"}
    assert found[f"{request_} request"][1].startswith(detail)


def test_check_with_paid_warns_on_a_rate_limit_and_fails_on_a_reply_without_scores(
    check: Check, vendor: OpenAIServer
) -> None:
    vendor.order({"path": REQUESTS[1], "status": 429}, {"path": REQUESTS[2], "content": {"score": 7}})

    _, found = paid(check)

    assert [status for status, _ in found.values()] == ["ok", "warning", "error"]


@pytest.mark.parametrize(
    ("queue", "variable", "model", "words"),
    [
        ("evaluation", "evaluation", "gpt-6-luna", "about $0.0081 at most"),
        ("transcription", "transcription", "gpt-transcribe", "about $0.0001 at most"),
        ("tts", "speech", "kokoro", "an unknown amount (no price for kokoro is known)"),
    ],
)
def test_price_of_a_paid_request_is_an_upper_bound(queue: str, variable: str, model: str, words: str) -> None:
    other = ModelConfig("other", "sk-test")
    config = OpenAIConfig(other, other, other)

    config = replace(config, **{variable: ModelConfig(model, "sk-test")})
    assert price(queue, config, load_prices()) == words


def test_check_with_a_wrong_configuration_reports_it_as_findings(check: Check, vendor: OpenAIServer) -> None:
    exit_code, output = check("--json", OPENAI_API_KEY="", OPENAI_EVALUATION_MAX_TOKENS="few")

    assert exit_code == 78
    findings = json.loads(output)
    assert {(finding["status"], finding["what"]) for finding in findings} == {("error", "configuration")}
    assert [finding["detail"].split()[0] for finding in findings] == [
        "OPENAI_API_KEY",
        "OPENAI_EVALUATION_MAX_TOKENS",
    ]
    assert vendor.calls() == []


@pytest.mark.parametrize(
    ("day", "status", "detail"),
    [
        (None, "ok", "no shutdown is announced"),
        ("2027-02-22", "ok", "is shut down on 2027-02-22, in 91 days"),
        ("2027-02-21", "warning", "is shut down on 2027-02-21, in 90 days"),
        ("2026-12-08", "warning", "is shut down on 2026-12-08, in 15 days"),
        ("2026-12-07", "error", "is shut down on 2026-12-07, in 14 days"),
        ("2026-11-24", "error", "is shut down on 2026-11-24, in 1 day"),
        ("2026-11-23", "error", "was shut down on 2026-11-23"),
        ("2026-10-23", "error", "was shut down on 2026-10-23"),
        ("soon", "warning", "shutdown_date is not a date: 'soon'"),
    ],
)
def test_shutdown_date_gives_status_and_detail(day: str | None, status: str, detail: str) -> None:
    finding = shutdown_finding("model", day, TODAY)

    assert (finding.status, finding.detail) == (status, detail)


@pytest.mark.parametrize(
    ("variable", "model", "successor"),
    [
        ("OPENAI_TTS_MODEL", "tts-1", "gpt-realtime-2.1-mini"),
        ("OPENAI_TTS_MODEL", "tts-1-hd", "gpt-realtime-2.1-mini"),
        ("OPENAI_TTS_MODEL", "gpt-4o-mini-tts", "gpt-realtime-2.1-mini"),
        ("OPENAI_WHISPER_MODEL", "whisper-1", "gpt-transcribe"),
        ("OPENAI_WHISPER_MODEL", "gpt-4o-transcribe", "gpt-transcribe"),
        ("OPENAI_WHISPER_MODEL", "gpt-4o-mini-transcribe", "gpt-transcribe"),
    ],
)
def test_check_of_a_model_that_is_shut_down_names_its_successor(
    check: Check, vendor: OpenAIServer, variable: str, model: str, successor: str
) -> None:
    set_shutdown_date(vendor, model, 30)

    exit_code, output = check(**{variable: model})

    assert exit_code == 1
    [line] = [line for line in output.splitlines() if f"model {model}:" in line]
    assert line.startswith("warning")
    assert line.endswith(f"in 30 days; its successor is {successor}")
