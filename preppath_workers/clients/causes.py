"""What is behind the errors of client libraries, which wrap an OSError in errors of their own."""

from __future__ import annotations

from collections.abc import Iterator


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and its causes."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        # httpcore drops the cause of its errors and keeps it as their argument.
        argument = next((each for each in link.args if isinstance(each, BaseException)), None)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__) or argument


def described(error: BaseException) -> str:
    """Return the error's class, and what the system or TLS says of its cause: never the library's own words,
    which can quote a request with its key or its URL."""
    for cause in causes(error):
        if isinstance(cause, OSError) and cause.errno is not None and cause.strerror:
            return f"{type(error).__name__}: {cause.strerror}"
    return type(error).__name__
