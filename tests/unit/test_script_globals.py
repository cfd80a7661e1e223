"""Scripts name no global variable but those of Redis: Redis refuses another one only when the line runs."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from lupa.lua51 import LuaRuntime

from preppath_workers.store.scripts import scripts

GIVEN = {
    *("KEYS", "ARGV", "redis", "cjson", "string", "table", "math"),
    *("tonumber", "tostring", "type", "pairs", "ipairs", "unpack", "next", "select", "pcall"),
}

#: Instructions of Lua 5.1, Redis's version, whose argument is the name of a global variable.
_GET, _SET = 5, 7

_HEADER = 12


class Bytecode:
    """Reads what `string.dump` returns: a function, and in it those that it defines."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, _HEADER

    def globals(self) -> Iterator[tuple[int, str]]:
        """Yield the instructions on global variables, with the variables' names."""
        self._text()
        self._skip(4 + 4 + 4)
        code = [self._number("<I") for _ in range(self._number())]
        constants = [self._constant() for _ in range(self._number())]
        for _ in range(self._number()):
            yield from self.globals()
        self._skip(4 * self._number())
        for _ in range(self._number()):  # local variables
            self._text()
            self._skip(4 + 4)
        for _ in range(self._number()):  # upvalues
            self._text()
        for word in code:
            if word & 63 in (_GET, _SET):
                yield word & 63, constants[word >> 14]

    def _constant(self) -> str:
        kind = self._number("<B")
        if kind == 4:
            return self._text()
        self._skip({0: 0, 1: 1, 3: 8}[kind])  # nil, a boolean, a number
        return ""

    def _text(self) -> str:
        size = self._number("<Q")
        self._skip(size)
        return self._data[self._at - size : self._at].rstrip(b"\0").decode("latin-1")

    def _number(self, form: str = "<i") -> int:
        self._skip(struct.calcsize(form))
        return int(struct.unpack_from(form, self._data, self._at - struct.calcsize(form))[0])

    def _skip(self, size: int) -> None:
        self._at += size


def globals_of(text: str) -> set[tuple[int, str]]:
    dump = LuaRuntime(encoding=None).eval(b"function(text) return string.dump(assert(loadstring(text))) end")
    return {*Bytecode(dump(text.encode())).globals()}


@pytest.mark.parametrize("name", scripts())
def test_script_names_no_global_variable_of_its_own(name: str) -> None:
    assert globals_of(scripts()[name].text) - {(_GET, name) for name in GIVEN} == set()


def test_globals_of_a_script_are_found_also_in_functions() -> None:
    text = "local a = {} function a.f() return a, undefined end wrong = function() return #a end"
    assert globals_of(text) == {(_GET, "undefined"), (_SET, "wrong")}
