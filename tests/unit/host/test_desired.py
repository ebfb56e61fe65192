from __future__ import annotations

from typing import Any

import pytest
from tests.host.builders import KEY, desired

from hostwright.errors import UserError


@pytest.mark.parametrize(
    ("settings", "administrator", "made", "logins"),
    [
        ({}, "admin", True, ("admin", "root")),
        ({"bootstrap_user": "debian"}, "debian", False, ("debian",)),
        ({"administrator": "root"}, "root", False, ("root",)),
        ({"bootstrap_user": "ubuntu", "administrator": "ops"}, "ops", True, ("ops", "ubuntu")),
    ],
)
def test_who_may_change_the_host(
    settings: dict[str, Any], administrator: str, *, made: bool, logins: tuple[str, ...]
) -> None:
    host = desired(**settings)
    assert (host.administrator, host.makes_administrator, host.logins) == (
        administrator,
        made,
        logins,
    )


def test_root_may_log_in_only_where_that_was_chosen() -> None:
    assert not desired().permits_root
    assert desired(root_login="keys").permits_root
    assert desired(administrator="root").permits_root


@pytest.mark.parametrize(
    "settings",
    [
        {"app": "App"},
        {"app": "a/b"},
        {"app": ""},
        {"deploy_user": "de ploy"},
        {"deploy_user": "root"},
        {"deploy_user": "admin"},
        {"bootstrap_user": "x;reboot"},
        {"administrator": "Ops"},
        {"deploy_keys": ()},
        {"admin_keys": ()},
        {"deploy_keys": ("not a key",)},
        {"deploy_keys": (f"{KEY} me\nssh-ed25519 AAAA",)},
        {"deploy_keys": (f'command="x" {KEY}',)},
        {"admin_keys": (KEY[:-4],)},
        {"admin_keys": (KEY[:25],)},
        {"admin_keys": (KEY.replace("ssh-ed25519", "ssh-rsa"),)},
        {"admin_keys": (f"{KEY}=",)},
        {"reboot_time": "24:00"},
        {"reboot_time": '04:00";'},
    ],
)
def test_what_could_not_be_written_to_the_host_as_it_is_is_refused(
    settings: dict[str, Any],
) -> None:
    with pytest.raises(UserError):
        desired(**settings)


def test_a_key_may_carry_a_comment() -> None:
    assert desired(deploy_keys=(f"{KEY} me@laptop (work)",)).deploy_keys


def test_no_administrator_of_ours_needs_no_key() -> None:
    assert desired(bootstrap_user="debian", admin_keys=()).admin_keys == ()


def test_the_runner_is_not_printed() -> None:
    assert "PK" not in repr(desired())
