"""Every answer that can be given for a choice, and what is wrong with one. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import TypeAdapter, ValidationError

from hostwright.cluster import schema as schemas
from hostwright.cluster.graduation import scalar
from hostwright.contract.chart import READERS, value_path
from hostwright.contract.models import PROFILES, TARGETS, ApplicationName
from hostwright.contract.rules import near
from hostwright.contract.types import fault_of
from hostwright.settings import (
    EmailAddress,
    Host,
    HostKey,
    HostName,
    ImageReference,
    WebAddress,
    input_fault,
)
from hostwright.setup.presets import CHART, CLOUD_KINDS, CLOUDS, GIVES, PRESETS, TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.contract.models import Contract, Profile, TargetName, Variable
    from hostwright.setup.presets import CloudKind, PresetName

#: A text, a list of texts, a map of texts; of the chart anything that YAML can say.
Value = Any
Kind = Literal["choice", "input", "variable", "secret", "host", "chart"]

#: Answers that decide which others there are, in the order in which they are asked.
CHOICES = ("preset", "cloud", "target", "profile")
#: Inputs that another answer says (the profile), or that are written from others.
_SAID = frozenset({"environment"})
#: What Compose by hand takes of the inputs, by the variable of the Compose file.
COMPOSE = {
    "project_name": "APP_NAME",
    "app_domain": "APP_DOMAIN",
    "api_domain": "API_DOMAIN",
    "api_image": "API_IMAGE",
    "web_image": "WEB_IMAGE",
    "worker_image": "WORKER_IMAGE",
    **{
        f"{role}_{name}": f"{role.upper()}_{word}"
        for role in ("api", "web", "worker")
        for name, word in (("cpu", "CPU"), ("memory_mib", "MEMORY_MIB"))
    },
}
#: Fields of a host that are no inputs: where it is, and how one gets in.
_HOST = {
    "host": "Name of the server in hosts.yaml",
    "address": "Host name or address of the server",
    "port": "Port of its SSH",
    "bootstrap_user": "Who can log in before the first provision",
    "identity_file": "Private key to log in with; the usual ones if unset",
    "acme_email": "Who the certificate authority writes to; nobody if unset",
}
_OF_HAND = ("acme_email",)
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")


class Choice(NamedTuple):
    """Which installation it is about."""

    preset: PresetName
    target: TargetName
    profile: Profile
    cloud: CloudKind | None = None

    @property
    def by_hand(self) -> bool:
        """Whether Compose is run by hand on this machine."""
        return TABLE[self.preset].by_hand

    @property
    def is_cloud(self) -> bool:
        """Whether Terraform makes it."""
        return self.target in {"aws", "azure", "gcp"}


class Question(NamedTuple):
    """Something that an answer can be given to.

    Attributes:
        key: As answers have it.
        kind: What the answer becomes.
        type: An input's or a variable's type; of the chart ``chart``.
        meaning: What it is, in the contract's words.
        default: What holds without an answer; empty if nothing does.
        allowed: The only values; empty means any.
        needed: Whether it must be answered where it is asked and nothing holds.
        least: Fewest characters, of a secret.
        told: What each allowed value means, where that has to be said.
    """

    key: str
    kind: Kind
    type: str
    meaning: str
    default: str = ""
    allowed: tuple[str, ...] = ()
    needed: bool = False
    least: int = 0
    told: tuple[str, ...] = ()

    @property
    def secret(self) -> bool:
        """Whether the answer must not be seen."""
        return self.kind == "secret"


# --- choices -----------------------------------------------------------------------------------


def choices(given: Mapping[str, str]) -> Question | None:
    """The next choice that is open, of those that decide which other questions there are."""
    preset = given.get("preset")
    if preset is None:
        told = tuple(item.meaning for item in TABLE.values())
        return _choice("preset", "How the application is to be hosted", PRESETS, told)
    if preset not in PRESETS:
        return None
    table = TABLE[preset]
    if preset == "cloud_managed" and "cloud" not in given:
        told = tuple(item.meaning for item in CLOUDS.values())
        return _choice("cloud", "Whose cloud", CLOUD_KINDS, told)
    if len(table.targets) > 1 and "target" not in given:
        return _choice("target", "Where it is hosted", table.targets)
    if "profile" not in given:
        asked = _choice("profile", "Which requirements hold", PROFILES)
        return asked._replace(default=table.profile, needed=False)
    return None


def _choice(
    key: str, meaning: str, allowed: tuple[str, ...], told: tuple[str, ...] = ()
) -> Question:
    return Question(key, "choice", "enum", meaning, allowed=allowed, needed=True, told=told)


def unfit(given: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """What is wrong with choices: the key, what, and what to do."""
    words: dict[str, tuple[str, ...]] = {
        "preset": PRESETS,
        "cloud": CLOUD_KINDS,
        "target": TARGETS,
        "profile": PROFILES,
    }
    for key, allowed in words.items():
        if key in given and given[key] not in allowed:
            yield key, f"is not one of {', '.join(allowed)}", near(given[key], allowed)
    preset = given.get("preset")
    if preset not in PRESETS:
        return
    if "cloud" in given and preset != "cloud_managed":
        yield "cloud", f"means nothing to the preset {preset}", "Remove it."
    targets = TABLE[preset].targets
    if given.get("target") in TARGETS and given["target"] not in targets:
        what = "cloud decides it" if preset == "cloud_managed" else f"it hosts on {targets[0]}"
        yield "target", f"means nothing to the preset {preset}: {what}", "Remove it."


def chosen(given: Mapping[str, str]) -> Choice:
    """The choice that *given* makes; every choice is there and fits."""
    preset: Any = given["preset"]
    cloud: Any = given.get("cloud")
    first = TABLE[preset].targets[:1]
    target: Any = CLOUDS[cloud].target if cloud else given.get("target", *first)
    profile: Any = given["profile"]
    return Choice(preset, target, profile, cloud)


# --- what can be answered ------------------------------------------------------------------------


def catalogue(contract: Contract, choice: Choice, schema: Mapping[str, Any]) -> dict[str, Question]:
    """Every question of *choice* by its key; whether one is asked, ``settle`` says.

    Args:
        contract: Names inputs and variables.
        choice: For which target and profile.
        schema: Of the chart's values.
    """
    found = [
        *_inputs(contract, choice),
        *_variables(contract, choice),
        *_hosts(choice),
        *(_chart(contract, choice, schema) if choice.target == "kubernetes" else ()),
    ]
    gives = given(contract, choice)
    return {item.key: item._replace(default=gives.get(item.key, item.default)) for item in found}


def given(contract: Contract, choice: Choice, project_name: str = "") -> dict[str, str]:
    """What preset, cloud and profile give: key to value."""
    names = {"project_name": project_name or contract.application, "profile": choice.profile}
    found = {
        row.key: row.value.format_map(names)
        for row in GIVES
        if choice.target in row.targets and choice.profile in row.profiles
    }
    if choice.cloud:
        cloud = CLOUDS[choice.cloud]
        found["secrets_provider"] = cloud.secrets_provider
        found["storage_provider"] = cloud.storage_provider
    if choice.by_hand:
        found["app_domain"] = "localhost"
    return found


def _inputs(contract: Contract, choice: Choice) -> Iterator[Question]:
    readers = {
        item.source(choice.target).text: item
        for item in contract.variables.values()
        if item.source(choice.target).kind == "input"
    }
    for name, item in contract.inputs.items():
        here = choice.target in item.targets and name not in _SAID
        if not here or item.ephemeral or item.sensitive or not _has_role(contract, name):
            continue
        if choice.by_hand and name not in COMPOSE and name not in readers:
            continue
        reader = readers.get(name)
        allowed = reader.allowed_on(choice.target) if reader else ()
        default = item.default_on(choice.target) or ""
        if name == "project_name":
            default = default or contract.application
        yield Question(name, "input", item.type, item.meaning, default, allowed)


def _has_role(contract: Contract, name: str) -> bool:
    """Whether an input of a role's own has its role; the worker's image is migrate's, too."""
    role, _, rest = name.partition("_")
    if role not in READERS or rest in {"base_url", "domain"}:
        return True
    return bool(set(READERS[role]) & contract.roles.keys())


def _variables(contract: Contract, choice: Choice) -> Iterator[Question]:
    if choice.target != "kubernetes":
        for name, own in contract.targets[choice.target].secrets.items():
            yield Question(name, "secret", "string", own.meaning, least=own.min_length)
    for name, item in contract.variables.items():
        mine = item.source(choice.target).kind == "operator" and readers_of(contract, item)
        if not mine or (item.secret and choice.target == "kubernetes"):
            continue
        kind: Kind = "secret" if item.secret else "variable"
        allowed = item.allowed_on(choice.target)
        least = item.min_length or 0
        yield Question(
            name, kind, item.type, item.meaning, item.default or "", allowed, least=least
        )


def readers_of(contract: Contract, variable: Variable) -> list[Any]:
    """The roles of the application that have it."""
    return [role for role in variable.roles if role in contract.roles]


def _hosts(choice: Choice) -> Iterator[Question]:
    if choice.target == "vps":
        for key in _OF_HAND if choice.by_hand else _HOST:
            default = {"port": "22", "bootstrap_user": "root"}.get(key, "")
            yield Question(key, "host", "string", _HOST[key], default)


def _chart(contract: Contract, choice: Choice, schema: Mapping[str, Any]) -> Iterator[Question]:
    taken = {value_path(name) for name in contract.inputs}
    told = {ask.name: ask.meaning for ask in CHART}
    for path, node in leaves(schema):
        if path in taken or path.rpartition(".")[2] in {"env", "secrets", "references"}:
            continue
        allowed = tuple(str(word) for word in node.get("enum", ()) if word != "")
        default = str(node.get("default", ""))
        yield Question(path, "chart", "chart", told.get(path) or _meaning(node), default, allowed)
    for name, item in contract.variables.items():
        if item.secret and item.source(choice.target).kind == "operator":
            meaning = f"{item.meaning}: its name in the store, or NAME#PROPERTY"
            yield Question(f"secrets.references.{name}", "chart", "chart", meaning)


def _meaning(node: Mapping[str, Any]) -> str:
    return str(node.get("description", "")).rstrip(".")


def leaves(
    schema: Mapping[str, Any], above: tuple[str, ...] = ()
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every value of the chart by its path, with its schema."""
    for key, node in schema.get("properties", {}).items():
        block = node.get("type") == "object" and node.get("additionalProperties") is False
        if node.get("deprecated") or (key in {"global", "enabled"} and not above):
            continue
        if block and node.get("properties"):
            yield from leaves(node, (*above, key))
        else:
            yield ".".join((*above, key)), node


# --- what a good answer is like ------------------------------------------------------------------


class Judge(NamedTuple):
    """Says what is wrong with an answer, in a phrase that follows its key; never the value."""

    contract: Contract
    choice: Choice | None
    schema: Mapping[str, Any]

    def fault(self, question: Question, value: Value) -> str | None:
        """What is wrong with *value*, or None."""
        if value in ("", (), {}, None):
            return "must be answered" if question.needed and not question.default else None
        if question.type == "list":
            found = (self._scalar(question, item) for item in value)
            return next((fault for fault in found if fault), None)
        if question.type == "map":
            return None if isinstance(value, Mapping) else "is not a mapping"
        if question.kind == "chart":
            return self._chart(question, value)
        return self._scalar(question, str(value))

    def _scalar(self, question: Question, text: str) -> str | None:
        if question.allowed and text not in question.allowed:
            return f"is not one of {', '.join(question.allowed)}"
        if question.kind == "secret" and len(text) < question.least:
            return f"has fewer than {question.least} characters"
        if question.kind in {"variable", "secret"}:
            variable = self.contract.variables.get(question.key)
            return fault_of(variable, text) if variable else None
        return self._formed(question, text)

    def _formed(self, question: Question, text: str) -> str | None:
        """By the type of an input, or the form that hosts.yaml wants of it."""
        key = question.key
        if key in _RANGES:
            return _network(text)
        form = _FORMS.get(key) or _FORMS_BY_TYPE.get(question.type)
        fault = _unformed(form, text) if form else input_fault(question.type, text)
        hosted = self.choice is not None and self.choice.is_cloud
        if not fault and question.type == "image" and hosted and not _DIGEST.search(text):
            return "names no digest (…@sha256:…): a tag can move"
        return fault

    def _chart(self, question: Question, value: Value) -> str | None:
        node = dict(leaves(self.schema)).get(question.key, {"type": "string", "minLength": 1})
        if not list(schemas.faults(value, node)):
            return None
        if question.allowed:
            return f"is not one of {', '.join(question.allowed)}"
        kinds = node.get("type", "something else")
        return f"is not of the form that the chart takes ({kinds})"


_RANGES = frozenset({"trusted_proxies", "operator_ranges", "network_cidr"})
_FORMS: dict[str, Any] = {
    "project_name": ApplicationName,
    "host": HostKey,
    "acme_email": EmailAddress,
    **{
        key: (Host.model_fields[key].annotation, *Host.model_fields[key].metadata)
        for key in ("address", "port", "bootstrap_user", "identity_file")
    },
}
_FORMS_BY_TYPE: dict[str, Any] = {"host": HostName, "image": ImageReference, "url": WebAddress}


def _unformed(form: Any, text: str) -> str | None:  # noqa: ANN401 - a type with its marks
    wanted: Any = Annotated[form] if isinstance(form, tuple) else form
    try:
        TypeAdapter(wanted).validate_python(text)
    except ValidationError as error:
        told = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        return told if told.startswith("is ") else f"does not fit: {told[:1].lower()}{told[1:]}"
    return None


def _network(text: str) -> str | None:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        return f"is not an address range: {error}"
    return None


def read(question: Question, value: Value, schema: Mapping[str, Any]) -> Value:
    """An answer as it was typed or written, as the type that it is of: texts, lists and maps."""
    if question.type == "list":
        words = value.split(",") if isinstance(value, str) else value
        return tuple(str(word).strip() for word in words if str(word).strip())
    if question.kind == "chart":
        return _of_chart(question, value, schema)
    if question.type == "map":
        return {str(key): _text(item) for key, item in value.items()} if _is_map(value) else value
    return _text(value)


def _of_chart(question: Question, value: Value, schema: Mapping[str, Any]) -> Value:
    """A text that was typed, as the chart's own type."""
    if not isinstance(value, str):
        return value
    kind = dict(leaves(schema)).get(question.key, {}).get("type", "string")
    if kind == "array":
        return [word.strip() for word in value.split(",") if word.strip()]
    if kind == "boolean":
        return {"true": True, "false": False}.get(value, value)
    if kind in {"integer", "number"} and input_fault("number", value) is None:
        return scalar("number", value)
    return value


def _is_map(value: object) -> bool:
    return isinstance(value, Mapping)


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value).strip()
