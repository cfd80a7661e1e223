"""The bodies of API requests."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ...queue.new_job import LARGEST_GROUP, LONGEST_DELAY
from ...store.dead_letters import MAX_REPLAYS, Selection
from ...store.job import DEFAULT_PRIORITY
from ...store.job_id import ID
from ...store.reading.filtering import AGE, JobFilter, age_ms, as_text
from ..problem import Problem

#: The most dead jobs that one request moves or deletes, and the most jobs that one cancels.
MOST_DEAD, MOST_CANCELLED = 500, 200

#: Beyond any list's end, and within what Redis takes for a place.
MOST_CURSOR = 10**15

#: For OpenAPI only: `Queue.enqueue` checks ids, and its message is better than that of a pattern.
_Id = Annotated[str | None, Field(max_length=128, json_schema_extra={"pattern": f"^({ID})$"})]

_Age = Annotated[str | None, Field(pattern=f"^{AGE}$")]


class NewJobBody(BaseModel):
    """A job to add; the fields are those of the command `enqueue`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    data: dict[str, Any]
    id: _Id = None
    priority: int = Field(DEFAULT_PRIORITY, ge=1, le=100)
    delay: float = Field(0.0, ge=0, le=LONGEST_DELAY, description="seconds")
    at: str | None = Field(
        None,
        description="when it is due, with a time zone, in place of `delay`; at most ten years from now",
        json_schema_extra={"format": "date-time"},
    )
    expires: float | None = Field(
        None, gt=0, le=LONGEST_DELAY, description="seconds; later than `delay` or `at`"
    )
    group: _Id = None
    group_size: int | None = Field(
        None, alias="groupSize", ge=1, le=LARGEST_GROUP, description="needs `group`"
    )


class Selected(BaseModel):
    """Dead jobs to replay or purge, oldest first: those that meet all conditions.

    There has to be a condition, or `all`. A request looks at 2,000 dead jobs at most, and changes 500 at
    most: repeat it with `cursor` until `next` is null.
    """

    model_config = ConfigDict(extra="forbid")

    ids: list[str] = Field([], max_length=MOST_DEAD)
    reason: str | None = None
    error_class: str | None = Field(None, alias="errorClass")
    older_than: _Age = Field(None, alias="olderThan")
    newer_than: _Age = Field(None, alias="newerThan")
    all: bool = False
    cursor: int = Field(0, ge=0, le=MOST_CURSOR, description="`next` of the answer before")
    dry_run: bool = Field(False, alias="dryRun")

    def selection(self) -> Selection:
        """Return the conditions. Raises Problem if there is none."""
        conditions = (self.ids, self.reason, self.error_class, self.older_than, self.newer_than)
        if not self.all and not any(conditions):
            raise Problem(422, "expected ids, reason, errorClass, olderThan, newerThan, or all")
        return Selection(
            ids=self.ids,
            reasons=[self.reason] if self.reason else (),
            error_class=self.error_class,
            min_age_ms=optional_age_ms(self.older_than),
            max_age_ms=optional_age_ms(self.newer_than),
        )


class Replay(Selected):
    """Dead jobs to replay.

    Invalid and malformed jobs are skipped unless selected by `ids` or `reason`; so are jobs that were
    replayed `maxReplays` times, unless selected by `ids`.
    """

    max_replays: int = Field(MAX_REPLAYS, alias="maxReplays", ge=0)

    def selection(self) -> Selection:
        """Return the conditions. Raises Problem if there is none."""
        return super().selection().worth_a_replay(self.max_replays)


class Cancellation(BaseModel):
    """Jobs to cancel: those in the state that meet all conditions, as of the command `cancel`.

    A request looks at 2,000 jobs at most, and cancels `limit` at most: repeat it with `cursor` until `next`
    is null.
    """

    model_config = ConfigDict(extra="forbid")

    state: Literal["waiting", "delayed", "active"]
    where: dict[str, str | bool | int | float | None] = Field(
        {}, description="fields of the data, and their values"
    )
    older_than: _Age = Field(None, alias="olderThan")
    newer_than: _Age = Field(None, alias="newerThan")
    limit: int = Field(MOST_CANCELLED, ge=1, le=MOST_CANCELLED)
    cursor: int = Field(0, ge=0, le=MOST_CURSOR, description="`next` of the answer before")
    dry_run: bool = Field(False, alias="dryRun")

    def conditions(self) -> JobFilter:
        """Return the conditions besides the state."""
        return JobFilter(
            min_age_ms=optional_age_ms(self.older_than),
            max_age_ms=optional_age_ms(self.newer_than),
            where=tuple((name, as_text(value)) for name, value in self.where.items()),
        )


def optional_age_ms(age: str | None) -> int | None:
    """Return the age in ms, None for None."""
    return age_ms(age) if age else None
