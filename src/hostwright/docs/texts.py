"""What a region may hold, by name. Pure."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from hostwright.docs import code_tables
from hostwright.docs import contract_tables as tables
from hostwright.docs.pages import namespaces
from hostwright.render.clouds.model import CLOUDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hostwright.docs.model import Reference

    Texts = dict[str, Callable[[], Iterable[str]]]


def texts(reference: Reference) -> Texts:
    """The lines of every text by its name; made when they are asked for."""
    contract = reference.contract
    found: Texts = {
        "matrix-small": partial(tables.matrix_small, contract),
        "secrets-by-provider": partial(tables.secrets_by_provider, contract),
        "exit-codes": partial(code_tables.exit_codes, reference.exit_codes),
        "sessions": partial(code_tables.sessions, reference.sessions),
    }
    for target in contract.targets:
        found[f"variables-{target}"] = partial(tables.variables_on, contract, target)
        found[f"inputs-{target}"] = partial(tables.inputs_on, contract, target)
    # Only what Terraform applies has outputs.
    for cloud in CLOUDS:
        found[f"outputs-{cloud}"] = partial(tables.outputs, contract)
    for namespace in namespaces(reference):
        own = [task for task in reference.tasks if task.namespace == namespace]
        found[f"tasks-{namespace}"] = partial(code_tables.tasks, own)
    return found
