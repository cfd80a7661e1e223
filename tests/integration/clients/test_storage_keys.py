"""Key segments of ids in S3."""

from __future__ import annotations

import pytest

from preppath_workers.clients.s3.keys import key_segment


@pytest.mark.parametrize("plain", ["q1", "cm3x9-_.:@+=1", "frage ü", "a..b", "...x"])
def test_key_segment_of_a_usual_id_is_the_id(plain: str) -> None:
    assert key_segment(plain) == plain


@pytest.mark.parametrize(
    ("special", "quoted"),
    [
        ("..", "%2E%2E"),
        (".", "%2E"),
        ("../../other", "..%2F..%2Fother"),
        ("a\\..\\b", "a%5C..%5Cb"),
        ("a\nb\x00", "a%0Ab%00"),
        ("%2E%2E", "%252E%252E"),
    ],
)
def test_key_segment_of_a_special_id_is_one_quoted_segment(special: str, quoted: str) -> None:
    assert key_segment(special) == quoted
