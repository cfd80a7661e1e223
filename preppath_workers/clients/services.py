"""Everything outside that a handler may use."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from ..config.model import Config

if TYPE_CHECKING:
    from .openai.client import OpenAI
    from .postgres.client import Database
    from .s3.client import Storage
    from .webhook import Webhook


class Services:
    """The clients of one process, each made when it is first used. What is used before a fork must not be
    used after it.

    A client's library, too, is loaded when it is first used, for no queue needs all of them. Those that its
    handler uses a worker has from before the fork; see Kind.
    """

    def __init__(self, config: Config) -> None:
        self._config = config

    @cached_property
    def openai(self) -> OpenAI:
        from .openai import client

        return client.OpenAI(self._config.openai)

    @cached_property
    def storage(self) -> Storage:
        from .s3 import client

        return client.Storage(self._config.storage)

    @cached_property
    def database(self) -> Database:
        from .postgres import client

        return client.Database(self._config.database_url)

    @cached_property
    def webhook(self) -> Webhook:
        from . import webhook

        return webhook.Webhook(self._config.webhook)

    def close(self) -> None:
        """Closes the clients that were made."""
        for name in ("openai", "storage"):
            client = self.__dict__.pop(name, None)
            if client:
                client.close()
