from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.contract.given_values import SECRETS
from tests.unit.plan import plans

from hostwright.backup.settings import Backup
from hostwright.images import RESERVE_BYTES
from hostwright.plan import make
from hostwright.plan.model import Migration

OTHER = "another-value-of-more-than-thirty-two-characters-0123456789"
BACKUP = {"key_file": "/k", "repositories": {"here": {"path": "/var/backups/shop"}}}


def names(plan: Any) -> set[tuple[str, str, str]]:  # noqa: ANN401 - a Plan
    return {(one.role, one.name, one.how) for one in plan.env}


def test_the_same_again_changes_nothing_although_every_release_has_names_of_its_own() -> None:
    found = make.plan(plans.inputs())
    assert (found.env, found.compose, found.caddy, found.downtime) == ((), (), (), ())
    assert not found.base.changes
    assert not found.changes
    assert found.refusals == ()


def test_the_first_release_is_a_change_and_costs_nobody_anything() -> None:
    found = make.plan(plans.inputs(chosen=plans.decision(send=True), first=True))
    assert found.changes
    assert found.downtime == ()
    assert (found.env, found.caddy) == ((), ())
    assert {image.way for image in found.images} == {"sent", "pulled"}


def test_a_value_that_differs_is_a_name_and_two_hashes_in_every_role_that_has_it() -> None:
    found = make.plan(plans.inputs(plans.local({"SECRET_KEY": OTHER})))
    assert names(found) == {(role, "SECRET_KEY", "changed") for role in ("api", "worker")} | {
        key for key in names(found) if key[0] == "migrate"
    }
    assert all(one.before != one.after and len(one.after) == make.DIGITS for one in found.env)
    shown = str(found.as_json())
    assert not [value for value in (OTHER, *SECRETS.values()) if value in shown]


def test_a_value_for_one_role_is_that_roles_change() -> None:
    found = make.plan(plans.inputs(plans.local(worker_env={"LOG_LEVEL": "debug"})))
    # The job is the worker's image and has the worker's values.
    assert names(found) == {(role, "LOG_LEVEL", "changed") for role in ("worker", "migrate")}


def test_a_variable_that_comes_or_goes_is_added_or_removed() -> None:
    here = plans.local({"TRACES_DSN": None})
    serving = plans.built(plans.BEFORE, here, plans.decision())
    manifest = serving.manifest
    env = {**manifest["env"], "web": {**manifest["env"]["web"], "OLD": "0" * 32}}
    del env["web"]["LOG_LEVEL"]
    inputs = plans.inputs(here, serving=serving)
    found = make.plan(replace(inputs, planned={**inputs.planned, "env": env}))
    assert names(found) == {("web", "OLD", "removed"), ("web", "LOG_LEVEL", "added")}


def test_another_image_is_named_by_what_it_was_and_will_be() -> None:
    found = make.plan(plans.inputs(chosen=plans.decision("2", send=True)))
    changed = {image.role: image for image in found.images if image.changes}
    assert set(changed) == set(plans.ROLES)
    assert changed["api"].way == "sent"
    assert (changed["api"].before_id, changed["api"].after_id) == (plans.IDS["1"], plans.IDS["2"])
    assert found.env == ()


def test_the_same_image_under_another_name_is_no_change() -> None:
    chosen = plans.decision()
    moved = {**chosen.placed, "api": chosen.placed["api"]._replace(ref="registry/app@sha256:1")}
    found = make.plan(plans.inputs(chosen=chosen._replace(placed=moved)))
    assert not [image for image in found.images if image.changes]


def test_a_limit_is_a_field_of_its_role() -> None:
    found = make.plan(plans.inputs(plans.local(inputs={"api_memory_mib": 300})))
    [field] = found.compose
    assert (field.service, field.path, field.after) == (
        *("api", "deploy.resources.limits.memory"),
        "300m",
    )


def test_another_caddyfile_closes_connections_and_shows_its_lines() -> None:
    found = make.plan(plans.inputs(plans.local(trusted_proxies=["10.0.0.0/8"])))
    [text] = found.caddy
    assert text.name == "Caddyfile"
    assert any(line.startswith("+") and "10.0.0.0/8" in line for line in text.lines)
    assert found.downtime[0].startswith("Caddy reloads")


def test_another_base_names_the_services_that_are_made_anew() -> None:
    found = make.plan(plans.inputs(plans.local(inputs={"db_name": "other"})))
    assert found.base.changes
    assert found.base.recreated == ("postgres",)
    assert found.downtime[0].startswith("postgres of the base recreated")


def test_another_entrypoint_is_a_file_of_the_base() -> None:
    inputs = plans.inputs()
    base = {**inputs.planned["base"], "files": {}}
    hello = {**inputs.hello, "base_applied": "0" * 64}
    found = make.plan(replace(inputs, planned={**inputs.planned, "base": base}, hello=hello))
    assert "entrypoints/postgres.sh" in found.base.files
    assert found.base.recreated == ()


def test_another_password_of_the_base_would_be_refused() -> None:
    found = make.plan(plans.inputs(plans.local({"REDIS_PASSWORD": OTHER})))
    assert found.base.secrets == ("redis_password",)
    assert found.refusals[0].startswith("redis_password differs")


def test_a_full_disk_would_be_refused_and_what_is_needed_is_said() -> None:
    inputs = plans.inputs(sent=100, loading=4000, pulled=10)
    found = make.plan(replace(inputs, hello={**inputs.hello, "disk_free": RESERVE_BYTES}))
    assert found.room.needed == RESERVE_BYTES + 4000 + 4 * 10
    assert "the disk has too little room" in found.refusals


DAY = 86_400
BACKUPS: dict[str, tuple[dict[str, Any] | None, dict[str, Any] | None, Migration, Any]] = {
    "none set": (None, None, plans.NOTHING_PENDING, (False, "no backup is configured")),
    "something pending": (
        BACKUP,
        {"due": "", "last": plans.NOW.timestamp()},
        Migration(known=True, pending=("0003", "0004")),
        (True, "2 migrations pending"),
    ),
    "recent": (
        *(BACKUP, {"due": "", "last": plans.NOW.timestamp() - 3600}, plans.NOTHING_PENDING),
        (False, "the last backup is recent"),
    ),
    "too old by the settings that are here": (
        *(BACKUP, {"due": "", "last": plans.NOW.timestamp() - 2 * DAY}, plans.NOTHING_PENDING),
        (True, "the last one is 48 h old"),
    ),
    "none yet": (
        BACKUP,
        {"due": "", "last": None},
        plans.NOTHING_PENDING,
        (True, "there was none"),
    ),
    "by the host's own settings": (
        *(None, {"due": "the last one is 30 h old", "last": 0}, plans.NOTHING_PENDING),
        (True, "the last one is 30 h old"),
    ),
    "unknown": (
        BACKUP,
        {"due": "", "last": plans.NOW.timestamp()},
        Migration(known=False, why="known after upload"),
        (None, "only if a migration is pending"),
    ),
}


@pytest.mark.parametrize(("stated", "told", "migration", "wanted"), BACKUPS.values(), ids=BACKUPS)
def test_whether_a_backup_is_made_first(
    stated: dict[str, Any] | None,
    told: dict[str, Any] | None,
    migration: Migration,
    wanted: tuple[bool | None, str],
) -> None:
    backup = Backup.model_validate(stated) if stated else None
    inputs = plans.inputs(plans.local(backup=backup), migration=migration)
    inputs = replace(inputs, planned={**inputs.planned, "backup": told})
    assert tuple(make.plan(inputs).backup) == wanted


def test_a_stale_drill_refuses_where_the_settings_say_so() -> None:
    backup = Backup.model_validate({**BACKUP, "drill": {"stale": "refuse"}})
    inputs = plans.inputs(plans.local(backup=backup))
    told = {"due": "", "last": plans.NOW.timestamp(), "stale_drill": "the last good drill is old"}
    found = make.plan(replace(inputs, planned={**inputs.planned, "backup": told}))
    assert found.refusals == ("the last good drill is old: run `invoke vps.drill`",)


UNASKED: dict[str, tuple[bool, dict[str, Any], str, str]] = {
    "nothing serves": (True, {}, "1", "known when the database is there"),
    "the base is down": (False, {"up": False}, "1", "known when the base runs"),
    "the image is not there": (False, {}, "2", "known after upload"),
    "all is there": (False, {}, "1", ""),
}


@pytest.mark.parametrize(("first", "base", "version", "why"), UNASKED.values(), ids=UNASKED)
def test_when_the_host_cannot_be_asked_about_migrations(
    first: bool,  # noqa: FBT001 - a column of the table
    base: dict[str, Any],
    version: str,
    why: str,
) -> None:
    inputs = plans.inputs(chosen=plans.decision(version), first=first)
    changed = {**inputs.planned, "base": {**inputs.planned["base"], **base}}
    assert make.unasked(replace(inputs, planned=changed)) == why


def test_the_question_is_the_migrate_roles_own_command_variables_and_networks() -> None:
    inputs = plans.inputs()
    asked = make.question(inputs.release, {"DATABASE_URL": "x"})
    assert asked["image"] == "hostwright/app-migrate:1"
    assert asked["networks"] == ["app_data", "app_out"]
    assert asked["status"] == inputs.release.manifest["roles"]["migrate"]["status"]


def test_what_cannot_be_taken_back_is_noted() -> None:
    migration = Migration(known=True, pending=("0004",), irreversible=("0004",))
    found = make.plan(plans.inputs(migration=migration))
    assert found.changes
    assert any(note.startswith("irreversible") for note in found.notes)
