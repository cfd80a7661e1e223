"""Rate limits as a vendor's answers report them."""

from __future__ import annotations

import pytest

from preppath_workers.clients.vendor_limits import VendorLimit, limits_in_event, limits_in_headers


def headers(limit: str = "500", remaining: str = "499", reset: str = "120ms") -> dict[str, str]:
    return {
        "x-ratelimit-limit-requests": limit,
        "x-ratelimit-remaining-requests": remaining,
        "x-ratelimit-reset-requests": reset,
    }


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("120ms", 0.12), ("1s", 1.0), ("6m0s", 360.0), ("1h2m3.5s", 3723.5), ("8.64s", 8.64), ("7", 7.0)],
)
def test_limits_in_headers_with_a_duration_of_any_form_has_its_seconds(text: str, seconds: float) -> None:
    assert limits_in_headers(headers(reset=text)) == (VendorLimit("requests", 500, 499, seconds),)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        headers(limit="0"),
        headers(limit="-1"),
        headers(remaining="many"),
        headers(remaining="٣"),
        headers(reset=""),
        headers(reset="soon"),
        headers(reset="9999999h"),
        headers(limit="9" * 30),
    ],
)
def test_limits_in_headers_without_a_complete_limit_are_none(wrong: dict[str, str]) -> None:
    assert limits_in_headers(wrong) == ()


def test_limits_in_event_keep_what_is_complete() -> None:
    event = [
        {"name": "requests", "limit": 1000, "remaining": 999, "reset_seconds": 60},
        {"name": "tokens", "limit": 50_000, "remaining": 60_000, "reset_seconds": 0.1},
        {"name": "cookies", "limit": 1, "remaining": 1, "reset_seconds": 1},
        {"name": "tokens", "limit": True, "remaining": None, "reset_seconds": "soon"},
        "garbage",
    ]
    assert limits_in_event(event) == (
        VendorLimit("requests", 1000, 999, 60.0),
        VendorLimit("tokens", 50_000, 50_000, 0.1),
    )
    assert limits_in_event({"name": "tokens"}) == ()
