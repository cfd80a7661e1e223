"""Fixtures for the tests of the OpenAI-compatible server."""

from __future__ import annotations

import openai
import pytest

from tests.fake_openai.control import OpenAIServer


@pytest.fixture
def client(vendor: OpenAIServer) -> openai.OpenAI:
    return openai.OpenAI(api_key="sk-test", base_url=vendor.base_url, max_retries=0, timeout=10)
