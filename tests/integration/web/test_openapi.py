"""The API against its own OpenAPI: whatever it is asked, it answers as described, and never with 500."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable

from .conftest import REQUEST_DEADLINE, Site

pytestmark = [pytest.mark.trial, pytest.mark.long]

schemathesis = pytest.importorskip("schemathesis", reason="needs the extra [dev]")
checks = pytest.importorskip("schemathesis.specs.openapi.checks")

#: Requests of each kind for each operation. They differ with the modules that the process has imported, whose
#: constants hypothesis uses.
EXAMPLES = 3

#: Operations that refuse what their schemas cannot tell: a day in the future, or one that no month has; an
#: expiry before the delay is over, a group's size without its name.
REFUSES_MORE = {"GET /api/v1/costs", "POST /api/v1/jobs/{queue}"}


@pytest.mark.timeout(240)  # some 300 requests
def test_api_answers_as_its_openapi_says(site: Site) -> None:
    described = schemathesis.openapi.from_url(f"{site.url}/openapi.json")
    operations = [result.ok() for result in described.get_all_operations()]
    assert len(operations) > 10
    failures = []
    for operation in operations:
        if operation.label.endswith("/events"):
            continue  # a stream ends with its job
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):

            @settings(
                max_examples=EXAMPLES,
                derandomize=True,
                deadline=None,
                database=None,
                suppress_health_check=[*HealthCheck],
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case: Any) -> None:
                refuses_more = case.operation.label in REFUSES_MORE
                excluded = [checks.positive_data_acceptance] if refuses_more else []
                case.call_and_validate(timeout=REQUEST_DEADLINE, excluded_checks=excluded)

            try:
                ask()
            except Unsatisfiable:
                continue  # nothing can be wrong with this operation's arguments
            except BaseExceptionGroup as found:
                failures += [f"{operation.label}: {error}" for error in found.exceptions]
    assert not failures, "\n\n".join(failures)
