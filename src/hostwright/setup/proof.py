"""What the target's own engine says of the files, before they are written anywhere."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple, cast

from hostwright.errors import SettingsError, ToolError, ValuesError
from hostwright.setup.files import names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hostwright.render.clouds.model import CloudName
    from hostwright.setup.files import File
    from hostwright.setup.settle import Settled

    Prover = Callable[[Settled, Path], None]


class Proof(NamedTuple):
    """What was asked.

    Attributes:
        what: The check.
        ran: Whether it ran; where not, ``why`` says why.
    """

    what: str
    ran: bool
    why: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {'accepted' if self.ran else f'not run ({self.why})'}"


def prove(settled: Settled, files: Sequence[File]) -> list[Proof]:
    """Ask the checks that the target's own tasks ask.

    Raises:
        SettingsError, ValuesError: They refuse the files; nothing was written.
    """
    with TemporaryDirectory(prefix="hostwright-setup-") as scratch:  # mode 0700
        place = Path(scratch)
        for item in files:
            path = place / item.name
            path.touch(mode=0o600)
            path.write_text(item.text, encoding="utf-8", newline="")
        return [_proof(what, check, settled, place) for what, check in _checks(settled).items()]


def _checks(settled: Settled) -> Mapping[str, Prover]:
    if settled.choice.is_cloud:
        return {"the blueprint, planned by Terraform against its provider's schema": _planned}
    if settled.choice.target == "kubernetes":
        return {"the chart, rendered by Helm": _rendered}
    return {"the contract": _resolved}


def _proof(what: str, check: Prover, settled: Settled, place: Path) -> Proof:
    try:
        check(settled, place)
    except ToolError as error:
        return Proof(what, ran=False, why=error.what)
    except (SettingsError, ValuesError) as error:
        # The files are not there yet: a place in them is told by their names.
        told = error.what.replace(f"{place}/", "")
        raise type(error)(f"{told}\nNothing was written.", remedy=error.remedy) from None
    return Proof(what, ran=True)


def _planned(settled: Settled, place: Path) -> None:
    from hostwright.cloud.operate import STAND_IN, Inputs, Stack

    called = names(settled.choice)
    login = {"registry_password": STAND_IN} if "registry_server" in settled.inputs else {}
    inputs = Inputs((place / called.inputs,), str(place / called.env), below=login)
    Stack(settled.contract, cast("CloudName", settled.choice.target), inputs).refuse()


def _rendered(settled: Settled, place: Path) -> None:
    from hostwright.cluster.desired import Inputs, desired
    from hostwright.cluster.model import Where

    where = Where(release=settled.name, namespace=settled.name)
    desired(Inputs((place / names(settled.choice).inputs,)), where, settled.contract)


def _resolved(settled: Settled, place: Path) -> None:
    from hostwright.contract.show import problems_of

    env_file = str(place / names(settled.choice).env)
    choice = settled.choice
    found = problems_of(settled.contract, env_file, choice.target, choice.profile)
    errors = [str(item) for item in found if item.severity == "error"]
    if errors:
        raise ValuesError("\n".join(["the values have problems", *errors]))
