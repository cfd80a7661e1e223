"""`preppath-workers offline`: an OpenAI-compatible server on this machine."""

from __future__ import annotations

from argparse import Namespace
from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import ConfigError
from .arguments import EXIT_FAILED, EXIT_UNAVAILABLE, add_command, host_name, port_number, positive_number
from .job_types import variables_of
from .loopback import is_loopback
from .terminal import OutputError, print_error, print_line

if TYPE_CHECKING:
    from .arguments import Subparsers

#: How to install the extra.
_INSTALL = "in the checkout: bin/setup-venv offline"

_WHISPER_MODEL = "OFFLINE_WHISPER_MODEL"


def add_parser(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        subparsers,
        "offline",
        "serve OpenAI's API on this machine, for development",
        f"""
        Transcribes with Whisper, speaks with Piper, and grades by similarity of meaning. Prints the lines of
        configuration that let workers use it. Nothing leaves the machine, and no key is needed.

        {_WHISPER_MODEL} names another Whisper model, in CTranslate2's format: a folder, or a name such as
        base.en, which is downloaded.

        example: preppath-workers offline --port 8090

        exit codes: 0 stopped; 1 an engine cannot be loaded; 69 the address cannot be used, or the
        extra [offline] is not installed; 78 the host is not this machine's own
        """,
    )
    parser.add_argument(
        "--host", type=host_name, default="127.0.0.1", help="listen on this address, default %(default)s"
    )
    parser.add_argument(
        "--port",
        type=port_number,
        default=8090,
        metavar="N",
        help="listen on this port, default %(default)s; 0: any free one",
    )
    parser.add_argument(
        "--threads",
        type=positive_number,
        metavar="N",
        help="set the threads of each engine, default one a core, up to 4",
    )
    parser.add_argument(
        "--allow-network", action="store_true", help="serve other machines too, without authentication"
    )
    parser.add_argument("--quiet", action="store_true", help="print no line for each request")
    parser.set_defaults(run=run)


def run(args: Namespace) -> int:
    """Serve until the process is killed. Raises ConfigError."""
    # Imported here, because other commands need neither a server nor engines.
    from ..offline.engines.packages import missing_packages

    if missing := missing_packages():
        print_error(f"offline: the extra [offline] is not installed ({', '.join(missing)}); {_INSTALL}")
        return EXIT_UNAVAILABLE
    from ..offline.loading import EngineFailed
    from ..offline.server import Options, serve

    if not args.allow_network and not is_loopback(args.host):
        raise ConfigError(f"--host {args.host}: not loopback; --allow-network serves other machines too")
    model = variables_of(args).get(_WHISPER_MODEL) or None
    options = Options(args.host, args.port, model, args.threads)
    try:
        serve(options, lambda line: print_line(line, flush=True), _ignore if args.quiet else _log)
    except EngineFailed as error:
        print_error(f"offline: {error}")
    except OSError as error:
        print_error(f"offline: cannot listen on {args.host}:{args.port}: {error}")
        return EXIT_UNAVAILABLE
    return EXIT_FAILED


def _log(line: str) -> None:
    with suppress(OutputError, BrokenPipeError):  # a request does not fail with its line
        print_line(line, flush=True)


def _ignore(line: str) -> None:
    pass
