"""What an error answer of Redis means, by its code: the answer's first word."""

from __future__ import annotations

import re

from redis.exceptions import AuthenticationError, BusyLoadingError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

#: This connection leads to a server that cannot be written to, or that does not have these keys. The next
#: try needs a new one: the same address may lead to another server by then.
_WRONG_SERVER = frozenset(
    (
        *("READONLY", "UNBLOCKED", "MASTERDOWN", "LOADING", "NOREPLICAS", "MISCONF"),
        *("MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN"),
        *("NOAUTH", "DENIED"),
    )
)

#: What a failover doesn't cure.
_LASTING = frozenset(("NOAUTH", "DENIED", "MISCONF"))

#: The server refuses whatever it is asked, for now.
_SERVER_WIDE = _WRONG_SERVER | {"BUSY", "WRONGPASS"}

#: What a server that refuses commands says about itself, or about the Cluster.
_MEANINGS = {
    "READONLY": "this server is a replica: another one is the primary",
    "UNBLOCKED": "this server has become a replica: another one is the primary now",
    "MASTERDOWN": "this server is a replica and has lost its primary",
    "LOADING": "this server is still loading its data",
    "NOREPLICAS": "too few replicas are connected (min-replicas-to-write)",
    "MISCONF": "this server cannot save its data to disk",
    "OOM": "this server has used all of its memory (maxmemory)",
    "BUSY": "this server is running a slow script",
    "MOVED": "another node of the Cluster has this queue",
    "ASK": "the Cluster is moving this queue to another node, jobs start again when it has arrived",
    "TRYAGAIN": "the Cluster is moving this queue to another node, jobs start again when it has arrived",
    "CLUSTERDOWN": "the Cluster is down: nodes have failed, or hash slots belong to no node",
    "CROSSSLOT": "the keys belong to different nodes of the Cluster",
    "NOAUTH": "this server wants a password",
    "DENIED": "this server has no password, so it serves its own machine only (protected-mode)",
    "WRONGPASS": "this server doesn't know the user or the password",
    "NOPERM": "the user has too few rights (ACL)",
}

#: What the server says of a command that is too large for it, whatever its state.
_TOO_LARGE = (
    "Protocol error: invalid bulk length",
    "Protocol error: too big bulk count string",
    "string exceeds maximum allowed size",
)

#: What the server says of a long command before it knows the user, in place of NOAUTH.
_NOT_LOGGED_IN = ("Protocol error: unauthenticated", "ERR Protocol error: unauthenticated")

#: Redis 6 wraps what a command inside a script is answered: "Error running script (call to f_…): …: -OOM …".
_IN_SCRIPT = re.compile(r"(?:ERR )?Error running script .*?: -(?=([A-Z]+) )", re.DOTALL)


def code_of(error: RedisError) -> str:
    """The answer's code, such as `READONLY`; empty if the error is not an answer of the server."""
    if not is_refusal(error):
        return ""
    text = str(error)
    if text.startswith(_NOT_LOGGED_IN):
        return "NOAUTH"
    if inner := _IN_SCRIPT.match(text):
        return inner[1]
    # Some of redis-py's classes keep the code apart from the text.
    code = getattr(error, "status_code", None) or text.partition(" ")[0]
    return code if code.isupper() and code.isalpha() else "ERR"


def is_refusal(error: RedisError) -> bool:
    """Whether the server answered, with an error. Otherwise there was no answer, or none to be read."""
    return isinstance(error, (ResponseError, BusyLoadingError, AuthenticationError))


def words_of(error: RedisError) -> str:
    """Return the server's words without the script and the line in it that met the error."""
    return _IN_SCRIPT.sub("", str(error), count=1).partition(" script: ")[0]


def meaning_of(error: RedisError) -> str:
    """Return what a refusal means, the same for all versions of Redis; empty if unknown."""
    return _MEANINGS.get(code_of(error), "")


def described(error: RedisError) -> str:
    """The error; if its meaning is known, that and the first sentence of the error."""
    meaning = meaning_of(error)
    return f"{meaning} ({words_of(error).partition('. ')[0]})" if meaning else words_of(error)


def summary_of(error: RedisError, detail: str | None = None) -> str:
    """Return what keeps Redis from doing something, as a sentence; `detail` replaces its words."""
    summary = "Redis refuses the command" if is_refusal(error) else "Redis does not answer"
    return f"{summary}: {described(error) if detail is None else detail}"


def is_wrong_server(error: RedisError) -> bool:
    """Whether the connection has to be closed, because another server may be behind the address now."""
    return code_of(error) in _WRONG_SERVER


def is_passing(error: RedisError) -> bool:
    """Whether the same command may succeed soon, as when a failover is under way or a slow script runs."""
    if not is_refusal(error):
        return isinstance(error, (RedisConnectionError, RedisTimeoutError))
    return code_of(error) in (_WRONG_SERVER - _LASTING) | {"BUSY"}


def is_out_of_memory(error: RedisError) -> bool:
    """Whether the server refuses commands that need memory, while others go on."""
    return code_of(error) == "OOM"


def redirection(error: RedisError) -> tuple[str, int] | None:
    """Return the host and port that a node of a Cluster redirects to for good (MOVED); None for other errors,
    and for a node without a known address."""
    if code_of(error) != "MOVED":
        return None
    host, _, port = str(error).rpartition(" ")[2].rpartition(":")
    return (host, int(port)) if host not in ("", "?") and port.isdigit() else None


def is_server_wide(error: RedisError) -> bool:
    """Whether any other command of ours would be refused as well."""
    return code_of(error) in _SERVER_WIDE


def is_too_large(error: RedisError) -> bool:
    """Whether the server refuses this very command for its size: sent again, it is refused again."""
    return isinstance(error, ResponseError) and any(words in str(error) for words in _TOO_LARGE)


def eviction(policy: str) -> str | None:
    """Return what is wrong with this `maxmemory-policy`; None if it evicts nothing or is unknown (empty)."""
    if policy in ("", "noeviction"):
        return None
    return f"Redis may evict jobs: maxmemory-policy is {policy}, set it to noeviction"
