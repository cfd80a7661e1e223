"""A plausible evaluation of an answer to an interview question, without a model.

It counts which keywords of the expected answer (or else of the question) occur in the answer, how long the
answer is, and how long its sentences are. The same request always gets the same evaluation, and a better
answer a better one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from preppath_workers.offline.grading.evaluation import Evaluation

#: Stop words; words of up to three letters are ignored too.
_STOP_WORDS = """
about after also because been before being both could does down each ever every from have here into just
like made make many more most much must only other over same should some such than that their them then
there these they this those through under very want were what when where which while will with without
would your
"""

#: Letters of a word that are compared: "index", "indexes" and "indexing" are the same.
_STEM = 5

#: Words of an answer that counts as complete.
_FULL_LENGTH = 60

#: Words of an easy sentence.
_EASY_SENTENCE = 24


def evaluate(request: str) -> Evaluation:
    """Evaluate the answer in a request with parts such as `Question:`, `Expected answer:` and `Answer:`,
    or a block between tags whose name starts with `answer`."""
    parts = _parts(request)
    answer = parts.get("answer", "")
    subject = _subject(parts.get("expected answer") or parts.get("question", ""))
    answered = _subject(answer)
    covered = [word for stem, word in subject.items() if stem in answered]
    missing = [word for stem, word in subject.items() if stem not in answered]
    words = len(answer.split())

    # A good answer uses other words too: half of the keywords give three quarters of the score.
    agreement = 1 - (len(missing) / len(subject)) ** 2 if subject else 0.5
    length = min(1.0, words / _FULL_LENGTH)
    sentences = [part for part in re.split(r"[.!?]+\s", answer) if part.strip()]
    ease = min(1.0, _EASY_SENTENCE * len(sentences) / words) if words else 0.0
    return Evaluation(
        correctness=agreement,
        completeness=(agreement + agreement * length) / 2,
        clarity=0.9 * ease * min(1.0, words / 10),
        feedback=_feedback(covered, missing),
        strengths=_strengths(covered, ease),
        improvements=_improvements(missing, words, ease),
    )


def _parts(request: str) -> Mapping[str, str]:
    block = re.search(r"<(answer[\w-]*)>\s*(.*?)\s*</\1>", request, re.DOTALL | re.IGNORECASE)
    answer = {"answer": block[2]} if block else {}
    rest = request.replace(block[0], "") if block else request
    found = re.split(
        r"^(question|category|difficulty|expected answer|criteria|answer):\s*", rest, flags=re.I | re.M
    )
    return {
        **{name.lower(): text.strip() for name, text in zip(found[1::2], found[2::2], strict=True)},
        **answer,
    }


def _subject(text: str) -> dict[str, str]:
    """The keywords by their stems, in order."""
    stop_words = set(_STOP_WORDS.split())
    stems: dict[str, str] = {}
    for word in re.findall(r"[^\W\d_]{4,}", text.lower()):
        if word not in stop_words:
            stems.setdefault(word[:_STEM], word)
    return stems


def _feedback(covered: Sequence[str], missing: Sequence[str]) -> str:
    if not covered:
        return (
            f"Your answer does not yet speak to the question. Start with {_list(missing or ['an example'])}."
        )
    praise = f"You explain {_list(covered)}, which is what matters here."
    return (
        f"{praise} Go deeper into {_list(missing)}." if missing else f"{praise} Nothing important is missing."
    )


def _strengths(covered: Sequence[str], ease: float) -> list[str]:
    points = [f"Covers {_list(covered)}"] if covered else []
    return points + (["Clear, short sentences"] if covered and ease > 0.8 else [])


def _improvements(missing: Sequence[str], words: int, ease: float) -> list[str]:
    points = [f"Say more about {_list(missing)}"] if missing else []
    points += ["Give an example from your own work"] if words < _FULL_LENGTH else []
    return points + (["Use shorter sentences"] if words and ease < 0.6 else [])


def _list(words: Sequence[str]) -> str:
    first = sorted(words, key=len, reverse=True)[:3]  # long words are rarely verbs
    return " and ".join([", ".join(first[:-1]), first[-1]]) if len(first) > 1 else first[0]
