"""The trial's proxy as a process: how its modes are changed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from preppath_workers.clients.parent_death import set_pdeathsig
from tests.support.process import ROOT, free_port

from .table import Service


@dataclass
class Ways:
    """The way to each server; see proxy.py for the modes. `ports`: where clients find the services."""

    ports: Mapping[Service, int]
    orders: IO[bytes]
    replies: IO[bytes]

    def set_mode(self, service: Service, mode: str, **answer: object) -> None:
        """Set the mode; return once it is in force."""
        self.orders.write(json.dumps({"name": service, "mode": mode, **answer}).encode() + b"\n")
        self.orders.flush()
        self.wait()

    def wait(self) -> None:
        if self.replies.readline() != b"done\n":
            raise RuntimeError("the proxy has ended")

    @contextmanager
    def failing(self, service: Service, mode: str, **answer: object) -> Iterator[None]:
        self.set_mode(service, mode, **answer)
        yield
        self.set_mode(service, "pass")


@contextmanager
def open_ways(servers: Mapping[Service, int]) -> Iterator[Ways]:
    """Start the proxy before the servers that listen, or will listen, on these ports."""
    ports: dict[Service, int] = {}
    for service in servers:
        ports[service] = free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.outages.proxy"),
            *(f"{service}={ports[service]}:{port}" for service, port in servers.items()),
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        process_group=0,
        preexec_fn=set_pdeathsig(),
    )
    assert process.stdin
    assert process.stdout
    try:
        ways = Ways(ports, process.stdin, process.stdout)
        ways.wait()
        yield ways
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
