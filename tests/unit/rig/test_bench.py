"""What becomes of what was measured: medians, ratios and what is read out of commands' words."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from hostwright import paths, toolchain
from hostwright.errors import ToolError, UserError
from hostwright.rig import bench, bench_clouds, bench_fleet, bench_kubernetes, bench_server
from hostwright.rig.bench_clouds import Run
from hostwright.rig.bench_fleet import Pair, Took
from hostwright.rig.bench_server import Move

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hostwright.rig.scene import Scene
    from hostwright.rig.server import Server

#: Of these the median of the ratios is another number than the ratio of the medians.
PAIRS = [(1.0, 2.0), (9.0, 3.0), (4.0, 4.0)]


def told(figures: Iterable[bench.Figure]) -> dict[str, list[float]]:
    """Median, least and most of each figure."""
    return {one.name: [one.median, one.low, one.high] for one in figures}


def test_a_figure_is_a_median_and_a_spread() -> None:
    assert bench.figure("x", [9.0, 1.0, 2.0], "< 3") == bench.Figure("x", 2.0, 1.0, 9.0, "< 3")
    assert bench.figure("x", [1.0, 2.0]).median == 1.5


def test_a_line_tells_all_of_a_figure() -> None:
    line = bench.shown(bench.Figure("the switch", 0.25, 0.2, 0.75, "< 50"))
    assert line.split(maxsplit=6) == ["0.250", "0.200", "to", "0.750", "<", "50", "the switch"]


def test_an_unknown_group_is_refused_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured: list[str] = []

    def start() -> list[bench.Figure]:
        measured.append("start")
        return []

    monkeypatch.setattr(bench, "start", start)
    with pytest.raises(UserError, match="there is no group 'strat'"):
        bench.main(["start", "strat"])
    assert measured == []


def test_all_but_connecting_is_after_connecting() -> None:
    assert bench._after_connect({"seconds": {"connect": 5.0, "facts": 1.0, "apply": 2.5}}) == 3.5  # noqa: SLF001 - pure


def test_clouds_are_compared_run_by_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*seconds: float) -> dict[str, Run]:
        names = ("aws", "azure", "gcp", "together")
        return {name: Run(took, 100 * took) for name, took in zip(names, seconds, strict=True)}

    monkeypatch.setattr(bench_clouds, "compared", lambda _: PAIRS)
    monkeypatch.setattr(bench_clouds, "each", lambda _: [run(1, 2, 4, 6), run(8, 2, 4, 8)])
    monkeypatch.setattr(bench_clouds, "again", lambda _: [0.5, 0.75, 0.25])

    figures = told(bench.clouds())

    assert figures["validate gcp, nothing remembered"] == [4, 4, 4]
    assert figures["ratio of the two"] == [1, 0.5, 3]
    assert figures["validate aws, nothing remembered"] == [4.5, 1, 8]
    together = figures["all three together against the slowest alone, ratio"]
    assert together == [1.25, 1, 1.5]
    assert figures["most memory of one validation, MiB"] == [600, 400, 800]
    assert figures["nox -s validate_gcp, nothing changed"] == [0.5, 0.25, 0.75]


def test_charts_are_compared_run_by_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_kubernetes, "compared", lambda _: PAIRS)
    monkeypatch.setattr(bench_kubernetes, "again", lambda _: [0.5])

    figures = told(bench.kubernetes())

    assert figures["nox -s validate_kubernetes, nothing remembered"] == [4, 1, 9]
    assert figures["helm lint and helm template per preset, by a shell script"] == [3, 2, 4]
    assert figures["ratio of the two"] == [1, 0.5, 3]


def test_a_fleet_is_compared_with_one_host_run_by_run(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [Pair(Took(one, 0.1), Took(both, busy)) for (both, one), busy in zip(PAIRS, (0.5, 1, 0.75), strict=True)]  # noqa: E501 # fmt: skip
    monkeypatch.setattr(bench, "Rig", lambda *_, **__: nullcontext())
    monkeypatch.setattr(bench_fleet, "compared", lambda *_: [("rollback", pairs)])

    figures = told(bench.fleet())

    assert figures["rollback, one host, +50 ms, whole command"] == [3, 2, 4]
    assert figures["rollback, 8 hosts, +50 ms, whole command"] == [4, 1, 9]
    assert figures["rollback, 8 hosts against one, ratio"] == [1, 0.5, 3]
    assert figures["rollback, 8 hosts, this machine's processors busy, %"] == [75, 50, 100]


# -- whole commands --------------------------------------------------------------------------------


def test_a_command_is_timed_with_the_memory_of_its_children() -> None:
    hungry = "x = bytearray(64 << 20); import time; time.sleep(1.5)"
    words = [sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:])"]
    run = bench_clouds.timed([*words, sys.executable, "-c", hungry], {})
    assert run.seconds > 1.5
    assert run.memory_mib > 64


def test_a_command_that_fails_is_no_figure_and_its_words_are_shown() -> None:
    with pytest.raises(ToolError, match="no such thing"):
        bench_clouds.timed(["/bin/sh", "-c", "echo no such thing >&2; exit 3"], {})


def test_what_is_forgotten_is_the_outcomes_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept"
    for name in ("validate", "tools"):
        (kept / name).mkdir(parents=True)
        (kept / name / "file").touch()
    monkeypatch.setattr(paths, "cache", lambda: kept)

    for _ in range(2):
        home = Path(bench_clouds.forgetful(tmp_path)["HOSTWRIGHT_CACHE"])
        assert [str(path.relative_to(home)) for path in home.glob("*/*")] == ["tools/file"]
        (home / "validate").mkdir()
    assert (kept / "validate" / "file").exists()


def test_helm_is_asked_twice_of_each_preset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chart = tmp_path / "a chart"
    (chart / "ci").mkdir(parents=True)
    monkeypatch.setattr(paths, "CHART", chart)
    monkeypatch.setattr(toolchain, "provide", lambda _: SimpleNamespace(argv=["/opt/helm"]))
    with pytest.raises(ToolError, match="no presets"):
        bench_kubernetes._script(tmp_path)  # noqa: SLF001 - a file, no command
    for name in ("aws", "minimal"):
        (chart / "ci" / f"{name}-values.yaml").touch()

    lines = bench_kubernetes._script(tmp_path).read_text().splitlines()  # noqa: SLF001 - as above

    assert lines == [
        "set -e",
        *(
            f"/opt/helm {verb} '{chart}' --values '{chart}/ci/{name}-values.yaml'"
            for name in ("aws", "minimal")
            for verb in ("lint", "template app")
        ),
    ]


# -- moves on a server -----------------------------------------------------------------------------

#: An ``invoke`` that tells of a move as ours does.
INVOKE = """\
#!/bin/sh
echo 'MIGRATED 0.1 s' >&2
sleep 0.2
echo 'SWITCHED one rename, 0.25 ms' >&2
sleep 0.3
echo '{"serving_seconds": 1.5, "connect_seconds": 0.5, "previous": null}'
"""


@pytest.fixture
def invoked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "invoke"
    program.write_text(INVOKE)
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    return program


SCENE = cast("Scene", SimpleNamespace(env={}))


@pytest.mark.usefixtures("invoked")
def test_a_move_is_timed_to_the_word_that_traffic_has_moved() -> None:
    move = Move.make(SCENE, "vps.deploy")
    assert move[1:] == (1.5, 0.5, 0.25, "")
    assert move.typed >= 0.2


@pytest.mark.parametrize(
    "program", [INVOKE.replace(", 0.25 ms", ""), f"{INVOKE}exit 3\n"], ids=["no rename", "failed"]
)
def test_a_move_that_did_not_happen_is_no_figure(invoked: Path, program: str) -> None:
    invoked.write_text(program)
    with pytest.raises(ToolError, match="MIGRATED"):
        Move.make(SCENE, "vps.deploy")


def test_a_warm_rollback_goes_to_whoever_served_before(monkeypatch: pytest.MonkeyPatch) -> None:
    moves: list[tuple[str, ...]] = []

    def make(_: object, *words: str) -> Move:
        moves.append(words)
        return Move(1, 1, 1, 1, f"before-{len(moves)}")

    monkeypatch.setattr(Move, "make", make)
    done = bench_server.warm_rollbacks(SCENE, Move(1, 1, 1, 1, "before-0"), 3)

    assert [words[-1] for words in moves] == ["before-0", "before-1", "before-2"]
    assert len(done) == 3


def test_a_cold_rollback_goes_to_the_newest_good_release_that_is_not_warm() -> None:
    states = [("a", "serving"), ("b", "warm"), ("c", "failed"), ("d", "good"), ("e", "good")]
    listed = json.dumps({"releases": [{"id": name, "state": state} for name, state in states]})
    scene = SimpleNamespace(server=SimpleNamespace(exec=lambda _: SimpleNamespace(stdout=listed)))
    assert bench_server._cold(cast("Scene", scene)) == "d"  # noqa: SLF001 - what is chosen

    scene.server.exec = lambda _: SimpleNamespace(stdout='{"releases": []}')
    with pytest.raises(ToolError, match="no release is good and cold"):
        bench_server._cold(cast("Scene", scene))  # noqa: SLF001 - as above


# -- processors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "files",
    [
        {"cpu.cfs_period_us": ("100000", "20000"), "cpu.cfs_quota_us": ("-1", "4000")},
        {"cpu.max": ("max 100000", "4000 20000")},
    ],
    ids=["version 1", "version 2"],
)
def test_a_server_is_held_meanwhile_and_let_go_also_when_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, tuple[str, str]]
) -> None:
    group = tmp_path / "cpu" / "server"
    group.mkdir(parents=True)
    for name, (before, _) in files.items():
        (group / name).write_text(before)
    monkeypatch.setattr(bench_fleet, "hierarchies", lambda: [tmp_path / "memory", tmp_path / "cpu"])
    lowered: list[Any] = []
    server = cast("Server", SimpleNamespace(machine="server", exec=lowered.append))

    def now() -> dict[str, str]:
        return {name: (group / name).read_text() for name in files}

    def measure() -> None:
        with bench_fleet._held([server]):  # noqa: SLF001 - files of the test
            assert now() == {name: meanwhile for name, (_, meanwhile) in files.items()}
            raise ToolError("the command failed")

    with pytest.raises(ToolError, match="the command failed"):
        measure()
    assert now() == {name: before for name, (before, _) in files.items()}
    assert len(lowered) == 1


def test_where_no_cgroup_bounds_processors_nothing_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_fleet, "hierarchies", lambda: [tmp_path])
    with pytest.raises(ToolError, match="no cgroup bounds"):
        bench_fleet._bandwidth("server")  # noqa: SLF001 - files of the test
