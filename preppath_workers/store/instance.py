"""The name of an instance: `<host>-<pid>-<nonce>`."""

from __future__ import annotations

import os
import re
import secrets
import socket


def new_name() -> str:
    """Return a name for this process that is never used again: pids and host names may be."""
    return f"{_host()}-{os.getpid()}-{secrets.token_hex(3)}"


def is_local(instance: str) -> bool:
    """Whether this instance, or the instance of this worker id, is on this host."""
    return re.match(re.escape(_host()) + r"-[0-9]+-[0-9a-f]{6}(:|$)", instance) is not None


def _host() -> str:
    """Return the host's name with characters that are safe in a key."""
    return re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())
