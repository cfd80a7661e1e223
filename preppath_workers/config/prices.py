"""What vendors charge, from a TOML file; its comments describe the form. Costs are integer nano-dollars."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from stat import S_ISREG
from types import MappingProxyType
from typing import Any

from ..errors import ConfigError

#: Nano-dollars of a dollar.
NANO = 10**9

#: Kinds of tokens, and the kind whose price applies to one that has none.
TOKEN_KINDS: Mapping[str, str] = {
    "input": "",
    "cached": "input",
    "cache_write": "input",
    "output": "",
    "audio_input": "",
    "audio_cached": "audio_input",
    "audio_output": "",
}

_PACKAGED = Path(__file__).with_name("prices.toml")
#: The date that ends the name of a model's snapshot.
_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")
#: The largest price and factor: far above any, far below what an integer of 64 bits holds.
_LARGEST = Decimal(1_000_000)
_NO_TIERS: Mapping[str, Decimal] = MappingProxyType({})


@dataclass(frozen=True)
class ModelPrice:
    """The price of one model, in nano-dollars per token, per minute or per character."""

    tokens: Mapping[str, Decimal] = field(default_factory=dict)
    minute: Decimal | None = None
    character: Decimal | None = None
    tiers: Mapping[str, Decimal] = field(default_factory=lambda: _NO_TIERS)
    #: Input tokens above which a request costs `long_input` and `long_output` times as much.
    long_above: int | None = None
    long_input: Decimal = Decimal(1)
    long_output: Decimal = Decimal(1)

    def cost(self, tier: str, tokens: Mapping[str, int], seconds: Decimal, characters: int) -> int | None:
        """Return the cost, rounded up; None without a price for it, or if what is priced is not reported."""
        if not self._is_free and not self._is_measured(tokens, seconds, characters):
            return None
        factor = Decimal(1) if tier in ("default", "standard") else self.tiers.get(tier)
        if self.minute is not None:
            amount: Decimal | None = seconds * self.minute / 60
        elif self.character is not None:
            amount = characters * self.character
        else:
            amount = self._of_tokens(tokens)
        if amount is None or factor is None:
            return None
        return int((amount * factor).to_integral_value(ROUND_CEILING))

    @property
    def _is_free(self) -> bool:
        return not (self.minute or self.character or any(self.tokens.values()))

    def _is_measured(self, tokens: Mapping[str, int], seconds: Decimal, characters: int) -> bool:
        has_tokens = any(tokens.values())
        priced = seconds if self.minute else characters if self.character else has_tokens
        return bool(priced) or not (has_tokens or seconds or characters)

    def _of_tokens(self, tokens: Mapping[str, int]) -> Decimal | None:
        inputs = sum(count for kind, count in tokens.items() if "output" not in kind)
        is_long = self.long_above is not None and inputs > self.long_above
        amount = Decimal(0)
        for kind, count in tokens.items():
            price = self.tokens.get(kind, self.tokens.get(TOKEN_KINDS.get(kind, "")))
            if not count:
                continue
            if price is None:
                return None
            if is_long:
                price *= self.long_output if "output" in kind else self.long_input
            amount += count * price
        return amount


@dataclass(frozen=True)
class Prices:
    """The prices of all known models."""

    models: Mapping[str, ModelPrice]

    def of(self, model: str) -> ModelPrice | None:
        """Return the price of a model or of its snapshot, None if it is unknown."""
        return self.models.get(model) or self.models.get(_SNAPSHOT.sub("", model))

    def cost(
        self,
        model: str,
        tier: str = "default",
        tokens: Mapping[str, int] = MappingProxyType({}),
        seconds: Decimal = Decimal(0),
        characters: int = 0,
    ) -> int | None:
        """Return the nano-dollars of a request; None if it has no known price."""
        price = self.of(model)
        return price.cost(tier, tokens, seconds, characters) if price else None


def load_prices(path: Path | None = None) -> Prices:
    """Return the packaged prices, overridden by those in the file. Raises ConfigError."""
    if path is None:
        return _packaged()
    try:
        return Prices({**_packaged().models, **_read(path)})
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error


@cache
def _packaged() -> Prices:
    return Prices(_read(_PACKAGED))


def _read(path: Path) -> dict[str, ModelPrice]:
    import tomllib  # most commands need no prices

    if not S_ISREG(path.stat().st_mode):
        raise ValueError("it is not a file")  # a pipe that is read again is empty, or blocks
    models = tomllib.loads(path.read_text(encoding="utf-8")).get("models", {})
    return {name: _model(name, entry) for name, entry in models.items()}


def _model(name: str, entry: Mapping[str, Any]) -> ModelPrice:
    unknown = entry.keys() - {"tokens", "minute", "characters", "tiers", "long"}
    tokens = entry.get("tokens", {})
    long = entry.get("long", {})
    unknown |= (tokens.keys() - TOKEN_KINDS.keys()) | (long.keys() - {"above", "input", "output"})
    if unknown:
        raise ValueError(f"model {name} has an unknown field {min(unknown)}")
    if len({"tokens", "minute", "characters"} & entry.keys()) != 1:
        raise ValueError(f"model {name} needs exactly one of tokens, minute and characters")
    above = long.get("above")
    if long and (not isinstance(above, int) or above < 1):
        raise ValueError(f"model {name} has a long price above {above!r}: expected a number of tokens")
    minute, characters = entry.get("minute"), entry.get("characters")
    return ModelPrice(
        tokens={kind: _number(name, price) * NANO / 1_000_000 for kind, price in tokens.items()},
        minute=None if minute is None else _number(name, minute) * NANO,
        character=None if characters is None else _number(name, characters) * NANO / 1_000_000,
        tiers={tier: _number(name, factor) for tier, factor in entry.get("tiers", {}).items()},
        long_above=above,
        long_input=_number(name, long.get("input", "1")),
        long_output=_number(name, long.get("output", "1")),
    )


def _number(model: str, value: Any) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal(-1)
    if not number.is_finite() or not 0 <= number <= _LARGEST:
        raise ValueError(f"model {model} has a price or factor {value!r}: expected a number of 0 or more")
    return number


def dollars(nano: int) -> str:
    """Return nano-dollars as text, exact, with at least two decimals: `$0.0123`."""
    sign, (whole, rest) = "-" if nano < 0 else "", divmod(abs(nano), NANO)
    return f"{sign}${whole}.{f'{rest:09}'.rstrip('0'):0<2}"
