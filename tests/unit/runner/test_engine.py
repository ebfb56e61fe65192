from __future__ import annotations

import hashlib
from types import SimpleNamespace

import pytest

from hostwright.runner import engine


def frame(kind: int, content: bytes) -> bytes:
    return bytes([kind, 0, 0, 0]) + len(content).to_bytes(4, "big") + content


def test_frames_of_both_outputs_are_joined_in_order() -> None:
    body = frame(1, b"out\n") + frame(2, b"err\n") + frame(1, b"more")

    assert engine.demultiplex(body) == b"out\nerr\nmore"


def test_the_output_of_a_terminal_is_left_as_it_is() -> None:
    assert engine.demultiplex(b"plain text, no frames") == b"plain text, no frames"


def test_chain_ids_are_those_of_dockers_layer_store() -> None:
    first, second = "sha256:" + "1" * 64, "sha256:" + "2" * 64
    joined = hashlib.sha256(f"{first} {second}".encode()).hexdigest()

    assert engine.chain_ids([first, second]) == [first, f"sha256:{joined}"]
    assert engine.chain_ids([]) == []


@pytest.mark.parametrize(
    ("newest", "spoken"), [("1.41", "1.41"), ("1.44", "1.44"), ("1.52", "1.44"), ("2.0", "1.44")]
)
def test_an_older_engine_is_spoken_to_in_its_own_version(newest: str, spoken: str) -> None:
    assert engine.spoken(newest) == spoken


@pytest.mark.parametrize(("states", "code"), [((0,), 0), ((None, None, 0), 0), ((None, 3), 3)])
def test_a_command_s_end_is_waited_for_though_its_output_is_closed(
    monkeypatch: pytest.MonkeyPatch, states: tuple[int | None, ...], code: int
) -> None:
    """Docker closes the output first: asked at once, it says that the command still runs."""
    told = iter({"Running": one is None, "ExitCode": one} for one in states)
    docker = engine.Engine("/nonexistent")

    def call(_method: str, path: str, *_: object, **__: object) -> SimpleNamespace:
        body = b'{"Id": "x"}' if path.endswith("/exec") else frame(1, b"OK\n")
        return SimpleNamespace(body=body)

    monkeypatch.setattr(docker, "call", call)
    monkeypatch.setattr(docker, "get", lambda _: next(told))

    assert docker.execute("app-redis", ["redis-cli", "ping"], 5) == (code, "OK\n")


def test_texts_are_encoded_for_a_path() -> None:
    assert engine.quote("a/b:1@sha256", safe="/:@") == "a/b:1@sha256"
    assert engine.quote("a b?ü") == "a%20b%3F%C3%BC"
    assert engine.urlencode({"all": "1", "f": '{"a"}'}) == "all=1&f=%7B%22a%22%7D"
