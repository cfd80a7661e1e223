"""Named pipes, in the place of files."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def pipe_with(path: Path, text: str) -> Iterator[None]:
    """Make a named pipe that gives the text to its first reader; it has no further writer, as with `<(…)`."""
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=(text,), daemon=True)
    writer.start()
    yield
    writer.join(30)
