from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.host.builders import after, bare, desired, provisioned

from hostwright.errors import UnsupportedHost
from hostwright.host import drift
from hostwright.host.change import Phase
from hostwright.host.plan import STEPS, plan, shown
from hostwright.host.steps import distribution

if TYPE_CHECKING:
    from hostwright.host.change import Change


@pytest.mark.parametrize("system", distribution.SUPPORTED)
def test_a_provisioned_host_needs_nothing(system: tuple[str, str]) -> None:
    assert plan(provisioned(system), desired()) == ()


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("system", distribution.SUPPORTED)
def test_each_step_has_nothing_to_do_on_a_provisioned_host(
    step: object, system: tuple[str, str]
) -> None:
    assert step.plan(provisioned(system), desired()) == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("system", distribution.SUPPORTED)
def test_a_bare_host_gets_everything_and_its_files_are_then_as_desired(
    system: tuple[str, str],
) -> None:
    first = plan(bare(system), desired())
    titles = [change.title for change in first]
    assert {"Install packages", "Close the firewall", "Harden sshd"} <= set(titles)
    facts = after(bare(system), first)
    files = [file for change in plan(facts, desired()) for file in change.files]
    assert drift.differing(facts, files) == ()


def test_what_could_lock_people_out_comes_last_and_sshd_last_of_all() -> None:
    changes = plan(bare(), desired())
    phases = [change.phase for change in changes]
    assert phases == sorted(phases)
    assert [change.title for change in changes if change.phase == Phase.LOGIN] == [
        "Close the firewall",
        "Harden sshd",
    ]


def test_services_find_their_configuration_when_their_package_starts_them() -> None:
    titles = [change.title for change in plan(bare(("debian", "12")), desired())]
    packages = titles.index("Install packages")
    for title in ("Configure Docker", "Configure fail2ban", "Configure security updates"):
        assert titles.index(title) < packages


def test_accounts_exist_before_files_belong_to_them() -> None:
    titles = [change.title for change in plan(bare(), desired())]
    assert titles.index("Create the user deploy") < titles.index("Authorize deploy")
    assert titles.index("Create the user admin") < titles.index("Authorize admin")


@pytest.mark.parametrize(
    "system", [("debian", "11"), ("ubuntu", "20.04"), ("alpine", "3.20"), ("rhel", "9"), ("", "")]
)
def test_any_other_system_is_refused(system: tuple[str, str]) -> None:
    with pytest.raises(UnsupportedHost, match="Nothing was changed"):
        plan(replace(bare(), distribution=system), desired())


def test_a_provisioned_host_reads_its_own_facts_with_the_same_script() -> None:
    grown = desired(app="other")
    titles = [change.title for change in plan(provisioned(), grown)]
    assert "Install the facts reader" in titles


def test_nothing_of_a_plan_is_secret_or_writable_by_others() -> None:
    files = [file for change in plan(bare(), desired()) for file in change.files]
    assert files
    assert [file.path for file in files if file.mode & 0o022] == []
    root = [file for file in files if not file.path.startswith("/home/")]
    assert {(file.owner, file.group) for file in root} == {("root", "root")}


def test_the_plan_for_people_has_a_line_per_change_with_its_reason() -> None:
    changes: tuple[Change, ...] = plan(bare(), desired())
    lines = shown(changes).splitlines()
    assert len(lines) == len(changes)
    assert "missing: " in next(line for line in lines if "Install packages" in line)
    assert shown(()) == ""
