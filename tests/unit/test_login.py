"""Who everyday commands log in as, and what is said where nobody is let in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import pytest
from tests.unit.release.plans import host

from hostwright import login, transport
from hostwright.cluster import graduate
from hostwright.errors import LoginError
from hostwright.tasks import hosts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEYS = ("ssh-ed25519 AAAA somebody",)


class Opened:
    """A connection that only knows whose it is."""

    def __init__(self, user: str) -> None:
        self.user = user

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""


@pytest.fixture
def lets_in(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Says which users the host lets in."""

    def only(*names: str) -> None:
        def connect(address: object, *, users: tuple[str, ...], **_: object) -> Opened:
            for user in users:
                if user in names:
                    return Opened(user)
            raise LoginError("the host let none in", where=str(address), remedy="Tried a key.")

        monkeypatch.setattr(transport, "connect", connect)

    return only


@pytest.mark.parametrize(
    ("stated", "users"),
    [
        ({}, ("deploy", "admin", "root")),
        ({"bootstrap_user": "debian"}, ("deploy", "debian")),
        ({"deploy_user": "ship", "administrator": "boss"}, ("ship", "boss", "root")),
        ({"administrator": "root"}, ("deploy", "root")),
    ],
)
def test_everybody_who_may_run_the_runner_is_tried_once(
    stated: dict[str, Any], users: tuple[str, ...]
) -> None:
    assert login.users(host(**stated)) == users


PERSON, PIPELINE = "ssh-ed25519 AAAA", "ssh-ed25519 BBBB"


@pytest.mark.parametrize(
    ("deploy", "admin", "first"),
    [
        ((PIPELINE,), (f"{PERSON} me@laptop",), "admin"),
        ((PIPELINE, PERSON), (PERSON,), "deploy"),
        ((), (PERSON,), "deploy"),
        ((PIPELINE,), (), "deploy"),
    ],
)
def test_a_key_that_is_named_is_tried_where_it_is_listed(
    tmp_path: Path, deploy: tuple[str, ...], admin: tuple[str, ...], first: str
) -> None:
    """A refused login of every command would soon be too many for sshd."""
    (tmp_path / "key.pub").write_text(f"{PERSON} me@laptop\n")
    named = host(identity_file=str(tmp_path / "key"), deploy_keys=deploy, admin_keys=admin)

    assert login.users(named)[0] == first
    assert set(login.users(named)) == {"deploy", "admin", "root"}


@pytest.mark.parametrize(
    ("names", "user"),
    [(("deploy", "admin"), "deploy"), (("admin",), "admin"), (("root",), "root")],
)
def test_a_key_of_the_administrators_alone_opens_a_session(
    lets_in: Callable[..., None], names: tuple[str, ...], user: str
) -> None:
    lets_in(*names)
    with hosts.session(host()) as session:
        assert session.user == user


def test_moving_to_kubernetes_asks_the_server_as_everything_else_does(
    lets_in: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from hostwright import deploy
    from hostwright.contract import load

    lets_in("admin")
    monkeypatch.setattr(deploy, "status", lambda session, _: {"as": session.user})
    assert graduate._status(host(), load()) == {"as": "admin"}  # noqa: SLF001 - what it asks


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({}, ""),
        ({"deploy_keys": KEYS}, "only deploy_keys as deploy"),
        ({"admin_keys": KEYS}, "only admin_keys as admin"),
        (
            {"deploy_keys": KEYS, "admin_keys": KEYS},
            "only deploy_keys as deploy and only admin_keys as admin",
        ),
        ({"admin_keys": KEYS, "bootstrap_user": "debian"}, ""),
    ],
)
def test_where_keys_are_named_a_refused_login_says_so(
    lets_in: Callable[..., None], stated: dict[str, Any], said: str
) -> None:
    lets_in()
    with pytest.raises(LoginError, match="let none in") as caught, hosts.session(host(**stated)):
        pass
    more = f" A provisioned host lets in {said} (hosts.yaml): " if said else ""
    assert caught.value.remedy.startswith(f"Tried a key.{more}")
    assert ("vps.provision" in caught.value.remedy) is bool(said)
