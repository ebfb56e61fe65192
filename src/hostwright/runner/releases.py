"""What became of each release, and which one a rollback means."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from . import durable, manifest
from .fault import RunnerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .layout import Layout
    from .manifest import Manifest

OUTCOMES = ("new", "failed", "good")


class State(NamedTuple):
    """What became of a release.

    Attributes:
        outcome: ``new`` (unpacked only), ``failed``, or ``good`` (it was committed).
        sequence: The host's own count of releases: clocks of laptops may differ.
        warm_until: Its api and web stay up until then (seconds since the epoch), though another
            release serves; None where they are not kept up.
        withdrawn: It was rolled back from; a rollback without a name passes over it.
        migration: What its migration did: ``{before, after, applied, irreversible}``.
        committed: When it was last committed, in seconds since the epoch.
    """

    outcome: str = "new"
    sequence: int = 0
    warm_until: int | None = None
    withdrawn: bool = False
    migration: dict[str, Any] | None = None
    committed: int | None = None


class Release(NamedTuple):
    """A release on the host; the manifest is None where it cannot be read."""

    id: str
    state: State
    manifest: Manifest | None


def state(layout: Layout, release: str) -> State:
    """What became of a release; one that was damaged counts as new."""
    value = durable.read_json(layout.release(release).state)
    if not isinstance(value, dict) or value.get("outcome") not in OUTCOMES:
        return State()
    known = {name: value[name] for name in State._fields if name in value}
    return State(**known)


def change(layout: Layout, release: str, **changes: Any) -> State:  # noqa: ANN401 - its fields
    """Write down what became of a release."""
    changed = state(layout, release)._replace(**changes)
    if layout.release(release).directory.is_dir():
        durable.write_json(layout.release(release).state, changed._asdict())
    return changed


def load(layout: Layout, release: str) -> Manifest | None:
    """A release's manifest, or None where it is missing or damaged."""
    try:
        return manifest.parse(layout.release(release).manifest.read_bytes())
    except (OSError, RunnerError):
        return None


def base_applied(layout: Layout) -> str | None:
    """The hash of the base that was applied last; None where none was to its end."""
    value = durable.read_json(layout.base_state)
    return value.get("sha256") if isinstance(value, dict) else None


def listing(layout: Layout) -> list[Release]:
    """All releases, the newest by the host's own count first."""
    found = [Release(name, state(layout, name), load(layout, name)) for name in layout.known()]
    return sorted(found, key=lambda release: release.state.sequence, reverse=True)


def next_sequence(layout: Layout) -> int:
    """The number of the next release."""
    return 1 + max((state(layout, name).sequence for name in layout.known()), default=0)


def word(release: Release, serving: str | None, now: float | None = None) -> str:
    """One word for what a release is: serving, warm, good, failed or new."""
    if release.id == serving:
        return "serving"
    until = release.state.warm_until
    if release.state.outcome == "good" and until and until > (now or time.time()):
        return "warm"
    return release.state.outcome


def previous_good(known: Iterable[Release], serving: str | None) -> Release | None:
    """The release that a rollback without a name means.

    The newest good one that is older than the serving one and was not itself rolled back from.
    """
    ordered = sorted(known, key=lambda release: release.state.sequence, reverse=True)
    now = next((r.state.sequence for r in ordered if r.id == serving), None)
    for release in ordered:
        older = now is None or release.state.sequence < now
        good = release.state.outcome == "good" and not release.state.withdrawn
        if older and good and release.id != serving:
            return release
    return None


def irreversible_between(
    known: Sequence[Release], target: Release, serving: str | None
) -> list[str]:
    """Migrations that ran after the target served and that cannot be lived with by it."""
    top = max((r.state.sequence for r in known if r.id == serving), default=0)
    names: list[str] = []
    for release in sorted(known, key=lambda item: item.state.sequence):
        done = release.state.migration or {}
        since = target.state.sequence < release.state.sequence
        if since and (release.state.sequence <= top or release.state.outcome == "failed"):
            names += [str(name) for name in done.get("irreversible") or []]
    return names


def kept(known: Iterable[Release], serving: str | None, keep: int) -> set[str]:
    """The releases that stay: the serving one, *keep* good ones, and the newest failed one.

    A failed one whose migration cannot be taken back stays as well while an older good one does:
    it is what forbids going back to that one.
    """
    ordered = sorted(known, key=lambda release: release.state.sequence, reverse=True)
    good = [r for r in ordered if r.state.outcome == "good" and r.id != serving]
    good = good[: max(keep - 1, 0)]
    others = [r for r in ordered if r.state.outcome != "good" and r.id != serving]
    oldest = min((r.state.sequence for r in good), default=None)
    forbidding = [r for r in others if oldest is not None and _forbids(r, oldest)]
    stay = {r.id for r in (*good, *others[:1], *forbidding)}
    return stay | ({serving} if serving else set())


def _forbids(failed: Release, sequence: int) -> bool:
    """Whether a failed release did what a release of that number cannot live with."""
    never = (failed.state.migration or {}).get("irreversible")
    return bool(never) and failed.state.sequence > sequence
