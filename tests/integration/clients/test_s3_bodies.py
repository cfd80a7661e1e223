"""Bodies of S3's answers: too large, too slow, cut off, or with no room for them here."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from preppath_workers.clients.s3.client import Storage
from preppath_workers.config.model import StorageConfig
from preppath_workers.errors import JobTimeout, MachineError, PermanentError, ServiceError

from .conftest import MOST, Answers, storage_at

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.mark.parametrize("headers", [{"Content-Length": "4"}, {"Connection": "close"}])
def test_object_larger_than_its_reader_takes_is_a_permanent_error(
    answers: Answers, headers: dict[str, str]
) -> None:
    """It grew after its size was looked up, or its response doesn't say how long it is."""
    storage = storage_at("bucket", answers(200, b"long", {"ETag": "1", **headers}))

    for request in (lambda: storage.read("key", 3), lambda: storage.download("key", io.BytesIO(), 3)):
        with pytest.raises(PermanentError, match="more than 3 bytes"):
            request()
    assert storage.read("key", 4) == b"long"


def test_download_that_is_cut_off_is_a_service_error(answers: Answers) -> None:
    headers = {"Content-Length": "8", "Connection": "close", "ETag": "1"}
    storage = storage_at("bucket", answers(200, b"half", headers))

    with pytest.raises(ServiceError):
        storage.download("key", io.BytesIO(), MOST)


def test_download_to_a_full_disk_is_a_machine_error(bucket: str, s3: S3Client) -> None:
    storage = storage_at(bucket, s3.meta.endpoint_url)
    storage.upload("key", bytes(MOST), "text/plain")

    with Path("/dev/full").open("wb", buffering=0) as file, pytest.raises(MachineError) as caught:
        storage.download("key", file, MOST)

    assert caught.value.resource == "disk"


@pytest.fixture
def trickle() -> Iterator[str]:
    """The URL of a server that sends its headers at once, then of the body a byte from time to time."""
    stop = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(10_000)
            connection.sendall(b"HTTP/1.1 200 OK\r\nETag: 1\r\nContent-Length: 1000000\r\n\r\n")
            while not stop.wait(0.05):
                connection.sendall(b".")

    def accept(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],)).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        acceptor = threading.Thread(target=accept, args=(server,))
        acceptor.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        stop.set()
        server.shutdown(socket.SHUT_RDWR)
        acceptor.join()


def test_job_that_times_out_in_a_download_of_a_trickle_is_a_failure_of_s3(
    trickle: str, alarm: Callable[[float], None]
) -> None:
    """Otherwise each job would count it as its own failure, and none would wait until S3 has recovered."""
    storage = Storage(StorageConfig("bucket", trickle, "us-east-1", "test", "test-secret"), read_timeout=0.5)
    alarm(0.8)

    with pytest.raises(ServiceError, match="S3 did not finish with bucket/key within 1 s") as caught:
        storage.download("key", io.BytesIO(), MOST)

    assert (caught.value.service, caught.value.may_be_paid) == ("s3", False)


def test_job_that_times_out_early_in_a_request_to_s3_is_no_failure_of_s3(
    trickle: str, alarm: Callable[[float], None]
) -> None:
    """Something else has taken the time, which may have been paid for."""
    storage = Storage(StorageConfig("bucket", trickle, "us-east-1", "test", "test-secret"), read_timeout=30)
    alarm(0.2)
    begun = time.monotonic()

    with pytest.raises(JobTimeout):
        storage.download("key", io.BytesIO(), MOST)

    assert time.monotonic() - begun < 30
