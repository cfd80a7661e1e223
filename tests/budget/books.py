"""The workers' books and the vendor's, read and compared."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from redis import Redis

from preppath_workers.store.keys import Keys
from tests.fake_openai.control import OpenAIServer

from .jobs import QUEUES, job_of

BUDGET = Keys("preppath", "budget")


@dataclass
class Books:
    """All calls of the workers' ledger and all that the vendor charged, and what doesn't agree."""

    calls: list[dict[str, Any]]
    charges: list[dict[str, Any]]
    wrong: list[str] = field(default_factory=list)

    @property
    def known(self) -> int:
        """Nano-dollars of calls whose cost is known."""
        return sum(call["nano"] for call in self.calls if call["kind"] == "actual")

    @property
    def unknown(self) -> list[dict[str, Any]]:
        return [call for call in self.calls if call["kind"] == "unknown"]

    @property
    def charged(self) -> int:
        """Nano-dollars that the vendor charged."""
        return sum(charge["nano"] for charge in self.charges)

    @property
    def charged_unseen(self) -> int:
        """Those among them whose answer never came."""
        return self.charged - self.known


def read(redis: Redis, vendor: OpenAIServer) -> Books:
    """Return both books, compared to the nano-dollar."""
    books = Books([*_calls(redis)], [*_charges(vendor)])
    charges = {charge["requestId"]: charge for charge in books.charges}
    for call in books.calls:
        if call["kind"] == "actual":
            charge = charges.pop(call["requestId"], None)
            if charge is None or charge["nano"] != call["nano"]:
                books.wrong.append(f"ledger has {call}, the vendor {charge}")
    # What is left was charged and its answer never came: each has an unknown call of the same job, and of the
    # id that the vendor got, unless it was sent over a WebSocket.
    unknown = Counter(call["job"] for call in books.unknown)
    most = {call["id"]: call["nano"] for call in books.unknown}
    for charge in charges.values():
        unknown[charge["job"]] -= 1
        is_known = charge["call"] is None or charge["nano"] <= most.get(charge["call"], -1)
        if unknown[charge["job"]] < 0 or not is_known:
            books.wrong.append(f"charged and not in the ledger: {charge}")
    left_open = [call for call in books.calls if call["kind"] == "open"]
    books.wrong += [f"still open: {call}" for call in left_open]
    _compare_sums(redis, books)
    return books


def _compare_sums(redis: Redis, books: Books) -> None:
    sums: Counter[str] = Counter()
    listed = 0
    for queue in QUEUES:
        keys = Keys("preppath", queue)
        for name, value in redis.hgetall(keys.spent).items():
            sums[name.partition(" ")[2]] += int(value)
        listed += sum(redis.hlen(key) for key in redis.scan_iter(f"{keys.spent}:????-??-??:unknown", 1_000))
    expected = {
        "nano": books.known,
        "calls": sum(call["kind"] == "actual" for call in books.calls),
        "unknown": sum(call["nano"] for call in books.unknown),
        "unknownCalls": len(books.unknown),
    }
    books.wrong += [
        f"sum of {name} is {sums[name]}, the calls have {amount}"
        for name, amount in expected.items()
        if sums[name] != amount
    ]
    if listed != len(books.unknown):
        books.wrong.append(f"{listed} unknown calls are listed, there are {len(books.unknown)}")


def budget(redis: Redis, scope: str = "all") -> dict[str, int]:
    """Return what a scope has spent, reserved and perhaps spent, on every day together."""
    total: Counter[str] = Counter()
    for key in redis.scan_iter(BUDGET.budget("????-??-??"), 1_000):
        for name in ("spent", "reserved", "unknown"):
            total[name] += int(redis.hget(key, f"{name} {scope}") or 0)
    return {name: total[name] for name in ("spent", "reserved", "unknown")}


def leaks(redis: Redis, books: Books) -> list[str]:
    """Return what is reserved although nothing runs, and where budget and ledger disagree."""
    has = budget(redis)
    expected = {
        "spent": books.known,
        "reserved": 0,
        "unknown": sum(call["nano"] for call in books.unknown),
    }
    wrong = [
        f"budget has {has[name]} {name}, expected {expected[name]}"
        for name in has
        if has[name] != expected[name]
    ]
    left = redis.zcard(BUDGET.budget("open"))
    return wrong + ([f"{left} reservations are open"] if left else [])


def _calls(redis: Redis) -> Iterator[dict[str, Any]]:
    for queue in QUEUES:
        for key in redis.scan_iter(Keys("preppath", queue).job("*"), 1_000):
            for name, text in redis.hgetall(key).items():
                if name.startswith("call:"):
                    yield json.loads(text)


def _charges(vendor: OpenAIServer) -> Iterator[dict[str, Any]]:
    for call in vendor.calls():
        if call.get("charge"):
            yield {
                "job": job_of(call),
                "call": call["headers"].get("x-client-request-id"),
                "requestId": call["requestId"],
                "nano": call["charge"]["nano"],
            }
