from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from hostwright.errors import ToolError
from hostwright.rig.scene import Scene

#: No rig, no server, no authority: only a request is made, and that is answered by the test.
NOTHING: Any = None


def scene(answer: httpx.Response, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(Scene, "request", lambda *_: answer)
    return Scene(NOTHING, NOTHING, NOTHING, {}, Path())


def test_the_version_that_serves_is_the_one_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = httpx.Response(200, json={"version": "2"})

    assert scene(answer, monkeypatch).serving() == "2"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502, text="<html>"),
        httpx.Response(503, json={"version": "2"}),
        httpx.Response(200, json={"error": "it is not there"}),
        httpx.Response(200, text=""),
    ],
)
def test_what_is_not_the_application_serves_nothing(
    monkeypatch: pytest.MonkeyPatch, answer: httpx.Response
) -> None:
    with pytest.raises(ToolError, match=f"status {answer.status_code} and no version"):
        scene(answer, monkeypatch).serving()
