from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hostwright.runner import switch
from hostwright.runner.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO = "20260101t000000z-aaaaaaa", "20260102t000000z-bbbbbbb"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout("app", tmp_path / "app")
    layout.ensure()
    return layout


def test_one_rename_moves_all_roles(layout: Layout) -> None:
    for release in (ONE, TWO):
        switch.write(layout, release, ["api", "web"])
    switch.move(layout, ONE)
    assert (layout.live / "current" / "api").read_text() == f"app-{ONE}-api\n"

    switch.move(layout, TWO)

    assert switch.target(layout) == TWO
    assert (layout.live / "current" / "web").read_text() == f"app-{TWO}-web\n"
    assert str(layout.link.readlink()) == TWO


def test_caddy_may_read_the_names_whoever_it_is(layout: Layout) -> None:
    switch.write(layout, ONE, ["api"])

    assert (layout.live / ONE).stat().st_mode & 0o777 == 0o755
    assert (layout.live / ONE / "api").stat().st_mode & 0o777 == 0o644


def test_what_the_link_names_is_never_removed(layout: Layout) -> None:
    for release in (ONE, TWO):
        switch.write(layout, release, ["api"])
    switch.move(layout, ONE)

    switch.forget(layout, ONE)
    switch.forget(layout, TWO)

    assert (layout.live / "current" / "api").exists()
    assert not (layout.live / TWO).exists()


@pytest.mark.parametrize("text", ["../elsewhere", "/etc", "current", f"x/{ONE}"])
def test_a_link_that_names_no_release_names_nobody(layout: Layout, text: str) -> None:
    layout.link.symlink_to(text)

    assert switch.target(layout) is None
