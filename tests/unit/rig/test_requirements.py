from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hostwright.errors import ToolError, UserError
from hostwright.rig import requirements
from hostwright.rig.requirements import (
    MODULES,
    PACKAGES,
    POWER,
    Facts,
    Requirement,
    browser,
    check,
    check_power,
    install,
    main,
    missing,
)

if TYPE_CHECKING:
    from pathlib import Path

GOOD = Facts(
    system="Linux",
    root=True,
    apt=True,
    filesystems=frozenset({"ext4", "overlay"}),
    namespaces=frozenset({"net", "pid"}),
    packages=frozenset(PACKAGES),
    modules=frozenset(MODULES),
)


def test_nothing_is_missing_where_everything_is_there() -> None:
    assert missing(GOOD) == []
    check(GOOD)


@pytest.mark.parametrize(
    ("facts", "kind", "name"),
    [
        (replace(GOOD, system="Darwin"), "machine", "Linux"),
        (replace(GOOD, root=False), "machine", "root"),
        (replace(GOOD, filesystems=frozenset({"ext4"})), "machine", "overlay"),
        (replace(GOOD, namespaces=frozenset()), "machine", "netns"),
        (replace(GOOD, packages=GOOD.packages - {"pebble"}), "package", "pebble"),
        (replace(GOOD, modules=GOOD.modules - {"httpx"}), "module", "httpx"),
    ],
)
def test_each_lack_is_named_and_refused(facts: Facts, kind: str, name: str) -> None:
    found = missing(facts)
    assert [(need.kind, need.name) for need in found] == [(kind, name)]
    with pytest.raises(ToolError, match=name):
        check(facts)


@pytest.mark.parametrize(
    "facts",
    [
        replace(GOOD, system="Darwin"),
        replace(GOOD, root=False),
        replace(GOOD, apt=False, packages=frozenset()),
    ],
)
def test_where_the_rig_cannot_be_had_it_says_what_runs_instead(facts: Facts) -> None:
    assert all("nox -s validate_vps" in need.remedy for need in missing(facts))


def test_a_missing_package_comes_with_the_line_that_installs_it() -> None:
    facts = replace(GOOD, packages=GOOD.packages - {"zstd"})
    assert missing(facts) == [Requirement("package", "zstd", "apt-get install zstd")]


def test_install_refuses_without_root_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "gather", lambda: replace(GOOD, root=False))
    said: list[str] = []
    with pytest.raises(ToolError, match="root"):
        install(said.append)
    assert said == []


def test_install_says_first_what_it_installs_and_lets_no_service_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    policy, seen = tmp_path / "policy-rc.d", []
    lacking = replace(GOOD, packages=GOOD.packages - {"pebble", "zstd"})
    monkeypatch.setattr(requirements, "gather", lambda: lacking)
    monkeypatch.setattr(requirements, "POLICY", policy)
    monkeypatch.setattr(
        requirements, "run", lambda argv, **_: seen.append((*argv, policy.exists()))
    )
    monkeypatch.setattr(shutil, "which", lambda name, **_: f"/usr/bin/{name}")

    assert install(lambda text: seen.append((text,))) == ["pebble", "zstd"]

    assert seen[0] == ("installing with apt-get: pebble zstd",)
    assert seen[-1][:2] == ("apt-get", "install")
    assert seen[-1][-3:] == ("pebble", "zstd", True)
    assert not policy.exists()


def test_a_browser_is_brought_only_where_there_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    brought: list[list[str]] = []
    monkeypatch.setattr(requirements, "_install", lambda names, _: brought.append(names))
    monkeypatch.setattr(requirements, "gather", lambda: GOOD)
    monkeypatch.setattr(requirements, "SBIN", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["browser"]) == 0
    assert brought == [["chromium"]]
    (tmp_path / "google-chrome").write_text("#!/bin/sh\n")
    (tmp_path / "google-chrome").chmod(0o755)
    assert main(["browser"]) == 0
    assert brought == [["chromium"]]
    assert browser() == str(tmp_path / "google-chrome")


def test_a_rig_without_virtual_machines_needs_nothing_of_theirs() -> None:
    assert not POWER.keys() & PACKAGES.keys()
    assert missing(replace(GOOD, packages=GOOD.packages - POWER.keys())) == []


def test_what_a_virtual_machine_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "_present", lambda sign: sign != "nbdkit")
    with pytest.raises(ToolError, match=r"needs nbdkit\b"):
        check_power()


@pytest.mark.parametrize("kind", ["rig", "power"])
def test_each_kind_brings_its_own_packages(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(requirements, "gather", lambda: GOOD)
    asked: list[str] = []
    monkeypatch.setattr(requirements, "_install", lambda names, _: asked.extend(names))

    assert main([kind]) == 0

    assert asked == (sorted(POWER) if kind == "power" else [])


@pytest.mark.parametrize("words", [[], ["all"], ["rig", "power"]])
def test_a_kind_of_packages_that_there_is_not_is_refused(words: list[str]) -> None:
    with pytest.raises(UserError, match="engines, browser, rig, power"):
        main(words)
