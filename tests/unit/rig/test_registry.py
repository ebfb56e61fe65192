from __future__ import annotations

from pathlib import Path

from hostwright.rig.registry import settings


def test_it_listens_on_the_rigs_own_address_only() -> None:
    plain = settings("10.99.7.254", Path("/data"))
    assert plain["http"] == {"addr": "10.99.7.254:5000"}
    assert "proxy" not in plain
