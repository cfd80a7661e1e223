"""`preppath-workers web`: the page, the status API and metrics over HTTP."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from .. import log
from ..config.env_file import refuse_second_read
from ..config.load import load_budget, load_log, load_otlp_endpoint, load_redis, read_environment
from ..config.vendors import openai_models
from ..config.web import SCOPES, WebConfig, load_web
from ..errors import ConfigError
from ..worker.processes.systemd import Notifier, Phase
from .arguments import EXIT_UNAVAILABLE, add_command, host_name, port_number, refuse_with, refuse_without
from .forecasting import forecaster
from .job_types import variables_of
from .loopback import is_loopback
from .queue_argument import open_budget, open_configured
from .terminal import print_error, print_line

if TYPE_CHECKING:
    from .arguments import Subparsers

_INSTALL = "in the checkout: .venv/bin/pip install '.[web]'"
#: Where it listens, and the scope of a new token, unless options say otherwise.
_HOST, _PORT, _SCOPE = "127.0.0.1", 8070, "read"

_PACKAGES = ("fastapi", "uvicorn", "prometheus_client", "jinja2")


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "web",
        "serve the page, the status API and metrics over HTTP",
        """
        Listens on loopback. Any other address needs WEB_TOKENS, created by --new-token. SIGHUP reads
        WEB_TOKENS and WEB_HOSTS again.

        examples:
          preppath-workers web --config .env
          preppath-workers web --new-token api --scopes read,enqueue
          curl http://127.0.0.1:8070/api/v1/queues

        exit codes: 0 stopped; 69 the address cannot be used, or the extra [web] is not installed;
        78 the configuration is wrong
        """,
    )
    parser.add_argument("--host", type=host_name, help=f"listen on this address, default {_HOST}")
    parser.add_argument(
        "--port",
        type=port_number,
        metavar="N",
        help=f"listen on this port, default {_PORT}; 0: any free one",
    )
    parser.add_argument("--check-config", action="store_true", help="check the configuration and exit")
    parser.add_argument("--read-only", action="store_true", help="refuse every change")
    _add_token_options(parser)
    parser.set_defaults(run=run)


def _add_token_options(parser: ArgumentParser) -> None:
    parser.add_argument("--new-token", metavar="NAME", help="print a new token and its entry, then exit")
    parser.add_argument(
        "--scopes",
        metavar="LIST",
        help=f"set the new token's scopes: {', '.join(SCOPES)}; default {_SCOPE}",
    )


def run(args: Namespace) -> int:
    """Serve until a signal stops it. Raises ConfigError."""
    if args.new_token is not None:
        refuse_with(args, "--new-token", "--host", "--port", "--check-config", "--read-only")
        return _print_token(args)
    refuse_without(args, "--new-token", "--scopes")
    args.host = _HOST if args.host is None else args.host
    args.port = _PORT if args.port is None else args.port
    from ..web.access import Access

    access = Access(lambda: _load(args))
    variables = variables_of(args)
    where, queues = load_redis(variables), open_configured(args)
    budget, endpoint, log_config = load_budget(variables), load_otlp_endpoint(variables), load_log(variables)
    if args.check_config:
        return 0
    if missing := [name for name in _PACKAGES if not find_spec(name)]:
        print_error(f"web: the extra [web] is not installed ({', '.join(missing)}); {_INSTALL}")
        return EXIT_UNAVAILABLE
    from ..web.queues import Queues
    from ..web.server import Options, application, serve

    log.configure(log_config, where.secrets())
    shown = Queues(queues, budget, open_budget(args), openai_models(variables), forecaster(args))
    app = application(shown, access, args.read_only)
    systemd = Notifier.from_environment(os.environ)

    def listens(line: str) -> None:
        print_line(line, flush=True)
        systemd.report(Phase.READY, line, good_for=0)

    try:
        with _tracing(endpoint):
            serve(app, Options(args.host, args.port), listens)
    except OSError as error:
        reason = str(error).partition(" (while")[0]  # Python repeats the address
        print_error(f"web: cannot listen on {args.host}:{args.port}: {reason}")
        return EXIT_UNAVAILABLE
    return 0


def _load(args: Namespace) -> WebConfig:
    """Return who may use the server. Raises ConfigError."""
    if "variables" in args:  # this is a reload
        refuse_second_read(args.config)
    args.variables = read_environment(args.config)
    config = load_web(args.variables)
    if not config.tokens and not is_loopback(args.host):
        raise ConfigError(f"--host {args.host} is not loopback: set WEB_TOKENS, see --new-token")
    return config


@contextmanager
def _tracing(endpoint: str | None) -> Iterator[None]:
    """Send spans to a collector, if there is one, and the last of them in the end."""
    if endpoint is None:
        yield
        return
    from ..worker.telemetry.tracing import flush, start_tracing

    start_tracing(endpoint, "preppath-workers-web")
    try:
        yield
    finally:
        flush()


def _print_token(args: Namespace) -> int:
    from ..web.tokens import new_token

    wanted = _SCOPE.split(",") if args.scopes is None else args.scopes.split(",")
    scopes = [scope for scope in SCOPES if scope in wanted]
    if len(scopes) != len(wanted):
        args.parser.error(f"--scopes: expected some of {', '.join(SCOPES)}, with commas between them")
    if not args.new_token.replace("-", "").replace("_", "").replace(".", "").isalnum():
        args.parser.error("--new-token: expected a name of letters, digits, . _ and -")
    token, entry = new_token(args.new_token, scopes)
    print_line(f"token (shown once, for the client): {token}")
    print_line(f"entry of WEB_TOKENS: {entry}")
    return 0
