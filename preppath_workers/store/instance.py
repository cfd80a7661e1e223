"""The name of an instance: `<host>-<pid>-<nonce>`."""

from __future__ import annotations

import os
import re
import secrets
import socket


def new_name() -> str:
    """A name for this process that no other ever has: a pid comes again, and so may a host's name."""
    return f"{_host()}-{os.getpid()}-{secrets.token_hex(3)}"


def is_local(instance: str) -> bool:
    """Whether this instance, or the owner of a slot of it, is on this host."""
    return re.match(re.escape(_host()) + r"-[0-9]+-[0-9a-f]{6}(:|$)", instance) is not None


def _host() -> str:
    """The host's name, as far as it may stand in a key."""
    return re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())
