"""The migration: a Job that may be made anew, and pods that wait for it and not for each other."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from hostwright.checks.kubernetes.view import told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hostwright.checks.finding import Finding
    from hostwright.checks.kubernetes.view import Hosted, Rule, View
    from hostwright.contract.models import Commands
    from hostwright.helm.manifest import Container, Object

CHECKS = {
    "migration-not-made": "the database is migrated as the values say",
    "gate-differs": "what waits for the migration is the role itself",
    "gate-endless": "waiting for the migration ends",
    "job-name-fixed": "a Job whose pod is another has another name",
    "job-retries": "a migration that fails is tried again, and not for ever",
    "job-timeout-differs": "a migration gets the contract's time",
    "job-not-removed": "Jobs that are done are removed some day",
    "hook-needs-later": "a hook needs nothing that is made after it",
    "hook-deadlock": "no hook waits for pods that wait for it",
    "hook-unordered": "hooks say when they are made, and when they go",
}
#: The variable that only whoever has a place in the database has.
DATABASE = "DATABASE_URL"
#: Retries of a Job at most: a migration that fails thrice fails again.
MOST_RETRIES = 3
_HASHED = re.compile(r".*-[0-9a-f]{8,}$")
_BEFORE = ("pre-install", "pre-upgrade", "pre-rollback")
_AFTER = ("post-install", "post-upgrade")
_WEIGHT, _POLICY = "helm.sh/hook-weight", "helm.sh/hook-delete-policy"


def made(view: View) -> Iterator[Finding]:
    """There is a Job where the values ask for one, as a hook only where they say so."""
    declared = [name for name, role in view.contract.roles.items() if role.kind == "job"]
    for hosted in view.jobs:
        hook = bool(hosted.pod.object.hooks)
        if hook != (view.settings.migrate == "hook"):
            what = f"is {'a hook' if hook else 'no hook'}, and migrate.type is "
            what += view.settings.migrate
            remedy = "Annotate it as a hook where migrate.type is hook, and only there."
            yield told("migration-not-made", hosted.pod.object, what, remedy, "hook")
    if view.settings.migrate == "none":
        for hosted in view.jobs:
            what = "is made, and migrate.type is none"
            yield told("migration-not-made", hosted.pod.object, what, "Leave it out.", "job")
    elif len(list(view.jobs)) > len(declared):
        for hosted in view.jobs:
            what = "is made more than once: two migrations run side by side"
            yield told("migration-not-made", hosted.pod.object, what, "Make one Job.", "job")


def gates(view: View) -> Iterator[Finding]:
    """Whoever uses the database waits until the schema is there, whoever migrates it."""
    commands = _commands(view)
    if commands is None:
        return
    for hosted in view.staying:
        if DATABASE not in hosted.env():
            continue
        asking = [item for item in hosted.gates if _has(_words(item), commands.status)]
        if not asking:
            what = "uses the database, and does not wait for the migration"
            remedy = f"Add an init container that runs `{shlex.join(commands.status)}`."
            yield told("migration-not-first", hosted.pod, what, remedy, "initContainers")
        for gate in asking:
            yield from _gate(view, hosted, gate)


def _commands(view: View) -> Commands | None:
    return next((role.commands for role in view.contract.roles.values() if role.commands), None)


def _words(container: Container) -> list[str]:
    words = (*(container.at("command") or ()), *(container.at("args") or ()))
    return [str(word).replace("$$", "$") for word in words]


def _has(words: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether *wanted* stands in *words*, one after the other."""
    size = len(wanted)
    return any(tuple(words[at : at + size]) == tuple(wanted) for at in range(len(words)))


def _gate(view: View, hosted: Hosted, gate: Container) -> Iterator[Finding]:
    if hosted.main is None:
        return
    for key in ("image", "env"):
        if gate.at(key) != hosted.main.at(key):
            what = f"has another {key} than the role: it asks another database, or of other code"
            remedy = f"Give it the role's own {key}."
            yield told("gate-differs", gate, what, remedy, key)
    limits = {
        str(role.timeout_seconds) for role in view.contract.roles.values() if role.kind == "job"
    }
    if not limits & set(_words(gate)):
        what = "waits for ever where the migration failed"
        remedy = "Give it the contract's timeout_seconds."
        yield told("gate-endless", gate, what, remedy, "command")


def jobs(view: View) -> Iterator[Finding]:
    """The Job runs the contract's commands, in its time, under a name that changes with its pod."""
    for hosted in view.jobs:
        job, role = hosted.pod.object, hosted.role
        if job.kind != "Job":
            continue
        words = _words(hosted.main) if hosted.main else []
        wanted = (role.commands.status, role.commands.up) if role.commands else (role.command,)
        for each in wanted:
            if not _has(words, each):
                what = f"does not run `{shlex.join(each)}`, which the contract says"
                remedy = "Take the commands from contract.json."
                yield told("command-differs", job, what, remedy, "command")
        yield from _bounds(hosted)
        if not job.hooks and not _HASHED.match(job.name):
            what = "has a name that stays when its pod changes: a Job's pod cannot be changed"
            remedy = "End its name in a hash of its pod."
            yield told("job-name-fixed", job, what, remedy, "name")


def _bounds(hosted: Hosted) -> Iterator[Finding]:
    job = hosted.pod.object
    retries = job.at("spec", "backoffLimit")
    if not isinstance(retries, int) or retries > MOST_RETRIES:
        what = f"is tried again {'six' if retries is None else retries} times"
        remedy = f"Set backoffLimit to {MOST_RETRIES} at most."
        yield told("job-retries", job, what, remedy, "backoffLimit")
    if hosted.pod.spec.get("restartPolicy") != "Never":
        what = "is started again in the same pod: its log is gone"
        yield told("job-retries", job, what, "Set restartPolicy: Never.", "restartPolicy")
    given, needed = job.at("spec", "activeDeadlineSeconds"), hosted.role.timeout_seconds
    if given != needed:
        what = f"gets {'all the time' if given is None else f'{given} s'}, the contract {needed} s"
        remedy = "Take activeDeadlineSeconds from contract.json."
        yield told("job-timeout-differs", job, what, remedy, "activeDeadlineSeconds")
    if not job.hooks and not job.at("spec", "ttlSecondsAfterFinished"):
        what = "stays for ever when it is done"
        remedy = "Set ttlSecondsAfterFinished."
        yield told("job-not-removed", job, what, remedy, "ttlSecondsAfterFinished")


# --- hooks ---------------------------------------------------------------------------------------


def hooks(view: View) -> Iterator[Finding]:
    """Hooks are made in a known order, and need only what is there by then."""
    for item in view.manifest.objects:
        if not item.hooks:
            continue
        needed = {_POLICY, _WEIGHT} if _is_before(item) else {_POLICY}
        if needed - item.annotations.keys():
            what = "is a hook that does not say when it is made or goes"
            remedy = "Set helm.sh/hook-weight and helm.sh/hook-delete-policy."
            yield told("hook-unordered", item, what, remedy, "hook")
        if any(point in _AFTER for point in item.hooks):
            what = f"is made {item.hooks[0]}: `--wait` waits for pods that wait for it"
            remedy = "Make it a plain object, or a hook before."
            yield told("hook-deadlock", item, what, remedy, "hook")
        if _is_before(item):
            yield from _needs(view, item)


def _is_before(item: Object) -> bool:
    return any(point in _BEFORE for point in item.hooks)


def _needs(view: View, hook: Object) -> Iterator[Finding]:
    """What the pods of a hook need and the release makes later."""
    for pod in (pod for pod in view.manifest.pods if pod.object is hook):
        account = view.manifest.find("ServiceAccount", str(pod.spec.get("serviceAccountName")))
        if account and not _earlier(account, hook):
            what = f"runs as {account.name}, which is made after it"
            remedy = "Make the account a hook of a lower weight."
            yield told("hook-needs-later", pod, what, remedy, "serviceAccountName")
        later = _later_secrets(view)
        for container in pod.containers:
            for item in container.env:
                reference = (item.get("valueFrom") or {}).get("secretKeyRef") or {}
                if reference.get("name") in later:
                    what = f"is read from {reference['name']}, which is made after the hook"
                    remedy = "Use migrate.type job, or secrets.type existing."
                    yield told("hook-needs-later", container, what, remedy, str(item.get("name")))


def _earlier(item: Object, hook: Object) -> bool:
    def weight(of: Object) -> int:
        return int(of.annotations.get(_WEIGHT) or 0)

    return set(hook.hooks) <= set(item.hooks) and weight(item) < weight(hook)


def _later_secrets(view: View) -> set[str]:
    """Secrets that the release itself brings about."""
    found = {item.name for item in view.manifest.of("Secret")}
    for item in view.manifest.of("ExternalSecret"):
        found.add(str(item.at("spec", "target", "name") or item.name))
    for item in view.manifest.of("SecretProviderClass"):
        found |= {str(each.get("secretName")) for each in item.at("spec", "secretObjects") or ()}
    return found


RULES: tuple[Rule, ...] = (made, gates, jobs, hooks)
