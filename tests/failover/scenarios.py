"""What is tried: a way to fail over, and how durable producers and workers want their writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .servers import Replicated


@dataclass(frozen=True)
class Scenario:
    """`times` failovers by the `way`, a method of Replicated. `replicas` must confirm what is added and
    checkpoints. `is_certain`: Redis itself loses nothing, so neither may we."""

    name: str
    way: str
    times: int
    replicas: int = 0
    is_certain: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_sentinels(self) -> bool:
        return self.way != "planned"

    @property
    def variables(self) -> Mapping[str, str]:
        """The product's."""
        names = ("ENQUEUE_WAIT_REPLICAS", "CHECKPOINT_WAIT_REPLICAS")
        return dict.fromkeys(names, str(self.replicas))

    def fail_over(self, replicated: Replicated) -> None:
        getattr(replicated, self.way)()


#: What systemd/README.md advises, with a lag that suits the trial's sentinels.
_MIN_REPLICAS = {"min-replicas-to-write": "1", "min-replicas-max-lag": "2"}

SCENARIOS = (
    Scenario("kill -9", "kill", 5),
    Scenario("kill -9", "kill", 10, replicas=1, is_certain=True),
    Scenario("kill -9, replicas cut off 0.5 s before", "cut_off_and_kill", 5),
    Scenario("kill -9, replicas cut off 0.5 s before", "cut_off_and_kill", 5, replicas=1, is_certain=True),
    Scenario("SIGSTOP, goes on at once", "stop_briefly", 5),
    Scenario("SIGSTOP, goes on at once", "stop_briefly", 5, replicas=1),
    Scenario("SIGSTOP, goes on at once", "stop_briefly", 5, replicas=2, is_certain=True),
    Scenario("SIGSTOP, min-replicas 1", "stop", 5, replicas=1, is_certain=True, settings=_MIN_REPLICAS),
    Scenario("SENTINEL FAILOVER", "sentinel_failover", 5),
    Scenario("SENTINEL FAILOVER", "sentinel_failover", 5, replicas=2, is_certain=True),
    Scenario("SENTINEL FAILOVER, min-replicas 1", "sentinel_failover", 5, replicas=1, settings=_MIN_REPLICAS),
    Scenario("FAILOVER, then a virtual address follows", "planned", 5, is_certain=True),
    Scenario("FAILOVER, then a virtual address follows", "planned", 5, replicas=1, is_certain=True),
)
