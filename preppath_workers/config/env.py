"""Reads typed values from environment variables and collects the problems with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from ipaddress import ip_address
from math import inf
from typing import TypeVar
from urllib.parse import SplitResult

from ..errors import ConfigError
from . import urls
from .budget import Cap, Caps
from .model import RateLimit

Value = TypeVar("Value")
Number = TypeVar("Number", int, float)

#: A host name as resolvers accept it (RFC 1035, 2.3.4), also with `_`, which container networks use.
_HOST_NAME = re.compile(r"(?=.{1,253}$)[\w-]{1,63}(\.[\w-]{1,63})*\.?", re.ASCII)


#: Seconds: the longest time that a variable can hold.
_TEN_YEARS = 10 * 365 * 86_400


def _within(number: Number, minimum: float, maximum: float) -> Number:
    """Return the number. Raises ValueError if it is out of range, or NaN."""
    if not minimum <= number <= maximum:
        raise ValueError
    return number


def _or_none(parse: Callable[[str], Value]) -> Callable[[str], Value | None]:
    return lambda text: None if text.lower() == "none" else parse(text)


def has_host(parts: SplitResult) -> bool:
    """Return whether the URL has a host that can be looked up. Raises ValueError for some invalid hosts.

    With an invalid host, libraries raise errors of various kinds, and only when the first job connects.
    """
    host = parts.hostname or ""
    if parts.port == 0:
        return False
    if ":" in host:
        is_bare = parts.netloc.rpartition("@")[2].startswith("[")
        return is_bare and bool(ip_address(host))  # raises ValueError
    # Python's IDNA is of 2003 and accepts symbols, which that of 2008 in HTTP libraries refuses.
    if not all(letter.isascii() or letter.isalnum() for letter in host):
        return False
    return _HOST_NAME.fullmatch(host.encode("idna").decode("ascii")) is not None


def read_part(variables: Mapping[str, str | None], part: Callable[[Environment], Value]) -> Value:
    """Return what `part` reads from the variables. Raises ConfigError with all of its problems."""
    environment = Environment(variables)
    value = part(environment)
    environment.raise_problems()
    return value


class Environment:
    """Typed access to variables.

    A wrong value is recorded as a problem and replaced by the default, so that one pass finds all problems;
    `raise_problems` ends the pass. An empty variable counts as not set.
    """

    def __init__(self, variables: Mapping[str, str | None]) -> None:
        self._variables = variables
        #: The first problem of each variable.
        self._problems: dict[str, str] = {}

    def raise_problems(self) -> None:
        """Raise ConfigError if there are problems."""
        if self._problems:
            raise ConfigError(*self._problems.values())

    def problem(self, name: str, expected: str) -> None:
        """Record that the variable is wrong or not set. Its value is not repeated: it may be a secret."""
        if self._variables.get(name):
            state, hint = "is wrong", ""
        else:
            state, hint = "is not set", self._hint(name)
        self._problems.setdefault(name, f"{name} {state}: expected {expected}{hint}")

    def _hint(self, name: str) -> str:
        from .spelling import most_alike  # lazy: difflib is only needed if something is missing

        similar = most_alike(name, (other for other in self._variables if other != name))
        return f"; is {similar} misspelt?" if similar else ""

    def text(self, name: str, default: str = "") -> str:
        """Return the value as it is. Values that are not UTF-8 or are in quotes are problems."""
        value = self._variables.get(name) or default
        if not value.isascii() and value.encode(errors="ignore").decode() != value:
            # Bytes that are not UTF-8 are surrogates here.
            self.problem(name, "UTF-8 text")
            return default
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" and not name.endswith("PASSWORD"):
            # `docker run --env-file` keeps quotes; only a password may contain them.
            self.problem(name, f"a value without {value[0]} around it")
            return default
        return value

    def required(self, name: str, expected: str) -> str:
        """Return the value; a missing or blank value is a problem."""
        value = self.text(name)
        if not value.strip():
            self.problem(name, expected)
        return value

    def integer(self, name: str, default: int, minimum: int, maximum: int | None = None) -> int:
        """Return a whole number from `minimum` to `maximum`."""
        expected = f"a whole number of {minimum} or more"
        if maximum is not None:
            expected = f"a whole number from {minimum} to {maximum}"
        most = inf if maximum is None else maximum
        return self._parsed(name, default, lambda text: _within(int(text), minimum, most), expected)

    def integer_or_none(self, name: str, minimum: int) -> int | None:
        """Return a whole number of `minimum` or more, or None for `none`."""
        expected = f"a whole number of {minimum} or more, or none"
        return self._parsed(name, None, _or_none(lambda text: _within(int(text), minimum, 10**12)), expected)

    def seconds(self, name: str, default: float, minimum: float) -> float:
        """Return a number of seconds, `minimum` or more and at most ten years."""
        expected = f"a number of seconds, {minimum:g} or more and at most ten years"
        return self._parsed(name, default, lambda text: _within(float(text), minimum, _TEN_YEARS), expected)

    def fraction(self, name: str, default: float) -> float:
        """Return a number from 0 to 1."""
        return self._parsed(name, default, lambda text: _within(float(text), 0, 1), "a number from 0 to 1")

    def flag(self, name: str, default: bool) -> bool:
        """Return whether the value is 1, true, yes or on."""
        words = {"1": True, "true": True, "yes": True, "on": True}
        words |= {"0": False, "false": False, "no": False, "off": False}
        return self._parsed(name, default, lambda text: words[text.lower()], "true or false")

    def choice(self, name: str, default: str, choices: Collection[str]) -> str:
        """Return one of the choices, in lower case."""
        words = {word: word for word in choices}
        return self._parsed(name, default, lambda text: words[text.lower()], "one of " + ", ".join(choices))

    def url(
        self,
        name: str,
        default: str,
        schemes: Collection[str],
        fits: Callable[[SplitResult], bool] = has_host,
        more: str = "",
    ) -> str:
        """Return a URL of one of the schemes that `fits`; `more` describes what else `fits` requires."""

        beginnings = tuple(f"{scheme}://" for scheme in schemes)

        def parse(text: str) -> str:
            parts = urls.split(text)
            # An unescaped # in a password begins the fragment, and the host would be wrong.
            if not text.startswith(beginnings) or parts.fragment:
                raise ValueError
            if not text.isprintable() or not fits(parts):
                raise ValueError
            return text

        return self._parsed(name, default, parse, f"a URL that starts with {' or '.join(beginnings)}{more}")

    def pattern(self, name: str, default: str, pattern: str, expected: str) -> str:
        """Return a value that matches the whole pattern."""

        def parse(text: str) -> str:
            if not re.fullmatch(pattern, text):
                raise ValueError
            return text

        return self._parsed(name, default, parse, expected)

    def rate_limit(self, name: str, default: RateLimit | None) -> RateLimit | None:
        """Return a rate limit such as `10/60`, or None for `none`."""
        expected = "starts per seconds, such as 10/60, or none"
        return self._parsed(name, default, _or_none(RateLimit.parse), expected)

    def cap(self, name: str) -> Cap:
        """Return a cap of spending such as `20` or `20/15`, in dollars."""
        expected = "dollars such as 20, 20/15 (reported from 15 on), or none/15"
        return self._parsed(name, Cap(), Cap.parse, expected)

    def caps(self, prefix: str) -> Caps:
        """Return the caps of a day and of a month, from the variables `<prefix>_DAY` and `<prefix>_MONTH`."""
        return Caps(self.cap(f"{prefix}_DAY"), self.cap(f"{prefix}_MONTH"))

    def _parsed(self, name: str, default: Value, parse: Callable[[str], Value], expected: str) -> Value:
        text = self.text(name).strip()
        if not text:
            return default
        try:
            return parse(text)
        except (ValueError, KeyError):
            self.problem(name, expected)
            return default
