"""Who may use the server, as the configuration says now."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from ..config.web import Token, WebConfig
from ..errors import ConfigError
from ..log import fields

logger = logging.getLogger(__name__)


class Access:
    """The tokens, and the host names besides loopback's.

    `load` reads the configuration; it raises ConfigError, here too.
    """

    def __init__(self, load: Callable[[], WebConfig]) -> None:
        self._load = load
        self._config = load()

    @property
    def tokens(self) -> Sequence[Token]:
        """The tokens; none if every program on this machine may do everything."""
        return self._config.tokens

    @property
    def hosts(self) -> frozenset[str]:
        """The host names besides `localhost` under which the server is reached."""
        return self._config.hosts

    def reload(self) -> bool:
        """Read the configuration again, for all further requests. Return whether it can be used; if not, the
        old one stays."""
        try:
            self._config = self._load()
        except ConfigError as error:
            for problem in error.problems:
                logger.error(f"Cannot reload configuration, keeping the old one: {problem}")
            return False
        logger.info("Configuration reloaded", extra=fields(tokens=[token.name for token in self.tokens]))
        return True
