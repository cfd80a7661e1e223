"""The first lines: what is about to be seen, and what of it is not real."""

from __future__ import annotations

import os

from .screen import Screen

_WITH_OUR_SERVER = """\
All on loopback. The OpenAI-compatible server is none of OpenAI's: it can not
listen and reads the transcript that a recording carries, it scores answers by
a simple rule (which words come up), and it speaks with eSpeak NG. Two of its
answers are errors on purpose. Set OPENAI_API_KEY to use OpenAI instead.
"""

_WITH_OPENAI = """\
OPENAI_API_KEY is set, so OpenAI is used, and charges for 16 small requests.
Redis, PostgreSQL and S3 are on loopback. Recordings are spoken by eSpeak NG.
"""


def introduce(screen: Screen) -> None:
    """Shows them."""
    screen.say(("preppath-workers: one interview through three queues", "bold"))
    if os.environ.get("OPENAI_API_KEY"):
        first, *rest = _WITH_OPENAI.splitlines()
        screen.say((first, "yellow"))
    else:
        rest = _WITH_OUR_SERVER.splitlines()
    for line in [*rest, ""]:
        screen.say(line)
