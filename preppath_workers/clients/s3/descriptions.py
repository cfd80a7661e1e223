"""What botocore loads of its descriptions of AWS: those of S3, and of the services that give credentials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader, Loader

from .credentials import SERVICES

_NEEDED = ("s3", *SERVICES)


class Descriptions(Loader):
    """Each description is read once for all clients."""

    def __init__(self) -> None:
        super().__init__(file_loader=_Files())

    def list_available_services(self, type_name: str) -> list[str]:
        """Return what is needed: botocore would look into the folders of 400 services."""
        return list(_NEEDED)


class _Files(JSONFileLoader):
    def load_file(self, file_path: str) -> Any:
        """Return the file's content, or None if there is none; of the endpoints, some MiB, what is needed."""
        content = super().load_file(file_path)
        if content and Path(file_path).name == "endpoints":
            for partition in content["partitions"]:
                services = partition["services"]
                partition["services"] = {name: services[name] for name in _NEEDED if name in services}
        return content
