from __future__ import annotations

import hashlib

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


def test_texts_are_encoded_for_a_path() -> None:
    assert engine.quote("a/b:1@sha256", safe="/:@") == "a/b:1@sha256"
    assert engine.quote("a b?ü") == "a%20b%3F%C3%BC"
    assert engine.urlencode({"all": "1", "f": '{"a"}'}) == "all=1&f=%7B%22a%22%7D"
