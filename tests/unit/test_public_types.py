"""What a type checker knows of a program that uses the package: mypy checks this file, see setup.cfg."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, assert_type

import pytest

from preppath_workers import JobContext, JobType, Usage, job
from preppath_workers.testing import FakeContext


@dataclass
class Thumbnail:
    width: int


@job("thumbnail")
def make_thumbnail(context: JobContext, data: Thumbnail) -> dict[str, int]:
    width = context.step("width", lambda: data.width)
    assert_type(width, int)
    with context.payment(Usage("some-model", {"input": 5})) as payment:
        payment.charge(Usage("some-model", {"input": 4}))
    return {"width": width}


slow = job("slow-thumbnail", retries=9)(make_thumbnail.function)
named = job("named-thumbnail")("app.jobs:make_thumbnail")
job_types: list[JobType] = [make_thumbnail, slow, named]


def test_job_type_of_a_function_is_called_with_its_types() -> None:
    context = FakeContext()
    result = make_thumbnail(context, Thumbnail(3))
    assert_type(result, dict[str, int])
    assert_type(slow(context, data=Thumbnail(3)), dict[str, int])
    with pytest.raises(AttributeError):
        make_thumbnail(FakeContext(), {"width": 3})  # type: ignore[arg-type]
    assert result == {"width": 3}


def test_job_type_keeps_its_function_with_its_types() -> None:
    function: Any = make_thumbnail.function
    assert_type(make_thumbnail.function(FakeContext(), Thumbnail(3)), dict[str, int])
    assert slow.function is function
    assert [job_type.name for job_type in job_types] == ["thumbnail", "slow-thumbnail", "named-thumbnail"]
