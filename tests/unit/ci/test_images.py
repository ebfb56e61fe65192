from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from hostwright.ci.images import named, refuse_run
from hostwright.contract.models import ROLES
from hostwright.errors import UserError
from hostwright.tasks import ci

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = f"sha256:{'ab' * 32}"
API = f"api=ghcr.io/acme/shop/api@{DIGEST}"
WEB = f"web=ghcr.io/acme/shop/web@{DIGEST}"
RUN: dict[str, Any] = {
    "id": 7,
    "path": ".github/workflows/build-images.yml",
    "event": "push",
    "conclusion": "success",
    "head_repository": {"full_name": "acme/shop"},
}


def test_images_are_taken_by_digest() -> None:
    assert named([API, WEB], ROLES) == [API, WEB]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no image was named"),
        (["api=ghcr.io/acme/shop:1"], "is not ROLE="),
        ([f"--host=ghcr.io/acme@{DIGEST}"], "is not ROLE="),
        ([f"api=-x@{DIGEST}"], "is not ROLE="),
        ([f"api=a b@{DIGEST}"], "is not ROLE="),
        ([f"{API}0"], "is not ROLE="),
        ([f"wep=a@{DIGEST}"], "no such role"),
        ([API, API], "two images"),
    ],
)
def test_anything_else_is_refused(words: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        named(words, ROLES)


def test_a_good_run_of_ours_is_believed() -> None:
    refuse_run(RUN, "acme/shop")
    refuse_run({**RUN, "path": f"{RUN['path']}@refs/tags/v1"}, "acme/shop")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"path": ".github/workflows/validate.yml"}, "a run of .github/workflows/validate.yml"),
        ({"event": "pull_request"}, "started by pull_request"),
        ({"head_repository": {"full_name": "stranger/shop"}}, "its code is of stranger/shop"),
        ({"head_repository": None}, "its code is of None"),
        ({"conclusion": "failure"}, "ended with failure"),
        ({"conclusion": None}, "ended with None"),
    ],
)
def test_another_run_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        refuse_run({**RUN, **change}, "acme/shop")


def settle(place: Path, told: object, **flags: Any) -> int:  # noqa: ANN401
    (place / "run.json").write_text(json.dumps(told))
    (place / "list.txt").write_text(f"{API}\n{WEB}\n")
    given = {"list": str(place / "list.txt"), "run": str(place / "run.json"), **flags}
    try:
        ci.images(Context(), repository="acme/shop", out=str(place / "images.txt"), **given)
    except Exit as end:
        return int(end.code)
    return 0


def test_the_list_of_a_good_run_is_written_one_a_line(tmp_path: Path) -> None:
    assert settle(tmp_path, RUN) == 0
    assert (tmp_path / "images.txt").read_text() == f"{API}\n{WEB}\n"


def test_images_in_one_text_are_taken_apart(tmp_path: Path) -> None:
    assert settle(tmp_path, RUN, list="", image=[f" {API}  {WEB}\n"]) == 0
    assert (tmp_path / "images.txt").read_text() == f"{API}\n{WEB}\n"


@pytest.mark.parametrize(
    ("run", "flags"),
    [
        ({**RUN, "event": "pull_request"}, {}),
        ([], {}),
        (RUN, {"image": [API]}),
        (RUN, {"run": "/nonexistent.json"}),
    ],
)
def test_nothing_is_written_of_a_run_that_is_not_believed(
    run: object, flags: dict[str, Any], tmp_path: Path
) -> None:
    assert settle(tmp_path, run, **flags) == 2
    assert not (tmp_path / "images.txt").exists()
