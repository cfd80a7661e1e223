"""The option --keep: commands to look around with while everything keeps running."""

from __future__ import annotations

import json
import shlex
import signal
from collections.abc import Collection, Sequence
from contextlib import suppress

from .environment import ACCESS_KEY, BUCKET, SECRET_KEY, Environment
from .interrupts import Interrupted
from .scenario import Planned
from .screen import Screen


def keep(
    environment: Environment, planned: Sequence[Planned], taken: Collection[str], screen: Screen
) -> None:
    """Print the commands and wait for a signal. `taken`: the user's variables that would override the demo's
    configuration file."""
    spoken = next(each for each in planned if each.queue == "tts")
    data = json.dumps({**spoken.data, "text": "And what would you do today?"})
    screen.say()
    screen.say(("Everything keeps running until Ctrl-C.", "bold"))
    screen.say("From the checkout (the rate limits hold: 5, 10 and 20 starts a minute):")
    for command in ("queues", f"status tts {spoken.id}", f"enqueue tts {shlex.quote(data)}"):
        screen.quote(f"  {_command(environment, taken)} {command}")
    screen.say("With programs of yours, where you have them:")
    screen.quote(f"  redis-cli -u {environment.redis.url} lrange 'preppath:{{evaluation}}:dead' 0 -1")
    query = 'select "totalScore", feedback from answer_feedback'
    screen.quote(f"  psql {environment.postgres.url} -c {shlex.quote(query)}")
    keys = f"AWS_ACCESS_KEY_ID={ACCESS_KEY} AWS_SECRET_ACCESS_KEY={SECRET_KEY}"
    endpoint = f"--endpoint-url {environment.s3.endpoint} --region us-east-1"
    screen.quote(f"  {keys} aws {endpoint} s3 ls --recursive s3://{BUCKET}")
    if environment.openai:
        screen.quote(f"  curl {environment.openai.base_url.removesuffix('/v1')}/control/calls")
    screen.quote(f"  tail -f {shlex.quote(str(environment.log))}")
    with suppress(Interrupted):
        while True:
            signal.pause()


def _command(environment: Environment, taken: Collection[str]) -> str:
    """The product's command, without the variables that override the file."""
    without = "".join(f"-u {name} " for name in sorted(taken) if not name.startswith(("AWS_", "PG")))
    unset = f"env {without}" if without else ""
    return f"{unset}bin/preppath-workers --config {shlex.quote(str(environment.config_file))}"
