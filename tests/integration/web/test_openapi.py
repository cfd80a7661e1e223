"""The API against its own OpenAPI: whatever it is asked, it answers as described, and never with 500."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable

from .conftest import Site

pytestmark = [pytest.mark.trial, pytest.mark.long]

schemathesis = pytest.importorskip("schemathesis", reason="needs the extra [dev]")

#: Requests of each kind for each operation.
EXAMPLES = 3


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
                case.call_and_validate(timeout=10)

            try:
                ask()
            except Unsatisfiable:
                continue  # nothing can be wrong with this operation's arguments
            except BaseExceptionGroup as found:
                failures += [f"{operation.label}: {error}" for error in found.exceptions]
    assert not failures, "\n\n".join(failures)
