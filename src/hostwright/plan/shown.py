"""A plan for people: nothing is said where nothing changes; the outcome is the last line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.plan.model import SIGNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hostwright.plan.model import Field, Image, Migration, Plan

_MB = 1e6
#: Longer values of a field are cut.
_SHOWN = 60
_DIGITS = 12
#: More lines of one file's difference are counted instead.
_LINES = 30
#: The last words of a status that failed.
_LOG_LINES = 3


def lines(plan: Plan) -> list[str]:
    """All of it but the last line."""
    return [
        *_section("images", _images(plan)),
        *_section("variables", _variables(plan)),
        *_section("compose", map(_field, plan.compose)),
        *_section("base", _base(plan)),
        *_section("caddy", _caddy(plan)),
        *_section("migrations", _migrations(plan.migration)),
        *_section("backup", [_backup(plan)]),
        *_section("disk", [_room(plan)]),
        *_section("downtime", plan.downtime or ["none expected"]),
        *_section("notes", plan.notes),
        *_section("refused", plan.refusals),
    ]


def last(plan: Plan, where: str) -> str:
    """One line: how much changes, what it costs, and what serves now."""
    now = f"serving now: {plan.serving or 'nothing'}"
    if plan.refusals:
        return f"{where}: a deploy would be refused ({'; '.join(plan.refusals)}); {now}"
    if not plan.changes:
        return f"{where}: nothing changes but the release's name; {now}"
    downtime = "downtime, see above" if plan.downtime else "no downtime expected"
    return f"{where}: {summary(plan)}; {downtime}; {now}"


def summary(plan: Plan) -> str:
    """How much changes, in a few words."""
    if plan.serving is None:
        return "the first release"
    counts = {
        "image{}": sum(image.changes for image in plan.images),
        "variable{}": len(plan.env),
        "compose field{}": len(plan.compose) + len(plan.base.fields),
        "file{} of the base": len(plan.base.files),
        "file{} of Caddy's": len(plan.caddy),
        "migration{}": len(plan.migration.pending),
    }
    told = [
        f"{count} {words.format('s' if count > 1 else '')}"
        for words, count in counts.items()
        if count
    ]
    if not plan.migration.known:
        told.append("migrations unknown")
    return ", ".join(told) or "the base"


def _section(title: str, body: Iterable[str]) -> Iterator[str]:
    for at, line in enumerate(body):
        yield f"{title if at == 0 else '':<11} {line}".rstrip()


def _images(plan: Plan) -> Iterator[str]:
    for image in plan.images:
        if image.changes:
            yield _image(image)
    same = [image.role for image in plan.images if not image.changes]
    if same:
        yield f"  unchanged: {', '.join(same)}"


def _image(image: Image) -> str:
    sign = "-" if not image.after else "+" if not image.before else "~"
    after = _named(image.after, image.after_id)
    before = _named(image.before, image.before_id)
    if not image.after:
        return f"- {image.role}: {before}"
    way = {"sent": "sent from here", "pulled": "pulled", "there": "on the host"}.get(image.way, "")
    arrow = f"{before} -> {after}" if image.before else after
    return f"{sign} {image.role}: {arrow} ({way})"


def _named(reference: str, identity: str) -> str:
    digest = identity.removeprefix("sha256:")[:_DIGITS]
    # A reference with a digest, or with the id in its tag, says it already.
    return (
        reference
        if not digest or "@" in reference or digest in reference
        else (f"{reference} [{digest}]")
    )


def _variables(plan: Plan) -> Iterator[str]:
    for one in plan.env:
        hashes = {
            "added": one.after,
            "removed": one.before,
            "changed": f"{one.before} -> {one.after}",
        }[one.how]
        yield f"{SIGNS[one.how]} {one.role}: {one.name}  {hashes}"


def _field(field: Field) -> str:
    head = ": ".join(part for part in (field.service, field.path) if part)
    if not field.path:
        return f"{'+' if field.before is None else '-'} {head}"
    return f"~ {head}: {_cut(field.before)} -> {_cut(field.after)}"


def _cut(text: str | None) -> str:
    if text is None:
        return "(not there)"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _base(plan: Plan) -> Iterator[str]:
    yield from map(_field, plan.base.fields)
    for name in plan.base.files:
        yield f"~ {name}"
    if plan.base.recreated:
        yield f"recreated: {', '.join(plan.base.recreated)}"
    if plan.base.starts:
        yield "it is started"


def _caddy(plan: Plan) -> Iterator[str]:
    for text in plan.caddy:
        yield f"{SIGNS[text.how]} {text.name}"
        yield from (f"    {line}" for line in text.lines[:_LINES])
        if len(text.lines) > _LINES:
            yield f"    … {len(text.lines) - _LINES} more lines"


def _migrations(found: Migration) -> Iterator[str]:
    if not found.known:
        yield found.why
        yield from (f"    {line}" for line in found.log[-_LOG_LINES:])
    elif not found.pending:
        yield f"none pending{f', at {found.current}' if found.current else ''}"
    for name in found.pending:
        never = " (irreversible)" if name in found.irreversible else ""
        yield f"+ {name}{never}"


def _backup(plan: Plan) -> str:
    word = {True: "made first", False: "not made", None: "perhaps"}[plan.backup.due]
    return f"{word}: {plan.backup.why}"


def _room(plan: Plan) -> str:
    room = plan.room
    pulled = "an unknown amount" if room.pulled is None else f"{room.pulled / _MB:.1f} MB"
    travels = [f"{room.sent / _MB:.1f} MB to send"]
    if room.pulled != 0:
        travels.append(f"{pulled} to pull")
    return f"{', '.join(travels)}; {room.needed / _MB:.0f} MB needed, {room.free / _MB:.0f} MB free"
