from __future__ import annotations

from typing import Any

import pytest
from tests.unit.contract.given_values import with_roles
from tests.unit.contract.planted import real
from tests.unit.release import plans

from hostwright.drift import judge, shown
from hostwright.drift.judge import Drift, Finding
from hostwright.host.change import Change
from hostwright.release import build

NOW = 1_800_000_000
DAY = 86_400
HOST = plans.host()
GOOD = {"app.example.com": NOW + 60 * DAY, "api.example.com": NOW + 60 * DAY}


def answer(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    manifest = build.build(plans.plan()).manifest
    return {
        "serving": manifest["id"],
        "time": NOW,
        "findings": [],
        "contract_sha256": manifest["contract"]["sha256"],
        "env": {role: sorted(names) for role, names in manifest["env"].items()},
        "certificates": [{"name": name, "not_after": until} for name, until in GOOD.items()],
        **changes,
    }


def of_certificates(certificates: dict[str, float | None], **host: Any) -> list[tuple[str, str]]:  # noqa: ANN401
    told = [{"name": name, "not_after": until} for name, until in certificates.items()]
    settings = plans.host(**host)
    found = judge.of_certificates(settings, answer(certificates=told))
    return [(one.where, one.what) for one in found]


def test_certificates_that_last_are_no_finding() -> None:
    assert of_certificates(dict(GOOD)) == []


@pytest.mark.parametrize(
    ("until", "what"),
    [
        (NOW + 13.5 * DAY, "it ends in 13.5 days"),
        (NOW - 1, "it has ended"),
        (None, "it cannot be read"),
    ],
)
def test_a_certificate_that_ends_is_told(until: float | None, what: str) -> None:
    assert of_certificates({**GOOD, "app.example.com": until}) == [("app.example.com", what)]


def test_a_name_without_a_certificate_is_told_and_one_that_is_served_no_more_is_not() -> None:
    found = of_certificates({"api.example.com": NOW + 60 * DAY, "old.example.com": NOW - DAY})
    assert found == [("app.example.com", "there is no certificate for it")]


def test_nothing_serves_and_nothing_needs_a_certificate() -> None:
    assert list(judge.of_certificates(HOST, answer(serving=None, certificates=[]))) == []


def test_the_contract_that_the_release_was_made_with_is_this_one() -> None:
    assert list(judge.of_contract(real(), HOST, answer())) == []


def test_another_contract_names_what_each_role_lacks_or_has_too_much() -> None:
    told = answer(contract_sha256="0" * 64)
    told["env"]["api"] = [name for name in told["env"]["api"] if name != "SECRET_KEY"] + ["OLD"]
    found = {(one.where, one.what) for one in judge.of_contract(real(), HOST, told)}
    assert found == {
        ("api", "SECRET_KEY is missing: the contract requires it"),
        ("api", "OLD is not in the contract"),
    }


def test_another_contract_with_the_same_names_is_told_as_well() -> None:
    [one] = judge.of_contract(real(), HOST, answer(contract_sha256="0" * 64))
    assert one.where == "contract.yaml"


def test_roles_that_came_or_went_are_told() -> None:
    fewer = with_roles("api", "migrate")
    found = {(one.where, one.what) for one in judge.of_contract(fewer, HOST, answer())}
    assert ("web", "the contract has no such role") in found
    told = answer(contract_sha256="0" * 64)
    del told["env"]["worker"]
    found = {(one.where, one.what) for one in judge.of_contract(real(), HOST, told)}
    assert found == {("worker", "the release has no such role")}


def test_what_provisioning_would_change_is_told_with_its_reason() -> None:
    changes = [
        Change("Harden sshd", "/etc/x has another content"),
        Change("Set the timers of backups", "a.timer does not run"),
    ]
    assert [(one.where, one.what) for one in judge.of_host(changes)] == [
        ("sshd", "/etc/x has another content"),
        ("timers of backups", "a.timer does not run"),
    ]


def test_another_runner_is_told_and_the_same_one_is_not() -> None:
    assert list(judge.of_version("a", "a")) == []
    [one] = judge.of_version("a", "b")
    assert "it is b, this clone brings a" in one.what


def test_findings_are_shown_with_each_remedy_once() -> None:
    drift = Drift(
        "20260101t000000z-aaaaaaa",
        (
            Finding("env", "api", "A is missing", "Deploy."),
            Finding("host", "sshd", "edited", "Provision."),
            Finding("env", "worker", "B is blank", "Deploy."),
        ),
    )
    assert list(shown.table(drift)) == [
        "env   api     A is missing",
        "env   worker  B is blank",
        "  Deploy.",
        "host  sshd    edited",
        "  Provision.",
    ]
    assert shown.last(drift, "h") == "h: 3 things differ; serving now: 20260101t000000z-aaaaaaa"
    assert shown.last(Drift(None, ()), "h") == (
        "h: as deployed and provisioned; serving now: nothing"
    )
