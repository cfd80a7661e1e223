"""Whether a server's address can be reached from other machines."""

from __future__ import annotations

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a server on this address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
