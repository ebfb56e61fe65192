from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.runner import fake_host as fake
from tests.unit.runner.fake_host import NEW, OLD

from hostwright.runner import cooling, durable, launch, releases
from hostwright.runner.identity import myself
from hostwright.runner.releases import Release, State

if TYPE_CHECKING:
    from pathlib import Path


def release(name: str, warm_until: int | None) -> Release:
    return Release(name, State("good", 1, warm_until=warm_until), None)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ([], None),
        ([release("a", None)], None),
        ([release("a", 99)], None),  # overdue: it is ended, not waited for
        ([release("a", 200)], "a"),
        ([release("a", 300), release("b", 200)], "b"),
        ([release("serving", 200)], None),
    ],
)
def test_the_next_release_to_end_is_the_one_whose_time_is_over_first(
    known: list[Release], expected: str | None
) -> None:
    found = cooling.next_due(known, "serving", 100)

    assert (found.id if found else None) == expected


def test_a_new_timer_ends_the_ones_before_and_no_service_which_may_be_this_very_process() -> None:
    stop, start = cooling.timer_argvs("shop", 77, 300)

    assert stop == ["systemctl", "stop", "hostwright-cool-shop_*.timer"]
    assert " ".join(start) == (
        "systemd-run --on-active=300s --timer-property=AccuracySec=1s --collect --quiet"
        " --unit=hostwright-cool-shop_77"
    )
    stop, start = cooling.timer_argvs("shop", 77, 30, "settle")
    assert stop == ["systemctl", "stop", "hostwright-settle-shop_*.timer"]
    assert start[-1] == "--unit=hostwright-settle-shop_77"


def test_resume_sets_the_timer_again_that_a_reboot_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cooling, "_SYSTEMD", tmp_path)
    host = fake.host(tmp_path)
    for identity in (OLD, NEW):
        fake.unpacked(host, identity)
    releases.change(host.layout, OLD, outcome="good", warm_until=int(time.time()) + 100)
    fake.serve(host, NEW)

    cooling.tidy(host)

    said: list[list[str]] = host.shell.said  # type: ignore[attr-defined] # a Told
    [after] = [word for argv in said for word in argv if word.startswith("--on-active=")]
    assert 90 < int(after.removeprefix("--on-active=").removesuffix("s")) <= 100
    assert said[-1][-3:] == ["cool", "--app", "app"]


def test_a_sleeper_that_woke_up_sets_the_next_one_without_ending_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cooling, "_SYSTEMD", tmp_path / "none")
    host = fake.host(tmp_path)
    durable.write_json(host.layout.cooler, myself()._asdict())
    ended: list[Any] = []
    monkeypatch.setattr(os, "kill", lambda *words: ended.append(words))
    begun: list[Any] = []
    monkeypatch.setattr(launch, "detach", lambda *_, **more: begun.append(more))

    cooling.schedule(host, OLD, 5)

    assert ended == []
    assert len(begun) == 1
