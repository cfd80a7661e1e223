"""Rows of paid requests, in the workers' own table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .client import Database
from .text import storable

# A request is listed again when its unknown cost becomes known, which happens once. So the order in which two
# processes store its records doesn't matter. They write rows in one order, so that they cannot deadlock.
_STORE = """
INSERT INTO preppath_worker_costs (
    "id", queue, "jobId", attempt, step, "userId", model, tier, tokens, "reasoningTokens", seconds,
    characters, "requestId", "nanoDollars", certainty, "requestedAt")
SELECT "id", queue, coalesce(job, ''), attempt, step, "user", model, tier, coalesce(tokens, '{}'),
    coalesce(reasoning, 0), coalesce(seconds, 0), coalesce(characters, 0), "requestId",
    CASE kind WHEN 'void' THEN 0 ELSE nano END, kind, timestamp 'epoch' + "at" * interval '1 millisecond'
FROM jsonb_to_recordset(%s::jsonb) AS call (
    "id" text, queue text, job text, attempt integer, step text, "user" text, model text, tier text,
    tokens jsonb, reasoning bigint, seconds double precision, characters bigint, "requestId" text,
    nano bigint, kind text, "at" bigint)
ORDER BY "id"
ON CONFLICT ("id") DO UPDATE SET
    (model, tier, tokens, "reasoningTokens", seconds, characters, "requestId", "nanoDollars", certainty) =
    (excluded.model, excluded.tier, excluded.tokens, excluded."reasoningTokens", excluded.seconds,
     excluded.characters, excluded."requestId", excluded."nanoDollars", excluded.certainty)
WHERE preppath_worker_costs.certainty = 'unknown' AND excluded.certainty <> 'unknown'
"""


def store_calls(database: Database, calls: Sequence[Mapping[str, Any]]) -> int:
    """Store calls of the ledger, each with its queue, in one transaction; return how many rows changed. Calls
    that are stored already change nothing. Raises what `Database.transaction` does."""
    latest = {
        call["id"]: {
            name: storable(value) if isinstance(value, str) else value for name, value in call.items()
        }
        for call in calls
    }
    with database.transaction() as cursor:
        cursor.execute(_STORE, [json.dumps([*latest.values()])])
        return cursor.rowcount
