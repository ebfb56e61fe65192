"""What every cloud can do for us beyond Terraform, through its own command line.

A module for each cloud (:mod:`hostwright.cloud.aws` …) has ``OPERATIONS``. It decides which
commands are asked and what their answers mean, and starts no process: the caller brings ``ask``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from hostwright.contract.models import RoleName


@dataclass(frozen=True)
class Call:
    """One command line.

    Args:
        argv: Program and arguments; never a secret.
        what: What it does, for errors and progress: ``asks who is logged in``.
    """

    argv: tuple[str, ...]
    what: str


#: Runs a command and gives its standard output; raises CloudError where it fails.
Ask = Callable[[Call], str]
#: Takes a line of progress.
Say = Callable[[str], None]
#: Waits so many seconds.
Wait = Callable[[float], None]


@dataclass(frozen=True)
class Where:
    """What was deployed, and where.

    Args:
        outputs: Terraform's outputs, by canonical name.
        inputs: Canonical inputs that were applied, as texts: project_name, region, …
    """

    outputs: Mapping[str, Any]
    inputs: Mapping[str, str]


@dataclass(frozen=True)
class Live:
    """What runs as a role now.

    Args:
        image: Its image, as the platform has it.
        env_names: Names of its variables, secrets included; never values.
        previous: The image of the revision before that had another one; empty if there is none.
    """

    image: str
    env_names: frozenset[str]
    previous: str = ""


@dataclass(frozen=True)
class Migrated:
    """How the migrate job ended; *log* holds its last lines."""

    exit_code: int
    log: tuple[str, ...] = ()


class Operations(Protocol):
    """What a cloud's module offers."""

    #: Program, and what it is called in a sentence: ``gcloud``, ``Google Cloud's CLI``.
    tool: str
    title: str
    #: How a person logs in: ``gcloud auth login``.
    login: str

    def account(self, ask: Ask, inputs: Mapping[str, str]) -> str:
        """Who is logged in, and where.

        Raises:
            NotLoggedIn: Nobody is, or it is another account than the inputs name.
        """

    def live(self, ask: Ask, where: Where) -> dict[RoleName, Live]:
        """What runs as each role that stays up, and the migrate job's definition."""

    def migrate(self, ask: Ask, where: Where, say: Say, wait: Wait) -> Migrated:
        """Run the migrate job to its end."""
