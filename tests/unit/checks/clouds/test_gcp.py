"""Rules of the GCP blueprint on plans made by hand: what no committed schema can plan."""

from __future__ import annotations

from typing import Any

import pytest

from hostwright.checks.clouds import gcp, gcp_access, gcp_run
from hostwright.checks.clouds.gcp_view import View, referred
from hostwright.checks.clouds.source import Source
from hostwright.contract.load import load
from hostwright.terraform.lines import Sources
from hostwright.terraform.plan import Plan, Resource

CONTRACT = load()


def view(*resources: Resource, **given: object) -> View:
    document = {"variables": {name: {"value": value} for name, value in given.items()}}
    plan = Plan(resources, {}, {}, {}, Sources((), {}), document=document)
    return View(CONTRACT, plan, Source("ops/infra/gcp", Sources((), {})))


def resource(kind: str, **values: Any) -> Resource:  # noqa: ANN401 - whatever is planned
    return Resource(f"{kind}.it", kind, "it", None, "managed", values)


def service(role: str = "api", **container: Any) -> Resource:  # noqa: ANN401 - same
    template = [{"containers": [container]}]
    return resource("google_cloud_run_v2_service", labels={"role": role}, template=template)


@pytest.mark.parametrize(
    "kind", ["google_service_account_key", "google_storage_hmac_key", "google_apikeys_key"]
)
def test_a_key_is_a_finding_wherever_it_is(kind: str) -> None:
    [finding] = gcp_access.keys(view(resource(kind)))

    assert (finding.check, finding.variable) == ("static-key", kind)


@pytest.mark.parametrize(
    ("kind", "role", "member", "says"),
    [
        ("google_project_iam_member", gcp_access.ACCESSOR, "user:a", "further than one thing"),
        ("google_folder_iam_member", gcp_access.ACCESSOR, "user:a", "further than one thing"),
        ("google_project_iam_policy", "", "", "further than one thing"),
        ("google_secret_manager_secret_iam_binding", gcp_access.ACCESSOR, "", "further than"),
        ("google_secret_manager_secret_iam_member", gcp_access.ACCESSOR, "allUsers", "everybody"),
        ("google_storage_bucket_iam_member", "roles/storage.admin", "user:a", "more than"),
        ("google_cloud_run_v2_service_iam_member", "roles/run.admin", "user:a", "more than"),
    ],
)
def test_a_wide_grant_is_told_by_how_it_is_wide(
    kind: str, role: str, member: str, says: str
) -> None:
    [finding] = gcp_access.wide(view(resource(kind, role=role, member=member)))

    assert finding.check == "grant-too-wide"
    assert says in finding.message


@pytest.mark.parametrize(
    ("kind", "role"),
    [(kind, role) for kind, roles in gcp_access.GRANTS.items() for role in sorted(roles)],
)
def test_a_narrow_grant_is_none(kind: str, role: str) -> None:
    assert not list(gcp_access.wide(view(resource(kind, role=role, member="user:a"))))


@pytest.mark.parametrize(
    ("cpu", "memory", "there_is"),
    [
        ("1", "512Mi", True),
        ("1", "4Gi", True),
        ("1", "4097Mi", False),
        ("1", "256Mi", False),
        ("2", "8Gi", True),
        ("3", "4Gi", False),
        ("4", "2047Mi", False),
        ("4", "2Gi", True),
        ("6", "4Gi", True),
        ("8", "4095Mi", False),
        ("8", "32Gi", True),
        ("0.5", "512Mi", False),
        ("1", "512M", False),
        ("1", "512", False),
    ],
)
def test_cpu_and_memory_are_a_pair(cpu: str, memory: str, *, there_is: bool) -> None:
    there = service(resources=[{"limits": {"cpu": cpu, "memory": memory}}])

    assert (not list(gcp_run.size(view(there)))) is there_is


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("PORT", False),
        ("K_SERVICE", False),
        ("K_ANYTHING", False),
        ("CLOUD_RUN_JOB", False),
        ("X_GOOGLE_TOKEN", False),
        ("APP_PORT", True),
    ],
)
def test_reserved_names_are_the_contracts_and_the_platforms(name: str, *, taken: bool) -> None:
    there = service(env=[{"name": name, "value": "x", "value_source": []}])

    assert (not list(gcp_run.reserved(view(there)))) is taken


@pytest.mark.parametrize(
    ("condition", "trusted"),
    [
        ("assertion.repository == 'a/b' && assertion.environment == 'production'", True),
        ('assertion.environment == "production" && assertion.repository=="a/b"', True),
        ("assertion.repository == 'a/b'", False),
        ("assertion.repository_owner == 'a' && assertion.environment == 'production'", False),
        ("assertion.repository == 'a/b' || assertion.environment == 'production'", False),
        ("assertion.repository.startsWith('a/') && assertion.environment == 'x'", False),
        ("", False),
    ],
)
def test_ci_is_trusted_by_two_claims(condition: str, *, trusted: bool) -> None:
    there = resource("google_iam_workload_identity_pool_provider", attribute_condition=condition)

    assert (not list(gcp_access.trust(view(there)))) is trusted


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ('${google_service_account.role["api"].email}', 'google_service_account.role["api"]'),
        ("serviceAccount:x@example.com", ""),
        ("a ${google_x.y.z}", ""),
        (None, ""),
    ],
)
def test_an_address_is_read_from_a_reference(text: object, address: str) -> None:
    assert referred(text) == address


def test_a_role_that_the_contract_lacks_is_not_judged() -> None:
    assert view(service("sidecar")).compute == []


def test_an_empty_plan_is_judged_without_a_fault_of_ours() -> None:
    empty = view()

    outcome = gcp.check(CONTRACT, empty.plan, empty.source)

    assert {finding.check for finding in outcome.findings} == {
        "too-few-connections",
        "logs-not-kept",
    }
