from __future__ import annotations

import os
from pathlib import Path

import pytest

from hostwright.runner import durable


def test_a_file_is_replaced_as_a_whole_with_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "journal.json"
    path.write_text("old")
    path.chmod(0o644)

    durable.write(path, b"new", mode=0o600)

    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_content_reaches_the_disk_before_the_name_does_and_the_name_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    path = tmp_path / "journal.json"
    real = os.fsync

    def fsync(descriptor: int) -> None:
        kind = "directory" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file"  # noqa: PTH112 - a descriptor's link
        steps.append(f"{kind}, in place: {path.exists()}")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)

    durable.write(path, b"x")

    assert steps == ["file, in place: False", "directory, in place: True"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.json"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OSError, match="No space left"):
        durable.write(path, b"new")

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_replaced_by_one_rename_and_is_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "current"
    durable.relink(link, "one")
    real = Path.unlink

    def unlink(path: Path, *, missing_ok: bool = False) -> None:
        assert path != link  # or there would be a moment without it
        real(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    durable.relink(link, "two")

    assert os.readlink(link) == "two"  # noqa: PTH115 - the text itself is what counts
    assert list(tmp_path.iterdir()) == [link]


def test_a_rest_of_a_killed_relink_is_no_obstacle(tmp_path: Path) -> None:
    link = tmp_path / "current"
    (tmp_path / f".current.{os.getpid()}").symlink_to("rest")

    durable.relink(link, "one")

    assert os.readlink(link) == "one"  # noqa: PTH115 - the text itself is what counts


def test_lines_are_added_and_never_replaced(tmp_path: Path) -> None:
    durable.append(tmp_path / "audit", "one")
    durable.append(tmp_path / "audit", "two")

    assert (tmp_path / "audit").read_text() == "one\ntwo\n"
    assert (tmp_path / "audit").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
def test_a_document_that_is_no_json_reads_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)

    assert durable.read_json(tmp_path / "x") is None
    assert durable.read_json(tmp_path / "missing") is None
