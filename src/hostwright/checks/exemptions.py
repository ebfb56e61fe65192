"""The policy ledger: faults that are known and accepted for a stated reason until a stated day.

An exemption hides exactly one object's findings of one check. One that is past its day, names a
check that does not exist, or hides nothing is a finding itself, so that the ledger never outlives
its reasons.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic import ValidationError as Invalid

from hostwright.checks.finding import Checked, Finding
from hostwright.checks.ids import is_known
from hostwright.contract.located import Located, dotted
from hostwright.contract.located import read as read_yaml
from hostwright.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

#: How far ahead a day may lie: whatever is accepted is looked at again at least once a year.
LONGEST_DAYS = 366


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Exemption(_Model):
    """One accepted fault; *object* is written as ``Finding.object`` says it."""

    check: str
    object: str
    reason: Annotated[str, StringConstraints(min_length=20)]
    until: dt.date


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


class Ledger(_Model):
    """The whole of ``exemptions.yaml``."""

    version: Annotated[int, Field(ge=1, le=1)] = 1
    exemptions: Annotated[tuple[Exemption, ...], BeforeValidator(_tuple)] = ()


class Applied(NamedTuple):
    """The findings that the ledger hides, and what is wrong with the ledger."""

    hidden: frozenset[Finding]
    faults: list[Finding]


def document(path: Path, shown: str) -> Located:
    """The ledger's file; one that is not there exempts nothing.

    Raises:
        UserError: It is not YAML.
    """
    return read_yaml(path, shown, UserError) if path.is_file() else Located(shown, {}, {})


def read(document: Located) -> tuple[Ledger, Checked]:
    """The ledger in *document*; what cannot be taken as one is a finding."""
    try:
        ledger = Ledger.model_validate(document.data or {})
    except Invalid as error:
        findings = [
            _finding(document, tuple(item["loc"]), f"{dotted(tuple(item['loc']))}: {item['msg']}")
            for item in error.errors()
        ]
        return Ledger(), Checked(1, tuple(findings))
    return ledger, Checked(1 + len(ledger.exemptions), ())


def apply(
    findings: Iterable[Finding],
    ledger: Ledger,
    document: Located,
    *,
    judged: Collection[str],
    today: dt.date,
) -> Applied:
    """Say what the ledger hides, and what is wrong with it.

    Args:
        findings: Of every check that was run.
        ledger: From *document*.
        document: For lines.
        judged: What was looked at, such as ``vps/api``: exemptions of other objects may stay
            though they hide nothing.
        today: The day on which exemptions are judged.
    """
    found = list(findings)
    accepted = {(item.check, item.object) for item in ledger.exemptions if item.until >= today}
    hidden = frozenset(item for item in found if (item.check, item.object) in accepted)
    return Applied(hidden, sorted(_faults(found, ledger, document, judged, today)))


def _faults(
    found: list[Finding],
    ledger: Ledger,
    document: Located,
    judged: Collection[str],
    today: dt.date,
) -> Iterator[Finding]:
    present = {(item.check, item.object) for item in found}
    for index, item in enumerate(ledger.exemptions):
        fault = _fault(item, present, judged, today)
        if fault:
            yield _finding(document, ("exemptions", index), fault)


def _fault(
    item: Exemption,
    present: set[tuple[str, str]],
    judged: Collection[str],
    today: dt.date,
) -> str:
    subject = f"the exemption of {item.object} from {item.check}"
    if not is_known(item.check):
        return f"{subject} names a check that does not exist"
    if item.until < today:
        return f"{subject} ended on {item.until}"
    if (item.until - today).days > LONGEST_DAYS:
        return f"{subject} runs for more than a year, until {item.until}"
    looked_at = any(f"{item.object}/".startswith(f"{prefix}/") for prefix in judged)
    if looked_at and (item.check, item.object) not in present:
        return f"{subject} hides nothing any more"
    return ""


def _finding(document: Located, path: tuple[str | int, ...], message: str) -> Finding:
    return Finding(
        check="exemption",
        target="",
        file=document.file,
        line=document.line(path),
        role="",
        variable="",
        message=message,
        remedy="Correct the fault it speaks of and remove it, or decide anew with a new day.",
    )
