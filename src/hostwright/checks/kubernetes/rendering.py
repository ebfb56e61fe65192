"""What Helm says of the chart, and what its text and several renderings of it show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hostwright.checks.finding import Checked, Finding
from hostwright.checks.kubernetes.view import TARGET, told

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hostwright.helm.manifest import Manifest, Object
    from hostwright.helm.messages import Complaint

CHECKS = {
    "chart-refused": "Helm renders the chart from values that are right",
    "chart-lint": "Helm has nothing to complain of",
    "render-differs": "every Helm renders the same, whenever it does",
    "template-impure": "templates read the values and nothing else",
    "preset-missing": "there are values to begin with for every platform",
}
#: Functions whose result is another each time, or depends on the machine or the cluster.
IMPURE = (
    "now",
    "date",
    "ago",
    "uuidv4",
    "randAlpha",
    "randAlphaNum",
    "randAscii",
    "randBytes",
    "randInt",
    "randNumeric",
    "shuffle",
    "genCA",
    "genCAWithKey",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "bcrypt",
    "htpasswd",
    "encryptAES",
    "lookup",
    "getHostByName",
    "env",
    "expandenv",
    r"\.Release\.Revision",
    r"\.Release\.IsInstall",
    r"\.Release\.IsUpgrade",
    r"\.Capabilities",
)
_COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)
_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`', re.DOTALL)
_IMPURE = re.compile(rf"(?<![\w.$\"])({'|'.join(IMPURE)})(?!\w)")
_REMEDY = "Correct it; nothing that depends on it was checked."


def refused(file: str, line: int, what: str, variable: str = "") -> Checked:
    """What Helm, or the chart itself, says against being rendered."""
    sentence = " ".join(what.split()).rstrip(".")
    return Checked(
        1, (Finding("chart-refused", TARGET, file, line, "", variable, sentence, _REMEDY),)
    )


def lint(chart: str, complaints: Iterable[Complaint]) -> Checked:
    """What ``helm lint --strict`` complains of; its remarks are no complaints."""
    found = [
        Finding(
            "chart-lint",
            TARGET,
            f"{chart}/{item.file}".rstrip("/"),
            0,
            "",
            "",
            item.what.rstrip("."),
            "Correct it.",
        )
        for item in complaints
        if item.severity != "info"
    ]
    return Checked(1, tuple(sorted(set(found))))


def same(one: Manifest, other: Manifest) -> Checked:
    """Two renderings of the same chart and values."""
    found = [
        told(
            "render-differs",
            item,
            f"{path or 'the object'} is not what the other Helm renders",
            "Use functions that both have, and that give the same each time.",
            path.rpartition(".")[2],
        )
        for item, path in _differences(one, other)
    ]
    return Checked(len(one.objects), tuple(sorted(set(found))))


def _differences(one: Manifest, other: Manifest) -> Iterator[tuple[Object, str]]:
    for item in one.objects:
        twin = other.find(item.kind, item.name)
        if twin is None:
            yield item, ""
        else:
            yield from ((item, path) for path in _paths(item.body, twin.body, ""))
    for item in other.objects:
        if one.find(item.kind, item.name) is None:
            yield item, ""


def _paths(one: Any, other: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Where two objects differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            yield from _paths(one.get(key), other.get(key), f"{path}.{key}" if path else key)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (first, second) in enumerate(zip(one, other, strict=True)):
            yield from _paths(first, second, f"{path}[{index}]")
    elif one != other or type(one) is not type(other):
        yield path


def impure(texts: Mapping[str, str]) -> Checked:
    """Templates that would give something else tomorrow, elsewhere, or in another cluster."""
    found = [finding for file, text in texts.items() for finding in _impure(file, text)]
    return Checked(len(texts), tuple(sorted(set(found))))


def _impure(file: str, text: str) -> Iterator[Finding]:
    code = _COMMENT.sub(_blank, text)
    for action in _ACTION.finditer(code):
        body = _STRING.sub(lambda quoted: f'"{" " * (len(quoted[0]) - 2)}"', action[0])
        for use in _IMPURE.finditer(body):
            line = code.count("\n", 0, action.start() + use.start()) + 1
            what = f"uses {use[1]}: what is rendered depends on more than the values"
            remedy = "Take it from a value: `helm diff`, Argo CD and Flux render again and again."
            yield Finding("template-impure", TARGET, file, line, "", use[1], what, remedy)


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def presets(chart: str, wanted: Iterable[str], there: Iterable[str]) -> Checked:
    """The presets that people begin with."""
    names = list(wanted)
    found = [
        Finding(
            "preset-missing",
            TARGET,
            f"{chart}/ci",
            0,
            "",
            name,
            f"there is no {name}-values.yaml",
            "Add one: nothing shows otherwise that the chart works there.",
        )
        for name in sorted({*names} - {*there})
    ]
    return Checked(len(names), tuple(found))


def jobs(manifests: Iterable[Manifest]) -> Checked:
    """Jobs of one name run one pod, in every rendering: a Job's pod cannot be changed."""
    known: dict[str, Any] = {}
    count, found = 0, set[Finding]()
    for manifest in manifests:
        for item in manifest.of("Job"):
            count += 1
            pod = item.at("spec", "template")
            if not item.hooks and known.setdefault(item.name, pod) != pod:
                what = "has the name of another Job whose pod is another"
                remedy = "End its name in a hash of its pod."
                found.add(told("job-name-fixed", item, what, remedy, "name"))
    return Checked(count, tuple(sorted(found)))
