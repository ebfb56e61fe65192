"""Values that the chart is rendered with: recognisable, complete, and each choice taken once. Pure.

Every value that decides which variables there are is in one of them; so is every way for secrets to
arrive, every profile, and every place where an operator may write a value. Whole products would be
hundreds of renders that show nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, Literal, get_args

from hostwright import paths
from hostwright.contract.chart import READERS, TARGET
from hostwright.contract.models import PROFILES
from hostwright.contract.values import applies
from hostwright.helm.manifest import dig, read
from hostwright.render.helm.expected import canonical, expected
from hostwright.render.release import TYPED, without

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from hostwright.contract.models import Contract, Profile, RoleName, Variable
    from hostwright.render.helm.expected import Expected

    Values = dict[str, Any]

#: Where the operator's values stand: in each role's maps (with others above them that must lose),
#: in the maps that all roles share, or there and no more than what is required.
Spread = Literal["own", "shared", "sparse"]
SPREADS: tuple[Spread, ...] = get_args(Spread)
#: What a shell, YAML, a Go template and the kubelet would each like to read.
AWKWARD = """ $HOME $(PORT) $$ ${X} {{ x }} "'\\n#é: -\n  end"""
#: How secrets arrive, and the values that this takes.
CARRIERS: dict[str, Values] = {
    "external": {"type": "external", "external": {"storeName": "store"}},
    "existing": {"type": "existing"},
    "csi aws": {"type": "csi", "csi": {"provider": "aws", "parameters": {"region": "eu-west-1"}}},
    "csi azure": {
        "type": "csi",
        "csi": {
            "provider": "azure",
            "parameters": {
                "keyvaultName": "vault",
                "tenantId": "00000000-0000-0000-0000-000000000000",
            },
        },
    },
    "csi gcp": {"type": "csi", "csi": {"provider": "gcp", "parameters": {"project": "project"}}},
    "csi vault": {
        "type": "csi",
        "csi": {
            "provider": "vault",
            "parameters": {"vaultAddress": "https://vault.example.org:8200", "roleName": "app"},
        },
    },
}
#: Whether a reference may name a part of a secret there: some do, each must, none can.
_PARTS = {"csi azure": "none", "csi gcp": "none", "csi vault": "all"}
_IDENTITIES = {"csi aws": "aws", "csi azure": "azure", "csi gcp": "gcp"}
IDENTITY = {
    "aws": "arn:aws:iam::111122223333:role/{role}",
    "azure": "00000000-0000-0000-0000-00000000000{index}",
    "gcp": "{role}@project.iam.gserviceaccount.com",
}
_PEM = "-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"
#: More digits than Go prints of a number before it takes to exponents.
_NUMBER = 10_000_000


@dataclass(frozen=True)
class Choice:
    """Values, and what each role must get under them.

    Args:
        title: In words, for messages.
        contract: Of the roles that are rendered.
        values: What the chart is given.
        name: The release's name.
        namespace: Its namespace.
    """

    title: str
    contract: Contract
    values: Mapping[str, Any]
    name: str = "app"
    namespace: str = "app"

    @cached_property
    def expected(self) -> dict[RoleName, dict[str, Expected]]:
        """Role to variable to what it must be; exactly these and no others."""
        return expected(self.contract, self.values, self.name)

    @cached_property
    def running(self) -> Contract:
        """The contract without what the values do not run: somebody else's migration."""
        own = dig(self.values, "migrate", "type") != "none"
        return without(
            self.contract,
            frozenset(role for role in self.contract.roles if own or role != "migrate"),
        )

    @cached_property
    def gated(self) -> frozenset[RoleName]:
        """The roles that wait for the migration: whoever else has a database."""
        if "migrate" not in self.contract.roles:
            return frozenset()
        return frozenset(
            role
            for role, found in self.expected.items()
            if role != "migrate" and "DATABASE_URL" in found
        )

    def __str__(self) -> str:
        return self.title


def choices(contract: Contract, chart: Path | None = None) -> list[Choice]:
    """The choices to render: the chart's presets, if it is given, then what is made here.

    Raises:
        Unreadable: A preset is not YAML.
    """
    presets = sorted((chart / "ci").glob("*-values.yaml")) if chart else []
    return [
        *(
            of_values(
                contract, file.stem, read(file.read_text(encoding="utf-8"), paths.shown(file))
            )
            for file in presets
        ),
        *_made(contract),
    ]


def one(contract: Contract) -> Choice:
    """The first of what is made here: where any choice will do."""
    return next(_made(contract))


def of_values(contract: Contract, title: str, values: Mapping[str, Any]) -> Choice:
    """The choice that a values file is."""
    return Choice(title, contract, values)


def _made(contract: Contract) -> Iterator[Choice]:
    deciding = _deciding(contract)
    count = max([len(CARRIERS), *map(len, deciding.values())])
    taken = {name: list(islice(cycle(values), count)) for name, values in deciding.items()}
    for index in range(count):
        yield _choice(contract, {name: values[index] for name, values in taken.items()}, index)


def _deciding(contract: Contract) -> dict[str, tuple[str, ...]]:
    """The inputs that decide which variables there are, with what each may be."""
    asked = {name for item in contract.variables.values() for when in item.when for name in when}
    found: dict[str, tuple[str, ...]] = {}
    for name, variable in contract.variables.items():
        source = variable.source(TARGET)
        if name in asked and source.kind == "input":
            found[source.text] = variable.allowed_on(TARGET)
    return found


def _choice(contract: Contract, inputs: Mapping[str, str], index: int) -> Choice:
    """One choice: what it takes of everything else follows from its number."""
    carrier = list(CARRIERS)[index % len(CARRIERS)]
    profile: Profile = PROFILES[::-1][index // len(PROFILES) % len(PROFILES)]
    spread = SPREADS[index % len(SPREADS)]
    values = _values(contract, inputs, profile, carrier, index)
    made = _Operators(contract, carrier, profile, canonical(contract, values))
    values |= made.blocks(values, spread)
    values["secrets"] |= CARRIERS[carrier]
    told = [*(f"{name}={value}" for name, value in inputs.items()), profile, carrier, spread]
    return Choice(", ".join(told), contract, values)


def _values(
    contract: Contract, inputs: Mapping[str, str], profile: Profile, carrier: str, index: int
) -> Values:
    """All but what an operator says of variables."""
    values: Values = {
        "environment": profile,
        "appPublicUrl": "https://app.example.org",
        "appDomain": "app.example.org",
        "secretsProvider": inputs.get("secrets_provider", ""),
        "storageProvider": inputs.get("storage_provider", ""),
        "storageBucketName": "given-bucket",
        "identity": {"type": _IDENTITIES.get(carrier, "none")},
        "migrate": {"type": _migrated(carrier)},
    }
    if index % 2:
        values |= {
            "appPublicUrl": "https://app.example.org:8443/base",
            "apiDomain": "api.example.org",
            "apiBaseUrl": "https://inside.example.org:9443",
            "authKeySecretName": "given-keys",
            "authKeyStorageProvider": _other(contract, inputs.get("secrets_provider", "")),
            "projectName": "given",
        }
    return {name: value for name, value in values.items() if value != ""}


def _migrated(carrier: str) -> str:
    """How: a hook runs before any Secret of the chart's own is there, so its are your own."""
    return {"existing": "hook", "csi vault": "none"}.get(carrier, "job")


def _other(contract: Contract, provider: str) -> str:
    variable = contract.variables.get("AUTH_KEY_STORAGE_PROVIDER")
    allowed = variable.allowed_on(TARGET) if variable else ()
    return next((each for each in allowed if each != provider), "")


@dataclass(frozen=True)
class _Operators:
    """What an operator says of variables, each told by its text."""

    contract: Contract
    carrier: str
    profile: Profile
    inputs: Mapping[str, str]

    def blocks(self, values: Values, spread: Spread) -> Values:
        """The maps, and the blocks of the roles that hold some of them."""
        made: Values = {
            block: {**self._block(block, index, values["identity"]["type"])}
            for index, block in enumerate(READERS)
        }
        own = spread == "own"
        made["env"] = self._env("shared", len(READERS), sparse=spread == "sparse")
        made["secrets"] = {"references": self._references("shared", sparse=spread == "sparse")}
        for index, block in enumerate(READERS):
            if own:
                made[block] |= {"env": self._env(block, index), "secrets": self._references(block)}
        if own and values["identity"]["type"] != "none":
            made["migrate"] = {**values["migrate"], "identity": made["worker"]["identity"]}
        return made

    def _block(self, block: str, index: int, identity: str) -> Values:
        image = {"image": f"registry.example.org/{block}:1.0"}
        known = IDENTITY.get(identity, "")
        return {**image, "identity": known.format(role=block, index=index)} if known else image

    def _env(self, block: str, index: int, *, sparse: bool = False) -> Values:
        """Variable to a value that tells the block it stands in."""
        found = {
            name: _value(block, index, name, variable)
            for name, variable in self._settable(block, sparse=sparse, secret=False)
        }
        texts = [name for name in found if self.contract.variables[name].type == "string"]
        # One of them as a number: an account's, a project's.
        return {**found, texts[0]: _NUMBER + index} if texts else found

    def _references(self, block: str, *, sparse: bool = False) -> Values:
        """Secret to a reference that tells the block it stands in."""
        return {
            name: self._reference(block, name, index)
            for index, (name, _) in enumerate(self._settable(block, sparse=sparse, secret=True))
        }

    def _reference(self, block: str, name: str, index: int) -> str:
        secret = f"{block}-{name.lower().replace('_', '-')}"
        parts = _PARTS.get(self.carrier, "some")
        part = parts == "all" or (parts == "some" and index % 2)
        return f"{secret}#part-{index}" if part else secret

    def _settable(
        self, block: str, *, sparse: bool, secret: bool
    ) -> Iterator[tuple[str, Variable]]:
        """The operator's variables of a block's roles, or of all, that apply here."""
        readers = set(READERS.get(block, self.contract.roles)) & self.contract.roles.keys()
        for name, variable in self.contract.variables.items():
            if (
                variable.source(TARGET).kind == "operator"
                and variable.secret == secret
                and readers & set(variable.roles)
                and applies(variable, self._texts())
                and (self.profile in variable.required or not sparse)
            ):
                yield name, variable

    def _texts(self) -> dict[str, str]:
        """What conditions ask for: inputs and literals."""
        found = {
            name: self.inputs.get(item.source(TARGET).text, "")
            for name, item in self.contract.variables.items()
            if item.source(TARGET).kind == "input"
        }
        for name, item in self.contract.variables.items():
            if item.source(TARGET).kind == "literal":
                found[name] = item.source(TARGET).text
        return found


def _value(block: str, index: int, name: str, variable: Variable) -> object:
    """A value of the variable's type that tells block and name as far as its type lets it."""
    told = f"{block}-{name.lower().replace('_', '-')}"
    allowed = variable.allowed_on(TARGET)
    if allowed:
        return allowed[index % len(allowed)]
    if name.endswith("_ENDPOINT"):
        return f"{told}.example.org:9000"
    made: dict[str, object] = {
        "bool": (True, "false")[index % 2],
        "url": f"https://{told}.example.org:8443/$(PORT)/$$",
        "pem": _PEM.format(text=told.replace("-", "")),
        "path": f"/{told}",
        "string": f"{told}{AWKWARD}",
    }
    return made.get(variable.type) or TYPED[variable.type]
