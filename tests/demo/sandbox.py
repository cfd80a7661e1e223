"""The demo's process without the variables of its user."""

from __future__ import annotations

import os
import re

from tests.support.process import ROOT

#: Variables that libpq and boto3 read, by prefix; the product's own are those of `.env.example`.
_FOREIGN = re.compile(r"AWS_|PG[A-Z]")


def enter_sandbox(keeps_openai: bool) -> None:
    """Remove the variables from this process that would override the demo's configuration. OpenAI's stay if
    OpenAI is used."""
    ours = re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.M)
    for name in [name for name in os.environ if name in ours or _FOREIGN.match(name)]:
        if not (keeps_openai and (name.startswith("OPENAI_") or name == "SSL_CERT_FILE")):
            del os.environ[name]
    # A proxy may lead to OpenAI, never to loopback.
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1,localhost"]))
