from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote_plus

import pytest

from hostwright.terraform.provider.marks import Mark, Marks, Subject
from hostwright.terraform.schema.model import BOOL, DYNAMIC, NUMBER, STRING, Type

RESOURCE = Subject("resource", "lab_database", "0123abcd")
DATA = Subject("data", "lab_zones", "0123abcd-2")
TEXT = "~~lab_database~0123abcd~address~~"


def named(mark: Mark) -> str:
    return f"<{mark.subject.type} {mark.path}>"


@pytest.mark.parametrize(
    ("subject", "of", "value"),
    [
        (RESOURCE, STRING, "~~lab_database~0123abcd~a~~"),
        (DATA, STRING, "~~data.lab_zones~0123abcd-2~a~~"),
        (RESOURCE, BOOL, False),
        (RESOURCE, Type("map", STRING), {}),
        (RESOURCE, Type("list", STRING), ["~~lab_database~0123abcd~a.0~~"]),
        (DATA, Type("set", STRING), [f"~~data.lab_zones~0123abcd-2~a.{n}~~" for n in range(3)]),
        (RESOURCE, Type("object", fields={"b": STRING}), {"b": "~~lab_database~0123abcd~a.b~~"}),
        (
            RESOURCE,
            Type("list", Type("object", fields={"b": STRING})),
            [{"b": "~~lab_database~0123abcd~a.0.b~~"}],
        ),
        (RESOURCE, DYNAMIC, [b'"string"', "~~lab_database~0123abcd~a~~"]),
    ],
)
def test_every_type_has_its_marks(subject: Subject, of: Type, value: object) -> None:
    assert Marks().value(subject, "a", of) == value


def test_a_mark_survives_what_terraform_does_to_texts() -> None:
    assert quote_plus(TEXT) == TEXT
    assert TEXT.lower() == TEXT


def test_a_whole_mark_is_read_and_anything_else_is_not() -> None:
    marks = Marks()
    assert marks.read(TEXT) == Mark(RESOURCE, "address")
    assert [marks.read(it) for it in (f"x{TEXT}", "~~a~~", None, True, 5)] == [None] * 5


def test_marks_are_found_within_texts_numbers_too() -> None:
    marks = Marks()
    port = marks.value(RESOURCE, "port", NUMBER)
    assert marks.read(port) == Mark(RESOURCE, "port")
    assert marks.replace(f"tcp://{TEXT}:{port}/x", named) == (
        "tcp://<lab_database address>:<lab_database port>/x"
    )


def test_a_number_that_nobody_was_given_is_left_alone() -> None:
    marks = Marks()
    port = marks.value(RESOURCE, "port", NUMBER)
    for other in ("7000000001", f"1{port}", f"{port}0", f"0.{port}"):
        assert marks.replace(other, named) == other


def test_numbers_that_fall_together_are_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    marks = Marks()
    monkeypatch.setattr("hostwright.terraform.provider.marks._SPREAD", 3)
    given = [marks.value(RESOURCE, path, NUMBER) for path in ("a", "b", "c", "a")]
    assert len(set(given)) == 3
    assert given[0] == given[3]


def test_the_same_configuration_gives_the_same_serial_in_every_plan() -> None:
    config = {"name": "main", "size": None}
    assert Marks().subject("resource", "x", config) == Marks().subject("resource", "x", config)


def test_twins_are_counted_and_different_configurations_are_told_apart() -> None:
    marks = Marks()
    first, second = (marks.subject("resource", "x", {"name": "main"}) for _ in range(2))
    assert second.serial == f"{first.serial}-2"
    assert marks.subject("resource", "x", {"name": "other"}).serial != first.serial
    assert marks.subject("data", "x", {"name": "main"}).serial == first.serial


def test_twins_that_are_planned_at_the_same_time_never_share_a_serial() -> None:
    marks = Marks()
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda _: marks.subject("resource", "x", {}).serial, range(200)))
    assert len(set(given)) == 200
