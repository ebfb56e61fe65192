"""Secrets: references to what somebody else keeps, with every key that a role is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hostwright.checks.kubernetes.view import told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostwright.checks.finding import Finding
    from hostwright.checks.kubernetes.view import Rule, View
    from hostwright.helm.manifest import Container, Object

CHECKS = {
    "secret-in-chart": "no Secret stands in the chart's own objects",
    "secret-key-missing": "every key that a container reads is made",
    "secret-key-unused": "no role is brought a secret that it does not read",
    "secret-of-other-role": "a role reads its own Secret",
    "secret-optional": "a secret that is not there is noticed",
    "secret-api-unserved": "External Secrets serves the version that is asked for",
    "secret-as-hook": "no hook's end takes a Secret away",
    "secret-not-kept": "a Secret outlives a mistake in the store, and follows its changes",
    "secret-store-missing": "secrets are looked for in a store",
}
_ESO = "external-secrets.io/"
#: Kinds that make Secrets, and the type of secrets that has them.
_MAKERS = {"ExternalSecret": "external", "SecretProviderClass": "csi"}
_KEPT = {"refreshPolicy": "Periodic", "creationPolicy": "Owner", "deletionPolicy": "Retain"}


@dataclass(frozen=True)
class Made:
    """A Secret that another object brings about, with its keys."""

    by: Object
    name: str
    keys: tuple[str, ...]


def secrets_of(view: View) -> list[Made]:
    """Every Secret that the release brings about."""
    found = [
        Made(
            item,
            str(item.at("spec", "target", "name") or item.name),
            tuple(str(each.get("secretKey")) for each in item.at("spec", "data") or ()),
        )
        for item in view.manifest.of("ExternalSecret")
    ]
    found += [
        Made(
            item,
            str(each.get("secretName")),
            tuple(str(key.get("key")) for key in each.get("data") or ()),
        )
        for item in view.manifest.of("SecretProviderClass")
        for each in item.at("spec", "secretObjects") or ()
    ]
    return found


def _references(container: Container) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Variable and reference of every secret that a container reads."""
    for item in container.env:
        reference = (item.get("valueFrom") or {}).get("secretKeyRef")
        if reference:
            yield str(item.get("name")), reference


def held(view: View) -> Iterator[Finding]:
    """Whoever may read the release in the cluster could read its values."""
    for item in view.manifest.of("Secret"):
        what = "is made by the chart: its values stand in the release and in whoever's shell"
        remedy = "Refer to a secret; secrets.type says how."
        yield told("secret-in-chart", item, what, remedy, item.name)


def keys(view: View) -> Iterator[Finding]:
    """Every key that is read is made, in a Secret of the role's own."""
    made = {item.name: item for item in secrets_of(view)}
    for container in view.manifest.containers:
        for variable, reference in _references(container):
            name, key = str(reference.get("name")), str(reference.get("key"))
            if view.settings.secrets == "existing":
                continue
            if name not in made or key not in made[name].keys:
                what = f"is read from the key {key} of {name}, which nothing here makes"
                remedy = "Let the role's ExternalSecret or SecretProviderClass have the key."
                yield told("secret-key-missing", container, what, remedy, variable)
            elif made[name].by.role != container.role:
                what = f"is read from {name}, which is {made[name].by.role}'s"
                remedy = "Read it from the role's own Secret."
                yield told("secret-of-other-role", container, what, remedy, variable)


def unused(view: View) -> Iterator[Finding]:
    """No role is brought a secret that it does not read."""
    read = {
        (reference.get("name"), reference.get("key"))
        for container in view.manifest.containers
        for _, reference in _references(container)
    }
    for made in secrets_of(view):
        for key in made.keys:
            if (made.name, key) not in read:
                what = f"brings {key} into {made.name}, which no container reads"
                yield told("secret-key-unused", made.by, what, "Leave the key out.", key)


def optional(view: View) -> Iterator[Finding]:
    """A secret that is not there keeps its pod from starting, and says so."""
    for container in view.manifest.containers:
        for variable, reference in _references(container):
            if reference.get("optional"):
                what = "is left out where its Secret lacks it: the role starts without it"
                yield told("secret-optional", container, what, "Remove optional.", variable)


def external(view: View) -> Iterator[Finding]:
    """What External Secrets is asked for is served, kept and renewed."""
    for item in view.manifest.objects:
        if not item.api_version.startswith(_ESO):
            continue
        version = item.api_version.removeprefix(_ESO)
        if version != "v1":
            what = f"is of {version}, which External Secrets serves no longer (v1 does)"
            remedy = "Use external-secrets.io/v1."
            yield told("secret-api-unserved", item, what, remedy, "apiVersion")
        yield from _kept(item)
        if not item.at("spec", "secretStoreRef", "name"):
            what = "names no store"
            remedy = "Set secrets.external.storeName."
            yield told("secret-store-missing", item, what, remedy, "secretStoreRef")


def _kept(item: Object) -> Iterator[Finding]:
    spec = {**(item.at("spec") or {}), **(item.at("spec", "target") or {})}
    for key, wanted in _KEPT.items():
        if spec.get(key) != wanted:
            what = f"its {key} is {spec.get(key) or 'not said'}"
            yield told("secret-not-kept", item, what, f"Set {key}: {wanted}.", key)


def hooked(view: View) -> Iterator[Finding]:
    """A hook is deleted before it is made again, and its Secret with it, under running pods."""
    for item in view.manifest.of(*_MAKERS, "Secret"):
        if item.hooks:
            what = "is a hook: deleting it takes the Secret from running pods"
            yield told("secret-as-hook", item, what, "Make it a plain object.", "hook")


RULES: tuple[Rule, ...] = (held, keys, unused, optional, external, hooked)
