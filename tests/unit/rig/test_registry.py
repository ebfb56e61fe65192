from __future__ import annotations

from pathlib import Path

from hostwright.rig.ledger import Ledger
from hostwright.rig.registry import Registry, settings


def test_it_listens_on_the_rigs_own_address_only_and_with_tls() -> None:
    plain = settings("10.99.7.254", Path("/registry"))
    assert plain["http"] == {
        "addr": "10.99.7.254:5000",
        "tls": {"certificate": "/registry/api.pem", "key": "/registry/api.key"},
    }
    assert "proxy" not in plain


def test_what_was_pushed_lies_in_its_own_directory() -> None:
    made = Registry("10.99.7.254", Path("/registry"), Ledger("try", 7, None))
    assert made.address == "10.99.7.254:5000"
    assert settings(made.ip, made.home)["storage"] == {
        "filesystem": {"rootdirectory": "/registry/data"},
        "delete": {"enabled": True},
    }
