"""The commands that a worker packs in part."""

from __future__ import annotations

import pytest
from hiredis import pack_command

from preppath_workers.store.consuming.packing import PackedStart

START = ("EVALSHA", "digest", "1", "preppath:{tts}:", "")


@pytest.mark.parametrize("words", [("a",), ("a", "1", '{"é":"ü"}'), tuple("abcdefghi")])
def test_packed_start_with_words_is_the_packed_command(words: tuple[str, ...]) -> None:
    start = PackedStart(START)
    for _ in range(2):
        assert start.with_words(words) == pack_command((*START, *words))  # type: ignore[arg-type] # any length
