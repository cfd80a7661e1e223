"""The check of the web process, in a container of its own beside the workers'."""

from __future__ import annotations

import re
from contextlib import closing
from socket import create_server
from typing import TYPE_CHECKING

from tests.nspawn.site import Site

from .image import IMAGE

if TYPE_CHECKING:
    from .checks import Checks


def serves(checks: Checks) -> str:
    """The web process, with tokens, by the README's line"""
    with closing(create_server(("127.0.0.1", 0))) as reserved:
        port = str(reserved.getsockname()[1])
    command = ("web", "--host", "0.0.0.0", "--port", port)  # noqa: S104 -- as a published port needs
    variables = checks.running_servers.variables()
    refused = checks.podman.once(IMAGE, *command, variables=variables)
    assert (refused.returncode, "WEB_TOKENS" in refused.stderr) == (78, True), refused
    made = checks.podman.once(IMAGE, "web", "--new-token", "trial", "--scopes", "read,enqueue,admin").stdout
    found = re.fullmatch(r"token .*: (\S+)\nentry of WEB_TOKENS: (\S+)\n", made)
    assert found, made
    token, entry = found.groups()
    with checks.podman.container(IMAGE, variables | {"WEB_TOKENS": entry}, *command) as container:
        container.start()
        seen = Site(f"http://127.0.0.1:{port}", token).answers(checks.running_servers.queue("tts"))
        users = {user for _, user, _, _ in container.processes()}
        assert users <= {"10001", "preppath"}, users
        container.signal("TERM")
        code, log = container.exit_code(15), container.log()
    assert code == 0, (code, log)
    assert token not in log
    assert entry.rpartition(":")[2] not in log
    return f"78 without tokens; {seen}; TERM ends it with 0, no token in its log"
