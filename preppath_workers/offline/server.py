"""The server as a process: engines, address, requests, end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from .api.http import Handler, Server, handler
from .application import Application
from .loading import load_engines
from .memory import limit_malloc_arenas

#: The most threads of an engine by default; more do not make these small models faster.
_MOST_THREADS = 4

#: Called with each line of output.
Output = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """How to serve. `port` 0: any free port; `whisper_model`: a folder or a name, None for the bundled one;
    `threads`: of each engine, None for one per core, four at most."""

    host: str = "127.0.0.1"
    port: int = 8090
    whisper_model: str | None = None
    threads: int | None = None


def serve(options: Options, output: Output, log: Output) -> None:
    """Bind the address, load the engines, and serve until the process is killed; SIGTERM and SIGINT end it at
    once. `output`: called with the lines of the start; `log`: with one for each request, by any thread.

    Raises OSError if the address cannot be used, and EngineFailed.
    """
    # The engines' threads do not return to Python, which would wait for them; there is nothing to save.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # No library may look for anything on a hub, unless a model is asked for by its name.
    if options.whisper_model is None:
        os.environ["HF_HUB_OFFLINE"] = "1"
    limit_malloc_arenas()
    began = time.monotonic()
    server = Server((options.host, options.port), Handler, bind_and_activate=False)
    try:
        server.server_bind()
        engines = load_engines(
            options.whisper_model, options.threads or _cores(), lambda name: output(f"Loading {name} …")
        )
        server.RequestHandlerClass = handler(Application(engines, log))
        server.server_activate()
        url = f"http://{options.host}:{server.server_port}/v1"
        for name, description in engines.descriptions.items():
            output(f"{name + ':':14} {description}")
        output(f"Ready after {time.monotonic() - began:.1f} s. These lines let workers use it:")
        output(f"OPENAI_BASE_URL={url}")
        output("OPENAI_API_KEY=offline")
        server.serve_forever()
    finally:
        server.server_close()


def _cores() -> int:
    return max(1, min(_MOST_THREADS, len(os.sched_getaffinity(0))))
