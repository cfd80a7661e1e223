"""Audio files in an S3 bucket: AWS, or any server that speaks its API, such as MinIO."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from io import BytesIO
from time import monotonic
from typing import IO, TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import OperationModel
from botocore.session import Session

from ...config.model import StorageConfig
from ...errors import JobTimeout, PermanentError, ServiceError
from .credentials import NO_CREDENTIALS
from .descriptions import Descriptions
from .errors import (
    UNREADABLE,
    credentials_rejected,
    failure,
    is_missing,
    missing,
    not_s3,
    redirected,
    refusal,
    status_of,
    too_large,
    too_slow,
)
from .preloading import preload

if TYPE_CHECKING:  # The stubs are a development dependency.
    from mypy_boto3_s3 import S3Client

#: Seconds to connect.
CONNECT_TIMEOUT = 5.0
#: Seconds of silence on a connection after which a request counts as failed.
READ_TIMEOUT = 30.0
#: The longest life of a signed URL, s (S3's guide, "Sharing objects with presigned URLs").
MAX_URL_SECONDS = 7 * 86_400
#: Bytes copied at a time.
CHUNK = 256 * 1024

#: Statuses of a redirect.
REDIRECTS = (301, 302, 303, 307, 308)
#: Requests whose success has an ETag.
WITH_ETAG = frozenset({"GetObject", "HeadObject", "PutObject"})


@dataclass(frozen=True)
class ObjectInfo:
    """An object's size in bytes, and its metadata: ASCII text, the names in lower case."""

    size: int
    metadata: Mapping[str, str]


class Storage:
    """The bucket.

    Methods raise PermanentError for an object that does not exist or cannot be stored; MachineError if this
    machine lacks a resource; ServiceError for failures of the network or the server, and, with `refuses_all`,
    for those of the bucket, the credentials or the endpoint. A JobTimeout becomes a ServiceError if the
    request had taken longer than the read timeout.
    """

    def __init__(
        self,
        config: StorageConfig,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float = READ_TIMEOUT,
    ) -> None:
        self._config = config
        self._timeouts = (connect_timeout, read_timeout)
        self._client: S3Client | None = None
        self._descriptions = Descriptions()

    def preload(self) -> None:
        """Load what the first request needs, without a connection. Workers that are forked afterwards share
        that memory.

        Each worker looks up the credentials of a machine's role itself, because that may take a request.
        """
        preload(self._connected() if self._config.access_key_id else self._connect("preload", "preload"))

    def close(self) -> None:
        """Close the client and its connections. The next call makes a new one, with fresh credentials."""
        client, self._client = self._client, None
        if client:
            client.close()

    def download(self, key: str, file: IO[bytes], most: int) -> int:
        """Write the object to the file in chunks, so that memory use does not depend on its size. Return its
        size in bytes.

        Raises PermanentError for an object of more than `most` bytes: it can have grown since its size was
        looked up, and the response need not be as long as it says.
        """
        with self._request(key) as client:
            return self._copy(client, key, file, most)

    def upload(
        self, key: str, body: bytes, content_type: str, metadata: Mapping[str, str] | None = None
    ) -> None:
        """Store the object, replacing any object with this key. Metadata is ASCII text."""
        with self._request(key, writes=True) as client:
            client.put_object(
                Bucket=self._config.bucket,
                Key=key,
                Body=body,
                ContentType=content_type,
                Metadata=metadata or {},
            )

    def find(self, key: str) -> ObjectInfo | None:
        """Return the object's size and metadata, or None if it does not exist."""
        with self._request(key) as client:
            try:
                found = client.head_object(Bucket=self._config.bucket, Key=key)
            except ClientError as error:
                if status_of(error) >= 500:
                    raise
                # A response to HEAD has no body, hence no code: a missing object, a missing bucket and a
                # wrong access key look the same. GET tells them apart.
                return self._find_by_get(client, key)
            return ObjectInfo(found["ContentLength"], found["Metadata"])

    def size(self, key: str) -> int:
        """Return the object's size in bytes."""
        found = self.find(key)
        if found is None:
            raise missing(self._config.bucket, key)
        return found.size

    def read(self, key: str, most: int) -> bytes | None:
        """Return the object's content, all of it in memory, or None if it does not exist. Raises
        PermanentError for an object of more than `most` bytes."""
        content = BytesIO()
        with self._request(key) as client:
            try:
                self._copy(client, key, content, most)
            except ClientError as error:
                if is_missing(error):
                    return None
                raise
        return content.getvalue()

    def shows_missing(self, key: str) -> bool:
        """Return whether S3 answers 404 for this object, which does not exist: without the right
        s3:ListBucket, it answers 403. Raises ServiceError if its message doesn't tell either."""
        with self._request(key) as client:
            try:
                client.get_object(Bucket=self._config.bucket, Key=key)["Body"].close()
            except ClientError as error:
                if not is_missing(error):
                    raise
                return status_of(error) == 404
        return False

    def delete(self, key: str) -> None:
        """Delete the object if it exists."""
        with self._request(key, writes=True) as client:
            client.delete_object(Bucket=self._config.bucket, Key=key)

    def signed_url(self, key: str, seconds: int = MAX_URL_SECONDS) -> str:
        """Return a URL that lets anyone read the object for `seconds`, at most `MAX_URL_SECONDS`.

        Sends no request. A URL signed with temporary credentials expires with them, so keep the key as well.
        """
        with self._request(key) as client:
            return client.generate_presigned_url(
                "get_object", Params={"Bucket": self._config.bucket, "Key": key}, ExpiresIn=seconds
            )

    def _copy(self, client: S3Client, key: str, file: IO[bytes], most: int) -> int:
        size = 0
        with closing(client.get_object(Bucket=self._config.bucket, Key=key)["Body"]) as body:
            while chunk := body.read(CHUNK):
                size += len(chunk)
                if size > most:
                    raise too_large(self._config.bucket, key, most)
                file.write(chunk)
        return size

    def _find_by_get(self, client: S3Client, key: str) -> ObjectInfo | None:
        """`find` with GET, whose error response has a code. The content is not read."""
        try:
            found = client.get_object(Bucket=self._config.bucket, Key=key)
        except ClientError as error:
            if is_missing(error):
                return None
            raise
        found["Body"].close()
        return ObjectInfo(found["ContentLength"], found["Metadata"])

    @contextmanager
    def _request(self, key: str, writes: bool = False) -> Iterator[S3Client]:
        """Yield the client, made on first use, and translate its errors into ours."""
        bucket = self._config.bucket
        if not key:
            raise PermanentError("cannot use an empty S3 key")
        # Credentials from the configuration do not change when they are looked up again.
        fresh = self._client is None or self._config.access_key_id is not None
        begun = monotonic()
        try:
            yield self._connected()
        except JobTimeout as error:
            # A byte from time to time ends no timeout of botocore's. A shorter request is not to blame.
            seconds = monotonic() - begun
            if seconds < self._timeouts[1]:
                raise
            raise too_slow(bucket, key, seconds) from error
        except ClientError as error:
            if credentials_rejected(error):
                self.close()
            raise refusal(error, bucket, key, writes=writes, fresh=fresh) from error
        except RecursionError:  # not chained: its traceback fills a screen
            raise redirected(bucket, key) from None
        except (BotoCoreError, OSError, MemoryError, *UNREADABLE) as error:
            if isinstance(error, NO_CREDENTIALS):
                self.close()
            translated = failure(error, bucket, key)
            if translated is None:
                raise
            raise translated from error

    def _connected(self) -> S3Client:
        if self._client is None:
            try:
                self._client = self._connect(self._config.access_key_id, self._config.secret_access_key)
            except (BotoCoreError, ValueError) as error:
                # No request was sent yet: the endpoint, the region or a profile is wrong.
                raise ServiceError("s3", f"cannot make an S3 client: {error}", refuses_all=True) from error
        return self._client

    def _connect(self, access_key_id: str | None, secret_access_key: str | None) -> S3Client:
        connect_timeout, read_timeout = self._timeouts
        # Servers other than AWS seldom have a host name for each bucket, and older ones refuse the checksums
        # that AWS expects.
        own = self._config.endpoint is not None
        settings = Config(
            signature_version="s3v4",
            # With "auto", signed URLs would lead to us-east-1, which newer regions and buckets don't allow.
            s3={"addressing_style": "path" if own else "virtual"},
            request_checksum_calculation="when_required" if own else "when_supported",
            response_checksum_validation="when_required" if own else "when_supported",
        )
        # A new session: boto3's default one would return the credentials that it found first.
        session = Session()
        session.register_component("data_loader", self._descriptions)
        # Also for the clients that botocore makes to get credentials.
        session.set_default_client_config(
            Config(
                connect_timeout=connect_timeout,
                read_timeout=read_timeout,
                retries={"total_max_attempts": 1},  # the queue's retries are the only ones
            )
        )
        client = boto3.session.Session(botocore_session=session).client(
            "s3",
            region_name=self._config.region,
            endpoint_url=self._config.endpoint,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret_access_key,
            config=settings,
        )
        client.meta.events.register_first("needs-retry.s3", self._refuse_redirect)
        client.meta.events.register("after-call.s3", self._require_etag)
        return client

    def _require_etag(
        self, model: OperationModel, parsed: Mapping[str, Any], context: Mapping[str, Any], **_: object
    ) -> None:
        """Raise ServiceError for a success without an ETag: something else than S3 has answered, such as a
        gateway's page."""
        status = parsed.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if model.name in WITH_ETAG and 200 <= status < 300 and "ETag" not in parsed:
            place = context.get("s3_redirect", {}).get("params", {})
            raise not_s3(self._config.bucket, str(place.get("Key", "")))

    def _refuse_redirect(
        self, response: tuple[Any, Mapping[str, Any]] | None, request_dict: Mapping[str, Any], **_: object
    ) -> None:
        """Raise ServiceError for a redirect that names no region: botocore would ask for the bucket's region,
        be redirected again, and so on until RecursionError."""
        if response is None:
            return
        metadata = response[1].get("ResponseMetadata", {})
        own = self._config.endpoint is not None
        if metadata.get("HTTPStatusCode") in REDIRECTS and (
            own or "x-amz-bucket-region" not in metadata.get("HTTPHeaders", {})
        ):
            place = request_dict.get("context", {}).get("s3_redirect", {}).get("params", {})
            raise redirected(self._config.bucket, str(place.get("Key", "")))
