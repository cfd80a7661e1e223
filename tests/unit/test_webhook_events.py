"""The events that scripts emit are those that deliveries may report."""

from __future__ import annotations

import re

from preppath_workers.jobs.webhook import QUEUE_EVENTS
from preppath_workers.store.scripts import scripts

_EMITTED = re.compile(r"emit_queue_event\(.*?, '([a-z]+(?:-[a-z]+)+)'")


def test_event_of_a_queue_that_a_script_emits_can_be_delivered() -> None:
    emitted = {event for script in scripts().values() for event in _EMITTED.findall(script.text)}
    assert emitted == {*QUEUE_EVENTS}
