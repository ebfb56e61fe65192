"""A release's files and their archive: the same in, the same out."""

from __future__ import annotations

import io
import tarfile

import pytest

from hostwright.release.bundle import MANIFEST, File, digest, pack, text

FILES = {
    "env/api.env": File(b"A=1\n", 0o600),
    "compose.yaml": text("name: x\n"),
    MANIFEST: text("{}"),
    "caddy/Caddyfile": text("é\n"),
}


def test_the_manifest_comes_first_and_the_rest_by_name() -> None:
    with tarfile.open(fileobj=io.BytesIO(pack(FILES))) as archive:
        assert archive.getnames() == [MANIFEST, "caddy/Caddyfile", "compose.yaml", "env/api.env"]


def test_every_file_keeps_its_content_and_mode_and_nothing_of_this_machine() -> None:
    with tarfile.open(fileobj=io.BytesIO(pack(FILES))) as archive:
        for member in archive:
            found = archive.extractfile(member)
            assert found
            assert File(found.read(), member.mode) == FILES[member.name]
            assert (member.mtime, member.uid, member.gid, member.uname) == (0, 0, 0, "")


def test_the_same_files_give_the_same_bytes_in_any_order() -> None:
    assert pack(FILES) == pack(dict(reversed(FILES.items())))


def test_an_archive_ends_as_tar_archives_do() -> None:
    assert len(pack(FILES)) % 512 == 0
    assert pack(FILES).endswith(b"\0" * 1024)


def test_a_file_knows_its_hash() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert File(b"").sha256 == empty


@pytest.mark.parametrize(
    "changed",
    [
        {"base/a": File(b"2")},
        {"base/a": File(b"1", 0o755)},
        {"base/b": File(b"1")},
        {"base/a": File(b"1"), "base.yaml": File(b"")},
        {},
    ],
)
def test_a_digest_changes_with_any_content_mode_or_name_below_its_prefixes(
    changed: dict[str, File],
) -> None:
    files = {"base/a": File(b"1")}
    assert digest(files, ["base/", "base.yaml"]) != digest(changed, ["base/", "base.yaml"])


def test_a_digest_does_not_change_with_what_lies_elsewhere() -> None:
    files = {"base/a": File(b"1")}
    assert digest(files, ["base/"]) == digest({**files, "caddy/a": File(b"1")}, ["base/"])
