"""URLs that may name several hosts."""

from __future__ import annotations

import pytest

from preppath_workers.config import urls


def test_split_keeps_an_address_of_ipv6_among_several_hosts() -> None:
    parts = urls.split("redis+sentinel://u:p%2C@a:1,[::1]:2,c/queues/3?client_name=w#x")
    assert (parts.scheme, parts.netloc, parts.password) == (
        "redis+sentinel",
        "u:p%2C@a:1,[::1]:2,c",
        "p%2C",
    )
    assert (parts.path, parts.query, parts.fragment) == ("/queues/3", "client_name=w", "x")


def test_split_of_several_hosts_ends_them_where_the_query_begins() -> None:
    assert urls.split("redis+cluster://a,b?x=1,2/3").netloc == "a,b"


def test_split_refuses_a_single_host_that_is_no_address() -> None:
    with pytest.raises(ValueError, match="Invalid IPv6 URL"):
        urls.split("redis://[::1")
