from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.host.builders import KEY, desired, provisioned
from tests.unit.contract.given_values import with_roles
from tests.unit.contract.planted import real
from tests.unit.release import plans

from hostwright.drift import judge, shown
from hostwright.drift.judge import Drift, Finding
from hostwright.host.change import Change
from hostwright.host.plan import plan
from hostwright.release import build

if TYPE_CHECKING:
    from hostwright.host.facts import Facts

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
    found = list(judge.of_host(changes, HOST, desired()))
    assert [(one.where, one.what) for one in found] == [
        ("sshd", "/etc/x has another content"),
        ("timers of backups", "a.timer does not run"),
    ]
    assert all("puts it right" in one.remedy for one in found)


OTHER = f"{KEY[:-1]}U"


def of_keys(facts: Facts, wanted: dict[str, Any], **stated: Any) -> list[Finding]:  # noqa: ANN401 - fields of Host
    """What is found on a host by somebody with another key than who provisioned it."""
    asked = desired(**wanted)
    return list(judge.of_host(plan(facts, asked), plans.host(**stated), asked))


@pytest.mark.parametrize(("name", "user"), [("admin_keys", "admin"), ("deploy_keys", "deploy")])
def test_where_no_keys_are_set_another_persons_key_is_told_with_what_to_set(
    name: str, user: str
) -> None:
    [found] = of_keys(provisioned(), {name: (OTHER,)})
    assert found.where == user
    assert found.what == f"/home/{user}/.ssh/authorized_keys has another content"
    assert found.remedy == (
        f"No {name} are set, so the key used here was expected. Name the people's keys as {name} "
        "in hosts.yaml; or provision, if nobody else was meant to get in."
    )
    [found] = of_keys(provisioned(), {name: (OTHER,)}, **{name: (OTHER,)})
    assert found.remedy.startswith("`invoke vps.provision` puts it right")


def test_what_else_is_wrong_with_an_account_is_put_right_by_provisioning() -> None:
    facts = provisioned()
    keys, rules = "/home/admin/.ssh/authorized_keys", "/etc/sudoers.d/hostwright-admin"
    edited = {path: facts.paths[path]._replace(sha256="0" * 64) for path in (keys, rules)}
    [found] = of_keys(replace(facts, paths={**facts.paths, **edited}), {})
    assert found.remedy.startswith("No admin_keys are set")
    assert "`invoke vps.provision` puts it right" in found.remedy

    away = {path: entry for path, entry in facts.paths.items() if path != keys}
    [found] = of_keys(replace(facts, paths=away), {})
    assert found.what == f"missing: {keys}"
    assert found.remedy.startswith("`invoke vps.provision` puts it right")


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
