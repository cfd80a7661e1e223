"""Credentials that botocore fetches from AWS: for a role, a web identity or single sign-on."""

from __future__ import annotations

from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    InvalidConfigError,
    LoginError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    RefreshWithMFAUnsupportedError,
    SSOError,
    TokenRetrievalError,
)

#: The services whose clients botocore's providers of credentials make.
SERVICES = ("sts", "sso", "sso-oidc", "signin")

#: What botocore raises if it finds no credentials, or none that are valid.
NO_CREDENTIALS = (
    *(NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, InvalidConfigError),
    *(SSOError, LoginError, NoAuthTokenError, TokenRetrievalError, RefreshWithMFAUnsupportedError),
)

#: Their requests.
_OPERATIONS = frozenset(
    {
        "AssumeRole",
        "AssumeRoleWithWebIdentity",
        "CreateOAuth2Token",
        "CreateToken",
        "GetRoleCredentials",
    }
)

#: Codes of refusals that pass, although their status says that the request is wrong.
_PASSING = frozenset(
    {
        "IDPCommunicationError",
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


def is_about_credentials(error: ClientError) -> bool:
    """Return whether the answer is not S3's, but that of a service that was asked for credentials."""
    return error.operation_name in _OPERATIONS


def lasts(code: str, status: int) -> bool:
    """Return whether the refusal of credentials lasts until the role, the token or the rights are changed."""
    return 400 <= status < 500 and status != 429 and code not in _PASSING
