"""Read ``contract.yaml``, or say everything that is wrong with it, each with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from hostwright import paths
from hostwright.contract import rules
from hostwright.contract.located import Located, read
from hostwright.contract.models import Contract
from hostwright.contract.typed import listed, typed
from hostwright.errors import ContractError

if TYPE_CHECKING:
    from pathlib import Path


def load(path: Path = paths.CONTRACT) -> Contract:
    """The checked contract.

    Raises:
        ContractError: Unreadable, or one line per fault: ``file:line: key.path: what. remedy``.
    """
    return check(read(path, paths.shown(path), ContractError))


def check(document: Located) -> Contract:
    """The contract in *document*.

    Raises:
        ContractError: As ``load``.
    """
    if not isinstance(document.data, dict):
        raise ContractError("is not a mapping", where=document.file, remedy="Write key: value.")
    try:
        contract = Contract.model_validate(document.data)
    except ValidationError as error:
        raise _refusal(document, typed(document, Contract, error)) from None
    faults = rules.faults(contract)
    if faults:
        raise _refusal(document, faults)
    return contract


def _refusal(document: Located, faults: list[rules.Fault]) -> ContractError:
    count = f"{len(faults)} fault{'s' if len(faults) > 1 else ''} in the contract"
    return ContractError("\n".join([count, *listed(document, faults)]))
