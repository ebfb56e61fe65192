"""The workflows, read as YAML: what they may do, and that what they run exists.

GitHub itself cannot run here. Each rule is a function of the texts alone, so that a fault can be
planted in a copy: the table at the end shows that every rule finds what it is for.
"""

from __future__ import annotations

import ast
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from hostwright import paths
from hostwright.tasks import namespace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PLACE = paths.ROOT / ".github" / "workflows"
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in sorted(PLACE.glob("*.yml"))}
NOXFILE = (paths.ROOT / "noxfile.py").read_text(encoding="utf-8")
SESSIONS = [
    node.name
    for node in ast.parse(NOXFILE).body
    if isinstance(node, ast.FunctionDef) and node.decorator_list
]

#: Started by a person alone.
MANUAL = ("deploy-cloud.yml", "deploy-vps.yml")
#: Permission, file and job: why it is needed stands beside each in the file.
ALLOWED = {
    ("contents", "read"): {*TEXTS},
    ("actions", "read"): {"deploy-cloud.yml", "deploy-vps.yml"},
    ("id-token", "write"): {"build-images.yml", "deploy-cloud.yml", "drill.yml"},
    ("packages", "write"): {"build-images.yml"},
    ("attestations", "write"): {"build-images.yml"},
}
#: Sessions that no workflow runs, and why.
BY_HAND = {
    "bench": "its figures are of one machine that does nothing else",
    "docs": "browser builds the site, too, and looks at it",
    "constraints": "it changes what is committed",
    "schemas": "it changes what is committed",
    "validate": "its parts run side by side, as jobs",
}
LONGEST = 180  # minutes


class Step(NamedTuple):
    """One step, with where it is and the variables that its script sees."""

    where: str
    step: Mapping[str, Any]
    env: Mapping[str, str]
    workflow: Mapping[Any, Any]
    job: Mapping[str, Any]

    @property
    def script(self) -> str:
        return str(self.step.get("run", ""))


def workflows(texts: Mapping[str, str]) -> dict[str, dict[Any, Any]]:
    return {name: yaml.safe_load(text) for name, text in texts.items()}


def jobs(texts: Mapping[str, str]) -> Iterator[tuple[str, dict[Any, Any], dict[str, Any]]]:
    """Every job: where it is, its workflow, itself."""
    for name, workflow in workflows(texts).items():
        for key, job in workflow["jobs"].items():
            yield f"{name}:{key}", workflow, job


def steps(texts: Mapping[str, str]) -> Iterator[Step]:
    for where, workflow, job in jobs(texts):
        for number, step in enumerate(job["steps"], 1):
            env = {**workflow.get("env", {}), **job.get("env", {}), **step.get("env", {})}
            yield Step(f"{where}:{number}", step, env, workflow, job)


def triggers(workflow: Mapping[Any, Any]) -> Mapping[str, Any]:
    """What starts it: YAML reads the key `on` as true."""
    found = workflow[True]
    return found if isinstance(found, dict) else dict.fromkeys([found])


# --- commands of scripts -----------------------------------------------------------------------


def commands(step: Step, program: str) -> Iterator[list[str]]:
    """Every command of *step* that starts *program*, as words, for every value it can have."""
    script = step.script.replace('"$(command -v nox)"', "nox")
    begin = r"(?:^\s*|[|;&({]\s*|\b(?:then|do)\s+|\bsudo\s+(?:--\S+\s+)*)"
    for found in re.finditer(rf"{begin}({program}\s[^|;&>\n]*)", script, re.MULTILINE):
        yield from variants(step, found[1])


def variants(step: Step, text: str) -> Iterator[list[str]]:
    """*text* as words, with each variable that a list gives put in; others stay as they are."""
    names = re.findall(r"\$\{?([A-Z_]+)", text)
    name = next((one for one in names if values(step, one)), "")
    if not name:
        yield shlex.split(text)
        return
    for value in values(step, name):
        yield from variants(step, re.sub(rf"\$(?:{name}\b|\{{{name}\b[^}}]*\}})", value, text))


def values(step: Step, variable: str) -> list[str]:
    """What a variable may hold, where a matrix or an input's options say that."""
    given = str(step.env.get(variable, ""))
    matrix = step.job.get("strategy", {}).get("matrix", {})
    if found := re.fullmatch(r"\$\{\{ matrix\.(\w+) \}\}", given):
        listed = matrix.get(found[1])
        if isinstance(listed, str):  # the list of a variable, else the one that stands there
            return re.findall(r'"(\w+)"', listed)
        return list(listed or [entry[found[1]] for entry in matrix.get("include", ())])
    if found := re.fullmatch(r"\$\{\{ inputs\.(\w+) \}\}", given):
        inputs = triggers(step.workflow)["workflow_dispatch"]["inputs"]
        return list(inputs[found[1]].get("options", ()))
    return []


def task_fault(words: list[str]) -> str:
    """What is wrong with a command line of `invoke`."""
    name, flags = words[1], [word for word in words[2:] if word.startswith("--")]
    if name not in namespace.task_names:
        return f"there is no task {name}"
    known = {flag for item in namespace[name].get_arguments() for flag in item.names}
    unknown = [flag for flag in flags if flag[2:].replace("-", "_") not in known]
    unknown = [flag for flag in unknown if flag[2:] not in known]
    return f"{name} has no flag {unknown[0]}" if unknown else ""


# --- the rules ---------------------------------------------------------------------------------


def permissions(texts: Mapping[str, str]) -> Iterator[str]:
    """Nothing for a whole workflow; for a job only what the table allows it, with its reason."""
    for name, workflow in workflows(texts).items():
        if workflow.get("permissions") != {}:
            yield f"{name}: the workflow has permissions of its own"
    for where, _, job in jobs(texts):
        file = where.partition(":")[0]
        given = job.get("permissions")
        if not isinstance(given, dict):
            yield f"{where}: says no permissions"
            continue
        for right in given.items():
            if file not in ALLOWED.get(right, ()):
                yield f"{where}: may {': '.join(right)}"
            if not re.search(rf"^ +{right[0]}: {right[1]} # \w", texts[file], re.MULTILINE):
                yield f"{where}: {right[0]} without a reason"


def pins(texts: Mapping[str, str]) -> Iterator[str]:
    """Every action by its commit, with the version beside it, the same one everywhere."""
    seen: dict[str, str] = {}
    for name, text in texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            if not (found := re.search(r"\buses:\s*(\S+)(.*)", line)):
                continue
            action, _, commit = found[1].partition("@")
            if not re.fullmatch(r"[0-9a-f]{40}", commit):
                yield f"{name}:{number}: {action} is not pinned to a commit"
            if not re.fullmatch(r" # v\d+\.\d+\.\d+", found[2]):
                yield f"{name}:{number}: {action} has no version beside its commit"
            if seen.setdefault(action, commit) != commit:
                yield f"{name}:{number}: {action} is pinned twice"


def by_hand(texts: Mapping[str, str]) -> Iterator[str]:
    """A deploy starts by hand alone, and every job of it belongs to an environment."""
    for where, workflow, job in jobs(texts):
        if where.partition(":")[0] in MANUAL:
            if set(triggers(workflow)) != {"workflow_dispatch"}:
                yield f"{where}: is not started by a person alone"
            if not job.get("environment"):
                yield f"{where}: has no environment"


def secrets_in_environments(texts: Mapping[str, str]) -> Iterator[str]:
    """A job that reads a secret belongs to an environment; GitHub's own token is none of them."""
    for where, _, job in jobs(texts):
        if "secrets." in yaml.safe_dump(job) and not job.get("environment"):
            yield f"{where}: reads a secret without an environment"


def no_apply(texts: Mapping[str, str]) -> Iterator[str]:
    """Nothing applies Terraform; the command is only shown to the person who types it."""
    for step in steps(texts):
        for line in step.script.splitlines():
            told = line.strip().startswith("echo ")
            if re.search(r"\.apply\b|terraform\S* +apply|\.rollback\b", line) and not told:
                yield f"{step.where}: applies: {line.strip()}"


def no_expressions(texts: Mapping[str, str]) -> Iterator[str]:
    """A script gets texts of others as variables, never written into it."""
    for step in steps(texts):
        if "${{" in step.script:
            yield f"{step.where}: has an expression in its script"


def no_echoed_secrets(texts: Mapping[str, str]) -> Iterator[str]:
    """What a secret gives is read by a task from the environment and stands in no script."""
    for step in steps(texts):
        for name, value in step.env.items():
            used = re.search(rf"\${{?{name}\b", step.script)
            if "secrets." in str(value) and used:
                yield f"{step.where}: its script uses the secret {name}"


def bounded(texts: Mapping[str, str]) -> Iterator[str]:
    """Every job ends by itself, and every workflow says what happens to a second run."""
    for where, workflow, job in jobs(texts):
        minutes = job.get("timeout-minutes")
        if not isinstance(minutes, int) or not 0 < minutes <= LONGEST:
            yield f"{where}: has no bound"
        if "group" not in workflow.get("concurrency", {}):
            yield f"{where}: says nothing of a second run"
        if job.get("runs-on") != "ubuntu-24.04":
            yield f"{where}: runs on whatever is the latest"


def checkouts(texts: Mapping[str, str]) -> Iterator[str]:
    """No token stays behind in the clone."""
    for step in steps(texts):
        if str(step.step.get("uses", "")).startswith("actions/checkout@"):
            given = step.step.get("with", {})
            if given.get("persist-credentials") is not False:
                yield f"{step.where}: keeps its token in the clone"


def piped(texts: Mapping[str, str]) -> Iterator[str]:
    """The shell fails where any part of a pipe does: GitHub gives pipefail to a named bash only."""
    for name, workflow in workflows(texts).items():
        shell = workflow.get("defaults", {}).get("run", {}).get("shell")
        if shell != "bash":
            yield f"{name}: its shell is {shell}"


def tasks_exist(texts: Mapping[str, str]) -> Iterator[str]:
    """Every task that is started is there, with these flags, for every target it can be of."""
    for step in steps(texts):
        for words in commands(step, "invoke"):
            if fault := task_fault(words):
                yield f"{step.where}: {fault}"


def sessions_exist(texts: Mapping[str, str]) -> Iterator[str]:
    """Every session that is started is there; every session is started, or says why not."""
    started = set()
    for step in steps(texts):
        for words in commands(step, "nox"):
            name = words[words.index("-s") + 1] if "-s" in words else ""
            started.add(name)
            if name not in SESSIONS:
                yield f"{step.where}: there is no session {name!r}"
    for name in SESSIONS:
        if (name in started) == (name in BY_HAND):
            yield f"noxfile.py: {name} is run by a workflow, or BY_HAND says why not: one of both"


def cleaned(texts: Mapping[str, str]) -> Iterator[str]:
    """Who writes the operator's files removes them, whatever happened between."""
    for where, _, job in jobs(texts):
        scripts = [(str(step.get("run", "")), step.get("if")) for step in job["steps"]]
        writes = any("ci.files --target" in script for script, _ in scripts)
        if writes and ("invoke ci.files --remove", "always()") not in scripts[-1:]:
            yield f"{where}: leaves the operator's files behind"


def drilled(texts: Mapping[str, str]) -> Iterator[str]:
    """Drift and the restore drill have a clock."""
    drill = workflows(texts).get("drill.yml", {True: {}, "jobs": {}})
    if not triggers(drill).get("schedule"):
        yield "drill.yml: has no clock"
    told = yaml.safe_dump(drill["jobs"])
    for task in ("vps.drift", "vps.drill", "kubernetes.drift", "$TARGET.drift"):
        if task not in told:
            yield f"drill.yml: does not run {task}"


def gated(texts: Mapping[str, str]) -> Iterator[str]:
    """An image is pushed without a tag, scanned, and tagged after that; its digest goes on."""
    build = workflows(texts)["build-images.yml"]["jobs"]["build"]["steps"]
    told = [yaml.safe_dump(step) for step in build]
    order = ["push-by-digest=true", "images.scan", "imagetools create"]
    found = [next((n for n, text in enumerate(told) if word in text), -1) for word in order]
    if found != sorted(found) or -1 in found:
        yield "build-images.yml: tags before the scan"
    pushed = build[found[0]]["with"]
    if pushed.get("provenance") != "mode=max" or pushed.get("sbom") is not True:
        yield "build-images.yml: builds without provenance or SBOM"
    keys = re.findall(r"secrets\.\w+|aws-secret-access-key|credentials_json|creds:", str(told))
    if keys:
        yield f"build-images.yml: uses a key that lasts: {keys[0]}"


@dataclass(frozen=True)
class Fault:
    """One planted fault: in *file*, *old* becomes *new*, and *rule* says *said*."""

    rule: Callable[[Mapping[str, str]], Iterator[str]]
    file: str
    old: str
    new: str
    said: str


RULES = (
    permissions,
    pins,
    by_hand,
    secrets_in_environments,
    no_apply,
    no_expressions,
    no_echoed_secrets,
    bounded,
    checkouts,
    piped,
    tasks_exist,
    sessions_exist,
    cleaned,
    drilled,
    gated,
)
_PLAN = 'invoke vps.plan --host "$HOST"'
FAULTS = (
    Fault(permissions, "drill.yml", "permissions: {}", "permissions: read-all", "of its own"),
    Fault(permissions, "drill.yml", "id-token: write #", "packages: write #", "may packages"),
    Fault(permissions, "drill.yml", "contents: read # to", "contents: write # to", "may contents"),
    Fault(permissions, "deploy-vps.yml", "actions: read # to", "actions: read\n#", "a reason"),
    Fault(pins, "validate.yml", "@3d3c42e5aac5ba805825da76410c181273ba90b1", "@v7", "not pinned"),
    Fault(pins, "validate.yml", " # v7.0.1", "", "no version"),
    Fault(pins, "validate.yml", "@3d3c42e5", "@aaaaaaaa", "pinned twice"),
    Fault(by_hand, "deploy-vps.yml", "on:\n", "on:\n  push:\n", "by a person alone"),
    Fault(by_hand, "deploy-vps.yml", "    environment: ${{", "    x: ${{", "no environment"),
    Fault(secrets_in_environments, "drill.yml", "    environment: drill-vps\n", "", "a secret"),
    Fault(no_apply, "deploy-cloud.yml", '"$TARGET.plan" --', '"$TARGET.apply" --', "applies"),
    Fault(no_apply, "drill.yml", "invoke kubernetes.drift", "terraform apply", "applies"),
    Fault(no_expressions, "deploy-vps.yml", '"$IMAGES"', '"${{ inputs.images }}"', "expression"),
    Fault(
        no_echoed_secrets,
        "drill.yml",
        "run: invoke ci.files --target kubernetes",
        'run: echo "$HOSTWRIGHT_KUBECONFIG"',
        "uses the secret",
    ),
    Fault(bounded, "drill.yml", "    timeout-minutes: 20\n", "", "no bound"),
    Fault(bounded, "drill.yml", "ubuntu-24.04", "ubuntu-latest", "latest"),
    Fault(bounded, "drill.yml", "concurrency:\n  group: drill", "env:\n  A: b", "second run"),
    Fault(checkouts, "drill.yml", "persist-credentials: false", "fetch-depth: 1", "its token"),
    Fault(piped, "drill.yml", "shell: bash", "shell: sh", "its shell is sh"),
    Fault(tasks_exist, "deploy-vps.yml", _PLAN, "invoke vps.plot", "no task vps.plot"),
    Fault(tasks_exist, "deploy-vps.yml", _PLAN, "invoke vps.plan --hast x", "no flag --hast"),
    Fault(tasks_exist, "deploy-cloud.yml", "[aws, azure, gcp]", "[aws, oci]", "task oci.plan"),
    Fault(tasks_exist, "drill.yml", '"azure", "gcp"', '"hetzner"', "task hetzner.drift"),
    Fault(sessions_exist, "validate.yml", "validate_gcp,", "validate_oci,", "'validate_oci'"),
    Fault(sessions_exist, "weekly.yml", "[properties, ", "[", "properties is run"),
    Fault(sessions_exist, "validate.yml", "nox -s lint\n", "nox -s lind\n", "'lind'"),
    Fault(cleaned, "deploy-vps.yml", "- if: always()\n", "- if: success()\n", "behind"),
    Fault(drilled, "drill.yml", "  schedule:\n", "  x:\n", "no clock"),
    Fault(drilled, "drill.yml", "invoke vps.drill", "invoke vps.status", "not run vps.drill"),
    Fault(gated, "build-images.yml", "invoke images.scan", "true", "before the scan"),
    Fault(gated, "build-images.yml", "push-by-digest=true", "push=true", "before the scan"),
    Fault(gated, "build-images.yml", "sbom: true", "sbom: false", "SBOM"),
    Fault(gated, "build-images.yml", '<<< "$TOKEN"', "<<< secrets.KEY", "key that lasts"),
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_workflow_keeps_the_rule(
    rule: Callable[[Mapping[str, str]], Iterator[str]],
) -> None:
    assert list(rule(TEXTS)) == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.rule.__name__}-{fault.said}")
def test_a_planted_fault_is_found(fault: Fault) -> None:
    text = TEXTS[fault.file]
    assert fault.old in text
    spoilt = {**TEXTS, fault.file: text.replace(fault.old, fault.new)}
    assert any(fault.said in line for line in fault.rule(spoilt))


def test_every_rule_has_a_planted_fault() -> None:
    assert {fault.rule for fault in FAULTS} == set(RULES)


def test_the_commands_of_scripts_are_found() -> None:
    """A rule about commands would hold of scripts in which none is seen."""
    seen = [words[1] for step in steps(TEXTS) for words in commands(step, "invoke")]
    assert {"vps.plan", "vps.deploy", "aws.plan", "gcp.drift", "azure.smoke"} <= set(seen)
    begun = "\n".join(step.script for step in steps(TEXTS))
    assert len(seen) >= begun.count("invoke ") - begun.count('echo "invoke ')


def test_groups_that_an_environment_is_made_of_exist() -> None:
    import tomllib

    known = tomllib.loads((paths.ROOT / "pyproject.toml").read_text())["dependency-groups"]
    made = {
        words[words.index("--") + 1]
        for step in steps(TEXTS)
        for words in commands(step, "nox")
        if "dev" in words
    }
    assert made
    assert made <= set(known)
