"""The contract as frozen models. What they cannot say by type, ``contract.rules`` checks."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

RoleName = Literal["api", "web", "worker", "migrate"]
TargetName = Literal["aws", "azure", "gcp", "kubernetes", "vps"]
#: ``default`` stands for every target that is not named.
SourceTarget = Literal["aws", "azure", "gcp", "kubernetes", "vps", "default"]
Profile = Literal["development", "staging", "production"]
VariableType = Literal[
    "string", "int", "bool", "url", "host_list", "url_list", "pem", "path", "enum", "port"
]
SourceKind = Literal["operator", "input", "literal", "composed", "platform", "none"]

ROLES: tuple[RoleName, ...] = get_args(RoleName)
TARGETS: tuple[TargetName, ...] = get_args(TargetName)
PROFILES: tuple[Profile, ...] = get_args(Profile)

#: Sources by which a variable never reaches a process: emitting it is a fault.
NOT_EMITTED: frozenset[SourceKind] = frozenset({"platform", "none"})

VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,62}$")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
ApplicationName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,18}[a-z0-9]$")]
Sentence = Annotated[str, StringConstraints(min_length=3, pattern=r"\S")]
Seconds = Annotated[int, Field(ge=1, le=86_400)]
PortNumber = Annotated[int, Field(ge=1, le=65_535)]


class Model(BaseModel):
    """Strict and frozen: unknown keys are refused, nothing is converted silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_enum_values=True)


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_tuple)]
RoleNames = Annotated[tuple[RoleName, ...], BeforeValidator(_tuple)]
VariableNames = Annotated[tuple[VariableName, ...], BeforeValidator(_tuple)]
TargetNames = Annotated[tuple[TargetName, ...], BeforeValidator(_tuple)]


class Health(Model):
    """How a role says that it lives, and that it is ready."""

    live: Annotated[str, StringConstraints(pattern=r"^/[!-~]*$")] | None = None
    ready: Annotated[str, StringConstraints(pattern=r"^/[!-~]*$")] | None = None
    command: Words = ()


class Commands(Model):
    """The migrate role's two commands; ``status`` prints JSON."""

    up: Words
    status: Words


class Role(Model):
    """One kind of process of the application."""

    kind: Literal["service", "worker", "job"]
    command: Words = ()
    port: PortNumber | None = None
    health: Health = Health()
    commands: Commands | None = None
    exposure: Literal["public", "optional", "none"] = "none"
    pool_size: Annotated[int, Field(ge=1, le=1000)] | None = None
    start_seconds: Seconds = 60
    stop_seconds: Seconds = 30
    drain_seconds: Seconds = 30
    timeout_seconds: Seconds = 600
    handover: Literal["overlap", "stop-then-start"] = "stop-then-start"


class Connection(Model):
    """What a target's Postgres or Redis is like to connect to."""

    port: PortNumber
    tls: Literal["none", "verify", "verify-ca", "verify-full", "operator"]
    ca: Literal["none", "public", "shipped", "instance", "operator"]


class Connections(Model):
    """The two connections that every target has."""

    postgres: Connection
    redis: Connection


class TargetSecret(Model):
    """A secret that the target itself needs from the operator; no role sees it."""

    meaning: Sentence
    min_length: Annotated[int, Field(ge=8, le=512)]


class Target(Model):
    """Where the application can be hosted."""

    meaning: Sentence
    reserved: VariableNames = ()
    secret_name: str
    connections: Connections
    secrets: dict[VariableName, TargetSecret] = {}


Scalar = str | int | float | bool


class Input(Model):
    """A canonical input: the same word on every target that knows it."""

    type: Literal["string", "int", "number", "bool", "url", "host", "image", "map", "list"]
    meaning: Sentence
    targets: TargetNames = TARGETS
    default: Scalar | dict[TargetName, Scalar] | None = None
    fallback: Identifier | None = None
    #: What the target itself calls it, where that is another word.
    alias: dict[TargetName, Sentence] = {}
    #: A secret that is used while a plan is made or applied, and kept nowhere.
    ephemeral: bool = False
    #: A secret that the target cannot help keeping in its state.
    sensitive: bool = False

    def default_on(self, target: TargetName) -> str | None:
        """The default on *target* as text, or None."""
        value = self.default.get(target) if isinstance(self.default, dict) else self.default
        if value is None:
            return None
        return str(value).lower() if isinstance(value, bool) else str(value)


class Output(Model):
    """A canonical output."""

    meaning: Sentence


class Source(Model):
    """Where a target takes a variable from."""

    kind: SourceKind
    text: str = ""
    per_role: dict[RoleName, str] = {}

    @property
    def emitted(self) -> bool:
        """Whether the variable reaches a process on this target."""
        return self.kind not in NOT_EMITTED

    def literal(self, role: RoleName) -> str | None:
        """The literal for *role*, or None where the source is not one."""
        return self.per_role.get(role, self.text) if self.kind == "literal" else None

    def __str__(self) -> str:
        if self.per_role:
            return "literal " + ", ".join(f"{role}={text}" for role, text in self.per_role.items())
        return f"{self.kind} {self.text}".strip()


def _source(value: object) -> object:
    """``operator`` or ``{input: app_domain}`` as the model wants it."""
    if isinstance(value, Source):
        return value
    if isinstance(value, str):
        return {"kind": value}
    if isinstance(value, dict) and len(value) == 1:
        kind, text = next(iter(value.items()))
        if kind == "literal" and isinstance(text, dict):
            return {"kind": kind, "per_role": text}
        return {"kind": kind, "text": text}
    raise ValueError("a source is one word or one pair, such as operator or input: NAME")


def _object(properties: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False, **more}


_TEXT: dict[str, Any] = {"type": "string"}
#: How a source, a condition and a requirement are written: editors read this, pydantic does not.
_SOURCE_AS_WRITTEN: dict[str, Any] = {
    "anyOf": [
        {"enum": ["operator", *sorted(NOT_EMITTED)]},
        _object(
            {
                "input": _TEXT,
                "composed": _TEXT,
                "literal": {"anyOf": [_TEXT, _object(dict.fromkeys(ROLES, _TEXT))]},
            },
            minProperties=1,
            maxProperties=1,
        ),
    ]
}
_CONDITION_AS_WRITTEN: dict[str, Any] = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {"type": "array", "items": _TEXT, "minItems": 1},
}
_WHEN_AS_WRITTEN: dict[str, Any] = {
    "anyOf": [_CONDITION_AS_WRITTEN, {"type": "array", "items": _CONDITION_AS_WRITTEN}]
}
_REQUIRED_AS_WRITTEN: dict[str, Any] = {
    "anyOf": [
        {"enum": ["always", "never"]},
        {"type": "array", "items": {"enum": list(PROFILES)}},
    ]
}

Condition = dict[VariableName, Words]


def _conditions(value: object) -> object:
    return (value,) if isinstance(value, dict) else _tuple(value)


def _required(value: object) -> object:
    words = {"always": list(PROFILES), "never": []}
    return _tuple(words.get(value, value) if isinstance(value, str) else value)


class Variable(Model):
    """One variable of the contract."""

    meaning: Sentence
    type: VariableType
    roles: RoleNames
    secret: bool = False
    required: Annotated[
        tuple[Profile, ...], BeforeValidator(_required), WithJsonSchema(_REQUIRED_AS_WRITTEN)
    ] = ()
    when: Annotated[
        tuple[Condition, ...], BeforeValidator(_conditions), WithJsonSchema(_WHEN_AS_WRITTEN)
    ] = ()
    needs_role: RoleName | None = None
    default: str | None = None
    allowed: Words = ()
    only_on: dict[str, TargetNames] = {}
    min_length: Annotated[int, Field(ge=1, le=512)] | None = None
    since: Annotated[int, Field(ge=1)] = 1
    deprecated: Sentence | None = None
    sources: dict[
        SourceTarget,
        Annotated[Source, BeforeValidator(_source), WithJsonSchema(_SOURCE_AS_WRITTEN)],
    ]

    def source(self, target: TargetName) -> Source:
        """Where *target* takes it from.

        Raises:
            KeyError: Neither it nor ``default`` is listed (``contract.rules`` refuses that).
        """
        return self.sources.get(target) or self.sources["default"]

    def allowed_on(self, target: TargetName) -> tuple[str, ...]:
        """The allowed values on *target*; empty means any."""
        return tuple(value for value in self.allowed if target in self.only_on.get(value, TARGETS))


class Drill(Model):
    """What a restored database must hold at least."""

    row_floors: dict[str, Annotated[int, Field(ge=0)]] = {}


class Contract(Model):
    """The whole contract."""

    version: Annotated[int, Field(ge=1)]
    application: ApplicationName
    profiles: Annotated[tuple[Profile, ...], BeforeValidator(_tuple)] = PROFILES
    roles: dict[RoleName, Role]
    drill: Drill = Drill()
    targets: dict[TargetName, Target]
    inputs: dict[Identifier, Input]
    outputs: dict[Identifier, Output]
    variables: dict[VariableName, Variable]

    def of_role(self, role: RoleName) -> dict[str, Variable]:
        """The variables that *role* gets, by name."""
        return {name: item for name, item in self.variables.items() if role in item.roles}
