"""The noxfile is read from its syntax."""

from __future__ import annotations

import pytest

from hostwright import paths
from hostwright.docs.model import Session
from hostwright.docs.sessions import read

RUN = 'session.run("python", "-m", "hostwright", "demo", *session.posargs)'


def noxfile(body: str, decorator: str = "@nox.session", head: str = "") -> str:
    function = f'def a(session):\n    """Do a.\n\n    More."""\n    {body}\n'
    return f"import nox\n{head}\n{decorator}\n{function}"


def test_a_session_is_read_with_its_default_tags_and_first_line() -> None:
    [found] = read(noxfile("pass", '@nox.session(tags=["x", "y"])'))
    assert found == Session("a", default=True, tags=("x", "y"), summary="Do a.", words="")


@pytest.mark.parametrize(
    ("decorator", "head", "default"),
    [
        ("@nox.session", "", True),
        ("@nox.session(default=False)", "", False),
        ("@nox.session", 'nox.options.sessions = ["a"]', True),
        ("@nox.session", 'nox.options.sessions = ["b"]', False),
    ],
)
def test_what_nox_alone_runs_is_told(decorator: str, head: str, default: bool) -> None:  # noqa: FBT001 - a row
    [found] = read(noxfile("pass", decorator, head))
    assert found.default is default


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("pass", ""),
        (RUN, "python -m hostwright demo"),
        (f'session.run("ruff", "check", ".")\n    {RUN}', "python -m hostwright demo"),
        ('session.run("pytest", "-m", "not server", *SIDE, *session.posargs)', "pytest"),
        ('words = ["-x", *session.posargs]\n    session.run("pytest", *words)', "pytest"),
        ('session.run("ruff", "check", *FILES)', ""),
        ("session.run(*compile_, *session.posargs)", "its own tool"),
    ],
)
def test_what_gets_the_words_after_two_dashes_is_told(body: str, words: str) -> None:
    [found] = read(noxfile(body))
    assert found.words == words


def test_a_helper_may_pass_the_words_on() -> None:
    helper = f"\ndef _helper(session):\n    {RUN}\n"
    [found] = read(noxfile("_helper(session)") + helper)
    assert found.words == "python -m hostwright demo"


def test_a_session_may_have_another_name() -> None:
    [found] = read(noxfile("pass", '@nox.session(name="b-c")'))
    assert found.name == "b-c"


def test_the_sessions_of_this_noxfile_are_found() -> None:
    found = {each.name: each for each in read(paths.NOXFILE.read_text(encoding="utf-8"))}
    assert {"demo", "lint", "tests", "validate", "validate_gcp", "constraints"} <= found.keys()
    assert [name for name, each in found.items() if each.default] == ["validate", "lint", "tests"]
    assert found["validate_gcp"].words == "python -m hostwright validate"
    assert found["tests"].words == "pytest"
    assert not found["lint"].words
