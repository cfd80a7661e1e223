from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preppath_workers.queue import encode_data
from preppath_workers.store.job import Job
from preppath_workers.store.json_text import loads


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'{"a": "cut \ud83d"}', {"a": "cut \ufffd"}),
        (r'{"\ude00": ["\ud83d x \ude00"]}', {"\ufffd": ["\ufffd x \ufffd"]}),
        (r'{"a": "\ud83d\ude00"}', {"a": "😀"}),
        (r'{"a": "\\ud83d"}', {"a": r"\ud83d"}),
        ('{"a": "😀"}', {"a": "😀"}),
    ],
)
def test_job_data_with_a_lone_surrogate_has_it_replaced(text: str, value: object) -> None:
    assert Job("tts", "j", {"data": text}).data == value


def test_encode_data_with_a_lone_surrogate_reads_like_a_raw_push() -> None:
    data = {"text": "cut \ud83d", "whole": "😀"}

    assert loads(encode_data(data)) == loads(json.dumps(data)) == {"text": "cut \ufffd", "whole": "😀"}


@pytest.mark.parametrize("text", [' {"a": 1}', '{"a": 1}\r\n', '\t{"a": 1} '])
def test_loads_of_json_between_spaces_returns_its_value(text: str) -> None:
    assert loads(text) == {"a": 1}


@pytest.mark.parametrize("text", ["", " ", "{", '{"a": 1} x', '{"a": 1}{}'])
def test_loads_of_anything_else_raises(text: str) -> None:
    with pytest.raises(ValueError, match="line 1 column"):
        loads(text)


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": [Infinity]}', '{"a": -Infinity}'])
def test_loads_of_nan_or_infinity_raises(text: str) -> None:
    with pytest.raises(ValueError, match="not JSON"):
        loads(text)


@given(st.dictionaries(st.text(), st.text() | st.floats(allow_nan=False, allow_infinity=False)))
def test_loads_of_valid_json_returns_its_value(value: dict[str, object]) -> None:
    assert loads(json.dumps(value)) == value
