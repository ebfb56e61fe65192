"""An operator's values files: what is wrong with them, by file, line and path.

The chart refuses wrong values as well, and knows more; what it says is placed in the files by
:func:`placed`. Pure: no value is ever part of a message.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from hostwright.cluster.schema import faults, others_of
from hostwright.contract.chart import READERS, value_path
from hostwright.contract.located import dotted
from hostwright.contract.rules import near
from hostwright.contract.types import fault_of
from hostwright.contract.values import Problem
from hostwright.helm.messages import DOCS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hostwright.cluster.schema import Fault
    from hostwright.contract.located import KeyPath, Located
    from hostwright.contract.models import Contract, Source, Variable
    from hostwright.helm.messages import Problem as Refusal

_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "nothing",
    "number": "a number",
    "object": "a mapping",
    "string": "a text",
}
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class Files(NamedTuple):
    """Values files in the order in which they are given: the last wins."""

    documents: tuple[Located, ...]

    def where(self, path: KeyPath) -> str:
        """``file:line`` of a value: in the last file that has it, or what it lies in."""
        while path:
            for document in reversed(self.documents):
                if path in document.lines:
                    return f"{document.file}:{document.lines[path]}"
            path = path[:-1]
        return self.documents[-1].file if self.documents else ""

    def merged(self) -> dict[str, Any]:
        """All of them as one, as Helm does it: mappings are merged, lists are replaced."""
        whole: dict[str, Any] = {}
        for document in self.documents:
            whole = _merged(whole, document.data or {})
        return whole


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    whole = dict(below)
    for key, value in above.items():
        old = whole.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        whole[key] = _merged(old or {}, value) if both else value
    return whole


def problems(files: Files, schema: Mapping[str, Any], contract: Contract) -> list[Problem]:
    """Everything that is wrong, in the order of the files.

    Args:
        files: The operator's.
        schema: Of the chart's values, nothing required.
        contract: Knows the variables.
    """
    faulty = [
        Problem("(top)", "is not a mapping", document.file, "Write key: value.")
        for document in files.documents
        if not isinstance(document.data, dict | None)
    ]
    if faulty:
        return faulty
    # What the contract says of a variable says more than the schema.
    found = {item.name: item for item in (*_schema(files, schema), *_names(files, contract))}
    return sorted(found.values(), key=lambda item: _order(item.where))


def _order(where: str) -> tuple[str, int]:
    file, _, line = where.rpartition(":")
    return (file, int(line)) if line.isdecimal() else (where, 0)


# --- the schema ----------------------------------------------------------------------------------


def _schema(files: Files, schema: Mapping[str, Any]) -> Iterator[Problem]:
    # A null takes a default away; which of them may be, the chart says.
    given = _without_nulls(files.merged())
    for fault in faults(given, schema):
        if fault.keyword == "additionalProperties":
            yield from _unknown(files, fault)
        else:
            told = _told(fault), files.where(fault.path), _remedy(fault)
            yield Problem(dotted(fault.path), *told)


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 - YAML
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return value


def _unknown(files: Files, fault: Fault) -> Iterator[Problem]:
    known = list(fault.schema.get("properties", ()))
    for key in others_of(fault.value, fault.schema):
        place = (*fault.path, str(key))
        what = "is not a value of the chart"
        yield Problem(dotted(place), what, files.where(place), near(str(key), known))


def _told(fault: Fault) -> str:
    if fault.keyword == "type":
        return f"is {_kind(fault.value)}, not {_kinds(fault.wanted)}"
    if fault.keyword == "enum":
        return "is none of the values that it may have"
    if fault.keyword == "anyOf":
        kinds = [item["type"] for item in fault.wanted if "type" in item]
        return f"is {_kind(fault.value)}, not {_kinds(kinds)}" if kinds else "does not fit"
    if fault.keyword in {"minimum", "maximum"}:
        word = "less" if fault.keyword == "minimum" else "more"
        return f"must not be {word} than {fault.wanted}"
    return "is not of the form that it must have"


def _remedy(fault: Fault) -> str:
    if fault.keyword == "enum":
        return near(str(fault.value), [str(item) for item in fault.wanted])
    meaning = str(fault.schema.get("description", "")).rstrip(".")
    return f"It is: {meaning}." if meaning else "Correct it."


def _kinds(types: Any) -> str:  # noqa: ANN401 - JSON Schema
    told = [_TYPES[item] for item in ([types] if isinstance(types, str) else types)]
    return " or ".join(told)


def _kind(value: object) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return _TYPES[kinds.get(type(value), "object")]


# --- the contract's names ------------------------------------------------------------------------


def _names(files: Files, contract: Contract) -> Iterator[Problem]:
    merged = files.merged()
    for path, roles, secret in _maps(contract):
        found: Any = merged
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        for name, value in found.items() if isinstance(found, dict) else ():
            fault = _fault(contract, str(name), value, roles, secret=secret)
            if fault and value is not None:
                place = (*path, str(name))
                yield Problem(dotted(place), fault[0], files.where(place), fault[1])


def _maps(contract: Contract) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], bool]]:
    """Every map of variables: its path, whose it is, and whether it holds secrets' references."""
    everybody = tuple(contract.roles)
    yield ("env",), everybody, False
    yield ("secrets", "references"), everybody, True
    for block, roles in READERS.items():
        yield (block, "env"), roles, False
        yield (block, "secrets"), roles, True


def _fault(
    contract: Contract, name: str, value: object, roles: Sequence[str], *, secret: bool
) -> tuple[str, str] | None:
    """What is wrong with an entry, and what to do; None if nothing is."""
    variable = contract.variables.get(name)
    if variable is None:
        return "is not in the contract", near(name, settable(contract, roles, secret=secret))
    source = variable.source("kubernetes")
    if source.kind != "operator":
        return _elsewhere(source)
    if not set(roles) & set(variable.roles):
        return f"does not belong there: {', '.join(variable.roles)} have it", "Remove it."
    if variable.secret and not secret:
        return (
            "is a secret: it would stand in plain text",
            "Put it into a secret store, and its name into secrets.references.",
        )
    if secret and not variable.secret:
        return "is no secret", "Move it to env."
    return None if secret else _wrong_value(variable, value)


def settable(contract: Contract, roles: Sequence[str], *, secret: bool) -> list[str]:
    """The variables that such a map may hold."""
    return [
        name
        for name, item in contract.variables.items()
        if item.source("kubernetes").kind == "operator"
        and item.secret is secret
        and set(roles) & set(item.roles)
    ]


def _elsewhere(source: Source) -> tuple[str, str]:
    if source.kind == "input":
        path = value_path(source.text)
        return f"comes from the value {path}", f"Set {path} instead."
    if source.kind == "composed" and source.text == "api_base_url":
        return "is composed by the chart", f"Set {value_path('api_base_url')} instead."
    told = {
        "literal": "is fixed by the contract",
        "composed": "is composed by the chart",
        "platform": "is reserved: the platform sets it itself",
        "none": "has no use on Kubernetes",
    }
    return told[source.kind], "Remove it."


def _wrong_value(variable: Variable, value: object) -> tuple[str, str] | None:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if isinstance(value, dict | list) or not text.strip():
        return "is blank" if not value else "is no scalar", "Give it a value, or remove it."
    fault = fault_of(variable, text)
    if fault:
        return fault, f"It is: {variable.meaning}."
    allowed = variable.allowed_on("kubernetes")
    if variable.allowed and text not in allowed:
        return "has a value that Kubernetes refuses", f"Use one of {', '.join(allowed)}."
    return None


# --- what the chart says -------------------------------------------------------------------------


def placed(files: Files, refusals: Sequence[Refusal]) -> list[Problem]:
    """What the chart refuses, with the place in the operator's files where it has one."""
    return [_placed(files, item) for item in refusals]


def _placed(files: Files, item: Refusal) -> Problem:
    path = tuple(int(index) if index else name for name, index in _STEP.findall(item.path))
    what, _, remedy = item.what.partition(". ")
    told = remedy.rstrip(".") or "Correct it"
    more = f" ({DOCS}#{item.id})" if item.id else ""
    return Problem(item.path or "(top)", what.rstrip("."), files.where(path), f"{told}{more}.")
