"""Run Helm on a chart: no cluster, no network, nothing of the user's own settings.

::

    helm = toolchain.provide("helm-4")
    text = template(paths.CHART, [preset, {"api": {"image": "…"}}], helm=helm)

Values are files or mappings, the last wins. What a mapping holds is written as JSON below a scratch
directory of mode 0700, since arguments can be read by everybody on the machine.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from hostwright import paths
from hostwright.errors import ToolError, ValuesError
from hostwright.helm import messages
from hostwright.run import Completed, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hostwright.helm.messages import Complaint, Place, Problem
    from hostwright.toolchain import Tool

    Values = Sequence[Path | Mapping[str, Any]]

#: Seconds that Helm may take; it takes a tenth of one.
PATIENCE = 60.0
#: Characters that YAML takes only escaped, though JSON does not mind them.
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


class Refused(ValuesError):
    """The chart does not take the values; *problems* says each that was told."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class Broken(ToolError):
    """Helm cannot render the chart, whatever the values: a fault of the chart or of its call."""

    def __init__(self, what: str, *, where: str, place: Place | None) -> None:
        super().__init__(what, where=where)
        self.place = place


def template(  # noqa: PLR0913 - what Helm is told
    chart: Path,
    values: Values,
    *,
    helm: Tool,
    name: str = "app",
    namespace: str = "app",
    kube_version: str = "",
    api_versions: Sequence[str] = (),
    schema: bool = True,
) -> str:
    """Everything that the chart renders, hooks and tests included.

    Args:
        chart: Its directory.
        values: Files and mappings, the last wins.
        helm: Which Helm.
        name: The release's name.
        namespace: The release's namespace.
        kube_version: Kubernetes to render for, such as ``1.35.0``; Helm's own idea without it.
        api_versions: What that Kubernetes serves besides.
        schema: Whether the schema is asked before the templates; what they say themselves of values
            that it refuses is seen only without it.

    Raises:
        Refused: The values are refused, by the schema or by a message of the chart's.
        Broken: Anything else.
    """
    words = ["template", name, str(chart), "--namespace", namespace]
    words += ["--kube-version", kube_version] if kube_version else []
    for served in api_versions:
        words += ["--api-versions", served]
    words += [] if schema else ["--skip-schema-validation"]
    done = _run(helm, words, values)
    _raise_for(done, chart)
    return done.stdout


def lint(
    chart: Path, values: Values, *, helm: Tool, namespace: str = "app", kube_version: str = ""
) -> tuple[Complaint, ...]:
    """What ``helm lint --strict`` says of the chart; it takes a template's ``fail`` for a remark.

    Raises:
        Broken: It fails without a complaint.
    """
    words = ["lint", str(chart), "--strict", "--namespace", namespace]
    words += ["--kube-version", kube_version] if kube_version else []
    done = _run(helm, words, values)
    found = messages.complaints(done.stdout)
    if done.exit_code != 0 and not any(each.severity != "info" for each in found):
        raise _broken(done, chart)
    return found


def notes(
    chart: Path, values: Values, *, helm: Tool, name: str = "app", namespace: str = "app"
) -> str:
    """What the chart tells whoever installed it. Helm 4 alone can say without a cluster.

    Raises:
        Refused: The values are refused.
        Broken: Anything else; Helm 3 wants a cluster.
    """
    words = ["install", name, str(chart), "--dry-run=client", "--namespace", namespace]
    done = _run(helm, words, values)
    _raise_for(done, chart)
    return done.stdout.partition("\nNOTES:\n")[2]


def _raise_for(done: Completed, chart: Path) -> None:
    if done.exit_code == 0:
        return
    problems = messages.problems(done.stderr)
    raise Refused(problems) if problems else _broken(done, chart)


def _broken(done: Completed, chart: Path) -> Broken:
    place = messages.place(done.stderr)
    where = paths.shown(chart / place.file if place else chart)
    line = f":{place.line}" if place and place.line else ""
    return Broken(messages.shortened(done.stderr), where=f"{where}{line}", place=place)


def _run(helm: Tool, words: Sequence[str], values: Values) -> Completed:
    with _scratch() as scratch:
        given = list(_files(values, scratch))
        told = [word for file in given for word in ("--values", str(file))]
        return run(
            [*helm.argv, *words, *told],
            env=_own(scratch),
            without=[name for name in os.environ if name.startswith(("HELM_", "KUBE"))],
            timeout=PATIENCE,
            check=False,
        )


@contextmanager
def _scratch() -> Iterator[Path]:
    with TemporaryDirectory(prefix="hostwright-") as name:
        yield Path(name).resolve()


def _files(values: Values, scratch: Path) -> Iterator[Path]:
    for index, each in enumerate(values):
        if isinstance(each, Path):
            yield each
            continue
        file = scratch / f"values-{index}.json"
        file.write_text(as_text(each), encoding="utf-8")
        yield file


def as_text(values: Mapping[str, Any]) -> str:
    """Values as JSON that is YAML too, for whatever their texts hold."""
    text = json.dumps(values, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _own(scratch: Path) -> dict[str, str]:
    """Homes of its own, so that no plugin, repository or cluster of the user's is asked."""
    homes = {
        f"HELM_{kind}_HOME": str(scratch / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")
    }
    # Rendering takes little memory and a third less time where its garbage is left lying longer.
    return {**homes, "HELM_PLUGINS": os.devnull, "KUBECONFIG": os.devnull, "GOGC": "400"}
