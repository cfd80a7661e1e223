"""What an import has found and done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .old_queue import STATES

#: Ids that are shown for each kind of job that is not taken, and names of jobs that are counted.
_SHOWN_IDS, _COUNTED_NAMES = 10, 20

#: What to do about jobs that are not taken.
_ADVICE = {
    "active": "let the old workers finish them, and run the import again",
    "repeatable": "a timer that runs preppath-workers enqueue",
    "schedule": "a timer that runs preppath-workers enqueue",
    "flow": "let the old workers finish them",
    "id of another job here": "the id names a job with other data",
}


@dataclass
class Report:
    """Counts, and a bounded number of examples."""

    taken: Counter[str] = field(default_factory=Counter)
    already_taken: int = 0
    names: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    _examples: dict[str, list[str]] = field(default_factory=dict)

    def take(self, state: str, name: str) -> None:
        """Count a job that is taken."""
        self.taken[state] += 1
        known = name in self.names or len(self.names) < _COUNTED_NAMES
        self.names[name if known else "others"] += 1

    def leave(self, kind: str, job_id: str) -> None:
        """Count a job that is not taken."""
        self.left[kind] += 1
        examples = self._examples.setdefault(kind, [])
        if len(examples) < _SHOWN_IDS:
            examples.append(job_id)

    def to_dict(self, dry_run: bool) -> dict[str, Any]:
        """Return the report for a program."""
        return {
            "dryRun": dry_run,
            "taken": {state: self.taken[state] for state in STATES},
            "takenBefore": self.already_taken,
            "names": dict(self.names),
            "left": {kind: {"jobs": jobs, "ids": self._examples[kind]} for kind, jobs in self.left.items()},
        }

    def lines(self, dry_run: bool) -> Iterator[str]:
        """Yield the report for a person."""
        verb = "would be taken" if dry_run else "taken"
        for state in STATES:
            where = " (to the dead-letter list)" if state == "failed" else ""
            yield f"{state:<11} {self.taken[state]:>9,} {verb}{where}"
        if self.already_taken:
            yield f"{'':<11} {self.already_taken:>9,} taken by an earlier import"
        if len(self.names) > 1:
            names = ", ".join(f"{name} {count:,}" for name, count in self.names.most_common())
            yield f"names: {names}; a queue here has one kind of job, see --name"
        for kind, count in self.left.most_common():
            examples = self._examples[kind]
            more = f", and {count - len(examples):,} more" if count > len(examples) else ""
            advice = f": {_ADVICE[kind]}" if kind in _ADVICE else ""
            yield f"not taken   {count:>9,} {kind} ({', '.join(examples)}{more}){advice}"
