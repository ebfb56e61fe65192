"""Which pieces of the log bring which moment back, and what is forgotten: tables, no server."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hostwright.runner.backup import point_in_time, point_in_time_replay, wal, wal_chain
from hostwright.runner.backup.restic import Snapshot
from hostwright.runner.backup.wal_chain import BASE, CHUNK, Branch, Piece
from hostwright.runner.fault import RunnerError

SEGMENT = 16 << 20


def identity(number: int) -> str:
    return f"20261123t0300{number:02d}z-abcdef0"


def chunk(number: int, began: float, until: float, **more: Any) -> Piece:  # noqa: ANN401 - fields
    facts = {"system": "7", "timeline": 1, "history": (), "first": number, "end": number * SEGMENT}
    piece = Piece(CHUNK, identity(number), **{**facts, "began": began, "until": until, **more})
    return piece._replace(snapshot=more.get("snapshot", f"s{number}"))


def base(number: int, began: float, until: float, **more: Any) -> Piece:  # noqa: ANN401 - fields
    return chunk(number, began, until, **{"size": 1000, **more})._replace(kind=BASE)


def snapshot(piece: Piece) -> Snapshot:
    return Snapshot(piece.snapshot, piece.id, "2026-11-23T03:00:00Z", ("hostwright", *piece.tags))


#: One cluster: a base at 20, its log to 100; then, after a gap, a log from 200 with a base at 220.
ONE = chunk(1, 10, 60, fresh=True)
TWO = chunk(2, 60, 100)
LATER = chunk(3, 200, 300, fresh=True)
FIRST = base(11, 15, 20)
SECOND = base(12, 210, 220)
HISTORY = [ONE, TWO, LATER, FIRST, SECOND]


@pytest.mark.parametrize(
    ("text", "place"), [("0/0", 0), ("0/1000000", 1 << 24), ("1/0", 1 << 32), ("16/B374D848", None)]
)
def test_positions_are_read_and_written(text: str, place: int | None) -> None:
    found = wal_chain.position(text)
    assert place is None or found == place
    assert wal_chain.written(found) == text


@pytest.mark.parametrize("text", ["", "1", "0/x", "0/123456789", "a/b/c"])
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        wal_chain.position(text)


@pytest.mark.parametrize(
    ("timeline", "segment", "name"),
    [
        (1, 1, "000000010000000000000001"),
        (2, 255, "0000000200000000000000FF"),
        (1, 256, "000000010000000100000000"),
    ],
)
def test_segments_are_called_as_postgres_calls_them(timeline: int, segment: int, name: str) -> None:
    assert wal_chain.segment_name(timeline, segment, SEGMENT) == name
    assert wal_chain.is_log(name)


@pytest.mark.parametrize("name", ["../etc", "state.json", "000000010000000000000001.x", ""])
def test_nothing_else_counts_as_a_file_of_the_log(name: str) -> None:
    assert not wal_chain.is_log(name)


def test_a_history_file_says_where_a_timeline_came_from() -> None:
    text = "1\t0/3000148\tno recovery target specified\n\n2\t0/5000000\tbefore 2026-11-23\n"
    assert wal_chain.branches(text) == (Branch(1, 0x3000148), Branch(2, 0x5000000))
    assert wal_chain.branches("") == ()


def test_the_tags_of_a_piece_tell_all_of_it() -> None:
    piece = chunk(4, 1.25, 2.5, timeline=3, history=(Branch(1, 5), Branch(2, 9)), fresh=True)
    assert wal_chain.pieces([snapshot(piece)]) == [piece]


@pytest.mark.parametrize("lost", ["system", "timeline", "history", "began", "size"])
def test_a_snapshot_with_damaged_tags_is_left_out(lost: str) -> None:
    whole = snapshot(ONE)
    tags = tuple(tag for tag in whole.tags if not tag.startswith(lost))
    assert wal_chain.pieces([whole._replace(tags=tags)]) == []
    assert wal_chain.pieces([Snapshot("x", identity(1), "", ("hostwright", identity(1)))]) == []


@pytest.mark.parametrize(
    ("moment", "base_", "chunks"),
    [
        (20, FIRST, [ONE]),
        (59, FIRST, [ONE]),
        (60, FIRST, [ONE, TWO]),
        (99.5, FIRST, [ONE, TWO]),
        (100, FIRST, [ONE, TWO]),
        (220, SECOND, [LATER]),
        (None, SECOND, [LATER]),
    ],
)
def test_a_moment_needs_the_last_base_before_it_and_the_log_since(
    moment: float | None, base_: Piece, chunks: list[Piece]
) -> None:
    choice = wal_chain.choose(HISTORY, moment, "away")
    assert (choice.base, list(choice.chunks)) == (base_, chunks)
    assert choice.moment == moment
    assert choice.until == (300 if moment is None else moment)


@pytest.mark.parametrize("moment", [5, 19.9, 100.1, 150, 219, 301])
def test_a_moment_that_nothing_reaches_is_refused_and_what_can_be_is_said(moment: float) -> None:
    with pytest.raises(RunnerError) as caught:
        wal_chain.choose(HISTORY, moment, "away")
    assert "1970-01-01 00:00:20.000000+00 to 1970-01-01 00:01:40.000000+00" in caught.value.what
    assert "1970-01-01 00:03:40.000000+00 to 1970-01-01 00:05:00.000000+00" in caught.value.what


@pytest.mark.parametrize("found", [[], [ONE, TWO], [FIRST]])
def test_without_a_base_or_a_log_nothing_can_be_reached(found: list[Piece]) -> None:
    with pytest.raises(RunnerError, match="no moment to go back to"):
        wal_chain.choose(found, None, "away")


def test_a_moment_is_gone_back_to_on_the_timeline_that_lived_then() -> None:
    """Timeline 2 came at 120 from position 50 of the first; a base at 90 lies after that."""
    first = chunk(1, 10, 110, fresh=True, end=100)
    early, late = base(11, 15, 20, end=20), base(12, 80, 90, end=80)
    second = chunk(2, 120, 200, timeline=2, history=(Branch(1, 50),), end=150)
    found = [first, second, early, late]

    old = wal_chain.choose(found, 100, "away")
    assert (old.base, old.timeline, old.newest, old.chunks) == (late, 1, 2, (first,))
    new = wal_chain.choose(found, 150, "away")
    assert (new.base, new.timeline, new.newest, new.chunks) == (early, 2, 2, (first, second))
    between = wal_chain.choose(found, 115, "away")
    assert (between.timeline, between.until) == (1, 110)


def test_another_cluster_is_another_span() -> None:
    other = chunk(5, 300, 400, system="8", fresh=True)
    assert wal_chain.choose([*HISTORY, other], None, "away").base == SECOND
    fresh = base(15, 310, 320, system="8")
    assert wal_chain.choose([*HISTORY, other, fresh], None, "away").base == fresh
    assert wal_chain.choose([*HISTORY, other, fresh], 250, "away").base == SECOND


def test_of_a_chunk_that_grew_the_last_snapshot_counts() -> None:
    grown = ONE._replace(until=65, snapshot="again")
    choice = wal_chain.choose([ONE, grown, FIRST], None, "away")
    assert choice.chunks == (grown,)
    assert wal_chain.doomed([ONE, grown, FIRST], 70, 1000) == [ONE.snapshot]


def test_what_this_host_knows_of_a_quiet_database_reaches_further() -> None:
    found = wal_chain.known_until([ONE, FIRST], ONE.id, 90.0)
    assert wal_chain.choose(found, 85, "away").until == 85
    with pytest.raises(RunnerError):
        wal_chain.choose([ONE, FIRST], 85, "away")


@pytest.mark.parametrize(
    ("now", "gone"),
    [
        (300, set()),
        (301, set()),
        (321, {"s11", "s1", "s2"}),  # the second base alone reaches all of the last 100 seconds
        (9999, {"s11", "s1", "s2"}),  # never the newest base, nor its log
    ],
)
def test_what_no_kept_moment_needs_is_forgotten(now: float, gone: set[str]) -> None:
    assert set(wal_chain.doomed(HISTORY, now, 100)) == gone


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("latest", None),
        ("1970-01-01T00:00:01.500000Z", 1.5),
        ("2026-11-23T03:00:00.123456Z", 1795402800.123456),
    ],
)
def test_a_request_names_a_moment(value: str, moment: float | None) -> None:
    assert point_in_time.asked(value) == moment


@pytest.mark.parametrize(
    "value", ["", "now", 5, True, "2026-11-23", "2026-13-23T03:00:00.000000Z", "x'; --"]
)
def test_a_request_that_names_none_is_refused(value: object) -> None:
    with pytest.raises(RunnerError, match="no moment"):
        point_in_time.asked(value)


def test_a_moment_is_told_to_postgres_to_the_microsecond() -> None:
    choice = wal_chain.choose(HISTORY, 99.123456, "away")
    said = dict(
        word.split("=", 1)
        for _, word in point_in_time_replay.options(choice, choice.moment, lasting=True)
    )
    assert said["recovery_target_time"] == "1970-01-01 00:01:39.123456+00"
    assert (said["fsync"], said["recovery_target_timeline"]) == ("on", "1")
    rest = dict(
        word.split("=", 1) for _, word in point_in_time_replay.options(choice, None, lasting=False)
    )
    assert "recovery_target_time" not in rest
    assert rest["fsync"] == "off"


# -- which chunk comes next -----------------------------------------------------------------------


def server(**more: Any) -> wal.Server:  # noqa: ANN401 - fields
    facts: dict[str, Any] = {
        "clock": 500.0,
        "flushed": 5 * SEGMENT + 9,
        "timeline": 1,
        "system": "7",
        "size": SEGMENT,
        "limit": 1024,
        "slot": 4 * SEGMENT,
    }
    return wal.Server(**{**facts, **more})


def known(**more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    facts = chunk(4, 400, 480, fresh=True)._asdict()
    return {**facts, "last": 5, "closed": False, "end": 5 * SEGMENT, "span": identity(4), **more}


def test_a_chunk_grows_until_it_has_ended() -> None:
    found = wal.next_chunk(known(), server(), "")
    assert (found.id, found.first, found.end) == (identity(4), 4, 5 * SEGMENT + 9)

    following = wal.next_chunk(known(closed=True), server(), "")
    assert following.id != identity(4)
    assert (following.first, following.began, following.fresh) == (5, 480, False)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({}, {}),
        (known(system="8"), {}),
        (known(), {"slot": 6 * SEGMENT, "flushed": 7 * SEGMENT}),  # the slot has lost some
        (known(last=9), {}),  # an older copy of the cluster
        (known(last="x"), {}),
    ],
)
def test_after_a_gap_a_chunk_begins_anew(before: dict[str, Any], now: dict[str, Any]) -> None:
    found = wal.next_chunk(before, server(**now), "")
    assert found.fresh
    assert found.began == 500.0
    assert found.first == server(**now).slot // SEGMENT  # type: ignore[operator]


def test_a_new_timeline_goes_on_where_it_left_the_former_one() -> None:
    history = "1\t0/5000010\tbefore\n"
    found = wal.next_chunk(known(), server(timeline=2, flushed=6 * SEGMENT), history)
    assert (found.fresh, found.first, found.timeline) == (False, 5, 2)
    assert found.history == (Branch(1, 0x5000010),)

    found = wal.next_chunk(known(arrived=490.5), server(timeline=2, flushed=6 * SEGMENT), history)
    assert found.began == 490.5, "moments since then are of the new timeline"

    late = server(timeline=2, flushed=8 * SEGMENT, slot=7 * SEGMENT)
    assert wal.next_chunk(known(), late, history).fresh
    unknown = wal.next_chunk({}, server(timeline=2, flushed=6 * SEGMENT), history)
    assert (unknown.fresh, unknown.first) == (True, 5)


def test_a_clock_that_is_set_back_does_not_turn_the_log_around() -> None:
    before = known(until=480.0)
    late = server(clock=100.0)
    assert wal.moment(before, late) == 480.0
    assert wal.moment(before, server()) == 500.0
    assert wal.moment(known(system="8"), late) == 100.0, "another cluster has a time of its own"
    assert wal.moment({}, late) == 100.0

    following = wal.next_chunk(known(closed=True), late, "")
    assert (following.began, following.until) == (480, 480)
    gap = server(clock=100.0, slot=6 * SEGMENT, flushed=7 * SEGMENT)
    after_gap = wal.next_chunk(known(), gap, "")
    assert (after_gap.began, after_gap.fresh) == (480, True)
    history = "1\t0/5000010\tbefore\n"
    other = server(clock=100.0, timeline=2, flushed=6 * SEGMENT)
    assert wal.next_chunk(known(arrived=90.0), other, history).began == 480


def test_of_a_chunk_that_grew_the_snapshot_that_reaches_furthest_counts() -> None:
    """Whatever the clock said when it was stored: the other one lacks what came after it."""
    short = ONE._replace(until=90.0, snapshot="short")
    whole = ONE._replace(end=ONE.end + 99, until=60.0, snapshot="whole")

    assert [piece.snapshot for piece in wal_chain.latest([whole, short])] == ["whole"]
    assert wal_chain.doomed([whole, short, FIRST], 30.0, 1000.0) == ["short"]


def test_while_the_clock_stands_still_all_of_the_log_is_reached() -> None:
    """A base, then chunks whose moments are all that of before the clock was set back."""
    until = 100.0
    still = [chunk(number, until, until, end=number * SEGMENT) for number in (5, 6, 7)]
    fresh = base(12, until, until, end=6 * SEGMENT + 5, first=6)
    found = [FIRST, ONE, chunk(2, 60, until), *reversed(still), fresh]

    choice = wal_chain.choose(found, None, "away")

    assert choice.base == fresh
    assert [piece.id for piece in choice.chunks][-3:] == [piece.id for piece in still]


def test_while_the_clock_stands_still_a_new_timeline_comes_after_the_one_it_left() -> None:
    until, history = 100.0, (Branch(1, 5 * SEGMENT),)
    left = chunk(6, until, until, end=6 * SEGMENT)
    new = chunk(7, until, until, end=5 * SEGMENT + 9, first=5, timeline=2, history=history)
    found = [FIRST._replace(end=SEGMENT), ONE, chunk(5, 60, until, first=2), left, new]

    choice = wal_chain.choose(found, None, "away")

    assert choice.timeline == 2


def test_while_the_clock_stands_still_a_base_stays_with_the_log_before_a_gap() -> None:
    """Otherwise a replay would end at the missing segment, and call that the newest moment."""
    until = 100.0
    before = base(6, until, until, first=6, end=6 * SEGMENT)
    gap = chunk(9, until, until, first=9, end=9 * SEGMENT, fresh=True)
    found = [ONE, chunk(5, 60, until, first=2, end=6 * SEGMENT), before, gap]

    choice = wal_chain.choose(found, None, "away")

    assert gap not in choice.chunks
    after = base(19, until, until, first=10, end=10 * SEGMENT)
    later = wal_chain.spans([*found, after])[-1]
    assert (later.bases, later.chunks) == ((after,), (gap,))


def test_the_newest_moment_is_one_of_the_cluster_that_runs_here() -> None:
    """A former one whose clock was ahead claims to reach further."""
    ahead = [chunk(1, 900, 950, fresh=True, system="8"), base(2, 905, 910, system="8")]
    found = [*HISTORY, *ahead]

    assert wal_chain.choose(found, None, "away").base.system == "8"
    assert wal_chain.choose(found, None, "away", "7").base == SECOND
    assert wal_chain.choose(found, None, "away", "9").base.system == "8"  # a new host knows none


@pytest.mark.parametrize(
    ("first", "began", "end"),
    [(4, 400, False), (5 - wal.CHUNK_SEGMENTS + 1, 400, True), (4, -wal.CHUNK_SECONDS, True)],
)
def test_a_chunk_ends_when_it_is_long_or_old(first: int, began: float, *, end: bool) -> None:
    piece = chunk(4, began, 480, first=first)
    assert wal.ended(piece, server()) is end


def test_the_last_segment_is_that_of_the_last_flushed_byte() -> None:
    assert server(flushed=5 * SEGMENT).last == 4
    assert server(flushed=5 * SEGMENT + 1).last == 5
    assert server(slot=None).unsent == 0
