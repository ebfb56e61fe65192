from __future__ import annotations

from pathlib import Path

from hostwright.rig.images.wheels import commands, unconditional

PINS = """\
async-timeout==5.0.1 ; python_full_version < '3.11.3' \\
    --hash=sha256:aa
httpx==0.28.1 \\
    --hash=sha256:bb
    # via probe
"""


def test_markers_are_left_to_the_images_own_python() -> None:
    assert unconditional(PINS) == (
        "async-timeout==5.0.1 \\\n    --hash=sha256:aa\n"
        "httpx==0.28.1 \\\n    --hash=sha256:bb\n    # via probe\n"
    )


def test_pinned_wheels_are_downloaded_for_the_images_python_and_checked_by_hash() -> None:
    pinned, pip = commands(Path("/r.txt"), Path("/w"), "3.13", "x86_64")
    assert {
        "--only-binary=:all:",
        "--python-version=3.13",
        "--platform=manylinux2014_x86_64",
        "--require-hashes",
        "--dest=/w",
    } <= set(pinned)
    assert pip[-2:] == ["--dest=/w", "pip"]
