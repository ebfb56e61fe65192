"""From the key of a Secret that a container reads to the reference that a user wrote. Pure.

What External Secrets and the Secrets Store CSI driver will make is in the manifest; a Secret that
neither makes must be there already.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import yaml

from hostwright.helm.manifest import dig

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostwright.helm.manifest import Manifest, Object, Pod


def follow(manifest: Manifest, pod: Pod, name: str, key: str) -> str:
    """The reference behind *key* of the Secret *name*: ``NAME`` or ``NAME#PROPERTY``.

    Where nothing in the manifest makes it, the Secret itself is what is referred to.
    """
    found = _external(manifest, name, key) or _mounted(manifest, pod, name, key)
    return found or f"{name}#{key}"


def _external(manifest: Manifest, name: str, key: str) -> str:
    for item in manifest.of("ExternalSecret"):
        # What a template makes of the values is not told by their keys.
        if (item.at("spec", "target", "name") or item.name) != name or item.at(
            "spec", "target", "template"
        ):
            continue
        for entry in item.at("spec", "data") or ():
            if entry.get("secretKey") == key:
                remote = entry.get("remoteRef") or {}
                return _joined(remote.get("key"), remote.get("property"))
    return ""


def _mounted(manifest: Manifest, pod: Pod, name: str, key: str) -> str:
    """The driver makes a Secret of what this very pod mounts."""
    for item in _classes(manifest, pod):
        for made in item.at("spec", "secretObjects") or ():
            if made.get("secretName") != name:
                continue
            for entry in made.get("data") or ():
                if entry.get("key") == key:
                    return objects(item).get(str(entry.get("objectName")), "")
    return ""


def _classes(manifest: Manifest, pod: Pod) -> Iterator[Object]:
    """The SecretProviderClasses that a container of the pod mounts."""
    used = {
        mount.get("name")
        for container in pod.containers
        for mount in container.at("volumeMounts") or ()
    }
    for volume in pod.spec.get("volumes") or ():
        named = dig(volume, "csi", "volumeAttributes", "secretProviderClass")
        found = manifest.find("SecretProviderClass", str(named))
        if found and volume.get("name") in used:
            yield found


def objects(item: Object) -> Mapping[str, str]:
    """File that a SecretProviderClass mounts to the reference that it holds."""
    provider = str(item.at("spec", "provider"))
    parameters = item.at("spec", "parameters") or {}
    listed = parameters.get("secrets" if provider == "gcp" else "objects")
    return _listed(provider, listed) if isinstance(listed, str) else {}


@lru_cache(maxsize=64)
def _listed(provider: str, listed: str) -> Mapping[str, str]:
    """The same of the list itself: every key of every container asks for it."""
    read = {"aws": _aws, "azure": _azure, "gcp": _gcp, "vault": _vault}.get(provider)
    try:
        return dict(read(yaml.safe_load(listed))) if read else {}
    except (yaml.YAMLError, AttributeError, TypeError):
        return {}


def _aws(listed: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - YAML
    for each in listed:
        name = str(each.get("objectName"))
        parts = each.get("jmesPath") or ()
        if not parts:
            yield str(each.get("objectAlias") or name), name
        for part in parts:
            yield str(part.get("objectAlias")), _joined(name, str(part.get("path")).strip('"'))


def _azure(listed: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - YAML
    for text in listed.get("array"):
        each = yaml.safe_load(text)
        name = str(each.get("objectName"))
        yield str(each.get("objectAlias") or name), name


def _gcp(listed: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - YAML
    for each in listed:
        # projects/PROJECT/secrets/NAME/versions/VERSION
        name = str(each.get("resourceName")).split("/")[3]
        yield str(each.get("path")), _joined(name, each.get("extractJSONKey"))


def _vault(listed: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - YAML
    for each in listed:
        yield str(each.get("objectName")), _joined(each.get("secretPath"), each.get("secretKey"))


def _joined(name: object, part: object) -> str:
    return f"{name}#{part}" if part else str(name)
