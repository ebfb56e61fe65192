from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from tests.unit.runner.fake_host import NEW, Docker, Told, host, operation, unpacked

from hostwright.runner import arriving, durable, hello, images, operate, prepare, session
from hostwright.runner.engine import EngineError
from hostwright.runner.identity import boot_id
from hostwright.runner.manifest import Image
from hostwright.runner.process import Ended, Shell

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.runner.operation import Host

FLUSHED = ["sync", "--file-system", "/"]


@pytest.fixture
def at(tmp_path: Path) -> Host:
    found = host(tmp_path)
    docker(found).stock = {"sha256:old": ["shop:1"]}
    return found


def docker(at: Host) -> Docker:
    assert isinstance(at.engine, Docker)
    return at.engine


def said(at: Host) -> list[list[str]]:
    assert isinstance(at.shell, Told)
    return [words[: len(FLUSHED)] for words in at.shell.said]


def left_by(at: Host, boot: str) -> None:
    """Two images have come since the record was written."""
    durable.write_json(at.layout.arriving, {"boot_id": boot, "had": ["sha256:old"]})
    docker(at).stock |= {"sha256:new": ["shop:2", "shop:next"], "sha256:bare": ["<none>:<none>"]}


def test_what_was_there_is_written_down_until_the_rest_is_flushed(at: Host) -> None:
    with arriving.arriving(at.layout, at.engine, at.shell):
        assert durable.read_json(at.layout.arriving) == {
            "boot_id": boot_id(),
            "had": ["sha256:old"],
        }
        assert said(at) == []

    assert said(at) == [FLUSHED]
    assert not at.layout.arriving.exists()


def test_what_arrived_in_part_is_flushed_as_well(at: Host) -> None:
    with (
        pytest.raises(EngineError, match="broke off"),
        arriving.arriving(at.layout, at.engine, at.shell),
    ):
        raise EngineError(500, "broke off")

    assert said(at) == [FLUSHED]
    assert not at.layout.arriving.exists()


def test_after_a_power_loss_what_had_come_is_removed(at: Host) -> None:
    left_by(at, "another boot")

    removed = arriving.settle(at.layout, at.engine, at.shell)

    assert removed == ["shop:2", "shop:next", "sha256:bare"]
    assert docker(at).calls == [f"remove image {name}" for name in removed]
    assert not at.layout.arriving.exists()


def test_it_is_removed_before_others_arrive(at: Host) -> None:
    left_by(at, "another boot")

    with arriving.arriving(at.layout, at.engine, at.shell):
        assert docker(at).calls[0] == "remove image shop:2"


def test_on_the_same_boot_it_is_flushed_and_kept(at: Host) -> None:
    left_by(at, boot_id())

    assert arriving.settle(at.layout, at.engine, at.shell) == []
    assert docker(at).calls == []
    assert said(at) == [FLUSHED]
    assert not at.layout.arriving.exists()


def test_an_image_that_somebody_uses_stays(at: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    left_by(at, "another boot")

    def used(ref: str) -> None:
        raise EngineError(409, f"a container uses {ref}")

    monkeypatch.setattr(at.engine, "remove_image", used)

    assert arriving.settle(at.layout, at.engine, at.shell) == []
    assert not at.layout.arriving.exists()


def test_without_a_record_nothing_is_asked_of_docker(at: Host) -> None:
    docker(at).down = True

    assert arriving.settle(at.layout, at.engine, at.shell) == []
    assert said(at) == []


def test_where_the_tool_fails_everything_is_flushed(
    at: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    monkeypatch.setattr(Told, "answer", Told.answer._replace(exit_code=1))
    monkeypatch.setattr("os.sync", lambda: called.append("all"))

    arriving.flush(at.engine, at.shell)

    assert called == ["all"]


@pytest.mark.parametrize(
    ("boot", "told"), [("another boot", ["shop:1"]), ("", ["shop:1", "shop:2", "shop:next"])]
)
def test_the_greeting_does_not_tell_of_images_that_may_be_spoiled(
    at: Host, monkeypatch: pytest.MonkeyPatch, boot: str, told: list[str]
) -> None:
    left_by(at, boot or boot_id())
    monkeypatch.setattr(at.engine, "find", lambda _: {"RootFS": {"Layers": ["sha256:1"]}})

    greeting = hello.hello(at.layout, at.engine)

    assert sorted(greeting["images"]) == told
    assert greeting["layers"] == ["sha256:1"]


def test_a_command_says_what_is_to_come_once_more(at: Host) -> None:
    left_by(at, "another boot")

    operate.resume(at, "a boot")

    assert "shop:2 had not reached the disk" in at.layout.events.read_text()


def test_what_the_laptop_sends_arrives(at: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    here = session.Session(at.layout, io.BytesIO(), io.BytesIO())
    here.engine = at.engine
    monkeypatch.setattr(Shell, "run", lambda *_, **__: Ended(0, "", ""))
    monkeypatch.setattr(images, "load", lambda *_: seen.append(at.layout.arriving.exists()))

    session.HANDLERS["images"](here, {"do": "images", "bytes": 0}, session.Body(io.BytesIO(), 0))

    assert seen == [True]
    assert not at.layout.arriving.exists()
    assert here.held is not None
    here.held.close()


@pytest.mark.parametrize("missing", [0, 2])
def test_what_is_pulled_arrives(at: Host, monkeypatch: pytest.MonkeyPatch, missing: int) -> None:
    unpacked(at, NEW)
    seen: list[bool] = []
    wanted = [Image(f"shop@sha256:{number}", None, pull=True) for number in range(missing)]
    monkeypatch.setattr(images, "need_pull", lambda _: wanted)
    monkeypatch.setattr(images, "pull", lambda *_: seen.append(at.layout.arriving.exists()))

    done = prepare.bring_images(operation(at))

    assert seen == [True] * missing
    assert done == [f"pulled {image.ref}" for image in wanted]
    assert said(at) == [FLUSHED] * bool(missing)
