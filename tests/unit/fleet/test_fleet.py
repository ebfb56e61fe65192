"""Several hosts by one command: which are meant, each its own outcome, one summary."""

from __future__ import annotations

import json
import sys
import threading
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from invoke.context import Context
from invoke.exceptions import Exit
from rich.console import Console

from hostwright import paths, settings
from hostwright.errors import ReleaseError, SettingsError, Unreachable, UserError
from hostwright.fleet import summary
from hostwright.fleet.board import Board
from hostwright.fleet.names import Chosen, choose
from hostwright.fleet.run import Ended, side_by_side
from hostwright.fleet.shared import checked, once
from hostwright.progress import Progress, step
from hostwright.tasks.command import command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KNOWN = ["shop", "blog", "wiki"]

CHOSEN: dict[str, tuple[str, bool, Chosen]] = {
    "one": ("shop", False, Chosen(("shop",), several=False)),
    "one of a file": ("blog", True, Chosen(("blog",), several=False)),
    "two": ("shop,wiki", False, Chosen(("shop", "wiki"), several=True)),
    "with spaces": ("wiki, shop", False, Chosen(("wiki", "shop"), several=True)),
    "all": ("all", False, Chosen(("shop", "blog", "wiki"), several=True)),
    "a file": ("", True, Chosen(("shop", "blog", "wiki"), several=True)),
    "addresses": ("a@1.2.3.4,[::1]:22", False, Chosen(("a@1.2.3.4", "[::1]:22"), several=True)),
}


@pytest.mark.parametrize(("words", "file", "found"), CHOSEN.values(), ids=list(CHOSEN))
def test_names_are_read(words: str, file: bool, found: Chosen) -> None:  # noqa: FBT001 - a table
    assert choose(words, KNOWN, whole_file=file) == found


@pytest.mark.parametrize(
    ("words", "known", "said"),
    [
        ("shop,blog,shop", KNOWN, "shop is given twice; nothing was touched"),
        ("shop,,blog", KNOWN, "a name is blank"),
        ("shop,", KNOWN, "a name is blank"),
        ("all,shop", KNOWN, "`all` stands alone"),
        ("all", [], "there is no host to choose from"),
        ("all", ["all", "shop"], "a host is called `all`"),
    ],
)
def test_names_that_mean_nothing_clear_are_refused(words: str, known: list[str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        choose(words, known, whole_file=False)


# --- side by side --------------------------------------------------------------------------------


def board(*names: str, live: bool = False) -> tuple[Board, StringIO]:
    text = StringIO()
    console = Console(file=text, force_terminal=live, width=100, highlight=False, soft_wrap=True)
    return Board(names, console), text


def test_each_host_has_its_own_output_and_outcome() -> None:
    meet = threading.Barrier(3)

    def body(name: str) -> int | None:
        meet.wait(10)  # all of them are at work at once
        sys.stdout.write(f"said of {name}\n")
        if name == "shop":
            raise Unreachable("no answer", where=name)
        return 35 if name == "wiki" else None

    at, _ = board(*KNOWN)
    shop, blog, wiki = side_by_side(KNOWN, body, at)
    assert (shop.code, shop.said, str(shop.error)) == (11, "said of shop\n", "shop: no answer")
    assert (blog.code, blog.said, blog.error) == (0, "said of blog\n", None)
    assert (wiki.code, wiki.said) == (35, "said of wiki\n")


def test_a_fault_of_ours_ends_one_host_alone() -> None:
    def body(name: str) -> None:
        if name == "shop":
            raise ZeroDivisionError

    shop, blog, _ = side_by_side(KNOWN, body, board(*KNOWN)[0])
    assert (shop.code, blog.code) == (70, 0)
    assert "ZeroDivisionError" in str(shop.error)


def test_progress_is_shown_under_the_hosts_name_without_a_terminal() -> None:
    def body(name: str) -> None:
        with Progress() as progress:
            progress.note(f"a note of {name}")
            with step(progress, "connect") as told:
                told(f"connected to {name}")

    at, text = board("shop", "a-longer")
    side_by_side(["shop", "a-longer"], body, at)
    lines = [line.split() for line in text.getvalue().splitlines()]
    for name in ("shop", "a-longer"):
        mine = [" ".join(line[1:]) for line in lines if line[0] == name]
        assert mine[0] == f"a note of {name}"
        assert mine[1].endswith(f"s connected to {name}")
        assert mine[2].endswith("s done")


def test_a_terminal_has_one_row_a_host() -> None:
    def body(name: str) -> None:
        Progress().begin(f"at work on {name}")
        if name == "blog":
            raise ReleaseError("it failed")

    at, text = board(*KNOWN, live=True)
    side_by_side(KNOWN, body, at)
    last = text.getvalue()
    assert last.count("done") >= 2
    assert "(exit code 18)" in last


def test_nobody_is_asked_while_several_hosts_are_worked_on() -> None:
    seen = []
    side_by_side(KNOWN, lambda _: seen.append(sys.stdin.isatty()), board(*KNOWN)[0])
    assert seen == [False] * 3


# --- what is shared ------------------------------------------------------------------------------


def test_what_is_made_once_is_made_once_for_all() -> None:
    made: list[str] = []

    def make() -> str:
        made.append("x")
        return "packed"

    got = []
    side_by_side(KNOWN, lambda _: got.append(once("key", make)), board(*KNOWN)[0])
    assert (got, made) == (["packed"] * 3, ["x"])
    assert [once("key", make), once("key", make)] == ["packed"] * 2
    assert len(made) == 3  # outside, nothing is shared


def test_a_failure_to_make_it_is_everybodys() -> None:
    made = []

    def make() -> str:
        made.append("x")
        raise UserError("no such image")

    ended = side_by_side(KNOWN, lambda _: len(once("key", make)), board(*KNOWN)[0])
    assert [one.code for one in ended] == [2] * 3
    assert len(made) == 1


def test_no_host_is_touched_when_the_values_of_another_are_refused() -> None:
    touched = []

    def body(name: str) -> None:
        if name == "blog":
            raise SettingsError("no image for web", where="blog")
        checked()
        touched.append(name)

    ended = side_by_side(KNOWN, body, board(*KNOWN)[0])
    assert touched == []
    assert [one.code for one in ended] == [2, 4, 2]
    assert "not begun: blog was refused before any host was touched" in str(ended[0].error)


def test_a_host_that_fails_later_holds_nobody_up() -> None:
    touched = []

    def body(name: str) -> None:
        checked()
        if name == "blog":
            raise ReleaseError("it failed")
        touched.append(name)

    ended = side_by_side(KNOWN, body, board(*KNOWN)[0])
    assert sorted(touched) == ["shop", "wiki"]
    assert [one.code for one in ended] == [0, 18, 0]


# --- the summary ---------------------------------------------------------------------------------

ENDED = [
    Ended("shop", 0, 1.25, "* one\n* two\nServing now: one\n"),
    Ended(
        "blog", 18, 12.0, "", ReleaseError("it failed\n    last words", where="api", remedy="Do.")
    ),
    Ended("wiki", 0, 0.5, "Serving now: three\n"),
]


def test_the_summary_is_a_line_a_host_and_one_for_all() -> None:
    assert summary.lines(ENDED) == [
        "shop:",
        "  * one",
        "  * two",
        "host  outcome       seconds",
        "shop  done              1.2  Serving now: one",
        "blog  exit code 18     12.0  it failed",
        "wiki  done              0.5  Serving now: three",
        "2 of 3 hosts: done; not blog",
    ]
    assert summary.errors(ENDED) == ["blog: api: it failed\n    last words\n  Do."]
    assert summary.exit_code(ENDED) == 18
    assert summary.exit_code(ENDED[:1]) == 0


def test_machines_get_a_list_with_the_result_of_each() -> None:
    good = Ended("shop", 0, 1.2345, '{"serving": "one"}')
    assert summary.document([good, ENDED[1]]) == [
        {"host": "shop", "exit_code": 0, "seconds": 1.234, "result": {"serving": "one"}},
        {
            "host": "blog",
            "exit_code": 18,
            "seconds": 12.0,
            "error": {"what": "it failed\n    last words", "where": "api", "remedy": "Do."},
        },
    ]


# --- a task --------------------------------------------------------------------------------------

HOSTS = """
version: 1
hosts:
  shop: {address: 192.0.2.1}
  blog: {address: 192.0.2.2}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "hosts.yaml").write_text(HOSTS)
    monkeypatch.setattr(paths, "HOSTS", tmp_path / "hosts.yaml")
    return tmp_path


TOUCHED: list[str] = []


@command(several=True, help={"host": "x", "json": "x"})
def look(_: Context, host: str = "", json: bool = False) -> int:  # noqa: FBT001, FBT002 - flags
    """Look."""
    found = settings.host(host, overrides={}) if host else None
    TOUCHED.append(host)
    if host == "blog":
        raise Unreachable("no answer", where=host)
    address = found.address if found else ""
    said = f'{{"address": "{address}"}}' if json else f"looked at {address}"
    sys.stdout.write(f"{said}\n")
    return 0


@pytest.fixture
def looked(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def call(**flags: Any) -> tuple[int, str, str]:  # noqa: ANN401 - flags
        TOUCHED.clear()
        code = 0
        try:
            look(Context(), **flags)
        except Exit as end:
            code = end.code
        return code, *capsys.readouterr()

    return call


@pytest.mark.usefixtures("home")
def test_one_host_is_as_it_always_was(looked: Callable[..., tuple[int, str, str]]) -> None:
    assert looked(host="shop") == (0, "looked at 192.0.2.1\n", "")
    assert looked(host="shop", json=True) == (0, '{"address": "192.0.2.1"}\n', "")
    assert looked(host="blog") == (11, "", "blog: no answer\n")


@pytest.mark.usefixtures("home")
def test_several_hosts_are_a_table_and_the_worst_exit_code(
    looked: Callable[..., tuple[int, str, str]],
) -> None:
    code, out, err = looked(host="all")
    assert code == 11
    assert "looked at 192.0.2.1" in out
    assert out.splitlines()[-1] == "1 of 2 hosts: done; not blog"
    assert "blog: blog: no answer" in err
    assert [one["host"] for one in json.loads(looked(host="blog,shop", json=True)[1])] == [
        "blog",
        "shop",
    ]


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("shop,blgo", "no host 'blgo'"),
        ("shop,shop", "shop is given twice"),
        ("shop,192.0.2.1", "shop and 192.0.2.1 are one installation; nothing was touched"),
    ],
)
def test_a_wrong_name_is_refused_before_any_host_is_touched(
    words: str, said: str, looked: Callable[..., tuple[int, str, str]]
) -> None:
    code, out, err = looked(host=words)
    assert (code, out, TOUCHED) == (4, "", [])
    assert said in err


def test_another_hosts_file_is_read_whole_or_by_name(
    home: Path, looked: Callable[..., tuple[int, str, str]]
) -> None:
    other = home / "other.yaml"
    other.write_text(
        "version: 1\nhosts: {wiki: {address: 192.0.2.3}, docs: {address: 192.0.2.4}}\n"
    )
    assert looked(hosts_file=str(other), host="docs") == (0, "looked at 192.0.2.4\n", "")
    code, out, _ = looked(hosts_file=str(other), json=True)
    assert code == 0
    assert [one["result"]["address"] for one in json.loads(out)] == ["192.0.2.3", "192.0.2.4"]
    assert looked(hosts_file=str(home / "none.yaml"), host="docs")[0] == 4
    assert settings.known().keys() == {"shop", "blog"}  # the operator's own is in force again
