"""Findings of a check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """A checked item (`what`), its status, and details."""

    status: Status
    what: str
    detail: str
