"""Splits URLs that may name several hosts."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit


def split(url: str) -> SplitResult:
    """Return the URL's parts. Raises ValueError for a single host that isn't one.

    Since 3.11.12, 3.12.9 and 3.13.2 Python refuses an address of IPv6 among several hosts (CVE-2025-0938).
    """
    scheme, separator, rest = url.partition("://")
    ends = min((rest.find(mark) for mark in "/?#" if mark in rest), default=len(rest))
    netloc = rest[:ends]
    if "," not in netloc:
        return urlsplit(url)
    return urlsplit(f"{scheme}{separator}{rest[ends:]}")._replace(netloc=netloc)
