from __future__ import annotations

import pytest

from hostwright.runner.images import mismatch
from hostwright.runner.manifest import Image

ID = "sha256:" + "1" * 64
OTHER = "sha256:" + "2" * 64


@pytest.mark.parametrize(
    ("wanted", "found", "words"),
    [
        (ID, {"Id": ID, "Architecture": "amd64"}, None),
        (None, {"Id": OTHER, "Architecture": "amd64"}, None),
        (ID, {"Id": OTHER, "Architecture": "amd64"}, "another image"),
        (ID, {"Id": OTHER, "Architecture": "amd64", "Descriptor": {}}, None),
        (ID, {"Id": ID, "Architecture": "arm64"}, "it is for arm64, this machine is amd64"),
    ],
)
def test_an_image_has_to_be_the_one_that_was_meant_and_run_here(
    wanted: str | None, found: dict[str, object], words: str | None
) -> None:
    problem = mismatch(Image("app:1", wanted, pull=False), found, "amd64")

    assert (problem is None) == (words is None)
    assert (words or "") in (problem or "")
