"""Chat completions of the OpenAI-compatible server, used through OpenAI's own SDK."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

pytestmark = pytest.mark.trial

SAID = "An index is a sorted tree. It makes reads fast and writes slow."

QUESTION = """\
Question:
What is an index of a database?

Expected answer:
A sorted structure, such as a tree, that finds rows without a scan of the table. Writes become slower.

<answer-1>
{answer}
</answer-1>"""


def strict(schema: dict[str, Any]) -> Any:
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


def an_object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


EVALUATION = an_object(
    correctness={"type": "number", "minimum": 0, "maximum": 10},
    completeness={"type": "number", "minimum": 0, "maximum": 10},
    clarity={"type": "number", "minimum": 0, "maximum": 10},
    feedback={"type": "string"},
    strengths={"type": "array", "items": {"type": "string"}},
    improvements={"type": "array", "items": {"type": "string"}},
)


def ask(client: openai.OpenAI, text: str, model: str = "gpt-6-luna", **parameters: Any) -> Any:
    """Return the JSON that the model answers."""
    messages: Any = [{"role": "system", "content": "Answer in JSON."}, {"role": "user", "content": text}]
    completion = client.chat.completions.create(model=model, messages=messages, **parameters)
    return json.loads(completion.choices[0].message.content or "")


def test_chat_with_the_evaluation_schema_scores_the_answer(client: openai.OpenAI) -> None:
    answer = ask(client, QUESTION.format(answer=SAID), response_format=strict(EVALUATION))
    assert answer.keys() == set(EVALUATION["properties"])
    assert all(0 < answer[score] <= 10 for score in ("correctness", "completeness", "clarity"))
    assert "sorted" in answer["feedback"]
    assert answer["strengths"]
    assert answer["improvements"]


def test_chat_with_the_same_request_answers_the_same(client: openai.OpenAI) -> None:
    request = QUESTION.format(answer=SAID)
    first, second = (ask(client, request, response_format=strict(EVALUATION)) for _ in range(2))
    assert first == second


def test_chat_scores_a_better_answer_higher(client: openai.OpenAI) -> None:
    answers = ("", "I have no idea.", "It is a tree.", SAID)
    scores = [
        sum(
            ask(client, QUESTION.format(answer=answer), response_format=strict(EVALUATION))[score]
            for score in ("correctness", "completeness", "clarity")
        )
        for answer in answers
    ]
    assert scores == sorted(set(scores))
    assert scores[0] == 0


def test_chat_with_any_schema_fills_it(client: openai.OpenAI) -> None:
    schema = an_object(
        level={"type": "string", "enum": ["low", "high"]},
        count={"type": "integer", "minimum": 3, "maximum": 5},
        above={"type": "integer", "exclusiveMinimum": 7, "maximum": 8},
        share={"type": "number", "minimum": 0, "maximum": 1},
        sure={"type": "boolean"},
        maybe={"type": ["string", "null"]},
        either={"anyOf": [{"type": "null"}, {"type": "integer", "maximum": -1}]},
        code={"type": "string", "minLength": 30, "maxLength": 40},
        points={"type": "array", "minItems": 2, "items": {"$ref": "#/$defs/point"}},
    )
    schema["$defs"] = {"point": an_object(name={"type": "string"})}
    answer = ask(client, "Anything.", response_format=strict(schema))
    assert answer["level"] == "low"
    assert 3 <= answer["count"] <= 5
    assert answer["above"] == 8
    assert 0 <= answer["share"] <= 1
    assert answer["sure"] is True
    assert isinstance(answer["maybe"], str)
    assert answer["either"] <= -1
    assert 30 <= len(answer["code"]) <= 40
    assert [point.keys() for point in answer["points"]] == [{"name"}, {"name"}]


def test_chat_with_json_object_answers_an_object(client: openai.OpenAI) -> None:
    answer = ask(client, QUESTION.format(answer=SAID), response_format={"type": "json_object"})
    assert answer.keys() == set(EVALUATION["properties"])


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        {**an_object(a={"type": "string"}), "required": []},
        an_object(inner={"type": "object", "properties": {}}),
        an_object(inner={"type": "array", "items": {"type": "object", "properties": {}}}),
    ],
)
def test_chat_with_an_open_strict_schema_is_refused(client: openai.OpenAI, schema: dict[str, Any]) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        ask(client, "Anything.", response_format=strict(schema))
    assert refused.value.param == "response_format"


@pytest.mark.parametrize("parameter", ["temperature", "top_p", "max_tokens"])
def test_chat_with_a_sampling_parameter_for_a_reasoning_model_is_refused(
    client: openai.OpenAI, parameter: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        ask(client, "Anything.", "gpt-6-luna", **{parameter: 1})
    assert (refused.value.code, refused.value.param) == ("unsupported_parameter", parameter)


def test_chat_with_temperature_and_no_reasoning_is_answered(client: openai.OpenAI) -> None:
    wanted = {"response_format": strict(EVALUATION), "temperature": 0.2, "reasoning_effort": "none"}
    assert ask(client, "Anything.", **wanted)


def test_chat_answer_has_usage_and_finish_reason(client: openai.OpenAI) -> None:
    messages: Any = [{"role": "user", "content": [{"type": "text", "text": "twelve chars"}]}]
    completion = client.chat.completions.create(model="gpt-6-sol", messages=messages)
    assert completion.id.startswith("chatcmpl-")
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage is not None
    assert completion.usage.prompt_tokens == 3
    assert completion.usage.total_tokens == 3 + completion.usage.completion_tokens
