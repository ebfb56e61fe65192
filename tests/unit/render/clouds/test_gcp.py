"""Planned Cloud Run containers, and what they are given."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hostwright.render.clouds import gcp
from hostwright.render.clouds.model import EnvValue
from hostwright.terraform.lines import Sources
from hostwright.terraform.plan import Plan, Resource

SECRET = 'google_secret_manager_secret.made["SECRET_KEY"]'
VERSION = 'google_secret_manager_secret_version.made["SECRET_KEY"]'


def planned(*resources: Resource) -> Plan:
    given = {"variables": {"project_id": {"value": "acme"}}}
    return Plan(resources, {}, {}, {}, Sources((), {}), document=given)


def resource(kind: str, address: str = "", **values: Any) -> Resource:  # noqa: ANN401 - planned
    return Resource(address or f"{kind}.it", kind, "it", None, "managed", values)


def service(*env: dict[str, Any], role: str = "api") -> Resource:
    template = [{"containers": [{"env": list(env)}]}]
    return resource("google_cloud_run_v2_service", labels={"role": role}, template=template)


def plain(name: str, value: str | None) -> dict[str, Any]:
    return {"name": name, "value": value, "value_source": []}


def secret(name: str, called: str, version: str) -> dict[str, Any]:
    reference = {"secret": called, "version": version}
    return {"name": name, "value": None, "value_source": [{"secret_key_ref": [reference]}]}


def made(name: str = "shop-SECRET_KEY") -> tuple[Resource, Resource]:
    """A secret of the stack, and its version."""
    return (
        resource("google_secret_manager_secret", SECRET, secret_id=name),
        resource(
            "google_secret_manager_secret_version",
            VERSION,
            secret=f"${{{SECRET}.id}}",
            secret_data_wo="written",
        ),
    )


@pytest.mark.parametrize(
    ("kind", "template"),
    [
        ("google_cloud_run_v2_service", [{"containers": [{"env": [plain("A", "b")]}]}]),
        ("google_cloud_run_v2_worker_pool", [{"containers": [{"env": [plain("A", "b")]}]}]),
        (
            "google_cloud_run_v2_job",
            [{"template": [{"containers": [{"env": [plain("A", "b")]}]}]}],
        ),
    ],
)
def test_a_role_is_found_by_its_label(kind: str, template: list[dict[str, Any]]) -> None:
    there = resource(kind, labels={"role": "web"}, template=template)

    [container] = gcp.containers(planned(there))

    assert (container.role, container.address) == ("web", f"{kind}.it")
    assert container.env == {"A": EnvValue("b", secret=False)}


@pytest.mark.parametrize("labels", [None, {}, {"team": "web"}])
def test_what_has_no_label_is_no_role(labels: dict[str, str] | None) -> None:
    there = resource("google_cloud_run_v2_service", labels=labels, template=[])

    assert gcp.containers(planned(there)) == []


def test_names_that_are_given_twice_are_told() -> None:
    [container] = gcp.containers(planned(service(plain("A", "b"), plain("A", "c"), plain("B", ""))))

    assert container.duplicates == ("A",)


@pytest.mark.parametrize(
    ("called", "version", "value"),
    [
        # What the stack makes: its text is known.
        (
            "shop-SECRET_KEY",
            f"${{{VERSION}.version}}",
            EnvValue(
                f"projects/acme/secrets/shop-SECRET_KEY/versions/${{{VERSION}.version}}",
                secret=True,
                written="written",
            ),
        ),
        (
            "shop-SECRET_KEY",
            "latest",
            EnvValue(
                "projects/acme/secrets/shop-SECRET_KEY/versions/latest",
                secret=True,
                written="written",
            ),
        ),
        # The operator's own, in this project and in another.
        ("theirs", "3", EnvValue("projects/acme/secrets/theirs/versions/3", secret=True)),
        (
            "projects/vault/secrets/theirs",
            "3",
            EnvValue("projects/vault/secrets/theirs/versions/3", secret=True),
        ),
        # A version of another secret is not what it says.
        (
            "theirs",
            f"${{{VERSION}.version}}",
            EnvValue(f"projects/acme/secrets/theirs/versions/${{{VERSION}.version}}", secret=True),
        ),
    ],
)
def test_a_secret_is_read_as_its_reference(called: str, version: str, value: EnvValue) -> None:
    [container] = gcp.containers(planned(service(secret("SECRET_KEY", called, version)), *made()))

    assert container.env == {"SECRET_KEY": value}


@pytest.mark.parametrize(
    ("text", "means"),
    [
        (f"${{{SECRET}.id}}", SECRET),
        ("shop-SECRET_KEY", SECRET),
        ("projects/acme/secrets/shop-SECRET_KEY", SECRET),
        ("projects/vault/secrets/shop-SECRET_KEY", "projects/vault/secrets/shop-SECRET_KEY"),
        ("theirs", "projects/acme/secrets/theirs"),
    ],
)
def test_every_way_to_name_a_secret_means_the_same(text: str, means: str) -> None:
    assert gcp.secret_of(planned(*made()), text) == means


def test_patterns_of_the_cloud_are_patterns() -> None:
    for pattern in gcp.CLOUD.composed.values():
        re.compile(pattern.replace("{role}", "api"))
