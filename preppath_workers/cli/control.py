"""`preppath-workers cancel, retry, promote, prioritize, pause, resume`: one step each."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import UnknownJob
from ..queue import Queue, check_priority
from ..store.job import State
from .arguments import EXIT_FAILED, add_command
from .queue_argument import add_queue_argument, add_queues_argument, open_queue, open_queues
from .terminal import print_error, print_line

if TYPE_CHECKING:
    from .arguments import Subparsers

#: What a step does to a job: it returns the state that it finds or makes.
Step = Callable[[Queue, str], State]

_CODES = """
        exit codes: 0 done; 1 not done, as told; 69 Redis does not answer; 78 the configuration is wrong
        """


def add_parser(subparsers: Subparsers) -> None:
    """Adds the commands."""
    _add_step(
        subparsers,
        "cancel",
        "take jobs out that have not started",
        Queue.cancel,
        done="cancelled",
        works_on="waits, or waits for its time",
    )
    _add_step(
        subparsers,
        "retry",
        "run jobs of the dead-letter list again, their counters at zero",
        _retry,
        done="waiting",
        works_on="is in the dead-letter list; `promote` makes a delayed one due",
    )
    _add_step(
        subparsers,
        "promote",
        "make delayed jobs due now",
        Queue.promote,
        done="waiting",
        works_on="waits for its time",
    )
    _add_prioritize(subparsers)
    _add_gate(subparsers, "pause", "let no job of these queues start any more, on any machine", Queue.pause)
    _add_gate(
        subparsers,
        "resume",
        "let jobs start again: ends a pause, and a hold that a vendor caused",
        Queue.resume,
    )


def _add_step(
    subparsers: Subparsers, name: str, summary: str, step: Step, done: State, works_on: str
) -> None:
    example = f"\n        example: preppath-workers {name} tts 01KAS7XJ3H5M0Q2V8B9C4D6E7F\n"
    parser = add_command(subparsers, name, summary, example + _CODES)
    add_queue_argument(parser)
    parser.add_argument("ids", metavar="ID", nargs="+", help="a job's id")
    parser.set_defaults(run=lambda args: _run_steps(args, step, done, works_on))


def _run_steps(args: Namespace, step: Step, done: State, works_on: str) -> int:
    queue = open_queue(args)
    failed = False
    for job_id in args.ids:
        try:
            state = step(queue, job_id)
        except UnknownJob as error:
            print_error(f"{args.command}: {error}")
            failed = True
            continue
        if state == done:
            print_line(f"{job_id} {state}")
        else:
            print_error(f"{args.command}: {job_id} is {state}; this is for a job that {works_on}")
            failed = True
    return EXIT_FAILED if failed else 0


def _retry(queue: Queue, job_id: str) -> State:
    if queue.replay([job_id]):
        return "waiting"
    job = queue.get(job_id)
    if not job:
        raise UnknownJob(queue.name, job_id)
    return job.state


def _add_prioritize(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "prioritize",
        "give a job that has not started another priority",
        "\n        example: preppath-workers prioritize tts 01KAS7XJ3H5M0Q2V8B9C4D6E7F 1\n" + _CODES,
    )
    add_queue_argument(parser)
    parser.add_argument("id", metavar="ID", help="the job's id")
    parser.add_argument("priority", type=_priority, metavar="N", help="1 (most urgent) to 100")
    parser.set_defaults(run=_prioritize)


def _priority(word: str) -> int:
    try:
        check_priority(number := int(word))
    except ValueError:
        raise ArgumentTypeError(f"{word!r} is no whole number from 1 to 100") from None
    return number


def _prioritize(args: Namespace) -> int:
    def step(queue: Queue, job_id: str) -> State:
        state = queue.prioritize(job_id, args.priority)
        return "waiting" if state == "delayed" else state

    args.ids = [args.id]
    return _run_steps(args, step, "waiting", "has not started")


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
