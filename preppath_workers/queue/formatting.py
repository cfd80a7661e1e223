"""Numbers, times and time spans as text."""

from __future__ import annotations

from datetime import UTC, datetime


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return `1 worker`, `2 workers`, `1,234 jobs`. `plural`: if it isn't the noun with an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def span(ms: float) -> str:
    """Return `40 ms`, `9 s`, `2 min 5 s`, `3 h 20 min`, `2 days 4 h`."""
    if ms < 1000:
        return f"{ms:.0f} ms"
    seconds = round(ms / 1000)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return _two(seconds, (60, "min"), (1, "s"))
    if seconds < 86_400:
        return _two(seconds, (3600, "h"), (60, "min"))
    return _two(seconds, (86_400, "day" if seconds < 2 * 86_400 else "days"), (3600, "h"))


def _two(seconds: int, unit: tuple[int, str], part: tuple[int, str]) -> str:
    whole, rest = divmod(seconds, unit[0])
    return f"{whole} {unit[1]}" + (f" {rest // part[0]} {part[1]}" if rest // part[0] else "")


def moment(ms: int, now: int) -> str:
    """Return `2026-11-24 09:12:03 (3 min ago)`, local time; `(in 3 min)` for the future."""
    try:
        local = datetime.fromtimestamp(ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):  # a value edited in Redis
        return str(ms)
    return f"{local} ({span(now - ms)} ago)" if ms <= now else f"{local} (in {span(ms - now)})"
