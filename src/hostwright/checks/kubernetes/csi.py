"""What the Secrets Store CSI driver is to mount: a text in the form that the provider reads.

No schema sees into that text, and a provider that cannot read it says so only to a pod's events,
when nothing starts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hostwright.checks.kubernetes.view import told
from hostwright.helm.manifest import Unreadable, dig, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostwright.checks.finding import Finding
    from hostwright.checks.kubernetes.view import Rule, View
    from hostwright.helm.manifest import Object, Pod

    Json = Mapping[str, Any]

CHECKS = {
    "secret-not-mounted": "the CSI driver makes a Secret only while a pod mounts its class",
    "secret-file-missing": "the CSI driver copies what it mounts",
    "secret-file-malformed": "the CSI driver's provider can read what it is to mount",
}
#: Provider to the parameters that it does not do without, besides the list of what to mount.
_NEEDED = {"azure": ("keyvaultName", "tenantId"), "vault": ("roleName",)}
_TEXT = r".*\S.*"
#: Provider to the keys of an entry of its list, and what each must look like.
_ENTRY: dict[str, dict[str, str]] = {
    "aws": {"objectName": _TEXT, "objectType": "secretsmanager|ssmparameter"},
    "azure": {
        "objectName": "[A-Za-z0-9-]{1,127}",
        "objectType": "secret|key|cert",
        "objectAlias": _TEXT,
    },
    "gcp": {"resourceName": r"projects/[^/\s]+/secrets/[^/\s]+/versions/[^/\s]+", "path": _TEXT},
    "vault": {"objectName": _TEXT, "secretPath": _TEXT, "secretKey": _TEXT},
}
#: Provider to the key of an entry that names its file.
_FILE = {"aws": "objectAlias", "azure": "objectAlias", "gcp": "path", "vault": "objectName"}


def mounted(view: View) -> Iterator[Finding]:
    """The CSI driver copies into a Secret what a pod mounts, while it mounts it."""
    for item in view.manifest.of("SecretProviderClass"):
        if not any(pod.role == item.role for pod in view.manifest.pods if _mounts(pod, item)):
            what = "is mounted by no pod of its role: the driver makes no Secret"
            remedy = "Mount it, read-only, in every pod of the role."
            yield told("secret-not-mounted", item, what, remedy, item.name)
        files = {name for entry in _entries(item) for name in _files(_provider(item), entry)}
        for each in item.at("spec", "secretObjects") or ():
            for data in each.get("data") or ():
                if data.get("objectName") not in files:
                    what = f"copies {data.get('objectName')}, which it does not mount"
                    remedy = "List it in parameters."
                    yield told("secret-file-missing", item, what, remedy, str(data.get("key")))


def _mounts(pod: Pod, item: Object) -> bool:
    return item.name in {
        dig(volume, "csi", "volumeAttributes", "secretProviderClass")
        for volume in pod.spec.get("volumes") or ()
    }


def formed(view: View) -> Iterator[Finding]:
    """What to mount is listed as the provider reads it."""
    for item in view.manifest.of("SecretProviderClass"):
        for key, fault in _faults(item):
            remedy = f"Write it as the provider {_provider(item)} documents it."
            yield told("secret-file-malformed", item, fault, remedy, key)


def _faults(item: Object) -> Iterator[tuple[str, str]]:
    """Key and what is wrong with it."""
    provider = _provider(item)
    for key in _NEEDED.get(provider, ()):
        if not item.at("spec", "parameters", key):
            yield key, f"its parameter {key} is missing"
    entries = _entries(item)
    if not entries:
        yield _list(provider), f"its parameter {_list(provider)} lists nothing that can be read"
    for entry in entries:
        for key, pattern in _ENTRY.get(provider, {}).items():
            if not re.fullmatch(pattern, str(entry.get(key) or "")):
                yield key, f"an entry has no {key} that the provider {provider} takes"
        if not _files(provider, entry):
            yield _FILE.get(provider, "path"), "an entry names no file"


def _provider(item: Object) -> str:
    return str(item.at("spec", "provider"))


def _list(provider: str) -> str:
    """The parameter that lists what to mount."""
    return "secrets" if provider == "gcp" else "objects"


def _entries(item: Object) -> list[Json]:
    """The entries of that list; none where it cannot be read."""
    provider = _provider(item)
    text = item.at("spec", "parameters", _list(provider))
    found = _read(text, item.file)
    if provider == "azure":  # a list of texts, each of them YAML again
        texts = found.get("array") if isinstance(found, dict) else None
        found = [_read(each, item.file) for each in texts] if isinstance(texts, list) else None
    whole = isinstance(found, list) and all(isinstance(each, dict) for each in found)
    return found if whole and isinstance(found, list) else []


def _read(text: object, file: str) -> Any:  # noqa: ANN401 - YAML
    try:
        return read(text, file) if isinstance(text, str) else None
    except Unreadable:
        return None


def _files(provider: str, entry: Json) -> list[str]:
    """The files that an entry is mounted as: one, or AWS's one for each key of a secret's JSON."""
    keys = entry.get("jmesPath") if provider == "aws" else None
    named = [entry, *(keys if isinstance(keys, list) else ())]
    return [str(each[_FILE[provider]]) for each in named if _named(provider, each)]


def _named(provider: str, entry: object) -> bool:
    return isinstance(entry, dict) and bool(entry.get(_FILE.get(provider, "")))


RULES: tuple[Rule, ...] = (mounted, formed)
