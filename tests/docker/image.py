"""The base image, made by debootstrap, and the build of the Dockerfile on it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.nspawn.container import make_tree, put_checkout
from tests.support.process import ROOT

from .podman import Podman

IMAGE = "localhost/preppath-workers"

_DEBIAN = ("podman", "runc", "debootstrap")
_PACKAGES = "ca-certificates,python3,python3-venv,python3-pip"
_PATH = "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin"

#: Files that a build must not see, in any folder.
PLANTED = (".env", ".env.production", "preppath_workers/.env", "preppath_workers/__pycache__/old.pyc")

_LIST_CONTEXT = "FROM {base}\nWORKDIR /context\nCOPY . .\nRUN find . -type f -printf 'in context: %P\\n'\n"


def install() -> None:
    """Install from Debian what is missing."""
    if all(shutil.which(program) for program in _DEBIAN):
        return
    subprocess.run(["apt-get", "update"], check=True, stdout=sys.stderr)
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *_DEBIAN]
    subprocess.run(command, check=True, stdout=sys.stderr)


def base_name() -> str:
    """Return the image that the Dockerfile is built on."""
    names = {*re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)}
    assert len(names) == 1, f"one base image is expected: {names}"
    return str(names.pop())


def make_base(podman: Podman, tree: Path, suite: str, mirror: str | None) -> str:
    """Give a Debian the name of the base image, unless there is one; return the version of its Python."""
    make_tree(tree, suite, mirror, _PACKAGES)
    python = tree / "usr/local/bin/python"
    if not python.is_symlink():
        python.symlink_to("/usr/bin/python3")
    asked = ["chroot", str(tree), "python", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    version = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    assert f"python:{version}-" in base_name(), (
        f"{base_name()} is not Python {version}: choose another --suite"
    )
    if podman.run("image", "exists", base_name(), check=False).returncode:
        with subprocess.Popen(["tar", "-C", str(tree), "-c", "."], stdout=subprocess.PIPE) as packed:
            command = podman.command("import", f"--change=ENV=PATH={_PATH}", "-", base_name())
            subprocess.run(command, stdin=packed.stdout, check=True, stdout=sys.stderr)
    return version


def checkout(folder: Path) -> Path:
    """Copy the checkout to the folder of the build, with files that the build must not see; return that
    folder."""
    put_checkout(folder)
    place = folder / "opt/preppath-workers"
    for name in PLANTED:
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text("OPENAI_API_KEY=must-not-be-seen\n")
    return place


def context(podman: Podman, place: Path) -> list[str]:
    """Return the files that a build sees, which is what .dockerignore lets through."""
    file = place / "Context.Dockerfile"
    file.write_text(_LIST_CONTEXT.format(base=base_name()))
    found = _build(podman, place, (), f"--file={file}", "--no-cache")
    return sorted(re.findall(r"^in context: (.*)", found, re.MULTILINE))


def build(podman: Podman, place: Path, show: Sequence[str], fresh: bool) -> str:
    """Build the Dockerfile as it is; return the log."""
    return _build(podman, place, show, f"--tag={IMAGE}", *(["--no-cache"] if fresh else ["--layers"]))


def build_file(podman: Podman, place: Path, show: Sequence[str], tag: str) -> None:
    """Build the Dockerfile of a folder, on an image of here."""
    _build(podman, place, show, f"--tag={tag}", "--no-cache")


def _build(podman: Podman, place: Path, show: Sequence[str], *options: str) -> str:
    volumes = [f"--volume={path}:{path}:ro" for path in show]
    common = ["--isolation=chroot", "--network=host", "--pull=never", "--format=docker"]
    found = podman.run("build", *common, *volumes, *options, str(place))
    return found.stdout + found.stderr
