"""HTTP proxies: which are accepted, and where the libraries find them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from preppath_workers.config.load import load, read_environment
from preppath_workers.config.model import QueueConfig
from preppath_workers.errors import ConfigError
from preppath_workers.jobs import JOB_TYPES

NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
REQUIRED = {"OPENAI_API_KEY": "sk-x", "S3_BUCKET": "b", "DATABASE_URL": "postgresql://h/d"}
USABLE = ["http://proxy.example:3128", "https://proxy:443", "http://u:p@127.0.0.1:9", "proxy:3128", "[::1]:9"]
UNUSABLE = [
    *("socks5://u:secret@proxy:1080", "socks5h://proxy", "foo://u:secret@proxy", "http://proxy:port"),
    *("http://[proxy", "http://", "http://u:secret@pro xy:1", "://proxy"),
]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy is set, before the test and after it."""
    for name in (*NAMES, *map(str.lower, NAMES), "PREPPATH_EXPORTED"):
        monkeypatch.setenv(name, "")


@pytest.mark.parametrize("name", ["HTTP_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("proxy", UNUSABLE)
def test_load_with_a_proxy_that_not_all_clients_can_use_refuses_it_by_name(name: str, proxy: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is wrong: expected the URL of an HTTP proxy") as caught:
        load({**REQUIRED, name: proxy}, [each.defaults for each in JOB_TYPES])

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("proxy", USABLE)
def test_load_with_an_http_proxy_accepts_it(proxy: str) -> None:
    assert load({**REQUIRED, "HTTPS_PROXY": proxy, "no_proxy": "*"}, [each.defaults for each in JOB_TYPES])


def test_load_for_jobs_without_these_clients_leaves_proxies_to_their_handlers() -> None:
    own = QueueConfig("own")

    assert load({"ALL_PROXY": "socks5://proxy"}, [own]).queues == (own,)


def test_read_environment_gives_libraries_the_proxies_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("HTTPS_PROXY=http://proxy:3128\nNO_PROXY=127.0.0.1\n")

    read_environment(tmp_path / "env")

    assert (os.environ["HTTPS_PROXY"], os.environ["NO_PROXY"]) == ("http://proxy:3128", "127.0.0.1")
    (tmp_path / "env").write_text("")
    read_environment(tmp_path / "env")
    assert "HTTPS_PROXY" not in os.environ


def test_read_environment_adds_the_scheme_that_some_libraries_require(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", "proxy:3128")

    read_environment()

    assert os.environ["https_proxy"] == "http://proxy:3128"
