"""What a client that polls gets, by the version that it has."""

from __future__ import annotations

import pytest

from preppath_workers.web.polling import polled

TAG = polled({"n": 1}, None, None).headers["ETag"]


@pytest.mark.parametrize(
    ("known", "status"),
    [(None, 200), ('"another"', 200), (TAG, 304), (f"W/{TAG}", 304), (f'"another", {TAG}', 304), ("*", 304)],
)
def test_answer_is_sent_again_only_if_the_client_lacks_it(known: str | None, status: int) -> None:
    answer = polled({"n": 1}, known, 2)
    assert (answer.status_code, answer.headers["ETag"], answer.headers["Retry-After"]) == (status, TAG, "2")
    assert bool(answer.body) == (status == 200)
