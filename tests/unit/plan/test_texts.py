from __future__ import annotations

from typing import Any

import pytest

from hostwright.plan import texts


def service(**body: Any) -> dict[str, Any]:  # noqa: ANN401 - YAML
    return {"services": {"app-1-api": {"labels": {"dev.hostwright.role": "api"}, **body}}}


FIELDS: dict[str, tuple[dict[str, Any], dict[str, Any], list[tuple[Any, ...]]]] = {
    "the same": (service(read_only=True), service(read_only=True), []),
    "an image, which is told elsewhere": (service(image="a:1"), service(image="a:2"), []),
    "a value": (
        *(service(cpus="1"), service(cpus="2")),
        [("api", "cpus", "1", "2")],
    ),
    "a key more": (service(), service(init=True), [("api", "init", None, "true")]),
    "a key less": (service(init=True), service(), [("api", "init", "true", None)]),
    "a service more": ({}, service(), [("api", "", None, "the service")]),
    "a service less": (service(), {}, [("api", "", "the service", None)]),
    "a network": (
        *({"networks": {"data": {"name": "app_data"}}}, {"networks": {}}),
        [("", "networks", None, "{}"), ("", "networks.data.name", "app_data", None)],
    ),
}


@pytest.mark.parametrize(("before", "after", "wanted"), FIELDS.values(), ids=FIELDS)
def test_fields_that_differ_are_named_by_their_role(
    before: dict[str, Any], after: dict[str, Any], wanted: list[tuple[Any, ...]]
) -> None:
    assert [tuple(field) for field in texts.fields(before, after)] == wanted


def test_a_service_with_another_image_is_made_anew_and_a_new_one_is_not() -> None:
    before, after = service(image="a:1"), service(image="a:2")
    after["services"]["more"] = {}
    assert texts.recreated(before, after) == ("app-1-api",)
    assert texts.recreated(before, before) == ()


@pytest.mark.parametrize("text", [None, "", "services:", "[]"])
def test_what_is_no_document_is_an_empty_one(text: str | None) -> None:
    assert texts.document(text) == {}


def test_a_file_is_told_by_its_lines_and_a_certificate_is_not() -> None:
    before = {"Caddyfile": "a\nb\nc\nd\ne\n", "gone.caddy": "x\n", "acme-root.pem": "1\n"}
    after = {"Caddyfile": "a\nb\nC\nd\ne\n", "new.caddy": "y\n", "acme-root.pem": "2\n"}
    found = {text.name: (text.how, text.lines) for text in texts.texts(before, after)}
    assert found == {
        "Caddyfile": ("changed", (" b", "-c", "+C", " d")),
        "acme-root.pem": ("changed", ()),
        "gone.caddy": ("removed", ()),
        "new.caddy": ("added", ()),
    }
