"""Everything outside that a handler may use."""

from __future__ import annotations

from functools import cached_property

from ..settings import Config
from .database import Database
from .openai import OpenAI
from .storage import Storage
from .webhook import Webhook


class Services:
    """The clients of one process, each made when it is first used.

    Importing this module loads the heavy libraries and connects to nothing, so that it can be imported
    before a fork and its memory shared. What is used before a fork must not be used after it.
    """

    def __init__(self, config: Config) -> None:
        self._config = config

    @cached_property
    def openai(self) -> OpenAI:
        return OpenAI(self._config.openai)

    @cached_property
    def storage(self) -> Storage:
        return Storage(self._config.storage)

    @cached_property
    def database(self) -> Database:
        return Database(self._config.database_url)

    @cached_property
    def webhook(self) -> Webhook:
        return Webhook(self._config.webhook)

    def close(self) -> None:
        """Closes the clients that were made."""
        for name in ("openai", "storage", "database"):
            client = self.__dict__.pop(name, None)
            if client:
                client.close()
