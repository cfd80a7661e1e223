"""The check of an image with a job of one's own, as systemd/README.md and the jobs' README show it."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.process import ROOT

from .image import IMAGE, build_file

if TYPE_CHECKING:
    from .checks import Checks

_OWN = f"{IMAGE}-own"


def runs_own_job(checks: Checks) -> str:
    """An image on top of it, with the thumbnails of the jobs' README"""
    (dockerfile,) = _blocks("systemd/README.md", "dockerfile")
    module = next(block for block in _blocks("preppath_workers/jobs/README.md", "python") if "@job(" in block)
    with tempfile.TemporaryDirectory(prefix="own-job-") as folder:
        Path(folder, "Dockerfile").write_text(dockerfile.replace("FROM preppath-workers", f"FROM {IMAGE}"))
        Path(folder, "thumbnails.py").write_text(module)
        build_file(checks.podman, Path(folder), checks.show, _OWN)
    variables = checks.running_servers.variables()
    added = checks.podman.once(
        _OWN, "enqueue", "thumbnail", '{"file": "none.png"}', "--id=t", variables=variables
    )
    assert added.returncode == 0, added
    ran = checks.podman.once(_OWN, "--queue", "thumbnail", "run", "--burst", variables=variables)
    assert ran.returncode == 0, ran
    shown = checks.podman.once(_OWN, "show", "thumbnail", "t", variables=variables).stdout
    assert "PermanentError: none.png does not exist" in shown, shown
    return "Pillow is imported, and the job fails as it says: none.png does not exist"


def _blocks(readme: str, language: str) -> list[str]:
    """Return the README's blocks of code in the language."""
    text = (ROOT / readme).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
