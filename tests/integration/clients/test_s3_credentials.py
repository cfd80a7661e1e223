"""Where the S3 client finds credentials, if the configuration has no keys."""

from __future__ import annotations

import hashlib
import io
import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from preppath_workers.clients.s3.client import Storage
from preppath_workers.config.model import StorageConfig
from preppath_workers.errors import ServiceError

from .conftest import Answers, storage_at

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROLE = "arn:aws:iam::123456789012:role/workers"
START_URL = "https://preppath.example/start"
PROFILES = {
    "role": f"""
[profile role]
role_arn = {ROLE}
source_profile = base
[profile base]
aws_access_key_id = test
aws_secret_access_key = test
""",
    "sso": f"""
[profile sso]
sso_session = preppath
sso_account_id = 123456789012
sso_role_name = workers
[sso-session preppath]
sso_region = us-east-1
sso_start_url = {START_URL}
""",
}

SetWebIdentity = Callable[[str], None]
SetProfile = Callable[[str, str], None]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, and no variables of AWS."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def web_identity(home: Path, monkeypatch: pytest.MonkeyPatch) -> SetWebIdentity:
    """Name a role and a token to assume it with, as Kubernetes does for a service account of EKS."""

    def at(sts: str) -> None:
        (home / "token").write_text("token")
        monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(home / "token"))
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts)

    return at


@pytest.fixture
def profile(home: Path, monkeypatch: pytest.MonkeyPatch) -> SetProfile:
    """Use one of the profiles, whose credentials come from the service at the URL."""

    def at(name: str, url: str) -> None:
        (home / "config").write_text(PROFILES[name])
        monkeypatch.setenv("AWS_PROFILE", name)
        for service in ("STS", "SSO", "SSO_OIDC"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", url)

    return at


def without_keys(bucket: str, endpoint: str) -> Storage:
    return storage_at(bucket, endpoint, access_key_id=None, secret_access_key=None)


def log_in(home: Path, expires_at: str) -> None:
    """Leave a token, as `aws sso login` does."""
    cache = home / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    name = hashlib.sha1(b"preppath", usedforsecurity=False).hexdigest()
    token = {"startUrl": START_URL, "region": "us-east-1", "accessToken": "t", "expiresAt": expires_at}
    (cache / f"{name}.json").write_text(json.dumps(token))


def test_storage_with_a_web_identity_assumes_its_role(
    bucket: str, s3: S3Client, web_identity: SetWebIdentity
) -> None:
    web_identity(s3.meta.endpoint_url)
    storage = without_keys(bucket, s3.meta.endpoint_url)

    storage.upload("key", b"sound", "audio/mpeg")

    assert storage.download("key", io.BytesIO(), 10) == 5
    assert "X-Amz-Security-Token=" in storage.signed_url("key")


def test_storage_with_a_profile_of_a_role_assumes_it(bucket: str, s3: S3Client, profile: SetProfile) -> None:
    profile("role", s3.meta.endpoint_url)
    assert "X-Amz-Security-Token=" in without_keys(bucket, s3.meta.endpoint_url).signed_url("key")


def signed_by_another_process(url: str) -> str:
    """Return the output of a process that signs a URL: botocore looks for HOME when it is imported."""
    program = f"""
from preppath_workers.clients.s3.client import Storage
from preppath_workers.config.model import StorageConfig
from preppath_workers.errors import ServiceError
try:
    print(Storage(StorageConfig("bucket", "{url}", "us-east-1", None, None)).signed_url("key"))
except ServiceError as error:
    print(error, error.refuses_all)
"""
    return subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def test_storage_with_a_profile_of_single_sign_on_uses_its_token(
    home: Path, answers: Answers, profile: SetProfile
) -> None:
    keys = {"accessKeyId": "ASIA", "secretAccessKey": "s", "sessionToken": "granted"}
    found = {"roleCredentials": {**keys, "expiration": 4_102_444_800_000}}
    url = answers(200, json.dumps(found).encode())
    profile("sso", url)
    log_in(home, "2100-01-01T00:00:00Z")
    assert "X-Amz-Security-Token=granted" in signed_by_another_process(url)


def test_expired_single_sign_on_closes_the_queue_and_says_so(
    home: Path, answers: Answers, profile: SetProfile
) -> None:
    url = answers(500)
    profile("sso", url)
    log_in(home, "2020-01-01T00:00:00Z")
    said = signed_by_another_process(url)
    assert said.startswith("no credentials for S3: ")
    assert said.endswith("expired and refresh failed True\n")


@pytest.mark.parametrize(
    ("status", "code", "refuses_all"),
    [
        (403, "AccessDenied", True),
        (400, "InvalidIdentityToken", True),
        (400, "ExpiredTokenException", True),
        (400, "IDPCommunicationError", False),
        (400, "Throttling", False),
        (503, "ServiceUnavailable", False),
    ],
)
def test_refused_role_is_a_failure_of_the_credentials_that_names_the_service(
    answers: Answers, web_identity: SetWebIdentity, status: int, code: str, refuses_all: bool
) -> None:
    refused = f"<ErrorResponse><Error><Code>{code}</Code><Message>Not you</Message></Error></ErrorResponse>"
    web_identity(answers(status, refused.encode(), {"Content-Type": "text/xml"}))
    with pytest.raises(ServiceError) as raised:
        without_keys("bucket", answers(404)).size("key")
    said = f"no credentials for S3: AssumeRoleWithWebIdentity answered {status} {code}: Not you"
    assert str(raised.value) == said
    assert raised.value.refuses_all is refuses_all


def test_service_of_roles_that_does_not_answer_is_given_up_like_s3(web_identity: SetWebIdentity) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        frozen = f"http://127.0.0.1:{server.getsockname()[1]}"
        web_identity(frozen)
        storage = Storage(StorageConfig("bucket", frozen, "us-east-1", None, None), read_timeout=0.2)
        with pytest.raises(ServiceError, match="Read timeout on endpoint URL") as raised:
            storage.signed_url("key")
    assert not raised.value.refuses_all
