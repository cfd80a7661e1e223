"""Audio files in an S3 bucket: AWS, or any server that speaks its API, such as MinIO."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from ..errors import JobError, OutOfService, PermanentError, TransientError
from ..settings import StorageConfig

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

#: Codes (S3's reference, "Error responses") that no further attempt can change.
PERMANENT_CODES = frozenset({"NoSuchKey", "KeyTooLongError", "EntityTooLarge", "InvalidObjectState"})
#: What comes out of botocore, beside its own errors, of an answer that breaks off or is not as it expects it.
UNREADABLE = (HTTPError, ResponseParserError, ValueError, LookupError, ArithmeticError, RuntimeError)
#: Codes of rejected credentials that do not come with a 401 or 403.
CREDENTIALS_CODES = frozenset({"ExpiredToken", "InvalidToken", "TokenRefreshRequired"})


@dataclass(frozen=True)
class Stored:
    """What is known of an object: its size, bytes, and its metadata, ASCII text by names in lower case."""

    size: int
    metadata: Mapping[str, str]


class Storage:
    """The bucket. Methods raise PermanentError for an object that does not exist, OutOfService for a bucket
    that does not, and TransientError for all that can heal: the network, the server, rejected credentials.
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

    def close(self) -> None:
        """Drops the client and its connections; the next call makes a new one, with fresh credentials."""
        client, self._client = self._client, None
        if client:
            client.close()

    def download(self, key: str, file: IO[bytes]) -> None:
        """Writes the object to the file, piece by piece, so that its size does not matter to memory."""
        with self._request(key) as client:
            body = client.get_object(Bucket=self._config.bucket, Key=key)["Body"]
            shutil.copyfileobj(body, file, CHUNK)

    def upload(
        self, key: str, body: bytes, content_type: str, metadata: Mapping[str, str] | None = None
    ) -> None:
        """Stores the object, in place of one that is there. Metadata is ASCII text."""
        with self._request(key) as client:
            client.put_object(
                Bucket=self._config.bucket,
                Key=key,
                Body=body,
                ContentType=content_type,
                Metadata=metadata or {},
            )

    def find(self, key: str) -> Stored | None:
        """What is known of the object; None when there is none."""
        with self._request(key) as client:
            try:
                found = client.head_object(Bucket=self._config.bucket, Key=key)
            except ClientError as error:
                if _status(error) != 404:
                    raise
            else:
                return Stored(found["ContentLength"], found["Metadata"])
        # An answer to HEAD has no body, hence no code: key and bucket look alike until asked.
        self._check_bucket(key)
        return None

    def size(self, key: str) -> int:
        """The object's size, bytes."""
        found = self.find(key)
        if found is None:
            raise self._missing(key)
        return found.size

    def read(self, key: str) -> bytes | None:
        """The object; None when there is none. For small ones: all of it is held in memory."""
        with self._request(key) as client:
            try:
                return client.get_object(Bucket=self._config.bucket, Key=key)["Body"].read()
            except client.exceptions.NoSuchKey:
                return None

    def delete(self, key: str) -> None:
        """Removes the object, if it is there."""
        with self._request(key) as client:
            client.delete_object(Bucket=self._config.bucket, Key=key)

    def signed_url(self, key: str, seconds: int = MAX_URL_SECONDS) -> str:
        """A URL that anyone can read the object with for that long, `MAX_URL_SECONDS` at most.

        Nothing is asked of the server. The URL dies earlier when temporary credentials signed it and they
        run out, so whoever keeps it should keep the key as well.
        """
        with self._request(key) as client:
            return client.generate_presigned_url(
                "get_object", Params={"Bucket": self._config.bucket, "Key": key}, ExpiresIn=seconds
            )

    def _check_bucket(self, key: str) -> None:
        with self._request(key) as client:
            try:
                client.head_bucket(Bucket=self._config.bucket)
            except ClientError as error:
                if _status(error) == 404:
                    raise self._no_bucket() from error
                raise

    @contextmanager
    def _request(self, key: str) -> Iterator[S3Client]:
        """The client, made on first use; its errors become ours."""
        try:
            self._client = self._client or self._connect()
            yield self._client
        except ClientError as error:
            if _credentials_rejected(error):
                self.close()
            raise self._classify(error, key) from error
        except ParamValidationError as error:
            raise PermanentError(f"S3 can not take the key {key!r}") from error
        except NoCredentialsError as error:
            self.close()
            raise TransientError("no credentials for S3 were found") from error
        except BotoCoreError as error:
            raise TransientError(f"S3 could not be reached for {self._name(key)}: {error}") from error
        except RecursionError:
            # After a redirect botocore asks for the bucket's region, and is redirected again, and so on. Not
            # chained: the way there fills a screen.
            raise OutOfService(
                f"S3 redirects every request for {self._name(key)}: check S3_ENDPOINT"
            ) from None
        except UNREADABLE as error:
            told = type(error).__name__
            raise TransientError(f"S3's answer for {self._name(key)} can not be read ({told})") from error

    def _connect(self) -> S3Client:
        connect_timeout, read_timeout = self._timeouts
        # An endpoint of one's own seldom has a host name for each bucket, and older servers refuse the
        # checksums that AWS has come to expect.
        own = self._config.endpoint is not None
        settings = Config(
            signature_version="s3v4",
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            retries={"total_max_attempts": 1},  # the queue's retries are the only ones
            s3={"addressing_style": "path" if own else "auto"},
            request_checksum_calculation="when_required" if own else "when_supported",
            response_checksum_validation="when_required" if own else "when_supported",
        )
        # A session of its own: boto3's default one would give back the credentials it once found.
        return boto3.session.Session().client(
            "s3",
            region_name=self._config.region,
            endpoint_url=self._config.endpoint,
            aws_access_key_id=self._config.access_key_id,
            aws_secret_access_key=self._config.secret_access_key,
            config=settings,
        )

    def _classify(self, error: ClientError, key: str) -> JobError:
        code = error.response.get("Error", {}).get("Code", "")
        if code == "NoSuchKey":
            return self._missing(key)
        if code == "NoSuchBucket":
            return self._no_bucket()
        message = f"S3 answered {_status(error)} {code} for {self._name(key)}"
        return PermanentError(message) if code in PERMANENT_CODES else TransientError(message)

    def _no_bucket(self) -> OutOfService:
        return OutOfService(f"there is no bucket {self._config.bucket} in S3")

    def _missing(self, key: str) -> PermanentError:
        return PermanentError(f"there is no object {self._name(key)} in S3")

    def _name(self, key: str) -> str:
        return f"{self._config.bucket}/{key}"


def _status(error: ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _credentials_rejected(error: ClientError) -> bool:
    code = error.response.get("Error", {}).get("Code", "")
    return _status(error) in (401, 403) or code in CREDENTIALS_CODES
