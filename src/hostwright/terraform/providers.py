"""Which provider stands behind a configuration: the real one where there is one, else its schema.

A real provider checks values that a schema knows nothing of. It is looked for, in this order:

1. in the directory that ``HOSTWRIGHT_TERRAFORM_PLUGIN_DIR`` names, and then nowhere else
   (``none`` says that it is not to be looked for at all);
2. in the directories in which Terraform's own tools keep providers (:data:`PLACES`);
3. in the registry, where ``terraform init`` reaches it; what it downloads is kept in the cache.

Whichever it is, nothing is applied, and a report says which it was.
"""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from hostwright import paths
from hostwright.errors import SettingsError
from hostwright.terraform.schema import vendor
from hostwright.toolchain.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hostwright.terraform.schema import Schema

SETTING = "HOSTWRIGHT_TERRAFORM_PLUGIN_DIR"
#: Where providers lie as ``HOST/hashicorp/NAME/VERSION/OS_ARCH/terraform-provider-NAME_…``.
PLACES = (
    "/opt/tf-plugins",
    "~/.terraform.d/plugins",
    "~/.local/share/terraform/plugins",
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
)
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_REQUIRED = re.compile(r'"(?:[\w.]+/)?hashicorp/(\w+)"')
_ENTRY = re.compile(r"\{([^{}]*)\}")
_VERSION = re.compile(r'version\s*=\s*"([^"]+)"')
_LOCKED = re.compile(r'provider "[\w.]+/hashicorp/(\w+)" \{\s*version\s*=\s*"([^"]+)"')
_BOUND = re.compile(r"(>=|<=|!=|~>|=|>|<)?\s*([\d.]+)")


class Required(NamedTuple):
    """What ``required_providers`` says of one provider; an empty range takes every version."""

    provider: str
    versions: str


@dataclass(frozen=True)
class Used:
    """The provider that a configuration was checked with.

    Args:
        kind: The real provider, or the schema provider with the committed schema.
        provider: ``google``.
        version: The provider's, not that of the package its schema was read from.
        source: Where it came from: a directory, ``registry``, or the package of the schema.
    """

    kind: Literal["real", "schema"]
    provider: str
    version: str
    source: str

    def __str__(self) -> str:
        if self.kind == "schema":
            return (
                f"well-formed against {self.provider} {self.version}'s schema; not applied anywhere"
            )
        return (
            f"accepted by the real provider {self.provider} {self.version} "
            f"(from {self.source}); not applied anywhere"
        )


class Local(NamedTuple):
    """A real provider on this machine: below *place*."""

    provider: str
    version: str
    place: Path


def required(directory: Path) -> tuple[Required, ...]:
    """What a directory's ``required_providers`` asks for."""
    text = "\n".join(file.read_text(encoding="utf-8") for file in sorted(directory.glob("*.tf")))
    found: dict[str, str] = {}
    for entry in _ENTRY.findall(text):
        source, versions = _REQUIRED.search(entry), _VERSION.search(entry)
        if source and "source" in entry:
            found[source[1]] = versions[1] if versions else ""
    return tuple(Required(*item) for item in found.items())


def committed(wanted: Iterable[Required]) -> tuple[Schema, ...]:
    """The committed schemas of what is required.

    Raises:
        ToolError: There is none of one of them.
    """
    return tuple(vendor.load(each.provider) for each in wanted)


def by_schema(schema: Schema) -> Used:
    """What stands for a provider when its schema does."""
    source = f"{schema.source.package} {schema.source.package_version}"
    return Used("schema", schema.name, schema.version, source)


def requirement(wanted: Iterable[Required]) -> str:
    """A configuration that requires these providers and does nothing else."""
    entries = "".join(
        f'    {name} = {{ source = "hashicorp/{name}", version = "{versions or ">= 0"}" }}\n'
        for name, versions in wanted
    )
    return f"terraform {{\n  required_providers {{\n{entries}  }}\n}}\n"


def fits(version: str, versions: str) -> bool:
    """Whether a version is in a range as Terraform writes it: ``>= 5.100, < 7``, ``~> 8.0``."""
    return all(_within(numbers(version), sign or "=", bound) for sign, bound in _bounds(versions))


def _bounds(versions: str) -> Iterator[tuple[str, str]]:
    for part in versions.split(","):
        if found := _BOUND.fullmatch(part.strip()):
            yield found[1], found[2]


def _within(version: tuple[int, ...], sign: str, text: str) -> bool:
    bound = numbers(text)
    size = max(len(version), len(bound))
    have, limit = (each + (0,) * (size - len(each)) for each in (version, bound))
    if sign == "~>":
        # All but the last given number stay as they are.
        return have >= limit and version[: len(bound) - 1] == bound[:-1]
    return {
        "=": have == limit,
        "!=": have != limit,
        ">": have > limit,
        ">=": have >= limit,
        "<": have < limit,
        "<=": have <= limit,
    }[sign]


# --- real providers ----------------------------------------------------------------------------


def places() -> tuple[Path, ...]:
    """The directories to look into.

    Raises:
        SettingsError: The one that the setting names is not there.
    """
    named = os.environ.get(SETTING)
    if named == "none":
        return ()
    if named:
        if not Path(named).is_dir():
            raise SettingsError(f"there is no directory {named}", where=SETTING)
        return (Path(named),)
    return tuple(Path(place).expanduser() for place in PLACES)


def registry_wanted() -> bool:
    """Whether the registry may be asked: unless a setting says where to look."""
    return not os.environ.get(SETTING)


def local(wanted: Iterable[Required]) -> dict[str, Local]:
    """For each provider the newest on this machine that is in range, where there is one."""
    found: dict[str, Local] = {}
    for provider, versions in wanted:
        held = [each for each in _held(provider) if fits(each.version, versions)]
        if held:
            found[provider] = max(held, key=lambda each: numbers(each.version))
    return found


def _held(provider: str) -> Iterator[Local]:
    for place in places():
        for directory in place.glob(f"*/hashicorp/{provider}/*/{machine()}"):
            version = directory.parent.name
            if re.fullmatch(r"\d+(\.\d+)*", version) and any(
                directory.glob("terraform-provider-*")
            ):
                yield Local(provider, version, place)


def machine() -> str:
    """This machine as providers name it: ``linux_amd64``."""
    name = platform.machine().lower()
    return f"{platform.system().lower()}_{_MACHINES.get(name, name)}"


def installation(found: Iterable[Local], *, registry: bool) -> str:
    """Terraform's own settings that take these providers from where they were found.

    Args:
        found: Those that are on this machine.
        registry: Whether the others come from the registry, by way of the cache.
    """
    local_ = list(found)
    blocks = [
        f'  filesystem_mirror {{\n    path    = "{each.place}"\n'
        f'    include = ["hashicorp/{each.provider}"]\n  }}\n'
        for each in local_
    ]
    if registry:
        names = ", ".join(f'"hashicorp/{each.provider}"' for each in local_)
        blocks.append(f"  direct {{\n    exclude = [{names}]\n  }}\n")
    text = f"provider_installation {{\n{''.join(blocks)}}}\n" if blocks else ""
    return f"{_cached()}{text}" if registry else text


def _cached() -> str:
    home = paths.cache() / "providers"
    home.mkdir(parents=True, exist_ok=True)
    # The lock file is made anew each time, so that there is none to break.
    return f'plugin_cache_dir = "{home}"\nplugin_cache_may_break_dependency_lock_file = true\n'


def locked(lock_file: Path) -> Mapping[str, str]:
    """The versions that ``terraform init`` chose, by provider."""
    if not lock_file.is_file():
        return {}
    return dict(_LOCKED.findall(lock_file.read_text(encoding="utf-8")))
