"""From a rendered manifest to where each variable of each role comes from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from hostwright import paths
from hostwright.checks import parity
from hostwright.checks.finding import of_views
from hostwright.contract.chart import TARGET
from hostwright.helm import cli, manifest
from hostwright.helm.manifest import dig
from hostwright.render.helm.expected import text
from hostwright.render.helm.references import follow
from hostwright.render.model import Rendered, Source
from hostwright.render.release import without

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from hostwright.checks.finding import Checked
    from hostwright.helm.manifest import Container, Manifest, Pod
    from hostwright.render.helm.choices import Choice
    from hostwright.render.helm.expected import Expected
    from hostwright.toolchain import Tool

#: The init container that waits for the migration, in the role's own image with the role's own env.
GATE = "migrated"
#: What the kubelet makes of a dollar sign: ``$$`` one, ``$(NAME)`` the variable's value.
_DOLLAR = re.compile(r"\$(?:\$|\((?P<name>[^)]*)\))")


class Read(NamedTuple):
    """A variable as the process will see it: its value, or the reference to a secret."""

    text: str
    secret: bool


def render(  # noqa: PLR0913 - what Helm is told
    choice: Choice,
    chart: Path,
    helm: Tool,
    *,
    kube_version: str = "",
    api_versions: Sequence[str] = (),
    shown: str = "",
) -> Manifest:
    """What Helm makes of the chart.

    Args:
        choice: The values.
        chart: Its directory.
        helm: Which Helm.
        kube_version: Kubernetes to render for.
        api_versions: What that Kubernetes serves besides.
        shown: How findings name the chart, where it is a copy.

    Raises:
        Refused: The chart does not take the values.
        Broken: Helm fails in another way.
        Unreadable: What it renders is no object.
    """
    rendered_text = cli.template(
        chart,
        [choice.values],
        helm=helm,
        name=choice.name,
        namespace=choice.namespace,
        kube_version=kube_version,
        api_versions=api_versions,
    )
    return manifest.parse(rendered_text, shown or paths.shown(chart))


def check(found: Manifest, choice: Choice) -> tuple[Checked, Rendered]:
    """Parity of the roles, and of what waits for the migration in their pods."""
    main, waiting = rendered(found, choice), gates(found, choice)
    names = {role: frozenset(each) for role, each in choice.expected.items()}
    outcomes = [("", parity.check(choice.running, TARGET, main, names))]
    if waiting.roles:
        # Whether every role waits is another check's; whoever does must be able to.
        smaller = without(choice.running, frozenset(waiting.roles))
        told = f"in the init container {GATE}"
        outcomes.append((told, parity.check(smaller, TARGET, waiting, names)))
    return of_views(outcomes), main


def rendered(found: Manifest, choice: Choice) -> Rendered:
    """The roles with the sources of their variables; of hooks those alone that run a role."""
    containers = {role: _own(pod) for role, pod in _pods(found, choice).items()}
    return _rendered(found, choice, containers)


def gates(found: Manifest, choice: Choice) -> Rendered:
    """The same of the init containers that wait for the migration."""
    waiting = {
        role: next((each for each in pod.containers if each.init and each.name == GATE), None)
        for role, pod in _pods(found, choice).items()
    }
    return _rendered(found, choice, waiting)


def _pods(found: Manifest, choice: Choice) -> dict[str, Pod]:
    """Role to its pod; under its own name what runs as none."""
    pods: dict[str, Pod] = {}
    for pod in found.pods:
        role = pod.role or pod.object.name
        if "test" not in pod.object.hooks or role in choice.contract.roles:
            pods.setdefault(role, pod)
    return pods


def _own(pod: Pod) -> Container | None:
    """The container that is the role: the one of its name, or the first."""
    own = [each for each in pod.containers if not each.init]
    return next((each for each in own if each.name == pod.role), own[0] if own else None)


def _rendered(
    found: Manifest, choice: Choice, containers: Mapping[str, Container | None]
) -> Rendered:
    there = {role: each for role, each in containers.items() if each}
    roles: dict[Any, dict[str, Source]] = {
        role: {
            name: source(choice, role, name, read) for name, read in env(found, container).items()
        }
        for role, container in there.items()
    }
    return Rendered(
        target=TARGET,
        file=found.chart,
        roles=roles,
        # A line of what was rendered is none of the template's.
        lines={},
        files={role: container.pod.object.file for role, container in there.items()},
    )


def env(found: Manifest, container: Container) -> dict[str, Read]:
    """The container's variables as its process will see them; of doubles the last."""
    seen: dict[str, Read] = {}
    for item in container.env:
        name = str(item.get("name"))
        seen[name] = _read(found, container, item, {key: each.text for key, each in seen.items()})
    return seen


def _read(
    found: Manifest, container: Container, item: Mapping[str, Any], before: Mapping[str, str]
) -> Read:
    source_of = item.get("valueFrom") or {}
    secret = source_of.get("secretKeyRef")
    if secret:
        place = (str(secret.get("name")), str(secret.get("key")))
        return Read(follow(found, container.pod, *place), secret=True)
    if source_of:
        return Read(", ".join(map(str, source_of)), secret=False)
    return Read(expanded(text(item.get("value")), before), secret=False)


def expanded(value: str, before: Mapping[str, str]) -> str:
    """What the kubelet makes of a value, given the variables before it."""

    def replaced(match: re.Match[str]) -> str:
        name = match["name"]
        return "$" if name is None else before.get(name, match[0])

    return _DOLLAR.sub(replaced, value)


def source(choice: Choice, role: str, name: str, read: Read) -> Source:
    """Where one variable of one role comes from."""
    expected = cast("Mapping[str, Mapping[str, Expected]]", choice.expected)
    own = expected.get(role, {}).get(name)
    if own and own.text == read.text:
        return Source("mark", f"{role}/{name}", read.secret)
    owners = _owners(expected, role, read.text) or _owners(expected, "", read.text)
    owners = owners or _shared(choice, name, read.text)
    # A text that several variables share says nothing of where it came from.
    if len(owners) == 1:
        return Source("mark", owners[0], read.secret)
    return Source("literal", read.text, read.secret)


def _shared(choice: Choice, name: str, value: str) -> list[str]:
    """The map for all roles that it was taken from, where the role has its own: ``env/NAME``."""
    maps = (("env",), ("secrets", "references"))
    return [
        f"{'.'.join(path)}/{name}"
        for path in maps
        if text(dig(choice.values, *path, name)) == value
    ]


def _owners(expected: Mapping[str, Mapping[str, Expected]], role: str, value: str) -> list[str]:
    """Whose value it is: of one role, or of any."""
    within: Iterable[str] = [role] if role in expected else () if role else expected
    return [
        f"{one}/{name}"
        for one in within
        for name, item in expected[one].items()
        if item.text == value
    ]
