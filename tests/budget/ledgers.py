"""The ledger of the workers and that of the vendor, read and compared."""

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
class Ledgers:
    """All calls in the workers' ledger, all charges of the vendor, and the differences."""

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


def read(redis: Redis, vendor: OpenAIServer) -> Ledgers:
    """Return both ledgers, compared to the nano-dollar."""
    ledgers = Ledgers([*_calls(redis)], [*_charges(vendor)])
    charges = {charge["requestId"]: charge for charge in ledgers.charges}
    for call in ledgers.calls:
        if call["kind"] == "actual":
            charge = charges.pop(call["requestId"], None)
            if charge is None or charge["nano"] != call["nano"]:
                ledgers.wrong.append(f"ledger has {call}, the vendor {charge}")
    # What is left was charged and its answer never came: each has an unknown call of the same job, and of the
    # id that the vendor got, unless it was sent over a WebSocket.
    unknown = Counter(call["job"] for call in ledgers.unknown)
    most = {call["id"]: call["nano"] for call in ledgers.unknown}
    for charge in charges.values():
        unknown[charge["job"]] -= 1
        is_known = charge["call"] is None or charge["nano"] <= most.get(charge["call"], -1)
        if unknown[charge["job"]] < 0 or not is_known:
            ledgers.wrong.append(f"charged and not in the ledger: {charge}")
    left_open = [call for call in ledgers.calls if call["kind"] == "open"]
    ledgers.wrong += [f"still open: {call}" for call in left_open]
    _compare_sums(redis, ledgers)
    return ledgers


def _compare_sums(redis: Redis, ledgers: Ledgers) -> None:
    sums: Counter[str] = Counter()
    listed = 0
    for queue in QUEUES:
        keys = Keys("preppath", queue)
        for name, value in redis.hgetall(keys.spent).items():
            sums[name.partition(" ")[2]] += int(value)
        listed += sum(redis.hlen(key) for key in redis.scan_iter(f"{keys.spent}:????-??-??:unknown", 1_000))
    expected = {
        "nano": ledgers.known,
        "calls": sum(call["kind"] == "actual" for call in ledgers.calls),
        "unknown": sum(call["nano"] for call in ledgers.unknown),
        "unknownCalls": len(ledgers.unknown),
    }
    ledgers.wrong += [
        f"sum of {name} is {sums[name]}, the calls have {amount}"
        for name, amount in expected.items()
        if sums[name] != amount
    ]
    if listed != len(ledgers.unknown):
        ledgers.wrong.append(f"{listed} unknown calls are listed, there are {len(ledgers.unknown)}")


def budget(redis: Redis, scope: str = "all") -> dict[str, int]:
    """Return what a scope has spent, reserved and perhaps spent, on every day together."""
    total: Counter[str] = Counter()
    for key in redis.scan_iter(BUDGET.budget("????-??-??"), 1_000):
        for name in ("spent", "reserved", "unknown"):
            total[name] += int(redis.hget(key, f"{name} {scope}") or 0)
    return {name: total[name] for name in ("spent", "reserved", "unknown")}


def leaks(redis: Redis, ledgers: Ledgers) -> list[str]:
    """Return what is reserved although nothing runs, and the differences between budget and ledger."""
    has = budget(redis)
    expected = {
        "spent": ledgers.known,
        "reserved": 0,
        "unknown": sum(call["nano"] for call in ledgers.unknown),
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
