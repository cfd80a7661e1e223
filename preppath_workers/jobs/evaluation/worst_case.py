"""The most that evaluations can use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...clients.openai import worst_case
from ...clients.services import Services
from ...clients.usage import Usage
from ...errors import InvalidJob, PermanentError
from ..validation import identifier, text
from . import MAX_ANSWER, prompt, records


def worst_cases(datas: Sequence[dict[str, Any]], services: Services) -> Iterator[Sequence[Usage]]:
    """Yield the most that the requests of each job can use; none for a job that will be refused. Raises what
    the database raises."""
    config = services.openai.config
    with services.database.transaction() as cursor:
        for data in datas:
            try:
                ids = (identifier(data, name) for name in ("questionId", "interviewId", "userId"))
                answer = text(data, "answer", MAX_ANSWER)
                question = records.find_question(cursor, *ids)
                # Without a user, the interview does not exist.
                described = prompt.described(question) if question and question["userId"] else None
            except (InvalidJob, PermanentError):
                described = None
            if described is None:
                yield []
                continue
            texts = [str(message.get("content")) for message in prompt.messages(described, answer)]
            tokens, tier = config.evaluation_max_tokens, config.evaluation_service_tier
            yield [worst_case.chat(config.evaluation.model, texts, prompt.SCHEMA, tokens, tier)]
