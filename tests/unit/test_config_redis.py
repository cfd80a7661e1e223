"""The Redis settings: a URL is either read as written or refused at startup."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis.connection import SSLConnection, parse_url

from preppath_workers.config.load import load_redis
from preppath_workers.config.model import RedisConfig
from preppath_workers.config.redis import leads_elsewhere
from preppath_workers.config.redis_url import RedisUrl, split_url
from preppath_workers.errors import ConfigError
from preppath_workers.store.connections import connection as connections

WRONG = [
    "localhost:6379", "redis://", "redis://host:port", "redis://host:99999", "redis://host:0", "redis://[::1",
    "redis://[::g]", "redis://x[::1]", "redis://¡", "http://host",
    "redis://two words", "redis://%00", "redis://a..b", "redis://" + "a" * 64,
    "redis://host/queues", "redis://host/0/1", "redis://host/-1", "redis://host/999999", "redis://host/١",
    "redis://host?db=x", "redis://host?db=1&db=x", "redis://host?client_name=two words",
    "redis://host?socket_timeout=2", "redis://host?socket_connect_timeout=0", "redis://host?retry_on_timeout=1",
    "redis://host?decode_responses=false", "redis://host?encoding_errors=strict", "redis://host?protocol=3",
    "redis://host?max_connections=0", "redis://host?connection_class=x", "redis://host?unknown=1",
    "redis://host?ssl_cert_reqs=none", "rediss://host?ssl_cert_reqs=perhaps", "redis://host?=", "redis://host?x",
    "redis://user#:password@host", "redis://:pass/word@host", "redis://:pass?word@host", "redis://ho\x1bst",
    "redis+sentinel://h:26379", "redis+sentinel://h:26379/", "redis+sentinel:///service", "redis+sentinel://h,/service",
    "redis+sentinel://h:0/service", "redis+sentinel://h:x,i/service", "redis+sentinel://h/a service",
    "redis+sentinel://h/service/x", "redis+sentinel://h/service/0/1", "redis+sentinel://h/service?ssl_cert_reqs=none",
    "redis+sentinel://h/service?socket_timeout=1", "redis+cluster://", "redis+cluster://h,", "redis+cluster://h/0",
    "redis+cluster://h?db=1", "redis+cluster://h?sentinel_password=x", "redis+other://h", "unix+sentinel://h/service",
    "redis://h?sentinel_password=x", "redis://h:1,i:2",
    "unix:", "unix:path", "unix://", "unix:///", "unix://host/path", "unix:///path?socket_timeout=1",
]  # fmt: skip


@pytest.mark.parametrize("url", WRONG, ids=ascii)
def test_redis_url_that_is_wrong_or_ambiguous_is_refused_without_its_value(url: str) -> None:
    messages = []
    for wrong in (url, "nonsense"):
        with pytest.raises(ConfigError) as raised:
            load_redis({"REDIS_URL": wrong})
        messages.append(raised.value.problems)
    (problem,) = messages[0]
    assert problem.startswith(
        "REDIS_URL is wrong: expected a URL that starts with redis:// or rediss:// or unix"
    )
    assert messages[0] == messages[1], "the message does not depend on the value"


@pytest.mark.parametrize("name", ["ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile"])
def test_redis_url_with_a_file_that_is_not_there_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"REDIS_URL is wrong: expected {name} to name a file"):
        load_redis({"REDIS_URL": f"rediss://host?{name}={tmp_path / 'none'}"})
    assert load_redis({"REDIS_URL": f"rediss://host?{name}={tmp_path}"})


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://host", {"host": "host", "port": 6379, "db": 0}),
        ("redis://u:p%40ss@10.0.0.1:7000/3", {"port": 7000, "db": 3, "username": "u", "password": "p@ss"}),
        ("redis://my_redis.internal/?db=2&client_name=workers", {"db": 2, "client_name": "workers"}),
        ("redis://[::1]:6380/", {"host": "::1", "port": 6380}),
        ("redis://:päss wörd@höst", {"password": "päss wörd"}),
        ("rediss://h?ssl_cert_reqs=none&ssl_check_hostname=False", {"cert_reqs": 0, "check_hostname": False}),
        ("unix:///run/redis.sock?db=1&password=p", {"path": "/run/redis.sock", "db": 1, "password": "p"}),
        ("unix://user:p@/run/redis.sock", {"path": "/run/redis.sock", "username": "user"}),
    ],
    ids=ascii,
)  # fmt: skip
def test_redis_url_that_is_valid_keeps_our_timeouts_and_encoding(
    url: str, expected: dict[str, object]
) -> None:
    connection = connections.open_for_consumer(load_redis({"REDIS_URL": url}).url, timeout=7)

    assert {name: getattr(connection, name) for name in expected} == expected
    assert (connection.socket_timeout, connection.socket_connect_timeout) == (7, connections.CONNECT_TIMEOUT)
    assert connection.encoder.encoding_errors == "surrogateescape"
    assert connection.encoder.decode_responses is True


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "redis+sentinel://u:p%40ss@a:1,[::1]:2,c/my.queues/3?sentinel_username=s&sentinel_password=t%40",
            RedisUrl(
                topology="sentinel",
                server="redis://u:p%40ss@a:1/3?",
                hosts=(("a", 1), ("::1", 2), ("c", 26_379)),
                service="my.queues",
                sentinel="redis://a:1?username=s&password=t%40",
            ),
        ),
        (
            "rediss+sentinel://a/queues?ssl_ca_certs=/dev/null&client_name=w",
            RedisUrl(
                topology="sentinel",
                server="rediss://a:26379/?ssl_ca_certs=%2Fdev%2Fnull&client_name=w",
                hosts=(("a", 26_379),),
                service="queues",
                sentinel="rediss://a:26379?ssl_ca_certs=%2Fdev%2Fnull",
            ),
        ),
        (
            "rediss+cluster://:p@a:7000,b/",
            RedisUrl(topology="cluster", server="rediss://:p@a:7000/?", hosts=(("a", 7000), ("b", 6379))),
        ),
    ],
    ids=["sentinel", "sentinel over TLS", "cluster"],
)
def test_redis_url_of_several_servers_is_split(url: str, expected: RedisUrl) -> None:
    assert split_url(load_redis({"REDIS_URL": url}).url) == expected


def test_redis_url_of_sentinels_over_tls_verifies_every_server() -> None:
    url = split_url("rediss+sentinel://a/queues?ssl_ca_certs=/ca.pem")
    opened = connections.open_for_consumer("rediss+sentinel://a/queues?ssl_ca_certs=/ca.pem", timeout=7)
    assert isinstance(opened, SSLConnection)
    assert opened.ca_certs == parse_url(url.sentinel)["ssl_ca_certs"] == "/ca.pem"


@pytest.mark.parametrize("host", ["localhost:6379", "a:b", "..", "a..b", "two words", "http://host", "::g"])
def test_redis_host_that_is_invalid_is_refused(host: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load_redis({"REDIS_HOST": host})
    assert raised.value.problems == ("REDIS_HOST is wrong: expected a host name or an address",)


def test_redis_host_may_be_an_ipv4_or_ipv6_address() -> None:
    assert load_redis({"REDIS_HOST": "::1"}).url == "redis://[::1]:6379"
    assert load_redis({"REDIS_HOST": "127.0.0.1"}).url == "redis://127.0.0.1:6379"


@pytest.mark.parametrize("name", ["REDIS_PASSWORD", "REDIS_URL", "REDIS_HOST", "KEY_PREFIX"])
def test_redis_variable_that_is_not_utf8_is_a_config_error(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is wrong: expected"):
        load_redis({name: "redis://h/\udcff"})


@pytest.mark.parametrize(
    ("old", "new", "is_elsewhere"),
    [
        ("redis://h", "redis://h", False),
        ("redis://h", "redis://me:new@h:6379/0", False),
        ("redis://h/1?socket_timeout=5", "rediss://h/1", False),
        ("redis://h", "redis://other", True),
        ("redis://h", "redis://h:6380", True),
        ("redis://h/1", "redis://h/2", True),
        ("unix:///a", "unix:///b", True),
        ("redis://h", "redis+cluster://h", True),
        ("redis+cluster://h,i", "redis+cluster://j", False),
        ("redis+sentinel://h,i/main/0", "redis+sentinel://j,i/main", False),
        ("redis+sentinel://h/main", "redis+sentinel://h/other", True),
    ],
)
def test_leads_elsewhere_compares_where_the_keys_are(old: str, new: str, is_elsewhere: bool) -> None:
    assert leads_elsewhere(RedisConfig(old), RedisConfig(new)) is is_elsewhere


def test_leads_elsewhere_with_another_prefix_is_true() -> None:
    assert leads_elsewhere(RedisConfig("redis://h"), RedisConfig("redis://h", "other"))
