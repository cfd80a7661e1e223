"""The jobs of the trial: each scores an answer with one paid request, in a step."""

from __future__ import annotations

import json
from typing import Any

from preppath_workers.jobs.evaluation.prompt import SCHEMA
from preppath_workers.registry import JobContext, job


def score(context: JobContext, data: dict[str, Any], services: Any) -> dict[str, Any]:
    """Score `{answer}`. The request names the job, so that the vendor's calls can be told apart."""
    messages = [
        {"role": "system", "content": f"job {context.id}"},
        {"role": "user", "content": json.dumps(data)},
    ]
    scores = context.step("scores", lambda: services.openai.evaluate(messages, SCHEMA, context))
    return {"correctness": scores["correctness"]}


QUEUES = ("left", "right")
JOB_TYPES = tuple(
    job(
        name,
        concurrency=10,
        retries=20,
        backoff=0.2,
        backoff_max=1.0,
        recoveries=20,
        fair_by="userId",
        services=("openai",),
    )(score)
    for name in QUEUES
)
