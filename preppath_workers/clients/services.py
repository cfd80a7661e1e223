"""The services that handlers use."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from ..config.model import Config
from ..log import fields

if TYPE_CHECKING:
    from .openai.client import OpenAI
    from .postgres.client import Database
    from .s3.client import Storage
    from .webhook import Webhook

logger = logging.getLogger(__name__)


class Services:
    """The clients of one process, each created on first use.

    Libraries are imported on first use, because no queue needs all of them. `JobType.load` imports those of a
    handler before the fork. A client may be created before a fork, but not used.
    """

    def __init__(self, config: Config) -> None:
        self._config = config

    @cached_property
    def openai(self) -> OpenAI:
        """OpenAI, or the servers that speak its API."""
        from .openai import client

        return client.OpenAI(self._config.openai)

    @cached_property
    def storage(self) -> Storage:
        """The S3 bucket."""
        from .s3 import client

        return client.Storage(self._config.storage)

    @property
    def has_storage(self) -> bool:
        """Whether a bucket is configured."""
        return bool(self._config.storage.bucket)

    @cached_property
    def database(self) -> Database:
        """PrepPath's PostgreSQL database."""
        from .postgres import client

        return client.Database(self._config.database_url)

    @cached_property
    def webhook(self) -> Webhook:
        """The receiver of webhook deliveries."""
        from . import webhook

        return webhook.Webhook(self._config.webhook)

    def preload(self, names: Iterable[str]) -> None:
        """Load what the first requests to these services or parts need, without opening a connection.

        Call it before a fork, so that the workers share that memory. A failure is only logged: the first
        request will fail in the same way, and its job is retried.
        """
        wanted = {*names}
        # A part is included if its whole service is wanted.
        for name in sorted(name for name in wanted if name.partition(".")[0] not in wanted - {name}):
            service, *part = name.split(".")
            preload = getattr(getattr(self, service), "preload", None)
            if preload:
                try:
                    preload(*part)
                except Exception:
                    logger.warning("Cannot preload client", extra=fields(service=name), exc_info=True)

    def close(self) -> None:
        """Close the clients that were created."""
        for name in ("openai", "storage"):
            client = self.__dict__.pop(name, None)
            if client:
                client.close()
