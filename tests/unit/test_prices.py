"""Prices: what a request costs, in nano-dollars, worked out by hand."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from preppath_workers.config.prices import dollars, load_prices
from preppath_workers.errors import ConfigError

PRICES = load_prices()


@pytest.mark.parametrize(
    ("tokens", "tier", "nano"),
    [
        ({"input": 272_000}, "default", 27_200_000),
        (
            {"input": 100, "cached": 50, "cache_write": 8, "output": 20},
            "default",
            10_000 + 500 + 1_000 + 10_000,
        ),
        ({"input": 1}, "flex", 50),
        ({"cached": 1}, "flex", 5),
        ({"cache_write": 1}, "flex", 63),  # 62.5, rounded up
        ({"output": 3}, "priority", 3_000),
        ({"input": 272_001}, "default", 54_400_200),  # long: input twice
        ({"input": 272_001, "output": 10}, "default", 54_400_200 + 7_500),
        ({"input": 1}, "unheard-of", None),
        ({"audio_output": 1}, "default", None),
    ],
)
def test_cost_of_tokens_is_exact(tokens: dict[str, int], tier: str, nano: int | None) -> None:
    assert PRICES.cost("gpt-6-luna", tier, tokens) == nano


@pytest.mark.parametrize(("seconds", "nano"), [("60", 4_500_000), ("1", 75_000), ("0.00001", 1)])
def test_cost_of_audio_is_by_duration_and_rounded_up(seconds: str, nano: int) -> None:
    assert PRICES.cost("gpt-transcribe", tokens={"input": 9_000}, seconds=Decimal(seconds)) == nano


@pytest.mark.parametrize(
    ("model", "used", "nano"),
    [
        # a server that reports the duration for a model that is charged by tokens
        ("gpt-4o-transcribe", {"seconds": Decimal(600)}, None),
        ("gpt-transcribe", {"tokens": {"input": 9, "output": 0}}, None),
        ("gpt-6-luna", {"tokens": {"input": 0}, "characters": 5}, None),
        ("tts-1", {"seconds": Decimal(3)}, None),
        ("gpt-4o-transcribe", {}, 0),
        ("gpt-transcribe", {"tokens": {"input": 0}}, 0),
        ("free-minutes", {"tokens": {"input": 9}}, 0),
        ("free-tokens", {"seconds": Decimal(3)}, 0),
    ],
)
def test_request_that_does_not_report_what_its_price_is_for_has_no_price(
    tmp_path: Path, model: str, used: dict[str, Any], nano: int | None
) -> None:
    """It was free."""
    file = tmp_path / "prices.toml"
    file.write_text("[models.free-minutes]\nminute = 0\n[models.free-tokens]\ntokens = {input = 0}\n")

    assert load_prices(file).cost(model, **used) == nano


def test_snapshot_of_a_model_has_its_price_and_a_model_of_similar_name_has_none() -> None:
    assert PRICES.cost("gpt-6-luna-2026-09-01", tokens={"input": 1}) == 100
    assert PRICES.cost("gpt-6-luna-pro", tokens={"input": 1}) is None


def test_file_of_prices_overrides_and_adds_models(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text('[models.gpt-6-luna]\ntokens = {input = 1}\n[models.kokoro]\ncharacters = "3.50"\n')
    prices = load_prices(file)
    assert prices.cost("gpt-6-luna", tokens={"input": 1}) == 1_000
    assert prices.cost("kokoro", characters=3) == 10_500
    assert prices.of("gpt-transcribe")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[models.m]\ntokens = {input = -1}", "price or factor -1"),
        ('[models.m]\nminute = "nan"', "price or factor 'nan'"),
        ("[models.m]\ntokens = {inptu = 1}", "unknown field inptu"),
        ("[models.m]\nminute = 1\nlong = {above = 'x', input = 2}", "long price above 'x'"),
        ("[models.m]\nminute = 1\nlong = {input = 2}", "long price above None"),
        ("[models.m]\nminute = 1\nlong = {abov = 2}", "unknown field abov"),
        ("[models.m]", "exactly one of tokens, minute and characters"),
        ("models = 3", "has no attribute"),
        ("[", "Expected|Invalid|Expecting"),
    ],
)
def test_wrong_file_of_prices_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=problem):
        load_prices(file)


@pytest.mark.parametrize(
    ("nano", "text"),
    [(0, "$0.00"), (1, "$0.000000001"), (1_500_000_000, "$1.50"), (12_345_600, "$0.0123456")],
)
def test_dollars_of_nano_dollars_are_exact(nano: int, text: str) -> None:
    assert dollars(nano) == text


def test_prices_from_a_pipe_are_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match=f"cannot read {tmp_path / 'pipe'}: it is not a file"):
        load_prices(tmp_path / "pipe")
