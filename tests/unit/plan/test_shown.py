from __future__ import annotations

from dataclasses import replace

from tests.unit.plan import plans

from hostwright.plan import make, shown
from hostwright.plan.model import Migration, Text

WHERE = "203.0.113.7"


def test_the_same_again_is_said_in_few_lines() -> None:
    found = make.plan(plans.inputs())
    lines = shown.lines(found)
    assert lines[0].split() == [
        *("images", "unchanged:", "api,", "caddy,", "migrate,"),
        *("postgres,", "redis,", "web,", "worker"),
    ]
    assert [line.split()[0] for line in lines] == [
        *("images", "migrations", "backup", "disk", "downtime", "notes"),
    ]
    assert "none expected" in "\n".join(lines)
    last = shown.last(found, WHERE)
    assert last == f"{WHERE}: nothing changes but the release's name; serving now: {found.serving}"


def test_the_first_release_says_that_nothing_serves() -> None:
    found = make.plan(plans.inputs(chosen=plans.decision(send=True), first=True))
    assert shown.last(found, WHERE) == (
        f"{WHERE}: the first release; no downtime expected; serving now: nothing"
    )


def test_what_changes_is_counted_in_the_last_line() -> None:
    limits = {"api_memory_mib": 300, "web_memory_mib": 300}
    here = plans.local(
        worker_env={"LOG_LEVEL": "debug"}, trusted_proxies=["10.0.0.0/8"], inputs=limits
    )
    migration = Migration(known=True, pending=("0003",), irreversible=("0003",))
    found = make.plan(plans.inputs(here, plans.decision("2", send=True), migration=migration))
    last = shown.last(found, WHERE)
    counted = "4 images, 2 variables, 2 compose fields, 1 file of Caddy's, 1 migration"
    assert f"{counted}; downtime, see above" in last
    text = "\n".join(shown.lines(found))
    assert "~ api: hostwright/app-api:1 [010101010101] -> hostwright/app-api:2" in text
    assert "(sent from here)" in text
    assert "+ 0003 (irreversible)" in text
    assert "~ worker: LOG_LEVEL" in text


def test_what_is_not_known_and_what_is_refused_is_said() -> None:
    migration = Migration(known=False, why="the status ended with exit code 1", log=("no route",))
    found = make.plan(plans.inputs(migration=migration, pulled=None))
    text = "\n".join(shown.lines(found))
    assert "the status ended with exit code 1" in text
    assert "no route" in text
    assert "an unknown amount to pull" in text
    assert "migrations unknown" in shown.last(found, WHERE)
    refused = replace(found, refusals=("the disk has too little room",))
    assert "would be refused (the disk has too little room)" in shown.last(refused, WHERE)


def test_a_long_difference_is_cut_and_counted() -> None:
    many = Text("Caddyfile", "changed", tuple(f"+ line {number}" for number in range(50)))
    found = replace(make.plan(plans.inputs()), caddy=(many, Text("apps/app/x.caddy", "added", ())))
    text = "\n".join(shown.lines(found))
    assert "+ line 29" in text
    assert "+ line 30" not in text
    assert "… 20 more lines" in text
    assert "+ apps/app/x.caddy" in text
