"""Whose a request is, and what is kept of its answer."""

from __future__ import annotations

from typing import Any

import pytest

from preppath_workers.clients.usage import Usage
from preppath_workers.clients.vendor_limits import VendorLimit
from preppath_workers.worker.attempt.payments import OpenPayment, PaymentTerms


@pytest.mark.parametrize(
    ("value", "user"),
    [
        ("u1", "u1"),
        (7, "7"),
        ("x" * 200, "x" * 128),
        *((odd, None) for odd in ("", None, True, 1.5, ["u1"], {"id": "u1"})),
    ],
    ids=repr,
)
def test_user_of_a_request_is_a_text_or_a_number_of_the_data(value: Any, user: str | None) -> None:
    assert PaymentTerms().user({"userId": value}) == user


def test_payment_whose_latest_answer_tells_no_limits_keeps_those_of_the_one_before() -> None:
    payment, limit = OpenPayment({"id": "c"}, None, Usage("m")), VendorLimit("tokens", 9, 3, 1.0)
    for limits in ([limit], []):
        payment.note_limits(limits)
    assert payment.limits == [limit]
