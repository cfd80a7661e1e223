"""The janitor's process: a loop over the servers that hold the instance's queues.

There is one, or in a Redis Cluster one for each queue. A server that fails does not stop the upkeep of the
queues on the others.
"""

from __future__ import annotations

import os
import signal

from ...config.model import Config
from ...store.connections.clients import Clients
from ..processes.forking import is_orphaned
from ..processes.instance_info import InstanceInfo
from ..processes.liveness import Liveness
from ..processes.signals import GROUP_SIGNALS, LEAVE
from .burst import Burst
from .janitor import Janitor


class JanitorProcess:
    """Runs the janitors of one instance."""

    def __init__(self, config: Config, instance_info: InstanceInfo, liveness: Liveness) -> None:
        clients = Clients.prompt(config.redis, timeout=max(0.5, config.lease / 5))
        self._liveness = liveness
        self._burst = Burst(config, clients) if config.burst else None
        self._janitors = [
            Janitor(config, instance_info, clients, queues, self._beat)
            for queues in clients.groups(instance_info.slots)
        ]

    def run(self) -> None:
        """Work until LEAVE is received, then release the leases."""
        # LEAVE stays blocked, as before the fork, and sigtimedwait fetches it: it is neither lost nor able to
        # interrupt a call.
        for ignored in (signal.SIGTERM, *GROUP_SIGNALS):
            signal.signal(ignored, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, [LEAVE])
        while True:
            if signal.sigtimedwait([LEAVE], self.round()):
                break
            if is_orphaned():
                return
            if self._burst and self._liveness.is_ready and self._burst.is_over():
                os.kill(os.getppid(), signal.SIGTERM)  # asks the supervisor to stop
                self._burst = None
        for janitor in self._janitors:
            janitor.leave()

    def round(self) -> float:
        """Do what is due on each server. Returns the seconds until something is due again."""
        pause = min(janitor.round_if_due() for janitor in self._janitors)
        if not self._liveness.is_ready and any(janitor.has_renewed for janitor in self._janitors):
            self._liveness.ready()
            if not is_orphaned():
                os.kill(os.getppid(), signal.SIGCHLD)  # the supervisor looks at once, and forks the workers
        self._beat()
        return pause

    def _beat(self) -> None:
        """Beat, unless no janitor does its work: then the supervisor starts the process again."""
        if any(janitor.is_well for janitor in self._janitors):
            self._liveness.beat()
