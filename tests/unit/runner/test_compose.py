from __future__ import annotations

from pathlib import Path

import pytest

from hostwright.runner import compose
from hostwright.runner.fault import RunnerError
from hostwright.runner.layout import Layout

LAYOUT = Layout("app", Path("/var/lib/hostwright/app"))
COMPOSE = compose.Compose("/usr/libexec/docker/cli-plugins/docker-compose", "2.26.1")
ID = "20260101t000000z-abcdef0"


def test_the_containers_of_a_releases_roles_are_made_by_one_call_that_starts_none() -> None:
    assert " ".join(compose.create_argv(COMPOSE, LAYOUT, ID, ["one", "two"])) == (
        "/usr/libexec/docker/cli-plugins/docker-compose --ansi never --progress quiet"
        f" --project-name app-{ID} --project-directory /var/lib/hostwright/app/releases/{ID}"
        " --env-file /dev/null"
        f" --file /var/lib/hostwright/app/releases/{ID}/compose.yaml"
        " create --pull never --no-build one two"
    )


def test_the_migrations_containers_come_from_the_release_and_the_runners_addition() -> None:
    argv = " ".join(compose.create_argv(COMPOSE, LAYOUT, ID, compose.JOBS))

    assert argv.endswith(
        f" --file /var/lib/hostwright/app/releases/{ID}/compose.yaml"
        f" --file /var/lib/hostwright/app/releases/{ID}/jobs.json"
        " create --pull never --no-build migrate migrate-status"
    )


def test_the_base_is_brought_up_as_a_project_of_its_own() -> None:
    assert " ".join(compose.base_argv(COMPOSE, LAYOUT)) == (
        "/usr/libexec/docker/cli-plugins/docker-compose --ansi never --progress quiet"
        " --project-name app-base --project-directory /var/lib/hostwright/app/base"
        " --env-file /dev/null --file /var/lib/hostwright/app/base/compose.yaml"
        " up --detach --pull never --no-build"
    )


def test_a_first_configuration_is_tried_by_a_caddy_that_publishes_nothing() -> None:
    assert " ".join(compose.validate_argv(COMPOSE, LAYOUT)).endswith(
        " run --rm --no-deps --no-TTY caddy"
        " caddy validate --adapter caddyfile --config /etc/caddy/Caddyfile"
    )


def test_the_status_job_is_the_migration_with_another_command() -> None:
    assert compose.jobs(LAYOUT, ID, ["sh", "-c", "echo $HOME"]) == {
        "services": {
            "migrate-status": {
                "extends": {
                    "service": "migrate",
                    "file": f"/var/lib/hostwright/app/releases/{ID}/compose.yaml",
                },
                "container_name": f"app-{ID}-migrate-status",
                "command": ["sh", "-c", "echo $$HOME"],
            }
        }
    }


@pytest.mark.parametrize(
    ("version", "good"),
    [
        ("2.24.0", True),
        ("2.26.1-4", True),
        ("2.40.3", True),
        ("3.0", True),
        ("2.23.9", False),
        ("1.29.2", False),
        ("?", False),
    ],
)
def test_versions_that_know_what_is_needed(version: str, *, good: bool) -> None:
    assert compose.new_enough(version) is good


def test_a_compose_that_is_missing_or_too_old_is_refused_with_the_way_out() -> None:
    for found, words in (
        (None, "no Docker Compose"),
        (COMPOSE._replace(version="1.29.2"), "1.29.2"),
    ):
        with pytest.raises(RunnerError, match=words) as error:
            compose.require(found)
        assert "vps.provision" in error.value.remedy
    assert compose.require(COMPOSE) is COMPOSE
