"""What is there already: values that are kept, and differences that show no secret. Pure."""

from __future__ import annotations

import re
from io import StringIO
from typing import TYPE_CHECKING, Literal, NamedTuple

from dotenv.parser import parse_stream

from hostwright.backup.delivery import CREDENTIALS
from hostwright.plan.texts import texts
from hostwright.release.build import salted
from hostwright.rotation.fresh import replaced

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hostwright.contract.models import Contract, TargetName

How = Literal["new", "changed", "unchanged"]
#: As many digits of a salted hash as people compare.
SHOWN = 8


class Difference(NamedTuple):
    """What becomes of one file; its lines hold salted hashes for secrets."""

    name: str
    how: How
    lines: tuple[str, ...]


def with_values(
    there: str,
    values: Mapping[str, str],
    meanings: Mapping[str, str],
    quote: Callable[[str], str],
) -> str:
    """An env file with these values; lines that say the same, and all others, stay as they are."""
    has = values_in(there)
    text = there
    for name, value in values.items():
        if name in has and has[name] != value:
            text = replaced(text, name, value)
    new = [
        f"\n# {meanings[name]}\n{name}={quote(value)}\n"
        for name, value in values.items()
        if name not in has
    ]
    gap = "" if not new or text.endswith("\n") else "\n"
    return text + gap + "".join(new)


def values_in(text: str) -> dict[str, str]:
    """What an env file gives."""
    found = parse_stream(StringIO(text, newline=""))
    return {item.key: item.value for item in found if item.key and item.value is not None}


class Hidden(NamedTuple):
    """Whose values nobody may see.

    Attributes:
        secret: These, in any file.
        plain: All others but these, in an env file.
        salt: What hashes are salted with.
    """

    secret: frozenset[str]
    plain: frozenset[str]
    salt: str

    def hash(self, name: str, value: str) -> str:
        """A secret as it is told."""
        return f"<sha256 {salted(self.salt, name, value)[:SHOWN]}>"


def hidden(contract: Contract, target: TargetName, salt: str) -> Hidden:
    """What the contract says of it."""
    variables = {name for name, item in contract.variables.items() if item.secret}
    inputs = {name for name, item in contract.inputs.items() if item.ephemeral or item.sensitive}
    own = contract.targets[target].secrets
    secret = frozenset({*variables, *inputs, *own, *CREDENTIALS})
    return Hidden(secret, frozenset(contract.variables.keys() - secret), salt)


def difference(name: str, before: str | None, after: str, hidden: Hidden) -> Difference:
    """What becomes of a file.

    Args:
        name: As it is called.
        before: What is there; None if nothing is.
        after: What is to be there.
        hidden: Whose values are told as hashes.
    """
    if before == after:
        return Difference(name, "unchanged", ())
    old = {} if before is None else {name: _masked(name, before, hidden)}
    found = texts(old, {name: _masked(name, after, hidden)})
    lines = found[0].lines if found else ()
    return Difference(name, "new" if before is None else "changed", lines)


_ASSIGNED = re.compile(r'(?m)^(?P<head>\s*"?(?P<name>\w+)"?\s*[=:]\s*)(?P<value>(?!\{\s*$)\S.*)$')


def _masked(file: str, text: str, hidden: Hidden) -> str:
    """A text with salted hashes in place of secrets; of an env file also of unknown names."""

    def hide(found: re.Match[str]) -> str:
        name = found["name"]
        told = name in hidden.secret
        return found["head"] + hidden.hash(name, found["value"]) if told else found[0]

    return _masked_env(text, hidden) if file.startswith(".env") else _ASSIGNED.sub(hide, text)


def _masked_env(text: str, hidden: Hidden) -> str:
    parts = []
    for item in parse_stream(StringIO(text, newline="")):
        original = item.original.string
        if item.key and item.key not in hidden.plain and item.value:
            before = original[: len(original) - len(original.lstrip())]
            original = f"{before}{item.key}={hidden.hash(item.key, item.value)}\n"
        parts.append(original)
    return "".join(parts)
