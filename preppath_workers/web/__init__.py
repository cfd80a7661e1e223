"""The status API and metrics: an optional process over HTTP, in the extra [web]. See the README beside it."""
