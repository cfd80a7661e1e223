"""The style, script and icon, read once. Their addresses change with their content, so browsers keep them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from starlette.responses import Response

from ..problem import Problem

_TYPES = {"app.css": "text/css", "app.js": "text/javascript", "icon.svg": "image/svg+xml"}
_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}


@dataclass(frozen=True)
class Assets:
    """The files by name, and their addresses."""

    contents: Mapping[str, bytes]
    paths: Mapping[str, str]

    def response(self, name: str) -> Response:
        """Return a file. Raises Problem."""
        if name not in self.contents:
            raise Problem(404, "there is no such file")
        return Response(self.contents[name], media_type=_TYPES[name], headers=_FOREVER)


@cache
def assets() -> Assets:
    """Return the files."""
    folder = files(__package__) / "static"
    contents = {name: (folder / name).read_bytes() for name in _TYPES}
    paths = {
        name: f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"
        for name, content in contents.items()
    }
    return Assets(contents, paths)
