from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hostwright.contract.located import parse
from hostwright.errors import UserError
from hostwright.render.project import Project, merged_line, seconds

TEXT = """\
x-base: &base
  restart: always
  deploy:
    resources: 1
x-role: &role
  <<: *base
  init: true
services:
  api:
    <<: *role
    image: a:1
  web:
    <<: [*base, {user: "1"}]
"""


def project(**service: Any) -> Project:  # noqa: ANN401 - the engine's JSON
    config = {"name": "app", "services": {"app-1-api": service}}
    source = parse(TEXT, "compose.yml", UserError)
    return Project("release", config, source, Path("/srv"))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("services", "api", "image"), 11),
        (("services", "api", "init"), 7),
        (("services", "api", "restart"), 2),
        (("services", "api", "deploy", "resources"), 4),
        (("services", "api", "absent"), 9),
        (("services", "web", "restart"), 2),
        (("services", "web", "user"), 13),
        (("services", "absent", "image"), 8),
    ],
)
def test_a_key_is_found_where_it_stands_even_behind_a_merge(
    path: tuple[str, ...], line: int
) -> None:
    assert merged_line(parse(TEXT, "compose.yml", UserError), path) == line


@pytest.mark.parametrize(
    ("text", "expected"), [("10s", 10), ("1m5s", 65), ("1h0m0s", 3600), ("500ms", 0.5), ("", 0)]
)
def test_durations_of_the_engine_are_seconds(text: str, expected: float) -> None:
    assert seconds(text) == expected


def test_a_service_is_its_label_s_role_whatever_its_key() -> None:
    found = project(labels={"dev.hostwright.role": "api"})
    assert [(role, service.name) for role, service in found.roles()] == [("api", "app-1-api")]


def test_doubled_dollars_are_single_and_unset_variables_are_left_out() -> None:
    [service] = project(environment={"A": "x$$y", "B": None, "C": ""}).services
    assert service.environment == {"A": "x$y", "C": ""}


def test_a_file_inside_a_container_is_found_behind_its_bind_mount() -> None:
    mount = {"type": "bind", "source": "/srv/entrypoints", "target": "/hostwright"}
    found = project(volumes=[mount])
    [service] = found.services
    assert found.host_file(service, "/hostwright/a.sh") == Path("/srv/entrypoints/a.sh")
    assert found.host_file(service, "/other/a.sh") is None


def test_networks_of_another_project_are_internal_by_their_names() -> None:
    config = {
        "services": {},
        "networks": {"data": {"name": "app_data", "external": True}, "out": {"name": "app_out"}},
    }
    source = parse(TEXT, "compose.yml", UserError)
    found = Project("release", config, source, Path("/srv"), frozenset({"app_data"}))
    assert found.internal == {"data"}
