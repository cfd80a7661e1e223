"""Which variables are read, so that a misspelt one is noticed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from .load import load, load_job_modules
from .model import QueueConfig
from .proxies import NAMES
from .spelling import most_alike
from .web import load_web

#: Read by libraries (see certificates.py and proxies.py) and by single commands.
_OTHERS = frozenset({"SSL_CERT_FILE", "OFFLINE_WHISPER_MODEL", "BULLMQ_REDIS_URL", *NAMES})


def variables_read(defaults: Sequence[QueueConfig]) -> frozenset[str]:
    """Return the names of all variables that the commands read, with those of these queues."""
    recorder = _Recorder()
    load(recorder, defaults, [queue.name for queue in defaults])
    load(recorder, defaults)
    load_job_modules(recorder, "app.jobs")
    load_web(recorder)
    return _OTHERS | recorder.asked


def misspelt(names: Sequence[str], defaults: Sequence[QueueConfig]) -> Mapping[str, str]:
    """Return the names that no command reads but that resemble one which is read, each with that one."""
    known = variables_read(defaults)
    found = {name: most_alike(name, known) for name in names if name not in known}
    return {name: meant for name, meant in found.items() if meant}


class _Recorder(Mapping[str, str]):
    """Variables that remember which of them were asked for. Only the required ones are set."""

    _required = MappingProxyType(
        {"OPENAI_API_KEY": "x", "S3_BUCKET": "b", "DATABASE_URL": "postgresql://h/d"}
    )

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._required[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._required)

    def __len__(self) -> int:
        return len(self._required)
