from __future__ import annotations

import pytest

from probe.hosts import allowed


@pytest.mark.parametrize(
    ("host", "patterns", "answer"),
    [
        ("api.test", ["api.test"], True),
        ("API.Test:8000", ["api.test"], True),
        ("api.test", ["API.test"], True),
        ("evil.test", ["api.test"], False),
        ("api.test.evil.test", ["api.test"], False),
        ("a.api.test", ["*.api.test"], True),
        ("api.test", ["*.api.test"], False),
        ("evilapi.test", ["*.api.test"], False),
        ("anything", ["*"], True),
        ("", ["api.test"], False),
        ("[::1]:8000", ["::1"], True),
        ("10.99.0.2:8000", ["10.99.0.2"], True),
        ("api.test", [], False),
    ],
)
def test_a_host_is_allowed_by_name_wildcard_or_star(
    host: str, patterns: list[str], *, answer: bool
) -> None:
    assert allowed(host, patterns) is answer
