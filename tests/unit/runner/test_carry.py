from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.runner import fake_host as fake
from tests.unit.runner.fake_host import NEW, OLD

from hostwright.runner import carry, journal, phase_steps, prepare, releases, room
from hostwright.runner.fault import RunnerError
from hostwright.runner.phases import COMMITTED, DRAINED, PRUNED

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.runner.operation import Host


@pytest.fixture
def host(tmp_path: Path) -> Host:
    host = fake.host(tmp_path)
    for identity in (OLD, NEW):
        fake.unpacked(host, identity)
        releases.change(host.layout, identity, outcome="good")
    fake.serve(host, NEW)
    return host


def test_a_disk_that_is_full_when_pruning_is_done_takes_no_committed_release_back(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    op = fake.operation(host, phase=COMMITTED)
    monkeypatch.setitem(phase_steps.STEPS, PRUNED, lambda _: None)
    real = journal.record

    def full(*words: Any, **changes: Any) -> journal.Journal:  # noqa: ANN401 - as it takes them
        if changes.get("phase") == PRUNED:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*words, **changes)

    monkeypatch.setattr(journal, "record", full)

    carry.carry(op, (PRUNED,))

    assert host.serving == NEW
    assert not host.layout.journal.exists()


@pytest.mark.parametrize(
    ("op", "sequences", "withdrawn"),
    [
        ("deploy", (1, 2), False),
        ("rollback", (2, 1), True),  # from the newer one back to the older
        ("rollback", (1, 2), False),  # that rollback is taken back
    ],
)
def test_only_a_release_that_was_rolled_back_from_is_withdrawn(
    host: Host, op: str, sequences: tuple[int, int], *, withdrawn: bool
) -> None:
    for identity, sequence in zip((OLD, NEW), sequences, strict=True):
        releases.change(host.layout, identity, sequence=sequence)

    phase_steps.committed(fake.operation(host, op, phase=DRAINED))

    assert releases.state(host.layout, OLD).withdrawn is withdrawn


@pytest.mark.parametrize("warm", [True, False])
def test_what_runs_already_is_not_refused_for_want_of_memory(
    host: Host, monkeypatch: pytest.MonkeyPatch, *, warm: bool
) -> None:
    op = fake.operation(host, "rollback", warm=warm)
    op.goal = op.goal._replace(memory_bytes=2)
    monkeypatch.setattr(room, "memory", lambda: 1)

    if warm:
        prepare.fit(op)
    else:
        with pytest.raises(RunnerError, match="of memory left"):
            prepare.fit(op)
