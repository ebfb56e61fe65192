from __future__ import annotations

from dataclasses import replace

import pytest
from tests.host.builders import RUNS, STOPPED, bare

from hostwright.host import drift
from hostwright.host.change import Directory, File
from hostwright.host.facts import Entry

FILE = File("/etc/a", b"text", 0o640, "root", "adm")
RIGHT = Entry("file", 0o640, "root", "adm", FILE.digest)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (RIGHT, ""),
        (None, "is missing"),
        (RIGHT._replace(kind="other"), "is not a file"),
        (RIGHT._replace(sha256="0" * 64), "has another content"),
        (RIGHT._replace(owner="deploy"), "belongs to deploy:adm"),
        (RIGHT._replace(group="root"), "belongs to root:root"),
        (RIGHT._replace(mode=0o644), "has mode 0644, not 0640"),
    ],
)
def test_each_difference_of_a_file_is_named(entry: Entry | None, words: str) -> None:
    facts = replace(bare(), paths={"/etc/a": entry} if entry else {})
    assert drift.difference(facts, FILE) == (f"/etc/a {words}" if words else "")
    assert bool(drift.differing(facts, [FILE])) == bool(words)


def test_a_directory_is_no_file_and_the_other_way_round() -> None:
    facts = replace(bare(), paths={"/etc/a": RIGHT})
    assert drift.difference(facts, Directory("/etc/a")) == "/etc/a is not a directory"


def test_what_is_missing_is_named_together() -> None:
    facts = replace(bare(), paths={"/etc/a": RIGHT._replace(mode=0o600)})
    wanted = (FILE, File("/b", b""), Directory("/c"))
    assert drift.reasons(facts, wanted) == ("missing: /b, /c; /etc/a has mode 0600, not 0640")


def test_a_unit_that_is_stopped_disabled_or_missing_is_idle() -> None:
    units = {"a": RUNS, "b": STOPPED, "c": RUNS._replace(enabled="disabled")}
    assert drift.idle(replace(bare(), units=units), ["a", "b", "c", "d"]) == ("b", "c", "d")
