"""Maintenance: Caddy answers 503 for the public hosts, and the application goes on behind it.

Caddy asks on every request whether ``live/maintenance`` is there and whom it lets pass: a regular
expression over the client's address. Putting that file in place is one rename: no reload, no
closed connection. Nothing else writes it, so it survives reboots, deploys and rollbacks. To end
maintenance the file is emptied, not removed, because an empty expression lets everybody pass, and
nobody can meet the moment between Caddy's look at the file and its reading it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from . import durable
from .fault import refused, unfit

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network
    from pathlib import Path

    from .layout import Layout

    Network = IPv4Network | IPv6Network

#: Whom an expression lets pass that is of no address.
NOBODY = "^-$"
#: What a Caddyfile that knows maintenance reads.
MARK = "/live/maintenance"
_MOST = 50
_LONGEST = 200
_GROUPS, _GROUP_BITS, _DIGITS = 8, 16, 4
_HEX = "0123456789abcdef"
_ANY = "[0-9a-f]{1,4}"


class Notice(NamedTuple):
    """What is known of a maintenance.

    Attributes:
        on: Whether it is.
        actor: Who switched it last.
        reason: Why; may be empty.
        since: When, in seconds since the epoch.
        allowed: The address ranges that pass.
    """

    on: bool
    actor: str = ""
    reason: str = ""
    since: int = 0
    allowed: tuple[str, ...] = ()


def path(layout: Layout) -> Path:
    """The file that Caddy asks for."""
    return layout.live / "maintenance"


def told(layout: Layout) -> dict[str, Any] | None:
    """What is known of it; None where it is off. The file decides, the words come beside it."""
    try:
        if not path(layout).read_bytes().strip():
            return None
    except FileNotFoundError:
        return None
    value = durable.read_json(layout.maintenance)
    known = value if isinstance(value, dict) else {}
    names = Notice._fields
    return Notice(on=True)._asdict() | {key: known[key] for key in names if key in known}


def on(layout: Layout, actor: str, reason: object, allowed: object) -> dict[str, Any]:
    """Switch it on, or change who passes.

    Raises:
        RunnerError: An address range is none, or the Caddy that serves knows no maintenance.
    """
    networks = parse(allowed)
    if not known(layout):
        raise unfit(
            "the Caddyfile of the release that serves knows no maintenance",
            where="caddy",
            remedy="Deploy once with this clone; then it does.",
        )
    text = "".join(c for c in str(reason or "") if c.isprintable())[:_LONGEST]
    ranges = tuple(str(network) for network in networks)
    notice = Notice(True, actor, text, int(time.time()), ranges)  # noqa: FBT003 - it is on
    durable.write_json(layout.maintenance, notice._asdict())
    durable.write(path(layout), expression(networks).encode(), mode=0o644)
    return notice._asdict()


def off(layout: Layout) -> bool:
    """Switch it off; whether it was on."""
    was = told(layout) is not None
    if was:
        durable.write(path(layout), b"", mode=0o644)
    return was


def known(layout: Layout) -> bool:
    """Whether the configuration that Caddy has asks for the file."""
    files = [file for file in layout.caddy.rglob("*") if file.is_file()]
    return any(MARK in file.read_text(encoding="utf-8", errors="replace") for file in files)


def parse(allowed: object) -> tuple[Network, ...]:
    """Address ranges, as people write them; a single address is one, too.

    Raises:
        RunnerError: One is none.
    """
    import ipaddress  # the greeting of every session imports this module

    if not isinstance(allowed, list | tuple) or len(allowed) > _MOST:
        raise refused(f"a list of at most {_MOST} address ranges is needed here", where="allow")
    found = []
    for text in allowed:
        try:
            found.append(ipaddress.ip_network(str(text), strict=False))
        except ValueError as error:
            raise refused(
                f"{str(text)[:60]!r} is no address range",
                where="allow",
                remedy="Write it as 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32.",
            ) from error
    return tuple(found)


# --- an address range as an expression ------------------------------------------------------------


def expression(networks: tuple[Network, ...]) -> str:
    """What matches the text of every address of *networks*, and of no other."""
    if not networks:
        return NOBODY
    return f"^(?:{'|'.join(_of(network) for network in networks)})$"


def _of(network: Network) -> str:
    return _four(network) if network.version == 4 else _six(network)  # noqa: PLR2004 - of IP


def _four(network: IPv4Network) -> str:
    parts = []
    for index, octet in enumerate(network.network_address.packed):
        bits = min(max(network.prefixlen - 8 * index, 0), 8)
        last = octet + (1 << (8 - bits)) - 1
        numbers = "|".join(str(number) for number in range(octet, last + 1))
        parts.append(str(octet) if bits == 8 else "[0-9]{1,3}" if bits == 0 else f"(?:{numbers})")  # noqa: PLR2004 - bits of an octet
    return r"\.".join(parts)


def _six(network: IPv6Network) -> str:
    """All ways in which the canonical text of such an address is written.

    The longest run of groups that are zero is written as ``::``; it may begin behind the groups
    that are given, reach over their end, or lie among them.
    """
    number, length = int(network.network_address), network.prefixlen
    given = -(-length // _GROUP_BITS)
    groups = [_group(number, length, index) for index in range(given)]
    if not given:
        return "[0-9a-f:.]*:[0-9a-f:.]*"
    texts, zero = [text for text, _ in groups], [may for _, may in groups]
    rest = ":[0-9a-f:]+" if given < _GROUPS else ""
    forms = [":".join(texts) + rest]
    for begin in range(given):
        head = ":".join(texts[:begin])
        if all(zero[begin:]):
            most = _GROUPS - given
            tail = f"(?:{_ANY}(?::{_ANY}){{0,{most - 1}}})?" if most else ""
            forms.append(f"{head}::{tail}")
        forms += [
            f"{head}::{':'.join(texts[end:])}{f':{_ANY}' * (_GROUPS - given)}"
            for end in range(begin + 2, given)
            if all(zero[begin:end])
        ]
    return f"(?:{'|'.join(forms)})"


def _group(number: int, length: int, index: int) -> tuple[str, bool]:
    """One group of 16 bits, of which the first may be given: its text, and whether it may be 0."""
    value = number >> (_GROUP_BITS * (_GROUPS - 1 - index)) & 0xFFFF
    bits = min(length - _GROUP_BITS * index, _GROUP_BITS)
    digits = f"{value:04x}"
    whole, part = divmod(bits, 4)
    first = _HEX.index(digits[whole]) if part else 0
    ranged = _HEX[first : first + (1 << (4 - part))] if part else ""
    free = _DIGITS - whole - bool(part)
    return _without_zeros(digits[:whole], ranged, free), value == 0


def _without_zeros(fixed: str, ranged: str, free: int) -> str:
    """Digits that are given, one out of a range, any others: as text without leading zeros."""
    fixed = fixed.lstrip("0")
    any_of = f"[0-9a-f]{{{free}}}" if free else ""
    if fixed:
        return fixed + (f"[{ranged}]" if ranged else "") + any_of
    rest = f"[0-9a-f]{{1,{free}}}" if free else "0"
    above = ranged.lstrip("0")
    if not ranged:
        return rest
    if ranged[0] != "0":
        return f"[{ranged}]{any_of}"
    return f"(?:[{above}]{any_of}|{rest})"
