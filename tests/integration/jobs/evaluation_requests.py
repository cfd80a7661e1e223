"""Evaluations as OpenAI gets and answers them."""

from __future__ import annotations

from tests.fake_openai.control import OpenAIServer

PATH = "/v1/chat/completions"
REPLY = {
    "correctness": 8,
    "completeness": 6,
    "clarity": 9.5,
    "feedback": "Good, but name one more.",
    "strengths": ["Clear", "Short"],
    "improvements": ["Name one more"],
}


def tiers(vendor: OpenAIServer) -> list[str | None]:
    """Return the service tier of each request, None for the default."""
    return [call["body"].get("service_tier") for call in vendor.calls(PATH)]
