"""Reads where errors and traces are sent."""

from __future__ import annotations

from importlib.util import find_spec

from .env import Environment


def sentry_dsn(environment: Environment) -> str | None:
    """Return where failed attempts are reported; None for nowhere."""
    dsn = environment.url("SENTRY_DSN", "", ("https", "http"))
    if dsn and find_spec("sentry_sdk") is None:
        environment.problem("SENTRY_DSN", "the Python package sentry-sdk: pip install sentry-sdk")
    return dsn or None


def otlp_endpoint(environment: Environment) -> str | None:
    """Return the collector that traces are sent to; None for nowhere."""
    endpoint = environment.url("OTEL_EXPORTER_OTLP_ENDPOINT", "", ("http", "https"))
    if endpoint and not (find_spec("opentelemetry") and find_spec("opentelemetry.exporter.otlp.proto.http")):
        environment.problem(
            "OTEL_EXPORTER_OTLP_ENDPOINT", "the extra otel; in the checkout: .venv/bin/pip install '.[otel]'"
        )
    return endpoint or None
