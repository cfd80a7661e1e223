"""The payments of one attempt: a paid request is in the ledger before it is sent, and with its cost after."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

from redis.exceptions import RedisError

from ...clients.countable import countable
from ...clients.usage import Usage
from ...clients.vendor_limits import VendorLimit
from ...config.prices import Prices, load_prices
from ...errors import InvalidJob, JobLost, MachineError, PermanentError, RateLimited, ServiceError, Snooze
from ...log import fields
from ...store.consuming.running_job import RunningJob
from ...store.job import Job
from ...store.job_id import new_id
from ..telemetry.vendor_span import vendor_span
from .budget import ReservedBudget, Settled
from .step_retry import retry_step

logger = logging.getLogger(__name__)

#: Seconds that a job occupies its worker while it waits for tokens per minute, as the queue's other jobs
#: would too; and between two looks.
_MAX_WAIT, _LOOK = 30.0, 0.25

#: Characters of a user's id in the ledger.
_MAX_USER = 128

_compact = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


@dataclass(frozen=True)
class PaymentTerms:
    """How the ledger is kept: the prices, the days that sums are kept, and the field of the data that names
    the user."""

    prices: Prices = field(default_factory=load_prices)
    ledger_days: int = 90
    user_field: str = "userId"
    budget: ReservedBudget | None = None
    #: Model tokens that all machines may use.
    tokens_per_minute: int | None = None
    #: Whether each request is to become a row of PostgreSQL.
    ledger_rows: bool = False

    def user(self, data: Mapping[str, Any]) -> str | None:
        """Return the user who a job's costs count for, if its data names one."""
        user = data.get(self.user_field)
        is_name = isinstance(user, str | int) and not isinstance(user, bool)
        return str(user)[:_MAX_USER] or None if is_name else None

    def cost(self, usage: Usage) -> int | None:
        """Return the nano-dollars of a request; None without a price."""
        return self.prices.cost(usage.model, usage.tier, usage.tokens, usage.seconds, usage.characters)


class OpenPayment:
    """A paid request in progress."""

    def __init__(self, call: dict[str, Any], step: str | None, worst_case: Usage) -> None:
        self.call = call
        self.step = step
        self.worst_case = worst_case
        self.usage: Usage | None = None
        #: Whether the ledger has it, so that the request may have been sent.
        self.is_open = False
        #: What the vendor's last answer said about its rate limits.
        self.limits: Sequence[VendorLimit] = ()
        #: What was acquired of the queue's own limit of tokens a minute.
        self.acquired = 0

    @property
    def id(self) -> str:
        """The call's id."""
        return str(self.call["id"])

    def charge(self, usage: Usage) -> None:
        """Keep what the request used. An error would lose the answer, which is paid for: so a usage that
        cannot be counted is logged, and the most that the request can have used counts."""
        try:
            self.usage = countable(usage)
        except ValueError as error:
            logger.error(
                "Cannot count what a paid request used", extra=fields(call=self.id, error=str(error))
            )
            self.usage = self.usage or replace(self.worst_case, is_estimated=True)

    def note_limits(self, limits: Sequence[VendorLimit]) -> None:
        """Keep the vendor's limits."""
        self.limits = limits or self.limits


class Payments:
    """The paid requests of one attempt."""

    def __init__(
        self, job: Job, data: Mapping[str, Any], running_job: RunningJob, terms: PaymentTerms
    ) -> None:
        self._job = job
        self._running_job = running_job
        self._terms = terms
        self._data = data
        self._in_progress: dict[str, OpenPayment] = {}
        #: What calls cost for the budget, by id, until the ledger has it.
        self._unsettled: dict[str, int | Settled] = {}

    @contextmanager
    def payment(self, worst_case: Usage, step: str | None) -> Iterator[OpenPayment]:
        """Yield the payment of one request. `step`: the step that makes it, whose checkpoint stores the cost
        too; without one, the cost is stored at once. Raises JobLost, and ValueError for a worst case that
        cannot be counted, before anything is sent."""
        worst_case = countable(worst_case)
        made = OpenPayment(self._call(worst_case, step), step, worst_case)
        self._in_progress[made.call["id"]] = made
        self._acquire_tokens(made, worst_case)
        self._open(made)
        try:
            with vendor_span(worst_case, made):
                yield made
        except BaseException as error:
            if isinstance(error, RateLimited | ServiceError) and self._is_charged(made):
                # Else each uncounted attempt would pay again.
                error.may_be_paid |= isinstance(error, RateLimited) or not error.refuses_all
            self._close(made, "void" if _costs_nothing(error) else "unknown")
            raise
        self._close(made, "unknown")

    def finish(self) -> None:
        """Close the payments that an interrupt has left open, at the end of the attempt."""
        for made in [*self._in_progress.values()] if self._in_progress else ():
            self._close(made, "unknown" if made.is_open else "void")
        if self._unsettled:
            try:
                self._running_job.store_calls(self._job)
            except (RedisError, JobLost):
                return  # the settlement stores them, and a janitor settles the budget
            self.settle()

    def settle(self) -> None:
        """Settle the budget of calls whose cost the ledger has now."""
        unsettled, self._unsettled = self._unsettled, {}
        if self._terms.budget and unsettled:
            self._terms.budget.settle(unsettled)

    def _call(self, worst_case: Usage, step: str | None) -> dict[str, Any]:
        return _known(
            id=new_id(),
            kind="open",
            job=self._job.id,
            model=worst_case.model,
            worst=self._terms.cost(worst_case),
            user=self._terms.user(self._data),
            step=step,
            attempt=self._job.attempts,
            keep=self._terms.ledger_days * 86_400,
            rows=self._terms.ledger_rows or None,
        )

    def _acquire_tokens(self, made: OpenPayment, worst_case: Usage) -> None:
        """Wait until the queue's limit of tokens a minute has room. Raises Snooze if that takes long."""
        limit, estimate = self._terms.tokens_per_minute, sum(worst_case.tokens.values())
        if not limit or not estimate:
            return
        give_up_at = time.monotonic() + _MAX_WAIT
        while True:
            # None are acquired in advance: answers give back most of what their requests have acquired.
            wait, is_acquired = retry_step(
                lambda: self._running_job.acquire_model_tokens(self._job, estimate, limit, longest=0)
            )
            if is_acquired:
                made.acquired = estimate
                return
            if time.monotonic() > give_up_at:
                raise Snooze("waiting for tokens per minute", wait)
            time.sleep(min(wait, _LOOK))

    def _settle_tokens(self, made: OpenPayment, kind: str) -> None:
        """Correct the estimate, unless nothing is known; a failure only delays later requests."""
        limit, acquired = self._terms.tokens_per_minute, made.acquired
        used = sum(made.usage.tokens.values()) if made.usage else 0
        if not limit or not acquired or not (used or kind == "void"):
            return
        try:
            self._running_job.settle_model_tokens(self._job, acquired, limit, used)
        except (RedisError, JobLost) as error:
            logger.debug("Cannot settle tokens per minute", extra=fields(error=str(error)))

    def _open(self, made: OpenPayment) -> None:
        call, text = made.call, _compact(made.call)
        reserved = [""]
        if budget := self._terms.budget:
            reserved = budget.reserve(
                self._job, call.get("user"), call["id"], call["model"], call.get("worst")
            )
        call["at"] = retry_step(lambda: self._running_job.open_call(self._job, call["id"], text, *reserved))
        made.is_open = True

    def _close(self, made: OpenPayment, kind: str) -> None:
        """Store what the request cost; `kind` is that of a request without a known usage."""
        call = {**made.call, "kind": kind}
        worst = call.pop("worst", None)
        price = self._terms.cost(made.usage) if made.usage else None
        if made.usage:
            call |= self._priced(made, made.usage, price)
        elif kind == "unknown":
            call |= _known(nano=worst)
        if self._terms.budget:
            self._unsettled[call["id"]] = _settled(call["kind"], price)
        if call["kind"] != "void":
            names = ("kind", "model", "tier", "tokens", "seconds", "nano", "requestId", "step")
            known = _known(call=call["id"], **{name: call.get(name) for name in names})
            logger.info("Vendor call", extra=fields(**known))
        try:
            self._running_job.close_call(self._job, _compact(call), store=made.step is None)
        except RedisError as error:  # it is stored with the settlement
            logger.debug("Cannot store the cost of a paid request", extra=fields(error=str(error)))
        else:
            if made.step is None:
                self.settle()
        self._in_progress.pop(call["id"], None)  # last: an interrupt before leaves it to `finish`
        self._settle_tokens(made, call["kind"])

    def _is_charged(self, made: OpenPayment) -> bool:
        return made.usage is not None and self._estimate(made, made.usage) != 0

    def _estimate(self, made: OpenPayment, usage: Usage) -> int | None:
        """Return the cost, by the price of the model that was asked for if the one that answered has none."""
        price = self._terms.cost(usage)
        return self._terms.cost(replace(usage, model=made.worst_case.model)) if price is None else price

    def _priced(self, made: OpenPayment, usage: Usage, price: int | None) -> dict[str, Any]:
        nano = self._estimate(made, usage)
        if price is None:
            logger.warning("No price for vendor call", extra=fields(model=usage.model, tier=usage.tier))
        kind = "estimated" if usage.is_estimated or nano != price else "actual"
        return _known(**usage.as_record(), kind=kind, nano=nano)


def _settled(kind: str, price: int | None) -> int | Settled:
    """Return how the budget of a closed call is settled. A model without a price may be dearer than the one
    that was asked for, so an estimate by the price of that one doesn't release what was reserved."""
    if kind in ("void", "unknown"):
        return cast("Settled", kind)
    return "worst" if price is None else price


def _costs_nothing(error: BaseException) -> bool:
    """Return whether the vendor charges nothing for a request that ended in this error."""
    if isinstance(error, ServiceError):
        return not error.may_be_paid
    return isinstance(error, PermanentError | InvalidJob | RateLimited | MachineError)


def _known(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
