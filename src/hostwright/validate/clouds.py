"""The jobs that prove a cloud blueprint, by what real Terraform makes of it.

Terraform plans the blueprint through the schema provider, from inputs that can be recognised; the
plan is read as {role: {variable: source}} and checked against the contract and the platform's
rules. Where a real provider is at hand, it validates the blueprint and runs its tests besides.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright import paths, toolchain
from hostwright.checks import parity
from hostwright.checks.clouds import shared
from hostwright.checks.clouds.source import Source
from hostwright.checks.finding import merged
from hostwright.contract.export import exported
from hostwright.render.clouds import provenance
from hostwright.render.clouds.choices import PASSWORD, Chosen, chosen
from hostwright.render.clouds.model import CLOUDS
from hostwright.render.model import Rendered
from hostwright.render.release import without
from hostwright.report.model import Proof
from hostwright.terraform import lines, providers
from hostwright.terraform.cli import unformatted, workbench
from hostwright.toolchain import apart
from hostwright.validate import cache, ledger, scanners, together
from hostwright.validate.job import Job, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hostwright.contract.models import Contract, RoleName
    from hostwright.render.blueprint import Blueprint
    from hostwright.render.clouds.model import Cloud, CloudName, Container
    from hostwright.terraform.cli import Workbench

#: What no validation does, so that nobody takes it for done.
NOT_RUN: dict[CloudName, str] = {
    "aws": "an apply to an account (`nox -s apply_aws_local` applies to an emulator)",
    "azure": "an apply, and the commands of az: both need an account",
    "gcp": "an apply, and the commands of gcloud: both need an account",
}
#: Applications that lack roles: each is planned, too.
ABSENT: tuple[frozenset[RoleName], ...] = (
    frozenset({"api"}),
    frozenset({"web", "worker"}),
)
#: Keys, secrets and storage that are elsewhere: whatever the cloud has of its own is not made then.
FOREIGN = {
    "secrets_provider": "vault_hcp",
    "storage_provider": "minio",
    "storage_bucket_name": "given-bucket",
}


def jobs(name: CloudName, blueprint: Blueprint, targets: Sequence[str] = ()) -> list[Job]:
    """Everything to be done for one cloud; what was done before on the same files is remembered.

    Args:
        name: Which cloud.
        blueprint: Where its files are.
        targets: All that are validated together.
    """
    key = key_of(blueprint, name)
    scans = together.batch(blueprint, name, targets)
    return [cache.remembered(job, key) for job in work(name, blueprint, scans, real=True).values()]


def member(blueprint: Blueprint, name: CloudName) -> scanners.Scanned:
    """The cloud's blueprint as scanners take it."""
    place = directory(blueprint, name)
    inputs = public_inputs(blueprint.contract, name)
    return scanners.Scanned(name, place, blueprint.shown(place), inputs)


def work(
    name: CloudName,
    blueprint: Blueprint,
    scans: scanners.Batch | None = None,
    *,
    real: bool = False,
) -> dict[str, Job]:
    """The same by what is looked at, to be done anew: plan, test, text and so on.

    Args:
        name: Which cloud.
        blueprint: Where its files are.
        scans: What the scanners do together with other clouds.
        real: Whether a real provider validates and tests, where there is one.
    """
    cloud = cloud_of(name)
    roles: frozenset[RoleName] = frozenset(blueprint.contract.roles)
    found = {
        "plan": Job(f"{name}: plan", partial(_default, blueprint, cloud)),
        "test": Job(f"{name}: validate and test", partial(_test, blueprint, cloud, real)),
        "elsewhere": Job(
            f"{name}: plan with stores elsewhere",
            partial(_foreign, blueprint, cloud),
            "with stores elsewhere",
        ),
        "unknown": Job(
            f"{name}: plan as before the first apply", partial(_unknown, blueprint, cloud)
        ),
        "text": Job(f"{name}: files", partial(_text, blueprint, cloud)),
        **(scans or scanners.Batch([member(blueprint, name)])).jobs(name),
    }
    for absent in ABSENT:
        if absent < roles:
            listed = ", ".join(sorted(absent))
            found[listed] = Job(
                f"{name}: plan of {listed} alone",
                partial(_smaller, blueprint, cloud, absent),
                f"in an application of {listed} alone",
            )
    return found


def cloud_of(name: CloudName) -> Cloud:
    """What is particular to a cloud."""
    found: Cloud = import_module(f"hostwright.render.clouds.{name}").CLOUD
    return found


def key_of(blueprint: Blueprint, name: CloudName) -> str:
    """What the outcomes depend on."""
    place = directory(blueprint, name)
    return cache.digest(
        [
            place,
            blueprint.path(paths.INFRA_VENDOR),
            blueprint.path(paths.CONTRACT),
            *(cache.tool(word) for word in toolchain.find("terraform").argv),
            *(cache.tool(word) for word in toolchain.find("trivy").argv),
            apart.version("checkov"),
            _real_providers(place),
        ]
    )


def _real_providers(place: Path) -> str:
    """The real providers of this machine; where the registry is to be asked, once a day."""
    wanted = providers.required(place)
    found = providers.local(wanted)
    asks = len(found) < len(wanted) and providers.registry_wanted()
    day = str(ledger.today()) if asks else ""
    return f"{sorted(map(str, found.values()))} {day}"


def directory(blueprint: Blueprint, name: CloudName) -> Path:
    """Where the cloud's blueprint lies."""
    return blueprint.path(paths.INFRA / name)


def public_inputs(contract: Contract, name: CloudName) -> dict[str, object]:
    """The inputs of the default plan that are no secrets: scanners print what they read."""
    given = chosen(contract, cloud_of(name), {}).variables
    inputs = contract.inputs
    hidden = {name for name in given if inputs[name].ephemeral or inputs[name].sensitive}
    stand_ins = dict.fromkeys(hidden, "not-given-to-scanners")
    return {**given, **stand_ins, "secret_values": {}}


def _source(blueprint: Blueprint, name: CloudName) -> Source:
    place = directory(blueprint, name)
    return Source(blueprint.shown(place), lines.read(place))


# --- Terraform's own word ----------------------------------------------------------------------


def _text(blueprint: Blueprint, cloud: Cloud) -> Outcome:
    """What only the text shows."""
    place = directory(blueprint, cloud.target)
    texts = {
        blueprint.shown(path): path.read_text(encoding="utf-8")
        for path in sorted(place.glob("*.tf"))
    }
    checked = [
        shared.unformatted(cloud.target, blueprint.shown(place), unformatted(place)),
        shared.ignored_images(cloud.target, texts),
        shared.same(_copies(blueprint, cloud.target)),
    ]
    return Outcome(merged(checked))


def _test(blueprint: Blueprint, cloud: Cloud, real: bool) -> Outcome:  # noqa: FBT001 - for partial
    """Terraform's own word, and the blueprint's own tests."""
    place = directory(blueprint, cloud.target)
    shown = blueprint.shown(place)
    with workbench(place, real=real) as bench:
        proofs = tuple(
            Proof(item.kind, f"{item.provider} {item.version}", str(item)) for item in bench.used
        )
        said = bench.validate()
        checked = [shared.complaints(cloud.target, shown, said)]
        if not any(item.severity == "error" for item in said):
            checked.append(shared.tests(cloud.target, shown, bench.test()))
    return Outcome(merged(checked), None, proofs, (NOT_RUN[cloud.target],))


def _copies(blueprint: Blueprint, name: CloudName) -> dict[str, str]:
    """The shared file here and on the first cloud that there is."""
    found = {}
    for other in (*(each for each in CLOUDS if each != name), name):
        path = directory(blueprint, other) / "contract.tf"
        if path.is_file():
            found[blueprint.shown(path)] = path.read_text(encoding="utf-8")
    return found


# --- plans -------------------------------------------------------------------------------------


def _default(blueprint: Blueprint, cloud: Cloud) -> Outcome:
    """With everything given and nothing changed: the plan that the matrix shows."""
    selected = chosen(blueprint.contract, cloud, {})
    with workbench(directory(blueprint, cloud.target)) as bench:
        return _planned(blueprint, cloud, blueprint.contract, selected, bench)


def _unknown(blueprint: Blueprint, cloud: Cloud) -> Outcome:
    """As a cloud would have it before the first apply: what is computed is not known yet."""
    place = directory(blueprint, cloud.target)
    selected = chosen(blueprint.contract, cloud, {})
    with workbench(place) as bench:
        _, said = bench.plan(selected.variables, mode="unknown")
    return Outcome(shared.complaints(cloud.target, blueprint.shown(place), said))


def _foreign(blueprint: Blueprint, cloud: Cloud) -> Outcome:
    contract = blueprint.contract
    with workbench(directory(blueprint, cloud.target)) as bench:
        selected = chosen(contract, cloud, FOREIGN)
        outcome = _planned(blueprint, cloud, contract, selected, bench)
    return Outcome(outcome.checked)


def _smaller(blueprint: Blueprint, cloud: Cloud, roles: frozenset[RoleName]) -> Outcome:
    """An application that lacks roles: its contract's export beside the same files."""
    contract = without(blueprint.contract, roles)
    with _scratch() as scratch:
        for entry in directory(blueprint, cloud.target).iterdir():
            if entry.name != "contract.json":
                (scratch / entry.name).symlink_to(entry)
        text = json.dumps(exported(contract, cloud.target))
        (scratch / "contract.json").write_text(text, encoding="utf-8")
        with workbench(scratch) as bench:
            selected = chosen(contract, cloud, {})
            outcome = _planned(blueprint, cloud, contract, selected, bench)
    return Outcome(outcome.checked)


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hostwright-") as name:
        yield Path(name).resolve()


def _planned(
    blueprint: Blueprint, cloud: Cloud, contract: Contract, selected: Chosen, bench: Workbench
) -> Outcome:
    """One plan, judged."""
    plan, said = bench.plan(selected.variables)
    shown = blueprint.shown(directory(blueprint, cloud.target))
    complaints = shared.complaints(cloud.target, shown, said)
    if plan is None:
        return Outcome(complaints)
    source = _source(blueprint, cloud.target)
    containers = cloud.containers(plan)
    rendered = _rendered(contract, cloud, selected, containers, source)
    common = shared.Shared(contract, cloud.target, plan, source)
    platform = import_module(f"hostwright.checks.clouds.{cloud.target}")
    return Outcome(
        merged(
            [
                complaints,
                common.names(),
                common.env_names(containers),
                common.duplicates(containers),
                common.state(_secrets(contract, selected)),
                parity.check(contract, cloud.target, rendered, selected.expected),
                platform.check(contract, plan, source),
            ]
        ),
        rendered,
    )


def _rendered(
    contract: Contract,
    cloud: Cloud,
    selected: Chosen,
    containers: list[Container],
    source: Source,
) -> Rendered:
    places = {container.role: source.line(container.address) for container in containers}
    return Rendered(
        cloud.target,
        source.directory,
        provenance.sources(contract, cloud, selected, containers),
        {role: line for role, (_, line) in places.items()},
        {role: file for role, (file, _) in places.items()},
    )


def _secrets(contract: Contract, selected: Chosen) -> Mapping[str, str]:
    """What must not be kept by the state: name to value."""
    given = {
        name: value for name, value in selected.given.items() if contract.variables[name].secret
    }
    return {**given, "db_admin_password": PASSWORD, "DATABASE_URL": selected.encoded_password}
