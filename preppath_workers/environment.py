"""Reads typed values out of environment variables and remembers everything that was wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar
from urllib.parse import urlsplit

from .errors import ConfigError
from .settings import RateLimit

Value = TypeVar("Value")


class Environment:
    """Typed access to variables. A wrong value is noted as a problem and its default used in its place, so
    that one pass finds all of them; `raise_problems` ends the pass.

    An empty variable counts as one that is not set, as in `.env` files that list every name.
    """

    def __init__(self, variables: Mapping[str, str | None]) -> None:
        self._variables = variables
        self._problems: list[str] = []

    def raise_problems(self) -> None:
        """Raises ConfigError with every problem met so far, if there was one."""
        if self._problems:
            raise ConfigError(*self._problems)

    def problem(self, name: str, expected: str) -> None:
        """Notes that the variable is not as expected. Its value is never repeated: it may be a secret."""
        state = "is wrong" if self._variables.get(name) else "is not set"
        self._problems.append(f"{name} {state}: expected {expected}")

    def text(self, name: str, default: str = "") -> str:
        return self._variables.get(name) or default

    def required(self, name: str, expected: str) -> str:
        value = self.text(name)
        if not value.strip():
            self.problem(name, expected)
        return value

    def integer(self, name: str, default: int, minimum: int, maximum: int | None = None) -> int:
        expected = f"a whole number of {minimum} or more"
        if maximum is not None:
            expected = f"a whole number from {minimum} to {maximum}"

        def parse(text: str) -> int:
            number = int(text)
            if number < minimum or (maximum is not None and number > maximum):
                raise ValueError
            return number

        return self._parsed(name, default, parse, expected)

    def seconds(self, name: str, default: float, minimum: float) -> float:
        def parse(text: str) -> float:
            number = float(text)
            if not minimum <= number <= 10 * 365 * 86_400:  # excludes NaN and infinity too
                raise ValueError
            return number

        return self._parsed(name, default, parse, f"a number of seconds, {minimum:g} or more")

    def flag(self, name: str, default: bool) -> bool:
        words = {"1": True, "true": True, "yes": True, "on": True}
        words |= {"0": False, "false": False, "no": False, "off": False}
        return self._parsed(name, default, lambda text: words[text.lower()], "true or false")

    def choice(self, name: str, default: str, choices: Collection[str]) -> str:
        def parse(text: str) -> str:
            if text.lower() not in choices:
                raise ValueError
            return text.lower()

        return self._parsed(name, default, parse, "one of " + ", ".join(choices))

    def url(self, name: str, default: str, schemes: Collection[str]) -> str:
        """A URL of one of the schemes, with a host (or, for unix sockets, a path)."""

        def parse(text: str) -> str:
            parts = urlsplit(text)
            if parts.scheme not in schemes or not (parts.hostname or parts.scheme == "unix"):
                raise ValueError
            _ = parts.port  # raises ValueError where it is no number
            return text

        return self._parsed(
            name, default, parse, "a URL that starts with " + " or ".join(f"{s}://" for s in schemes)
        )

    def pattern(self, name: str, default: str, pattern: str, expected: str) -> str:
        def parse(text: str) -> str:
            if not re.fullmatch(pattern, text):
                raise ValueError
            return text

        return self._parsed(name, default, parse, expected)

    def rate_limit(self, name: str, default: RateLimit | None) -> RateLimit | None:
        def parse(text: str) -> RateLimit | None:
            if text.lower() == "none":
                return None
            maximum, duration = text.split("/")
            limit = RateLimit(int(maximum), float(duration))
            if not (1 <= limit.max <= 1_000_000 and 0.001 <= limit.duration <= 31 * 86_400):
                raise ValueError
            return limit

        return self._parsed(name, default, parse, "starts per seconds, such as 10/60, or none")

    def _parsed(self, name: str, default: Value, parse: Callable[[str], Value], expected: str) -> Value:
        text = self.text(name).strip()
        if not text:
            return default
        try:
            return parse(text)
        except (ValueError, KeyError):
            self.problem(name, expected)
            return default
