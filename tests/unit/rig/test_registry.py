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
    assert "auth" not in plain


def test_it_asks_for_a_login_where_it_is_given_a_file_of_them() -> None:
    asking = settings("10.99.7.254", Path("/registry"), "/registry/htpasswd")
    assert asking["auth"] == {"htpasswd": {"realm": "the rig", "path": "/registry/htpasswd"}}


def test_what_was_pushed_lies_in_its_own_directory() -> None:
    made = Registry("10.99.7.254", Path("/registry"), Ledger("try", 7, None))
    assert made.address == "10.99.7.254:5000"
    assert settings(made.ip, made.home)["storage"] == {
        "filesystem": {"rootdirectory": "/registry/data"},
        "delete": {"enabled": True},
    }
