"""Traces and error reports, in the extras [otel] and [sentry]."""
