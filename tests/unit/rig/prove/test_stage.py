from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hostwright import paths
from hostwright.rig.prove import store
from hostwright.rig.prove.stage import copy, version_in

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ("Python 3.13.5\n", "3.13.5"),
        ("v2.11.7 h1:yj0Y4fYZGPkSvibBJ1sTWE33xC0fxztVyXEW5iIdUT4=\n", "2.11.7"),
        ("postgres (PostgreSQL) 17.12 (Debian 17.12-0+deb13u1)\n", "17.12"),
        ("Redis server v=8.0.2 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64\n", "8.0.2"),
        ("26.1.5+dfsg1\n", "26.1.5+dfsg1"),
        ("d091895ac142\n", "d091895ac142"),
        ("restic 0.18.0 compiled with go1.24.4 on linux/amd64\n", "0.18.0"),
        ("trixie/sid\n", "trixie/sid"),
        ("", "not known"),
    ],
)
def test_a_version_is_read_from_what_a_tool_says(told: str, version: str) -> None:
    assert version_in(told) == version


def test_what_is_proven_is_a_copy_that_nobody_edits(tmp_path: Path) -> None:
    place = copy(tmp_path / "clone")

    assert [str(file.relative_to(place)) for file in store.subject(place)] == [
        str(file.relative_to(paths.ROOT)) for file in store.subject(paths.ROOT)
    ]
