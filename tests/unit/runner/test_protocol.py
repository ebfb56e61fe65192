from __future__ import annotations

import pytest

from hostwright.runner import manifest, protocol, session
from hostwright.runner.fault import RunnerError


def test_a_request_always_has_a_length() -> None:
    assert protocol.parse(b'{"do": "status"}') == {"do": "status", "bytes": 0, "from": 0}


@pytest.mark.parametrize(
    "line",
    [
        b"status",
        b"[]",
        b"{}",
        b'{"do": "reboot"}',
        b'{"do": ["deploy"]}',
        b'{"do": "deploy", "bytes": -1}',
        b'{"do": "deploy", "bytes": "5"}',
        b'{"do": "deploy", "bytes": true}',
        b'{"do": "follow", "from": null}',
    ],
)
def test_what_is_no_request_is_refused(line: bytes) -> None:
    with pytest.raises(RunnerError):
        protocol.parse(line)


@pytest.mark.parametrize("value", ["", "current", "../x", 5, "20260101t000000z-ABCDEF0"])
def test_what_is_no_release_id_is_refused(value: object) -> None:
    with pytest.raises(RunnerError):
        protocol.release({"to": value}, "to")


def test_an_actor_is_printable_and_short() -> None:
    assert protocol.actor({"actor": "anna\n\x1b[2J" + "x" * 200}) == ("anna[2J" + "x" * 200)[:80]
    assert protocol.actor({}) == "somebody"


def test_every_request_has_a_handler_and_is_in_the_documentation() -> None:
    assert set(session.HANDLERS) == set(protocol.REQUESTS)
    for name in protocol.REQUESTS:
        assert f'{{"do": "{name}"' in (protocol.__doc__ or "")
    assert protocol.PROTOCOL == manifest.PROTOCOL
