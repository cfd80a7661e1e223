"""Run the server: `python -m tests.fake_openai --port 0 --latency 0.5`."""

from __future__ import annotations

import argparse
from contextlib import suppress

from preppath_workers.offline.api.http import Server, handler
from tests.support.process import HOST

from .application import Application
from .http import Handler


def main() -> None:
    """Listen on loopback, print the base URL, and serve until interrupted."""
    parser = argparse.ArgumentParser(description="A server on loopback that speaks OpenAI's API.")
    parser.add_argument("--port", type=int, default=0, help="0 (the default): any free port")
    parser.add_argument("--latency", type=float, default=0.0, help="least seconds of each POST")
    options = parser.parse_args()
    server = Server((HOST, options.port), handler(Application(options.latency), Handler))
    print(f"http://{HOST}:{server.server_port}/v1", flush=True)
    with suppress(KeyboardInterrupt), server:
        server.serve_forever()


if __name__ == "__main__":
    main()
