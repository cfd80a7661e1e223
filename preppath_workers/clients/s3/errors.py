"""Whose failure an S3 error is, by its code (S3's reference, "Error responses") and status."""

from __future__ import annotations

import re
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from ...errors import JobError, MachineError, PermanentError, ServiceError
from ..machine import machine_error
from ..retry_after import retry_after
from .credentials import NO_CREDENTIALS, is_about_credentials, lasts

#: What botocore raises, beside its own errors, for a response that breaks off or is malformed.
UNREADABLE = (HTTPError, ResponseParserError, ValueError, LookupError, ArithmeticError, RuntimeError)

#: The job's own object.
_PERMANENT = frozenset(
    {
        "EntityTooLarge",
        "InvalidObjectState",
        "KeyTooLong",
        "KeyTooLongError",
        "MetadataTooLarge",
        "NoSuchKey",
        "XMinioInvalidObjectName",
    }
)
#: Refused access keys, tokens and rights. Fresh ones may work: they come from a file, a role or a server.
_CREDENTIALS = frozenset(
    {"ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch", "TokenRefreshRequired"}
)
#: Ends of the codes for a failure of the service that encrypts objects, which passes.
_TRANSIENT_OF_KMS = ("ThrottlingException", "InternalException", "TimeoutException", "UnavailableException")
#: AWS's message to a user who lacks a right. If the object is missing, that is s3:ListBucket; if it exists,
#: the right to read. To users of other accounts it names none, as other servers do.
_LACKS_RIGHT = re.compile(r"User: \S+ is not authorized to perform: (\S+)")
#: Characters of S3's own message that are shown.
_MAX_MESSAGE = 200
#: Fails every job until the bucket, the account or the configuration is changed.
_REFUSES_ALL = frozenset(
    {
        "AccountProblem",
        "AllAccessDisabled",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
        "InvalidBucketName",
        "InvalidSecurity",
        "MethodNotAllowed",
        "NoSuchBucket",
        "NotImplemented",
        "NotSignedUp",
        "PermanentRedirect",
    }
)


def refusal(error: ClientError, bucket: str, key: str, *, writes: bool, fresh: bool) -> JobError:
    """Return the error to raise for a response that refuses the request.

    Args:
        writes: whether the request changes something. If the user may not list the bucket, S3 also answers
            403 to a read of a missing object, so a refused read may be the job's failure or the rights',
            unless S3's message tells: see `is_missing`.
        fresh: whether the credentials were looked up for this request.
    """
    code, status = code_of(error), status_of(error)
    if is_about_credentials(error):
        said = f"{error.operation_name} answered {status} {code}{_message(error)}"
        return ServiceError("s3", f"no credentials for S3: {said}", refuses_all=lasts(code, status))
    if not writes and is_missing(error):
        return missing(bucket, key)
    if code == "NoSuchBucket":
        return ServiceError("s3", f"there is no bucket {bucket} in S3", refuses_all=True)
    said = f"S3 answered {status} {code} for {bucket}/{key}{_message(error)}"
    if code == "RequestTimeTooSkewed":  # other machines may have the right time
        return MachineError("clock", f"the clock of this machine differs from that of S3 too much: {said}")
    if code in _PERMANENT:
        return PermanentError(said)
    if code in _CREDENTIALS or (code.startswith("KMS.") and not code.endswith(_TRANSIENT_OF_KMS)):
        return ServiceError("s3", said, refuses_all=fresh)
    if code in _REFUSES_ALL or status in (405, 501):
        return ServiceError("s3", said, refuses_all=True)
    if status in (401, 403, 404) and not writes:
        may_be_missing = status == 403 and not _lacking_right(error)
        hint = "; without the right s3:ListBucket a missing object looks like this too" * may_be_missing
        return ServiceError("s3", said + hint)
    if status in (401, 403, 404):
        return ServiceError("s3", said, refuses_all=fresh)
    return ServiceError("s3", said, retry_after=retry_after(_metadata(error).get("HTTPHeaders", {})))


def failure(error: Exception, bucket: str, key: str) -> JobError | None:
    """Return the error to raise for a request without a readable response, or None if the error comes from
    the file to write to and not from S3."""
    if machine := machine_error(error):
        return machine
    if isinstance(error, NO_CREDENTIALS):
        return ServiceError("s3", f"no credentials for S3: {error}", refuses_all=True)
    if isinstance(error, ParamValidationError):
        return ServiceError(
            "s3", f"cannot send a request for {bucket}/{key} to S3: {error}", refuses_all=True
        )
    if isinstance(error, OSError | MemoryError) and not isinstance(error, BotoCoreError):
        return None
    if isinstance(error, UNREADABLE):
        return ServiceError("s3", f"cannot read S3's answer for {bucket}/{key} ({type(error).__name__})")
    return ServiceError("s3", f"cannot reach S3 for {bucket}/{key}: {error}")


def redirected(bucket: str, key: str) -> JobError:
    """Return the error for an endpoint that redirects."""
    message = f"S3 redirects the request for {bucket}/{key}: check S3_ENDPOINT and S3_REGION"
    return ServiceError("s3", message, refuses_all=True)


def not_s3(bucket: str, key: str) -> JobError:
    """Return the error for a successful answer that cannot be S3's."""
    return ServiceError("s3", f"the answer for {bucket}/{key} has no ETag, so isn't S3's: check S3_ENDPOINT")


def too_slow(bucket: str, key: str, seconds: float) -> JobError:
    """Return the error for a request that the job's time limit has ended."""
    return ServiceError("s3", f"S3 did not finish with {bucket}/{key} within {seconds:.0f} s")


def is_missing(error: ClientError) -> bool:
    """Return whether a read is refused because the object does not exist."""
    return code_of(error) == "NoSuchKey" or _lacking_right(error) == "s3:ListBucket"


def missing(bucket: str, key: str) -> JobError:
    """Return the error for an object that does not exist."""
    return PermanentError(f"there is no object {bucket}/{key} in S3")


def too_large(bucket: str, key: str, most: int) -> JobError:
    """Return the error for an object that is larger than its reader takes."""
    return PermanentError(f"the object {bucket}/{key} in S3 has more than {most:,} bytes")


def credentials_rejected(error: ClientError) -> bool:
    """Return whether fresh credentials may help."""
    return status_of(error) in (401, 403) or code_of(error) in _CREDENTIALS or is_about_credentials(error)


def status_of(error: ClientError) -> int:
    """Return the answer's HTTP status."""
    return int(_metadata(error).get("HTTPStatusCode", 0))


def code_of(error: ClientError) -> str:
    """Return S3's code; for an answer without a body, botocore's: the status as text."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _lacking_right(error: ClientError) -> str | None:
    found = _LACKS_RIGHT.match(str(error.response.get("Error", {}).get("Message") or ""))
    return found[1] if found else None


def _message(error: ClientError) -> str:
    """Return S3's own message, such as which right is missing; empty for a response without a code."""
    said = " ".join(str(error.response.get("Error", {}).get("Message") or "").split())
    return f": {said[:_MAX_MESSAGE]}" if said and not code_of(error).isdigit() else ""


def _metadata(error: ClientError) -> dict[str, Any]:
    return dict(error.response.get("ResponseMetadata", {}))
