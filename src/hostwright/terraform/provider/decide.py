"""What a provider adds to a configuration: values for what is computed.

Blocks that hold a value of dynamic type travel with their own type beside them; there are very few,
and they pass through as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hostwright.terraform.provider.messages import Fault
from hostwright.terraform.provider.values import UNKNOWN, Object, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hostwright.terraform.provider.messages import Path
    from hostwright.terraform.schema.model import Attribute, Block, Nested, Type

    #: Gives the value of the attribute at a path: ``decide("endpoint.0", of_type)``.
    Decide = Callable[[str, Type], Value]

_UNCONFIGURABLE = "Value for unconfigurable attribute"


def completed(
    block: Block, value: Object, decide: Decide, path: str = "", *, config: Value = None
) -> Object:
    """*value* with its computed attributes decided and its write-only attributes emptied.

    Args:
        block: The schema of *value*.
        value: What Terraform proposes: what is not set and computed is unknown in it.
        decide: Gives what is computed.
        path: Where *value* stands, with a dot behind it.
        config: What is configured there: what is set stays, even if it is not known yet, which is
            the one thing that *value* does not tell.
    """
    told = config if isinstance(config, dict) else {}
    attributes = {
        name: _attribute(attribute, value.get(name), told.get(name), decide, path + name)
        for name, attribute in block.attributes.items()
    }
    blocks = {
        name: _blocks(nested, value.get(name), told.get(name), decide, path + name)
        for name, nested in block.blocks.items()
    }
    return {**attributes, **blocks}


def _attribute(
    attribute: Attribute, value: Value, config: Value, decide: Decide, path: str
) -> Value:
    if attribute.write_only:
        return None
    if config is UNKNOWN:
        return value
    if attribute.computed and (value is None or value is UNKNOWN):
        return decide(path, attribute.type)
    return value


def _blocks(nested: Nested, value: Value, config: Value, decide: Decide, path: str) -> Value:
    """The blocks of one kind, completed; what has no bodies to complete stays what it is."""

    def done(body: Object, at: str | int) -> Object:
        return completed(nested.block, body, decide, f"{path}.{at}.", config=_at(config, at))

    if isinstance(value, list):
        return [
            done(body, index) if isinstance(body, dict) else body
            for index, body in enumerate(value)
        ]
    if not isinstance(value, dict):
        return value
    if nested.nesting == "map":
        return {key: done(body, key) for key, body in value.items()}
    return completed(nested.block, value, decide, f"{path}.", config=config)


def _at(config: Value, at: str | int) -> Value:
    if isinstance(config, list) and isinstance(at, int) and at < len(config):
        return config[at]
    return config.get(at) if isinstance(config, dict) else None


def written(block: Block, value: Object, path: str = "") -> Iterator[tuple[str, Value]]:
    """The write-only attributes that are set, by path, with their values."""
    for name, attribute in block.attributes.items():
        if attribute.write_only and value.get(name) is not None:
            yield path + name, value[name]
    for name, nested in block.blocks.items():
        for at, body in _bodies(nested, value.get(name)):
            yield from written(nested.block, body, f"{path}{'.'.join(map(str, (name, *at)))}.")


def unconfigurable(block: Block, value: Object, path: Path = ()) -> Iterator[Fault]:
    """An error for each attribute that is set although the provider decides it."""
    for name, attribute in block.attributes.items():
        if attribute.decided_by_provider and value.get(name) is not None:
            detail = (
                f'Can\'t configure a value for "{name}": its value will be decided automatically '
                "based on the result of applying this configuration."
            )
            yield Fault(_UNCONFIGURABLE, detail, (*path, name))
    for name, nested in block.blocks.items():
        for at, body in _bodies(nested, value.get(name)):
            for fault in unconfigurable(nested.block, body, (*path, name, *at)):
                # The elements of a set have no path of their own.
                yield fault._replace(path=(*path, name)) if nested.nesting == "set" else fault


def _bodies(nested: Nested, value: Any) -> Iterator[tuple[Path, Object]]:  # noqa: ANN401 - a value
    """Each block of one kind, with what follows its name in its path."""
    if isinstance(value, list):
        yield from (((index,), body) for index, body in enumerate(value) if isinstance(body, dict))
    elif isinstance(value, dict) and nested.nesting == "map":
        yield from (((key,), body) for key, body in value.items() if isinstance(body, dict))
    elif isinstance(value, dict):
        yield (), value
