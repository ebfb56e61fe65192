"""The jobs that prove the chart, by what two majors of Helm render from it.

Presets are what people begin with: each is linted and rendered by both majors, which must render
the same, and what comes out is checked against the contract, our rules and Kubernetes's schemas.
Choices that no preset makes (every provider, every way for secrets to arrive, applications that
lack roles) are rendered besides, and judged alike.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from hostwright import paths, toolchain
from hostwright.checks import kubernetes as rules
from hostwright.checks.finding import Checked, merged
from hostwright.checks.kubernetes import rendering, schemas
from hostwright.contract import chart as chart_files
from hostwright.contract import commented
from hostwright.contract.export import exported
from hostwright.errors import UserError
from hostwright.helm import cli, manifest
from hostwright.helm.schemas import newest
from hostwright.render import helm as chosen
from hostwright.render.release import without
from hostwright.report.model import Proof
from hostwright.toolchain import apart
from hostwright.validate import cache, scanners, together
from hostwright.validate.job import Job, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hostwright.contract.models import Contract, RoleName
    from hostwright.helm.manifest import Manifest
    from hostwright.render.blueprint import Blueprint
    from hostwright.render.helm import Choice
    from hostwright.render.model import Rendered

TARGET: Literal["kubernetes"] = "kubernetes"
MAJORS = ("helm-4", "helm-3")
PRESETS = ("minimal", "aws", "azure", "gcp", "production")
#: The preset whose variables the matrix shows.
SHOWN = "production"
#: The presets that scanners look at: together they have everything that scanners have rules for.
#: Looking at all five would take twice as long and find the same.
SCANNED = ("azure", "production")
#: Minor versions of Kubernetes, the newest first, whose schemas are asked.
VERSIONS = 3
#: Applications that lack roles: each is rendered, too.
ABSENT: tuple[frozenset[RoleName], ...] = (
    frozenset({"web", "worker", "migrate"}),
    frozenset({"api", "migrate"}),
    frozenset({"web"}),
    frozenset({"api", "web", "worker"}),
)
#: What no validation does, so that nobody takes it for done.
NOT_RUN = (
    "an installation: rules in CEL, webhooks and controllers are a cluster's "
    "(`nox -s e2e_kubernetes` installs in yours)"
)


@dataclass(frozen=True)
class Chart:
    """The chart as it lies in a repository, in a copy of one, or in a copy with another contract.

    Args:
        place: Its directory.
        shown: How findings name it.
        contract: What it hosts.
    """

    place: Path
    shown: str
    contract: Contract

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """Its own values.

        Raises:
            UserError: They are not YAML.
        """
        return _values(self.place / "values.yaml", f"{self.shown}/values.yaml")

    @cached_property
    def presets(self) -> dict[str, Choice]:
        """The presets that are there, by name.

        Raises:
            UserError: One is not YAML.
        """
        files = {name: self.place / "ci" / f"{name}-values.yaml" for name in PRESETS}
        return {
            name: chosen.of_values(
                self.contract, name, _values(file, f"{self.shown}/ci/{file.name}")
            )
            for name, file in files.items()
            if file.is_file()
        }

    def settings(self, choice: Choice) -> rules.Settings:
        """What a choice's values choose, the chart's own filled in."""
        return rules.Settings.of(laid_over(self.defaults, choice.values))


def _values(file: Path, shown: str) -> dict[str, Any]:
    """A file of values, as Helm reads it."""
    try:
        found = manifest.read(file.read_text(encoding="utf-8"), shown)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot be read: {error}", where=shown) from error
    return found if isinstance(found, dict) else {}


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Values on top of others, as Helm merges them."""
    made = dict(below)
    for key, value in above.items():
        under = made.get(key)
        both = isinstance(value, dict) and isinstance(under, dict)
        made[key] = laid_over(under or {}, value) if both else value
    return made


class Renders:
    """What each Helm rendered of each preset: once, whoever asks first."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self._guard, self._locks = Lock(), dict[tuple[str, str], Lock]()
        self._made: dict[tuple[str, str], Manifest | UserError] = {}

    def of(self, preset: str, major: str) -> Manifest:
        """The objects.

        Raises:
            UserError: They could not be rendered, or cannot be read.
        """
        key = (preset, major)
        with self._guard:
            lock = self._locks.setdefault(key, Lock())
        with lock:
            if key not in self._made:
                self._made[key] = self._render(*key)
        found = self._made[key]
        if isinstance(found, UserError):
            raise found
        return found

    def every(self, presets: Sequence[str] = PRESETS) -> dict[str, Manifest]:
        """What the first Helm rendered of each of these presets that it could render."""
        found = {}
        for preset in (name for name in presets if name in self.chart.presets):
            # Why one could not be rendered is told by its own job.
            with suppress(UserError):
                found[preset] = self.of(preset, MAJORS[0])
        return found

    def _render(self, preset: str, major: str) -> Manifest | UserError:
        try:
            return render(self.chart, self.chart.presets[preset], major)
        except UserError as error:
            return error


def chart_of(blueprint: Blueprint) -> Chart:
    """The chart of a blueprint."""
    place = blueprint.path(paths.CHART)
    return Chart(place, blueprint.shown(place), blueprint.contract)


def render(chart: Chart, choice: Choice, major: str) -> Manifest:
    """What one Helm makes of the chart.

    Raises:
        UserError: Helm refuses, or what it renders cannot be read.
    """
    return chosen.render(choice, chart.place, toolchain.provide(major), shown=chart.shown)


# --- the jobs ------------------------------------------------------------------------------------


def jobs(blueprint: Blueprint, targets: Sequence[str] = ()) -> list[Job]:
    """Everything to be done; what was done before on the same files is remembered.

    Args:
        blueprint: Where the files are.
        targets: All that are validated together.
    """
    for major in MAJORS:
        toolchain.provide(major)  # before the jobs ask for it all at once
    key = key_of(blueprint)
    scans = together.batch(blueprint, TARGET, targets).jobs(TARGET)
    # The scanners take longest, so they begin first.
    every = {**scans, **work(blueprint, _renders(blueprint, key))}
    return [cache.remembered(job, key) for job in every.values()]


def key_of(blueprint: Blueprint) -> str:
    """What the outcomes depend on."""
    return cache.digest(
        [
            blueprint.path(paths.CHART),
            blueprint.path(paths.CHARTS_VENDOR),
            blueprint.path(paths.CONTRACT),
            *(cache.tool(word) for major in MAJORS for word in toolchain.provide(major).argv),
            *(cache.tool(word) for word in toolchain.find("trivy").argv),
            apart.version("checkov"),
            version("kubernetes-validate"),
        ]
    )


def member(blueprint: Blueprint) -> scanners.Objects:
    """The chart as scanners take it: what the first Helm renders of some presets."""
    renders = _renders(blueprint, key_of(blueprint))
    return scanners.Objects(TARGET, renders.chart.shown, partial(renders.every, SCANNED))


@lru_cache(maxsize=2)
def _renders(blueprint: Blueprint, _key: str) -> Renders:
    """The presets' renders: one for jobs and scanners, while nothing changes."""
    return Renders(chart_of(blueprint))


def work(blueprint: Blueprint, renders: Renders | None = None) -> dict[str, Job]:
    """Everything but the scanners, to be done anew, by what is looked at.

    Args:
        blueprint: Where the files are.
        renders: The presets' renders, where others look at them too.
    """
    renders = renders or Renders(chart_of(blueprint))
    chart = renders.chart
    found = {"text": Job("kubernetes: files", partial(_text, chart))}
    for preset in PRESETS:
        if preset not in chart.presets:
            continue
        for major in MAJORS:
            title = f"{preset}, {major}"
            view = "" if title == f"{PRESETS[0]}, {MAJORS[0]}" else f"in {preset} by {major}"
            found[title] = Job(
                f"kubernetes: {title}", partial(_preset, chart, renders, preset, major), view
            )
    found["jobs"] = Job("kubernetes: names of Jobs", partial(_jobs, renders))
    for index, choice in enumerate(chosen.choices(chart.contract)):
        major = MAJORS[index % len(MAJORS)]
        found[str(choice)] = Job(
            f"kubernetes: choice {index + 1}",
            partial(_choice, chart, choice, major),
            f"with {choice}",
        )
    return {**found, **_smaller_ones(chart)}


def _smaller_ones(chart: Chart) -> dict[str, Job]:
    """Applications that lack roles."""
    every: frozenset[RoleName] = frozenset(chart.contract.roles)
    return {
        listed: Job(
            f"kubernetes: {listed} alone",
            partial(_smaller, chart, roles, MAJORS[index % len(MAJORS)]),
            f"in an application of {listed} alone",
        )
        for index, roles in enumerate(ABSENT)
        if roles < every
        for listed in (", ".join(sorted(roles)),)
    }


def _text(chart: Chart) -> Outcome:
    """What only the text shows."""
    templates = chart.place / "templates"
    texts = {
        f"{chart.shown}/{file.relative_to(chart.place)}": file.read_text(encoding="utf-8")
        for file in sorted(templates.rglob("*"))
        if file.is_file()
    }
    checked = [
        rendering.impure(texts),
        rendering.presets(chart.shown, PRESETS, chart.presets),
    ]
    versions = [item.minor for item in newest(VERSIONS)]
    return Outcome(merged(checked), None, (_proof(versions),), (NOT_RUN,))


def _proof(versions: Sequence[str]) -> Proof:
    helms = " and ".join(toolchain.provide(major).version for major in sorted(MAJORS))
    what = f"rendered by Helm {helms}, and checked against the schemas of Kubernetes "
    return Proof("schema", f"kubernetes {versions[0]}", what + ", ".join(versions))


def _preset(chart: Chart, renders: Renders, preset: str, major: str) -> Outcome:
    """One preset by one Helm: what it says, what it renders, and whether the other agrees."""
    choice, helm = chart.presets[preset], toolchain.provide(major)
    try:
        # What a Helm complains of is in the chart, not in values: the other one needs one preset.
        linting = major == MAJORS[0] or preset == PRESETS[0]
        said = cli.lint(chart.place, [choice.values], helm=helm) if linting else ()
        found = renders.of(preset, major)
    except UserError as error:
        return Outcome(_refused(chart, error))
    linted = rendering.lint(chart.shown, said)
    if major != MAJORS[0]:
        return Outcome(merged([linted, _agreed(renders, preset, found)]))
    checked, rendered = judged(chart, choice, found, VERSIONS)
    shown = rendered if preset == SHOWN else None
    return Outcome(merged([linted, checked]), shown)


def _agreed(renders: Renders, preset: str, found: Manifest) -> Checked:
    try:
        return rendering.same(renders.of(preset, MAJORS[0]), found)
    except UserError:
        return Checked()  # the other Helm's own job tells it


def judged(
    chart: Chart, choice: Choice, found: Manifest, versions: int = 1
) -> tuple[Checked, Rendered]:
    """What was rendered of a choice, against the contract, our rules and Kubernetes's schemas.

    Args:
        chart: What it was rendered from.
        choice: The values.
        found: What was rendered.
        versions: How many of the newest versions of Kubernetes are asked.
    """
    parity, rendered = chosen.check(found, choice)
    checked = [
        parity,
        rules.check(choice.contract, found, chart.settings(choice)),
        schemas.check(found, newest(versions)),
    ]
    return merged(checked), rendered


def _choice(chart: Chart, choice: Choice, major: str) -> Outcome:
    try:
        found = render(chart, choice, major)
    except UserError as error:
        return Outcome(_refused(chart, error))
    return Outcome(judged(chart, choice, found)[0])


def _smaller(chart: Chart, roles: frozenset[RoleName], major: str) -> Outcome:
    """An application that lacks roles: its contract's exports in a copy of the chart.

    Raises:
        UserError: The chart's own values cannot be read.
    """
    contract = without(chart.contract, roles)
    with _scratch() as scratch:
        place = scratch / chart.place.name
        shutil.copytree(chart.place, place)
        text = json.dumps(exported(contract, TARGET))
        (place / "contract.json").write_text(text, encoding="utf-8")
        schema = json.dumps(_schema(place, contract))
        (place / chart_files.SCHEMA.name).write_text(schema, encoding="utf-8")
        smaller = Chart(place, chart.shown, contract)
        return _choice(smaller, chosen.one(contract), major)


def _schema(place: Path, contract: Contract) -> dict[str, Any]:
    """The schema of the values of a chart that hosts another application."""
    values = place / chart_files.VALUES.name
    renamed = place / chart_files.RENAMED.name
    return chart_files.schema(
        contract,
        _commented(values.read_text(encoding="utf-8"), values.name),
        chart_files.renamed(renamed.read_text(encoding="utf-8")) if renamed.is_file() else {},
        whole=True,
    )


#: Charts of applications that lack roles have the same values.
_commented = lru_cache(maxsize=2)(commented.read)


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hostwright-") as name:
        yield Path(name).resolve()


def _jobs(renders: Renders) -> Outcome:
    """Names of Jobs over all presets."""
    return Outcome(rendering.jobs(renders.every().values()))


def _refused(chart: Chart, error: UserError) -> Checked:
    """Helm's refusal as a finding."""
    if isinstance(error, manifest.Unreadable):
        return rendering.refused(error.file, 0, error.what)
    if isinstance(error, cli.Refused):
        told = [
            rendering.refused(f"{chart.shown}/values.yaml", 0, problem.what, problem.path)
            for problem in error.problems
        ]
        return merged(told)
    place = error.place if isinstance(error, cli.Broken) else None
    file = f"{chart.shown}/{place.file}" if place else chart.shown
    return rendering.refused(file, place.line if place else 0, error.what)
