"""`preppath-workers retry, promote, prioritize, pause, resume`: change one job or queue."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from ..errors import UnknownJob
from ..queue import Queue
from ..store.job import State
from .arguments import EXIT_FAILED, add_command, priority
from .queue_argument import add_queue_argument, add_queues_argument, open_queue, open_queues
from .terminal import print_error, print_line

if TYPE_CHECKING:
    from .arguments import Subparsers

#: Change a job, and return its resulting state.
Step = Callable[[Queue, str], State]

_CODES = """
        exit codes: 0 done; 1 not done, see the message; 69 Redis does not answer;
        78 the configuration is wrong
        """


def add_parser(subparsers: Subparsers) -> None:
    """Add the commands."""
    _add_step(
        subparsers,
        "retry",
        "retry failed jobs with counters reset",
        _retry,
        done=["waiting"],
        allowed="only failed jobs can be retried; `promote` makes a delayed job due now",
    )
    _add_step(
        subparsers,
        "promote",
        "make delayed jobs due now",
        Queue.promote,
        done=["waiting"],
        allowed="only delayed jobs can be promoted",
    )
    _add_prioritize(subparsers)
    _add_gate(subparsers, "pause", "stop starting jobs, on all machines", Queue.pause)
    _add_gate(
        subparsers,
        "resume",
        "start jobs again after a pause or a rate-limit hold",
        Queue.resume,
    )


def _add_step(
    subparsers: Subparsers, name: str, summary: str, step: Step, done: Collection[State], allowed: str
) -> None:
    example = f"\n        example: preppath-workers {name} tts 01KAS7XJ3H5M0Q2V8B9C4D6E7F\n"
    parser = add_command(subparsers, name, summary, example + _CODES)
    add_queue_argument(parser)
    parser.add_argument("ids", metavar="ID", nargs="+", help="a job's id")
    parser.set_defaults(run=lambda args: _run_steps(args, step, done, allowed))


def _run_steps(args: Namespace, step: Step, done: Collection[State], allowed: str) -> int:
    queue = open_queue(args)
    failed = False
    for job_id in args.ids:
        try:
            state = step(queue, job_id)
        except UnknownJob as error:
            print_error(f"{args.command}: {error}")
            failed = True
            continue
        if state in done:
            print_line(f"{job_id} {state}")
        else:
            print_error(f"cannot {args.command} job {job_id}: it is {state} ({allowed})")
            failed = True
    return EXIT_FAILED if failed else 0


def _retry(queue: Queue, job_id: str) -> State:
    return "waiting" if queue.replay([job_id]) else queue.ref(job_id).status().state


def _add_prioritize(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "prioritize",
        "change the priority of a waiting or delayed job",
        "\n        example: preppath-workers prioritize tts 01KAS7XJ3H5M0Q2V8B9C4D6E7F 1\n" + _CODES,
    )
    add_queue_argument(parser)
    parser.add_argument("id", metavar="ID", help="a job's id")
    parser.add_argument("priority", type=priority, metavar="N", help="the priority: 1 (most urgent) to 100")
    parser.set_defaults(run=_prioritize)


def _prioritize(args: Namespace) -> int:
    args.ids = [args.id]
    return _run_steps(
        args,
        lambda queue, job_id: queue.prioritize(job_id, args.priority),
        ["waiting", "delayed"],
        "only waiting or delayed jobs can be prioritized",
    )


def _add_gate(subparsers: Subparsers, name: str, summary: str, step: Callable[[Queue], None]) -> None:
    details = f"""
        examples:
          preppath-workers {name} tts
          preppath-workers {name} --all

        exit codes: 0 done; 69 Redis does not answer; 78 the configuration is wrong
        """
    parser = add_command(subparsers, name, summary, details)
    add_queues_argument(parser)
    parser.set_defaults(run=lambda args: _run_gate(args, step))


def _run_gate(args: Namespace, step: Callable[[Queue], None]) -> int:
    for queue in open_queues(args):
        step(queue)
        print_line(f"{queue.name} {args.command}d")
    return 0
