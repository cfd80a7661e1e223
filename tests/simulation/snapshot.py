"""A queue's whole state in one call, in the shape of tests/integration/store/redis_state.py."""

from __future__ import annotations

import json
from typing import Any

from tests.integration.store.redis_state import State

from .proxy import Proxy

#: Reads every key of one queue, given its base. KEYS is what a test may do and no script of ours.
_LUA = """
local base, state = KEYS[1], {}
for _, key in ipairs(redis.call('KEYS', base .. '*')) do
  local kind = redis.call('TYPE', key).ok
  if kind == 'list' then state[key] = {kind, redis.call('LRANGE', key, 0, -1)}
  elseif kind == 'zset' then state[key] = {kind, redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')}
  elseif kind == 'set' then state[key] = {kind, redis.call('SMEMBERS', key)}
  else state[key] = {kind, redis.call('HGETALL', key)} end
end
return cjson.encode(state)
"""

_FAMILIES = {
    "job": "jobs",
    "active": "active",
    "instance": "instance",
    "group": "groups",
    "cancels": "cancels",
    "spent": "spending",
}


class Camera:
    """Takes snapshots of one queue."""

    def __init__(self, proxy: Proxy, base: str) -> None:
        self._proxy = proxy
        self._base = base
        (self._digest,) = proxy.ask([("SCRIPT", "LOAD", _LUA)])

    def take(self) -> State:
        """The state as it is now; whole numbers are read as int."""
        (answer,) = self._proxy.ask([("EVALSHA", self._digest, "1", self._base)])
        if isinstance(answer, Exception):
            raise answer
        state: State = {"jobs": {}, "active": {}, "instance": {}, "groups": {}, "cancels": {}}
        for key, (kind, words) in json.loads(answer).items():
            name, _, member = key.removeprefix(self._base).partition(":")
            content = _content(kind, words or [])
            if member:
                state.setdefault(_FAMILIES[name], {})[member] = content
            else:
                state[name] = content
        return state


def _content(kind: str, words: list[str]) -> Any:
    if kind in ("list", "set"):
        return words
    pairs = dict(zip(words[::2], words[1::2], strict=True))
    return {name: _number(text) for name, text in pairs.items()}


def _number(text: str) -> str | int:
    return int(text) if text.isdecimal() and text.isascii() else text
