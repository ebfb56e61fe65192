"""What a model refused in a YAML file, as faults with a line, a key path and a remedy."""

from __future__ import annotations

from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from hostwright.contract.rules import Fault, near

if TYPE_CHECKING:
    from pydantic import ValidationError

    from hostwright.contract.located import KeyPath, Located


def typed(document: Located, model: type[BaseModel], error: ValidationError) -> list[Fault]:
    """One fault for each place that *model* refused; a union's several complaints are one."""
    said: dict[KeyPath, list[str]] = {}
    remedies: dict[KeyPath, str] = {}
    for item in error.errors():
        path, what, remedy = _fault(document, model, item)
        said.setdefault(path, []).append(what)
        remedies.setdefault(path, remedy)
    return [
        Fault(path, ", or: ".join(dict.fromkeys(whats)), remedies[path])
        for path, whats in said.items()
    ]


def listed(document: Located, faults: list[Fault]) -> list[str]:
    """A line per fault, in the order of the file: ``file:line: key.path: what. remedy``."""
    ordered = sorted(faults, key=lambda fault: (document.line(fault.path), str(fault.path)))
    return [f"  {document.where(fault.path)}: {fault.what}. {fault.remedy}" for fault in ordered]


def _fault(document: Located, model: type[BaseModel], item: Any) -> Fault:  # noqa: ANN401 - pydantic's own mapping
    location: KeyPath = item["loc"]
    path = document.place(location)
    if item["type"] == "missing":
        path = (*document.place(location[:-1]), location[-1])
        return Fault(path, f"{location[-1]} is missing", "Add it.")
    if item["type"] == "extra_forbidden":
        key = str(path[-1])
        return Fault(path, f"unknown key {key}", near(key, _known(model, path[:-1])))
    if location[-1] == "[key]":
        keys = item.get("ctx", {}).get("expected", "")
        hint = f"Use one of {keys}." if keys else f"{item['msg']}."
        return Fault(path, f"unknown key {location[-2]}", hint)
    return Fault(path, str(item["msg"]).removeprefix("Value error, "), "Correct it.")


def _known(model: type[BaseModel], path: KeyPath) -> list[str]:
    """The keys that *model* knows at *path*."""
    kind: Any = model
    for key in path:
        kind = _below(kind, key)
    found = _model(kind)
    return list(found.model_fields) if found else []


def _below(kind: Any, key: object) -> Any:  # noqa: ANN401 - a type of any form
    """The type of what stands below *key* in a value of type *kind*."""
    found = _model(kind)
    if found:
        field = found.model_fields.get(str(key))
        return field.annotation if field else None
    for part in _parts(kind):
        if get_origin(part) in {dict, tuple}:
            return get_args(part)[-1] if get_origin(part) is dict else get_args(part)[0]
    return None


def _model(kind: Any) -> type[BaseModel] | None:  # noqa: ANN401 - a type of any form
    parts = (part for part in _parts(kind) if isinstance(part, type))
    return next((part for part in parts if issubclass(part, BaseModel)), None)


def _parts(kind: Any) -> list[Any]:  # noqa: ANN401 - a type of any form
    """The members of a union, marks taken off."""
    if get_origin(kind) is Annotated:
        return _parts(get_args(kind)[0])
    if get_origin(kind) in {Union, UnionType}:
        return [part for member in get_args(kind) for part in _parts(member)]
    return [kind]
