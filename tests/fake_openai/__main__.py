"""Runs the server: `python -m tests.fake_openai --port 0 --latency 0.5`."""

from __future__ import annotations

import argparse
from contextlib import suppress

from tests.support.process import HOST

from .application import Application
from .http import serve


def main() -> None:
    """Listens on loopback, prints the base URL, and serves until it is interrupted."""
    parser = argparse.ArgumentParser(description="A server on loopback that speaks OpenAI's API.")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) for any free one")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that every POST takes at least")
    options = parser.parse_args()
    server = serve(Application(options.latency), HOST, options.port)
    print(f"http://{HOST}:{server.server_port}/v1", flush=True)
    with suppress(KeyboardInterrupt), server:
        server.serve_forever()


if __name__ == "__main__":
    main()
