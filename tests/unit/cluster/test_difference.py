from __future__ import annotations

from typing import Any

import pytest

from hostwright.cluster.difference import changes, flat, shown, summary
from hostwright.cluster.model import Key

API = Key("Deployment", "app-api")


def deployment(**container: Any) -> dict[str, Any]:  # noqa: ANN401 - YAML
    meta = {"name": "app-api", "labels": {"app.kubernetes.io/component": "api"}}
    spec = {"template": {"spec": {"containers": [{"name": "api", **container}]}}}
    return {"kind": "Deployment", "metadata": meta, "spec": spec}


def env(**values: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def lines(old: dict[str, Any], new: dict[str, Any], *secret: str) -> list[str]:
    [change] = changes({API: old}, {API: new}, frozenset(secret))
    return change.lines[1:]


def test_equal_objects_do_not_differ() -> None:
    one = deployment(env=env(A="1"))
    assert changes({API: one}, {API: deployment(env=env(A="1"))}) == []
    assert summary([]) == "nothing differs"


def test_what_comes_and_goes_is_named_once_with_its_role() -> None:
    job = Key("Job", "app-migrate-1")
    found = changes({job: {"kind": "Job"}}, {API: deployment()})
    assert shown(found) == "+ Deployment app-api\n- Job app-migrate-1"
    assert [change.role for change in found] == ["api", ""]
    assert summary(found) == "1 added, 1 removed"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ({"image": "a:1"}, {"image": "a:2"}, ["    containers[api].image: a:1 -> a:2"]),
        (
            {"env": env(LOG_LEVEL="info")},
            {"env": env(LOG_LEVEL="debug")},
            ["    containers[api].env[LOG_LEVEL].value: info -> debug"],
        ),
        ({"env": env(A="1", B="2")}, {"env": env(B="2", A="1")}, None),
        (
            {"env": env(A="1")},
            {"env": env(A="1", B="2")},
            [
                "    containers[api].env[B].name: (not there) -> B",
                "    containers[api].env[B].value: (not there) -> 2",
            ],
        ),
        (
            {"ports": [{"containerPort": 1}]},
            {"ports": [{"containerPort": 2}]},
            [
                "    containers[api].ports[2].containerPort: (not there) -> 2",
                "    containers[api].ports[1].containerPort: 1 -> (not there)",
            ],
        ),
        ({"args": ["a"]}, {"args": ["a", "b"]}, ['    containers[api].args: ["a"] -> ["a", "b"]']),
        ({"tty": True}, {"tty": False}, ["    containers[api].tty: true -> false"]),
        (
            {"command": "a\nb"},
            {"command": "x" * 200},
            [f"    containers[api].command: (a text of 2 lines) -> {'x' * 100}…"],
        ),
    ],
)
def test_a_field_is_named_as_people_find_it(
    old: dict[str, Any], new: dict[str, Any], told: list[str] | None
) -> None:
    found = changes({API: deployment(**old)}, {API: deployment(**new)})
    assert [line for change in found for line in change.lines[1:]] == (told or [])


def test_no_secret_is_ever_shown() -> None:
    old, new = deployment(env=env(TOKEN_X="p1-hidden")), deployment(env=env(TOKEN_X="p2-hidden"))
    assert lines(old, new, "TOKEN_X") == ["    containers[api].env[TOKEN_X].value: *** -> ***"]
    old, new = deployment(env=env(MY_PASSWORD="p1")), deployment(env=env(MY_PASSWORD="p2"))
    assert lines(old, new) == ["    containers[api].env[MY_PASSWORD].value: *** -> ***"]


def test_a_kubernetes_secret_is_hidden_whole_and_in_json() -> None:
    key = Key("Secret", "s")
    old, new = ({"kind": "Secret", "data": {"k": text}} for text in ("cDE=", "cDI="))
    [change] = changes({key: old}, {key: new})
    assert change.as_json()["fields"] == [{"path": "data.k", "before": "***", "after": "***"}]
    assert "cD" not in repr(change)


def test_a_list_without_names_is_numbered() -> None:
    found = dict(flat({"rules": [{"name": "a"}, {"other": 1}], "none": [], "empty": {}}))
    assert found == {"rules[0].name": "a", "rules[1].other": "1", "none": "[]", "empty": "{}"}
