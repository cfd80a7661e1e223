"""The certificates that TLS connections trust: Redis, S3, PostgreSQL, OpenAI and the webhook alike.

Each library reads its own environment variable. Here OpenSSL's `SSL_CERT_FILE` applies to all of them.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from ..errors import ConfigError

#: The variables of boto3 and requests, which default to SSL_CERT_FILE.
_OTHERS = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
_NAMES = ("SSL_CERT_FILE", "SSL_CERT_DIR", *_OTHERS)


def trusted(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that name the configured certificates, for all libraries.

    Raises ConfigError for a file without certificates.
    """
    chosen = {name: variables[name] for name in _NAMES if variables.get(name)}
    if problems := [
        f"{name} is wrong: expected {_EXPECTED}" for name in chosen if not _is_trust(chosen[name])
    ]:
        raise ConfigError(*problems)
    if "SSL_CERT_FILE" in chosen:
        chosen = {**dict.fromkeys(_OTHERS, chosen["SSL_CERT_FILE"]), **chosen}
    return chosen


#: The lines around a certificate.
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"

_EXPECTED = "a file of certificates (PEM) that can be read"


def _is_trust(path: str) -> bool:
    try:
        file = Path(path).stat()
    except OSError:
        return False
    if not S_ISREG(file.st_mode):
        return S_ISDIR(file.st_mode)  # each library reads the file: a pipe would be empty, or block
    return _has_certificates(path, file.st_mtime_ns, file.st_size)


# Cached: a command reads its environment several times.
@lru_cache(maxsize=8)
def _has_certificates(path: str, _modified_ns: int, _size: int) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        text = Path(path).read_bytes()
        if 0 < text.count(_BEGIN) == text.count(_END) == text.count(b"-----BEGIN "):
            # Parsing all of the system's file would take a fifth of a command's time.
            first = text[text.index(_BEGIN) : text.index(_END)]
            last = text[text.rindex(_BEGIN) : text.rindex(_END)]
            context.load_verify_locations(cadata=b"".join((first, _END, b"\n", last, _END)).decode("ascii"))
        else:
            context.load_verify_locations(path)
    except (OSError, UnicodeDecodeError):  # ssl.SSLError is an OSError
        return False
    return True
