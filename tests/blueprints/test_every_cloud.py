"""What is the same on all three clouds: what is refused, and what an operator is told to do."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from hostwright import paths
from hostwright.contract.export import exported
from hostwright.contract.load import load
from hostwright.render.clouds.choices import chosen
from hostwright.render.clouds.model import CLOUDS
from hostwright.render.release import without
from hostwright.terraform.cli import workbench
from hostwright.validate.clouds import cloud_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from hostwright.contract.models import RoleName
    from hostwright.render.clouds.model import CloudName
    from hostwright.terraform.cli import Workbench
    from hostwright.terraform.diagnostics import Diagnostic
    from hostwright.terraform.plan import Plan

every_cloud = pytest.mark.parametrize("name", CLOUDS)
IMAGE = f"docker.io/acme/worker@sha256:{'0' * 64}"


def inputs(name: CloudName, *roles: RoleName) -> dict[str, object]:
    """Complete inputs of an application with these roles; without any, of the whole one."""
    contract = load()
    kept = without(contract, frozenset(roles)) if roles else contract
    return dict(chosen(kept, cloud_of(name), {}).variables)


@contextmanager
def smaller(name: CloudName, root: Path, *roles: RoleName) -> Iterator[Workbench]:
    """The blueprint of an application with these roles alone."""
    shutil.copytree(paths.INFRA / name, root / name)
    contract = exported(without(load(), frozenset(roles)), name)
    (root / name / "contract.json").write_text(json.dumps(contract))
    with workbench(root / name) as found:
        yield found


def line(said: Sequence[Diagnostic]) -> str:
    return " ".join(" ".join(map(str, said)).split())


# --- the image of migrate ----------------------------------------------------------------------


@every_cloud
@pytest.mark.parametrize("roles", [("migrate",), ("web", "migrate")], ids="+".join)
def test_a_job_without_api_and_worker_needs_its_image(
    name: CloudName, roles: tuple[RoleName, ...], tmp_path: Path
) -> None:
    given = {**inputs(name, *roles), "api_image": None, "registry_server": None}
    with smaller(name, tmp_path, *roles) as bench:
        plan, said = bench.plan({**given, "worker_image": None})
        assert plan is None
        assert "worker_image must be set: the contract has migrate, and there is no" in line(said)
        assert len(said) == 1

        plan, said = bench.plan({**given, "worker_image": IMAGE})
        assert said == ()
        assert plan is not None
        assert IMAGE in migrate(name, plan)


@pytest.mark.parametrize("name", ["aws", "azure"])
def test_a_job_that_shares_no_image_keeps_the_one_that_is_named(
    name: CloudName, tmp_path: Path
) -> None:
    """Where CI deploys: nobody can read there which image a job has."""
    given = {**inputs(name, "web", "migrate"), "registry_server": None, "worker_image": IMAGE}
    with smaller(name, tmp_path, "web", "migrate") as bench:
        plan, said = bench.plan({**given, "manage_image": False})
    assert said == ()
    assert plan is not None
    assert IMAGE in migrate(name, plan)


# --- secrets that are passed over --------------------------------------------------------------


@pytest.fixture(name="bench", scope="module", params=CLOUDS)
def bench_(request: pytest.FixtureRequest) -> Iterator[tuple[CloudName, Workbench]]:
    with workbench(paths.INFRA / request.param) as found:
        yield request.param, found


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ({}, ["SECRET_KEI"]),
        ({}, ["DATABASE_URL"]),
        ({}, ["VAULT_TOKEN"]),
        ({"environment": "development", "secret_names": []}, []),
    ],
    ids=["near miss", "composed", "of another provider", "not required and not named"],
)
def test_a_secret_that_would_be_passed_over_is_refused(
    bench: tuple[CloudName, Workbench], more: dict[str, object], names: list[str]
) -> None:
    name, there = bench
    usual = inputs(name)
    given: dict[str, str] = usual["secret_values"]  # type: ignore[assignment]
    odd = dict.fromkeys(names, "a-value-that-nobody-uses-anywhere")

    plan, said = there.plan({**usual, "secret_values": {**given, **odd}, **more})

    assert plan is None
    made = ", ".join(sorted(given)) if names else ""
    told = f"secret_values may hold only the secrets that this stack makes: {made}. Correct or"
    assert told in line(said)
    assert "a-value-that" not in line(said)


# --- records that are made by hand -------------------------------------------------------------

_ACM = "${aws_acm_certificate.main[0].domain_validation_options[0].resource_record_%s}"
_LB = "${aws_lb.main[0].dns_name}"
_PROOF = "${azurerm_container_app_environment.main.custom_domain_verification_id}"
_AZURE = "${azurerm_container_app_environment.main.default_domain}"
_STATIC = "${azurerm_container_app_environment.main.static_ip_address}"
_GCP = "${google_compute_global_address.edge[0].address}"
#: For app.example.com, or example.com, which can have no CNAME; the provider makes one proof for
#: each of AWS's names, and the schema provider one at all.
RECORDS: dict[CloudName, dict[str, list[tuple[str, str, str]]]] = {
    "aws": {
        "app.example.com": [
            (_ACM % "name", _ACM % "type", _ACM % "value"),
            ("app.example.com", "CNAME", _LB),
        ],
        "example.com": [
            (_ACM % "name", _ACM % "type", _ACM % "value"),
            ("example.com", "ALIAS", _LB),
        ],
    },
    "azure": {
        "app.example.com": [
            ("asuid.app.example.com", "TXT", _PROOF),
            ("app.example.com", "CNAME", f"marked-web.{_AZURE}"),
        ],
        "example.com": [("asuid.example.com", "TXT", _PROOF), ("example.com", "A", _STATIC)],
    },
    "gcp": {
        "app.example.com": [("app.example.com", "A", _GCP)],
        "example.com": [("example.com", "A", _GCP)],
    },
}


@pytest.mark.parametrize("domain", ["app.example.com", "example.com"])
def test_records_that_are_made_by_hand_are_told(
    bench: tuple[CloudName, Workbench], domain: str
) -> None:
    name, there = bench
    given = {**inputs(name), "api_domain": None, "app_domain": domain}

    plan, said = there.plan({**given, "dns_zone": None})

    assert said == ()
    assert plan is not None
    told = [
        (item["name"], item["type"], item["value"]) for item in plan.outputs["dns_records"].value
    ]
    assert told == RECORDS[name][domain]


def test_with_a_zone_here_there_are_none(bench: tuple[CloudName, Workbench]) -> None:
    name, there = bench
    plan, said = there.plan(inputs(name), mode="unknown")
    assert said == ()
    assert plan is not None
    assert plan.outputs["dns_records"].value == []


@every_cloud
def test_where_no_role_is_public_there_are_none(name: CloudName, tmp_path: Path) -> None:
    given = {**inputs(name, "worker", "migrate"), "dns_zone": None}
    with smaller(name, tmp_path, "worker", "migrate") as there:
        plan, said = there.plan(given, mode="unknown")
    assert said == ()
    assert plan is not None
    assert plan.outputs["dns_records"].value == []


# --- helpers -----------------------------------------------------------------------------------


def migrate(name: CloudName, plan: Plan) -> str:
    """All that is planned of the job."""
    [job] = [item.address for item in cloud_of(name).containers(plan) if item.role == "migrate"]
    return json.dumps(plan.at(job).values)
