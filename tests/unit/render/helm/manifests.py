"""A manifest as a right chart would render it, written from the expectation alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hostwright.helm.manifest import COMPONENT, Manifest, parse

if TYPE_CHECKING:
    from hostwright.render.helm import Choice, Expected

    Json = dict[str, Any]


def objects(choice: Choice) -> list[Json]:
    """A Deployment (of migrate a Job) for each role, and an ExternalSecret for its secrets."""
    made = []
    for role in choice.running.roles:
        env = entries(role, choice.expected[role])
        own = {"name": role, "env": env}
        spec: Json = {"containers": [own]}
        if role in choice.gated:
            spec["initContainers"] = [{"name": "migrated", "env": list(env)}]
        kind = "Job" if role == "migrate" else "Deployment"
        labels = {"labels": {COMPONENT: role}}
        made.append(
            item(kind, f"app-{role}", role, {"template": {"metadata": labels, "spec": spec}})
        )
        made.append(item("ExternalSecret", f"app-{role}", role, external(choice.expected[role])))
    return made


def item(kind: str, name: str, role: str, spec: Json) -> Json:
    metadata = {"name": name, "labels": {COMPONENT: role}}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": spec}


def entries(role: str, expected: dict[str, Expected]) -> list[Json]:
    return [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": f"app-{role}", "key": name}}}
        if own.secret
        else {"name": name, "value": own.text.replace("$", "$$")}
        for name, own in sorted(expected.items())
    ]


def external(expected: dict[str, Expected]) -> Json:
    data = []
    for name, own in sorted(expected.items()):
        key, _, part = own.text.partition("#")
        if own.secret:
            remote = {"key": key, **({"property": part} if part else {})}
            data.append({"secretKey": name, "remoteRef": remote})
    return {"target": {"name": ""}, "data": data}


def manifest(listed: list[Json]) -> Manifest:
    """What Helm would have written of them."""
    text = "".join(
        f"---\n# Source: app/templates/{each['metadata']['name']}.yaml\n{json.dumps(each)}\n"
        for each in listed
    )
    return parse(text, "ops/charts/app")


def containers(listed: list[Json], role: str, kind: str = "containers") -> list[Json]:
    """The containers of a role's pod, to be changed."""
    [found] = [
        each
        for each in listed
        if each["metadata"]["labels"][COMPONENT] == role and "template" in each["spec"]
    ]
    listed_there: list[Json] = found["spec"]["template"]["spec"].setdefault(kind, [])
    return listed_there


def entry(listed: list[Json], role: str, name: str, kind: str = "containers") -> Json:
    """One variable of a role's first container, to be changed."""
    [found] = [each for each in containers(listed, role, kind)[0]["env"] if each["name"] == name]
    own: Json = found
    return own
