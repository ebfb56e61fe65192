"""The jobs that prove the VPS blueprint, by what the real engine and the real Caddy make of it."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hostwright import toolchain
from hostwright.checks import caddy_policy, compose, examples, parity
from hostwright.checks import release as release_checks
from hostwright.checks.compose import secret_slots
from hostwright.checks.compose.stores import Script
from hostwright.checks.contract_rules import interpolated
from hostwright.checks.finding import Checked, Finding, merged
from hostwright.contract.models import ROLES
from hostwright.contract.values import expected
from hostwright.release import blueprint as parts
from hostwright.release import build
from hostwright.release.blueprint import BlueprintError
from hostwright.render import caddy, marks, release
from hostwright.render import compose as engine
from hostwright.render.blueprint import Unreadable
from hostwright.render.project import Project
from hostwright.validate import linters
from hostwright.validate.job import Job, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from hostwright.contract.models import Contract, RoleName
    from hostwright.release.build import Plan
    from hostwright.render.blueprint import Blueprint
    from hostwright.render.model import Rendered
    from hostwright.render.project import Kind

TARGET: Literal["vps"] = "vps"
#: Values for the interpolation variables that are empty by default.
EVERYTHING = {
    "APP_DOMAIN": "app.example.org",
    "API_DOMAIN": "api.example.org",
    "ACME_EMAIL": "operator@example.org",
    "ACME_CA": "https://acme.example.org/directory",
    "TRUSTED_PROXIES": "192.0.2.0/24 198.51.100.0/24",
}
#: Applications that lack roles: each is rendered as a release of its own.
ABSENT: tuple[frozenset[RoleName], ...] = (
    frozenset({"api"}),
    frozenset({"web", "worker"}),
    frozenset({"api", "worker", "migrate"}),
)


def jobs(blueprint: Blueprint, _targets: Sequence[str] = ()) -> list[Job]:
    """Everything to be done; a Compose file that is not YAML leaves one finding and no more."""
    try:
        blueprint.document  # noqa: B018 - read before the jobs share it
    except Unreadable as error:
        return [Job("by hand", partial(_unreadable, error))]
    for name in ("docker-compose", "caddy"):
        toolchain.find(name)  # before the jobs ask for it all at once
    every: frozenset[RoleName] = frozenset(blueprint.contract.roles)
    smaller = [roles for roles in ABSENT if roles < every]
    return [
        Job("by hand", partial(_by_hand, blueprint)),
        Job("release", partial(_release, blueprint, every), "in a release"),
        *(_smaller_release(blueprint, roles) for roles in smaller),
        Job("release values", partial(_values, blueprint)),
        Job("examples", partial(_examples, blueprint)),
        *linters.jobs(blueprint),
    ]


def _smaller_release(blueprint: Blueprint, roles: frozenset[RoleName]) -> Job:
    view = f"in a release of {', '.join(sorted(roles))} alone"
    return Job(view.removeprefix("in a "), partial(_release, blueprint, roles), view)


def _unreadable(error: Unreadable) -> Outcome:
    file, _, line = error.where.rpartition(":")
    place = (file, int(line)) if line.isdecimal() else (error.where, 1)
    return Outcome(Checked(1, (_refusal("compose-refused", *place, error.what),)))


def _refusal(check: str, file: str, line: int, what: str, role: str = "") -> Finding:
    remedy = "Correct it; nothing that depends on it was checked."
    return Finding(check, TARGET, file, line, role, "", what, remedy)


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hostwright-") as name:
        yield Path(name).resolve()


# --- by hand -----------------------------------------------------------------------------------


def _by_hand(blueprint: Blueprint) -> Outcome:
    """As `docker compose -f … up` takes it: with nothing set at all, then with everything set."""
    contract = blueprint.contract
    own = contract.targets[TARGET].secrets
    unset = dict.fromkeys(_names(blueprint), "")
    everything = {**unset, **parts.settings_of(contract.roles), **EVERYTHING}
    with _scratch() as scratch:
        bare, full = scratch / "bare", scratch / "full"
        blueprint.copy(bare)
        blueprint.copy(full)
        engine.write_marks(
            full,
            marks.of_roles(contract, TARGET),
            {name.lower(): marks.secret(name.lower()) for name in own},
        )
        first, _ = _hand(blueprint, bare, unset, deliver=False)
        # Caddy has made an authority of its own by now; its root stands in for an operator's.
        root = _home(bare) / caddy.LOCAL_ROOT
        everything["ACME_CA_ROOT"] = str(root) if root.is_file() else ""
        second, rendered = _hand(blueprint, full, everything, deliver=True)
    return Outcome(merged([_source(blueprint), first, second]), rendered)


def _names(blueprint: Blueprint) -> set[str]:
    return {item.name for item in secret_slots.interpolations(blueprint.text)}


def _home(directory: Path) -> Path:
    return directory.with_name(f"{directory.name}.home")


def _source(blueprint: Blueprint) -> Checked:
    """What only the text shows: the engine's output no longer has the interpolations."""
    file = blueprint.document.file
    names = secret_slots.interpolations(blueprint.text)
    findings = [
        *secret_slots.defaults(blueprint.document, names),
        *interpolated([(item.name, item.line) for item in names], file, TARGET),
    ]
    return Checked(len(names), tuple(findings))


def _hand(
    blueprint: Blueprint, directory: Path, settings: Mapping[str, str], *, deliver: bool
) -> tuple[Checked, Rendered | None]:
    """One rendering of the whole blueprint, and of Caddy with the environment it gives it."""
    view = "with everything set" if deliver else "with nothing set"
    file = directory / engine.COMPOSE_FILE
    try:
        output = engine.config(file, blueprint.document, settings)
    except engine.Refused as error:
        told = _refusal("compose-refused", error.file, error.line, f"{error.what} ({view})")
        return Checked(1, (told,)), None
    config = _of_application(blueprint.contract, output.config)
    project = Project("whole", config, blueprint.document, directory)
    rendered = engine.read_back(project) if deliver else None
    proxy = project.service("caddy")
    outcomes = [
        _warnings(blueprint, output.warnings),
        compose.check(blueprint.contract, project, _scripts(blueprint, project)),
        _caddy(blueprint, directory / "Caddyfile", proxy.environment if proxy else {}, view),
    ]
    if rendered:
        outcomes.append(parity.check(blueprint.contract, TARGET, rendered))
    return merged(outcomes), rendered


def _of_application(contract: Contract, config: Mapping[str, Any]) -> dict[str, Any]:
    """*config* without the roles that the application lacks.

    The file serves every application: by hand, whoever has fewer roles starts theirs by name.
    """
    absent = {*ROLES} - contract.roles.keys()
    services = {name: body for name, body in config["services"].items() if name not in absent}
    return {**config, "services": services}


def _warnings(blueprint: Blueprint, warnings: Iterable[str]) -> Checked:
    remedy = "Correct what the engine warns of."
    findings = [
        Finding("compose-warning", TARGET, blueprint.document.file, 1, "", "", text, remedy)
        for text in warnings
    ]
    return Checked(1, tuple(findings))


def _scripts(blueprint: Blueprint, project: Project) -> dict[str, Script]:
    """The scripts that services start with, by path in the container."""
    found: dict[str, Script] = {}
    for service in project.services:
        for word in service.words("entrypoint"):
            path = project.host_file(service, word)
            if path is None:
                continue
            below = path.parts[-2:]
            name = blueprint.compose.joinpath(*below)
            if name.is_file():
                found[word] = Script(blueprint.shown(name), name.read_text(encoding="utf-8"))
    return found


def _caddy(
    blueprint: Blueprint,
    file: Path,
    env: Mapping[str, str],
    view: str,
    contract: Contract | None = None,
) -> Checked:
    """One adaptation of a Caddyfile, judged; *contract* is the blueprint's where none is given."""
    directory = file.parent if file.parent.name != "caddy" else file.parent.parent
    home = _home(directory)
    home.mkdir(exist_ok=True)
    prefix = blueprint.shown(blueprint.compose)
    names = {
        str(path): f"{prefix}/{path.relative_to(directory)}"
        for path in (file, *(directory / "caddy").rglob("*"))
        if path.is_file()
    }
    try:
        config = caddy.adapt(file, env, home, names)
    except caddy.Refused as error:
        what = f"{error.what} ({view})"
        told = _refusal("caddy-refused", error.file, error.line, what, "caddy")
        return Checked(1, (told,))
    absent = {f"{role}.caddy" for role in ROLES if contract and role not in contract.roles}
    files = {
        path: text for path, text in blueprint.caddyfiles.items() if Path(path).name not in absent
    }
    adapted = caddy_policy.Adapted(config, files, whole=contract is None)
    return caddy_policy.check(contract or blueprint.contract, adapted)


# --- releases ----------------------------------------------------------------------------------


def _release(blueprint: Blueprint, roles: frozenset[RoleName]) -> Outcome:
    """The two projects and Caddy's directory of a release, for an application with *roles*."""
    contract = release.without(blueprint.contract, roles)
    planned = release.plan(blueprint, contract, release.Choice({}))
    with _scratch() as state:
        try:
            projects = release.projects(planned, blueprint.document.data, state)
            rendered = _render_projects(blueprint, contract, projects, state / planned.app)
            files = release.caddy_files(planned, blueprint.document.data)
        except BlueprintError as error:
            told = _refusal("blueprint-refused", blueprint.document.file, 1, str(error))
            return Outcome(Checked(1, (told,)))
        except engine.Refused as error:
            told = _refusal("compose-refused", error.file, error.line, error.what)
            return Outcome(Checked(1, (told,)))
        top = _laid_out(files, state / "proxy")
        outcome = _caddy(blueprint, top, {}, "in a release", contract)
    return Outcome(merged([*rendered, outcome]))


def _render_projects(
    blueprint: Blueprint, contract: Contract, projects: parts.Projects, home: Path
) -> Iterator[Checked]:
    """The base and the release as the engine renders them, judged."""
    internal = frozenset(
        str(item.get("name"))
        for item in (projects.base.get("networks") or {}).values()
        if item.get("internal")
    )
    release_id = str(projects.release["name"]).removeprefix(f"{home.name}-")
    own = home / "releases" / release_id
    engine.write_marks(own, marks.of_roles(contract, TARGET), {})
    documents: tuple[tuple[Kind, Path, parts.Document], ...] = (
        ("base", home / "base", projects.base),
        ("release", own, projects.release),
    )
    outcomes = []
    for kind, directory, document in documents:
        directory.mkdir(parents=True, exist_ok=True)
        file = directory / "compose.yaml"
        # JSON is YAML, and written much faster.
        file.write_text(json.dumps(document), encoding="utf-8")
        output = engine.config(file, blueprint.document, {})
        project = Project(kind, output.config, blueprint.document, home, internal)
        outcomes.append(_warnings(blueprint, output.warnings))
        outcomes.append(compose.check(contract, project, _scripts(blueprint, project)))
        if kind == "release":
            outcomes.append(parity.check(contract, TARGET, engine.read_back(project)))
    return iter(outcomes)


def _laid_out(files: Mapping[str, str], directory: Path) -> Path:
    """Write a release's Caddyfiles; return the one to begin with."""
    for path, text in files.items():
        to = directory / path
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(text, encoding="utf-8")
    return directory / "caddy" / "Caddyfile"


def _values(blueprint: Blueprint) -> Outcome:
    """What releases give each role, under every choice of the canonical inputs."""
    contract, lines = blueprint.contract, blueprint.contract_document
    count, found = 0, dict[tuple[str, str], Finding]()
    for choice in release.choices(contract):
        planned = release.plan(blueprint, contract, choice)
        resolved = release.resolved(planned)
        wanted = _wanted(planned)
        got = {role: frozenset(values) for role, values in resolved.roles.items()}
        count += sum(len(names) for names in got.values())
        for finding in (
            *release_checks.problems(lines, str(choice), resolved.errors),
            *release_checks.delivered(lines, str(choice), wanted, got),
        ):
            # A fault is told once, under the first choice that shows it.
            found.setdefault((finding.role, finding.variable), finding)
    bundle = _bundle(blueprint, release.plan(blueprint, contract, release.Choice({})))
    return Outcome(merged([Checked(count, tuple(found.values())), bundle]))


def _bundle(blueprint: Blueprint, planned: Plan) -> Checked:
    """Where a whole release keeps its secrets."""
    file, contract = blueprint.document.file, blueprint.contract
    try:
        files = build.build(planned).files
    except BlueprintError as error:
        return Checked(1, (_refusal("blueprint-refused", file, 1, str(error)),))
    secrets = {
        name: item.value for name, item in planned.given.items() if _is_secret(contract, name)
    }
    wanted = _wanted(planned)
    got = {role: release_checks.names_in(files, role) for role in contract.roles}
    findings = [
        *release_checks.leaks(contract, file, files, secrets),
        *release_checks.modes(file, files),
        *release_checks.delivered(blueprint.contract_document, "its env files", wanted, got),
    ]
    return Checked(len(files), tuple(findings))


def _wanted(planned: Plan) -> dict[RoleName, tuple[frozenset[str], frozenset[str]]]:
    """What each role must get in the release, and what it may get besides."""
    contract, request = planned.contract, release.request(planned)
    return {role: expected(contract, request, role) for role in contract.roles}


def _examples(blueprint: Blueprint) -> Outcome:
    """The examples of env files beside the Compose file, as far as there are any."""
    found = [
        examples.check(
            blueprint.contract,
            TARGET,
            blueprint.shown(path),
            path.read_text(encoding="utf-8"),
            _names(blueprint),
        )
        for path in sorted(blueprint.compose.glob(".env*.example"))
    ]
    return Outcome(merged(found))


def _is_secret(contract: Contract, name: str) -> bool:
    variable = contract.variables.get(name)
    return name in contract.targets[TARGET].secrets or (variable is not None and variable.secret)
