"""The clients of one worker."""

from __future__ import annotations

from preppath_workers.clients.services import Services
from preppath_workers.config.load import load

MINIMAL_ENV = {
    "OPENAI_API_KEY": "sk-test",
    "OPENAI_BASE_URL": "http://127.0.0.1:1/v1",
    "S3_BUCKET": "bucket",
    "DATABASE_URL": "postgresql://127.0.0.1:1/preppath",
}


def test_services_after_close_make_a_new_client() -> None:
    services = Services(load(MINIMAL_ENV, []))

    first = (services.openai, services.storage, services.database)
    assert first == (services.openai, services.storage, services.database)

    services.close()
    services.close()
    assert services.openai is not first[0]
    services.close()
