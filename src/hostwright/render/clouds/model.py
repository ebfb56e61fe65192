"""What a planned cloud blueprint gives each role, before it is compared with the contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hostwright.terraform.plan import Plan

CloudName = Literal["aws", "azure", "gcp"]
CLOUDS: tuple[CloudName, ...] = get_args(CloudName)


@dataclass(frozen=True)
class EnvValue:
    """One variable of a planned container.

    Args:
        text: Plain: the value, with computed parts as ``${address.attribute}``. Secret: the
            reference to the secret, as the container has it.
        secret: Whether it stands in the platform's place for secrets.
        written: Of a secret that the stack makes, the text written into it; empty for a reference
            of the operator's own.
    """

    text: str
    secret: bool
    written: str = ""


@dataclass(frozen=True)
class Container:
    """A planned compute resource of a role.

    Args:
        role: From the resource's label or tag ``role``.
        address: Of the resource.
        env: Its variables.
        duplicates: Names that it gives twice: the platform takes either.
    """

    role: str
    address: str
    env: Mapping[str, EnvValue]
    duplicates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Endpoints:
    """What the composed URLs must be made of: patterns of planned texts.

    Args:
        database_host: Host of ``DATABASE_URL``.
        redis_host: Host of ``REDIS_URL``.
        redis_port: Its port.
        redis_password: Its password, percent-encoded as it stands there.
    """

    database_host: str
    redis_host: str
    redis_port: str
    redis_password: str


@dataclass(frozen=True)
class Cloud:
    """What is particular to one cloud when its plan is read.

    Args:
        target: The contract's word for it.
        provider: Terraform's word for its provider.
        containers: Finds the roles' containers in a plan.
        composed: Name of what the target composes to the pattern that the whole planned text must
            match; ``{role}`` in it stands for the role.
        endpoints: Of the two composed URLs.
        inputs: A complete set of recognisable inputs, of the production profile.
    """

    target: CloudName
    provider: str
    containers: Callable[[Plan], list[Container]]
    composed: Mapping[str, str]
    endpoints: Endpoints
    inputs: Mapping[str, object] = field(default_factory=dict)
