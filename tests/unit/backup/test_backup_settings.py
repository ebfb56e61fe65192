"""What an operator may say about backups, and what is refused with its place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from hostwright import secrets, settings
from hostwright.backup import delivery, key
from hostwright.contract import load as load_contract
from hostwright.errors import SettingsError, UserError, ValuesError
from hostwright.provisioning import timers
from hostwright.runner.backup import settings as host_side

if TYPE_CHECKING:
    from pathlib import Path

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDbX3hDhShVcN2Qpcg/20BAJ4cS+IQKrdVQhNZjPcqLT"
_WHAT = "OPENSSH PRIVATE KEY-----"
PRIVATE = f"-----BEGIN {_WHAT}\n{'b3BlbnNzaC1r' * 8}\n-----END {_WHAT}\n"
BOTH = {delivery.ACCESS_KEY: "AKIA123", delivery.SECRET_KEY: "very-secret-indeed"}
S3 = {"s3": {"endpoint": "https://s3.example.com", "bucket": "shop-backups", "prefix": "prod"}}


def host(tmp_path: Path, repositories: Any = None, **more: Any) -> settings.Host:  # noqa: ANN401 - YAML
    """A host whose backups are complete."""
    file = tmp_path / "backup.key"
    if not file.exists():
        key.make(file)
    given = {
        "key_file": str(file),
        "repositories": {"here": {"path": "/var/backups/shop"}, "away": S3}
        if repositories is None
        else repositories,
        **more,
    }
    document = {"hosts": {"shop": {"address": "shop.example.com", "backup": given}}}
    return settings.from_text(yaml.safe_dump(document), "hosts.yaml").hosts["shop"]


@pytest.mark.parametrize(
    ("repository", "said"),
    [
        ({}, "needs one of path, s3 and sftp"),
        ({"path": "/var/backups/a", **S3}, "needs one of path, s3 and sftp"),
        ({"path": "/etc/cron.d"}, "is not below /var/backups, /srv or /mnt"),
        ({"path": "/var/backups/../../etc"}, "is not below /var/backups"),
        ({"path": "/srv"}, "is not below /var/backups"),
        ({"s3": {"endpoint": "s3.example.com", "bucket": "shop"}}, "is not https://host"),
        ({"s3": {"endpoint": "https://s3.example.com", "bucket": "Shop_1"}}, "name of a bucket"),
        ({"s3": {"endpoint": "https://x.com", "bucket": "shop", "prefix": "-o a"}}, "plain words"),
        (
            {"sftp": {"address": "-oProxyCommand=x@b", "path": "b", "identity_file": "k"}},
            "is not user@host",
        ),
        (
            {"sftp": {"address": "a@b", "path": "b", "identity_file": "k", "host_key": "AAAA"}},
            "is not a host key",
        ),
    ],
)
def test_a_repository_that_is_none_is_refused(
    tmp_path: Path, repository: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        host(tmp_path, {"away": repository})
    assert "hosts.shop.backup.repositories.away" in str(refused.value)


@pytest.mark.parametrize(
    "more",
    [
        {"schedule": "02:30; reboot"},
        {"schedule": "25:00"},
        {"drill": {"schedule": "Sunday 05:00"}},
        {"keep": {"daily": 0, "weekly": 0, "monthly": 0}},
        {"max_age_hours": 0},
        {"drill": {"stale": "ignore"}},
        {"alerts": {"webhook": "ftp://x"}},
        {"repositories": {}},
    ],
)
def test_what_could_not_be_meant_is_refused(tmp_path: Path, more: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        host(tmp_path, **more)


def test_schedules_go_to_the_timers_as_they_are(tmp_path: Path) -> None:
    found = timers(host(tmp_path, schedule="Mon,Thu 02:30", drill={"schedule": "hourly"}))

    assert found
    assert (found.backup, found.backup_jitter, found.drill) == ("Mon,Thu 02:30", 30, "hourly")


# --- the key -------------------------------------------------------------------------------------


def test_a_key_is_made_once_and_is_nobody_elses(tmp_path: Path) -> None:
    path = tmp_path / "new" / "shop.key"

    key.make(path)

    assert path.stat().st_mode & 0o777 == 0o600
    made = key.read(path)
    assert len(made) >= 43
    with pytest.raises(UserError, match="there is a key already"):
        key.make(path)
    assert key.read(path) == made


@pytest.mark.parametrize("text", ["", "short\n", "two\nlines of a key that is long enough\n"])
def test_what_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="no backup key"):
        key.read(path)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key.make(path)
    path.chmod(0o640)
    with pytest.raises(SettingsError, match="others can read it"):
        key.read(path)


def test_a_missing_key_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"vps\.backup-key"):
        key.read(tmp_path / "key")


# --- the document --------------------------------------------------------------------------------


def test_the_host_reads_what_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "id").write_text(PRIVATE)
    box = {"address": "shop@b.example.com", "port": 2222, "path": "shop", "host_key": HOST_KEY}
    repositories = {
        "here": {"path": "/var/backups/shop"},
        "away": S3,
        "box": {"sftp": {**box, "identity_file": str(tmp_path / "id")}},
    }
    given = host(tmp_path, repositories, alerts={"command": ["/usr/local/bin/tell", "ops"]}).backup
    assert given

    found = host_side.parse(delivery.document(given, load_contract(), BOTH))

    assert found.key == key.read(tmp_path / "backup.key")
    assert {one.name: one.kind for one in found.repositories} == {
        "away": "s3",
        "box": "sftp",
        "here": "local",
    }
    assert found.repository("box").private_key == PRIVATE
    assert found.repository(None).name == "away", "the first that is not on the host"
    assert found.alerts.command == ("/usr/local/bin/tell", "ops")
    assert found.row_floors == load_contract().drill.row_floors
    assert (found.max_age, found.refuse_stale) == (24 * 3600, False)


def test_moments_are_kept_only_where_that_is_wanted(tmp_path: Path) -> None:
    def told(**given: Any) -> host_side.PointInTime | None:  # noqa: ANN401 - YAML
        found = host(tmp_path, point_in_time=given).backup
        assert found
        return host_side.parse(delivery.document(found, load_contract(), BOTH)).point_in_time

    assert told() is None
    assert told(enabled=False, keep_days=3) is None
    assert told(enabled=True) == (7 * 86_400, 120, 1 << 30)
    assert told(enabled=True, keep_days=1, max_age_seconds=60, unsent_mib=64) == (
        86_400,
        60,
        64 << 20,
    )


def test_equal_settings_give_equal_bytes(tmp_path: Path) -> None:
    given = host(tmp_path).backup
    assert given
    made = [delivery.document(given, load_contract(), BOTH) for _ in range(2)]
    assert made[0] == made[1]
    assert delivery.digest(made[0]) == delivery.digest(made[1])


@pytest.mark.parametrize("missing", delivery.CREDENTIALS)
def test_a_bucket_without_credentials_is_refused_by_their_name(
    tmp_path: Path, missing: str
) -> None:
    given = host(tmp_path).backup
    assert given
    with pytest.raises(ValuesError, match=missing):
        delivery.document(given, load_contract(), {**BOTH, missing: " "})


def test_the_credentials_reach_no_role(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ".env"
    path.write_text(f'SECRET_KEY="x"\n{delivery.ACCESS_KEY}="AKIA123"\n')
    path.chmod(0o600)
    monkeypatch.setenv(delivery.SECRET_KEY, "very-secret-indeed")
    values = settings.Values(env_file=str(path), environment=True)

    assert not set(delivery.CREDENTIALS) & set(secrets.gather(values, load_contract(), "vps"))
    assert secrets.of_no_role(values, load_contract(), "vps", delivery.CREDENTIALS) == BOTH


# --- the host's side -----------------------------------------------------------------------------


def document(tmp_path: Path) -> dict[str, Any]:
    given = host(tmp_path).backup
    assert given
    found: dict[str, Any] = json.loads(delivery.document(given, load_contract(), BOTH))
    return found


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("key",), "short"),
        (("key",), None),
        (("version",), 2),
        (("repositories",), []),
        (("repositories", 1, "path"), "/etc/cron.d"),
        (("repositories", 1, "path"), "/srv/../etc"),
        (("repositories", 1, "kind"), "rclone"),
        (("repositories", 0, "endpoint"), "https://x/ -o sftp.command=sh"),
        (("repositories", 0, "name"), "here"),
        (("repositories", 0, "name"), "../x"),
        (("timeout_seconds",), 0),
        (("keep", "daily"), -1),
        (("alerts", "command"), "sh -c x"),
        (("alerts", "webhook"), "file:///etc/shadow"),
        (("row_floors",), {"items; drop table items": 1}),
        (("drill", "stale"), "never"),
        (("point_in_time",), {"keep_seconds": 1, "max_age_seconds": 120, "unsent_bytes": 1 << 30}),
        (("point_in_time",), {"keep_seconds": 86_400, "max_age_seconds": 120, "unsent_bytes": 1}),
        (("point_in_time",), "yes"),
    ],
)
def test_the_host_refuses_what_it_cannot_use_and_quotes_nothing(
    tmp_path: Path, keys: tuple[Any, ...], value: object
) -> None:
    from hostwright.runner.fault import RunnerError

    wrong = document(tmp_path)
    part: Any = wrong
    for name in keys[:-1]:
        part = part[name]
    part[keys[-1]] = value
    with pytest.raises(RunnerError) as refused:
        host_side.parse(json.dumps(wrong).encode())
    told = f"{refused.value.what} {refused.value.where} {refused.value.remedy}"
    assert "very-secret-indeed" not in told
    assert document(tmp_path)["key"] not in told
