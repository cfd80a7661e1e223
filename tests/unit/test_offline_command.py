"""`preppath-workers offline` without its engines."""

from __future__ import annotations

import pytest

from preppath_workers.cli.loopback import is_loopback
from preppath_workers.cli.main import main
from preppath_workers.offline.engines import packages


def test_offline_without_the_extra_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(packages, "PACKAGES", {"no_such_module": "no-such-package", "json": "json"})
    assert main(["offline"]) == 69
    assert capsys.readouterr().err == (
        "offline: the extra [offline] is not installed (no-such-package); "
        "in the checkout: bin/setup-venv offline\n"
    )


def test_host_is_loopback_only_if_no_other_machine_reaches_it() -> None:
    assert [host for host in ("127.0.0.1", "127.9.9.9", "localhost", "::1") if not is_loopback(host)] == []
    assert [host for host in ("0.0.0.0", "192.168.1.5", "example.com", "") if is_loopback(host)] == []  # noqa: S104
