"""Env files: what hostwright writes, asked of the real Compose and of python-dotenv."""

from __future__ import annotations

import json
import random
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from dotenv import dotenv_values
from hypothesis import given, settings
from hypothesis import strategies as st

from hostwright import toolchain
from hostwright.contract.envfile import Given, Unread, encode, parse, showable
from hostwright.run import run

if TYPE_CHECKING:
    from pathlib import Path

PEM = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIU\n+/8=\n-----END CERTIFICATE-----\n"
AWKWARD = [
    "", " ", "  leading", "trailing  ", "\ttab\t", "two  spaces", "#", "# comment", "a # b", "a#b",
    "$", "$$", "$$$", "$HOME", "${HOME}", "${HOME:-x}", "${HOME", "a$b", "pa$$word", "$1", "$(id)",
    "`id`", "\\$HOME", "\\\\$HOME", "$\\", '"', '""', '"quoted"', "'", "''", "'quoted'", "it's",
    "\"'", "'\"", "\\", "\\\\", "\\n", "\\\\n", '\\"', "\\'",
    "C:\\new\\table", "\n", "\n\n", "a\nb", "a\n",
    "\na", "a\r\nb", "\r", "a\rb", "\x0b\x0c", "\x1b[0m", "\x7f", "=", "a=b", "==", "export A=1",
    "A=1\nB=2", "äöü ß", "日本語", "😀", "a\u00a0b", "\u2028", "\ufeff", "{}", '{"a": "b\\n$c"}',
    "[1, 2]", "!x", "!!", "&a *a", "|", ">", "%", "%40", "@", "`", "~", "?", "- a", ": ", "yes",
    "null", "0123", "1e3", "p@ss:w/rd?#[]", "postgresql://a:p%40s%24@postgres:5432/app", PEM,
    PEM * 40, "x" * 100_000, "\\" * 999, "'" * 99, '"' * 99, "$" * 99,
]  # fmt: skip
PIECES = [
    *"abZ09_-= \t\n\r\\\"'`$#{}()[]:;,.!?%&*@~|<>/+^é\u00a0\u2003\u2028\u017f",
    "😀",
    "${A}",
    "$A",
]


def generated(count: int, longest: int) -> list[str]:
    """Texts of awkward pieces; the same on every run."""
    chance = random.Random(20261122)  # noqa: S311 - test data
    return ["".join(chance.choices(PIECES, k=chance.randint(0, longest))) for _ in range(count)]


def by_compose(path: Path, text: str) -> dict[str, str]:
    """The variables that the real Compose gives a container from an env file of *text*."""
    (path / "role.env").write_bytes(text.encode())
    (path / "compose.yaml").write_text(
        "name: x\nservices: {a: {image: x, env_file: [{path: ./role.env, required: true}]}}\n"
    )
    compose = toolchain.find("docker-compose").argv
    done = run([*compose, "-f", path / "compose.yaml", "config", "--format", "json"])
    environment = json.loads(done.stdout)["services"]["a"]["environment"]
    return {name: value.replace("$$", "$") for name, value in environment.items()}


def by_dotenv(text: str) -> dict[str, str | None]:
    return dotenv_values(stream=StringIO(text, newline=""), interpolate=False)


# --- written -------------------------------------------------------------------------------------


def test_compose_reads_every_awkward_value_back_exactly(tmp_path: Path) -> None:
    values = {f"V{at}": value for at, value in enumerate([*AWKWARD, *generated(400, 24)])}
    assert by_compose(tmp_path, encode(values)) == values


@pytest.mark.parametrize("value", [value for value in AWKWARD if "$" not in value])
def test_python_dotenv_reads_an_awkward_value_without_a_dollar_back_exactly(value: str) -> None:
    assert by_dotenv(encode({"A": value, "B": "next"})) == {"A": value, "B": "next"}


any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.dictionaries(st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,9}\Z"), any_text))
@settings(deadline=None, max_examples=40)
def test_each_value_is_one_line_and_what_is_written_is_read(values: dict[str, str]) -> None:
    text = encode(values)
    assert len(text.split("\n")) == len(values) + 1
    plain = {name: value for name, value in values.items() if "$" not in value}
    read = parse(text, "f")
    assert {name: item.value for name, item in read.values.items() if name in plain} == plain
    assert by_dotenv(encode(plain)) == plain


def test_values_are_written_in_the_order_of_their_names() -> None:
    assert encode({"B": "2", "A": "1"}) == encode({"A": "1", "B": "2"}) == 'A="1"\nB="2"\n'


@pytest.mark.parametrize("name", ["", "1A", "A B", "A=B", "A\n", "A-B", "Ä", "A\nB=1"])
def test_a_name_that_is_none_is_not_written(name: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a variable"):
        encode({name: "x"})


def test_a_value_with_a_nul_byte_is_not_written_nor_shown() -> None:
    with pytest.raises(ValueError, match="the value of KEY holds a NUL byte") as refused:
        encode({"KEY": "topsecret\0"})
    assert "topsecret" not in str(refused.value)


# --- read ----------------------------------------------------------------------------------------


def test_compose_and_python_dotenv_agree_on_every_line_that_is_taken(tmp_path: Path) -> None:
    quoted = [f"{mark}{text}{mark}" for mark in "'\"" for text in generated(2500, 6)]
    lines = {f"V{at}": raw for at, raw in enumerate([*generated(5000, 5), *quoted])}
    taken = {name: raw for name, raw in lines.items() if _alone(name, raw)}
    text = "".join(f"{name}={raw}\n" for name, raw in taken.items())
    ours = {name: item.value for name, item in parse(text, "f").values.items()}
    assert len(ours) == len(taken) > 2000
    assert by_dotenv(text) == ours
    assert by_compose(tmp_path, text) == ours


def _alone(name: str, raw: str) -> bool:
    """Whether the line is taken, and nothing else is found in it."""
    read = parse(f"{name}={raw}\n", "f")
    return list(read.values) == [name] and not read.unread


EXPANDED = "holds a $ that Compose would expand and other readers would not"
DIFFERENT = "is written in a way that Compose and other readers read differently"


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        ("$HOME", EXPANDED),
        ("a$HOME/b", EXPANDED),
        ("${HOME}", EXPANDED),
        ('"${HOME:-x}"', EXPANDED),
        ('"a$b"', EXPANDED),
        ("a$$b", EXPANDED),
        ('"a$$b"', EXPANDED),
        ("a\\$b", EXPANDED),
        (r'"a\$b"', EXPANDED),
        (r'"a\\$b"', EXPANDED),
        ("$é", EXPANDED),
        (r"'a\\b'", DIFFERENT),
        (r'"a\'b"', DIFFERENT),
        (r'"a\0b"', DIFFERENT),
        (" # comment", DIFFERENT),
        ("a\t# comment", DIFFERENT),
        ("\u2003a", DIFFERENT),
        ("a\r", DIFFERENT),
    ],
)
def test_a_line_that_the_two_read_differently_is_refused(raw: str, what: str) -> None:
    end = "" if raw.endswith("\r") else "\n"
    read = parse(f"OK=1\nNAME={raw}{end}", ".env")
    assert read.values == {"OK": Given("1", ".env:1")}
    [line] = read.unread
    assert (line.name, line.where, line.what) == ("NAME", ".env:2", what)
    assert line.remedy.endswith(".")


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("plain", "plain"),
        ("", ""),
        ("'$HOME ${X} $$'", "$HOME ${X} $$"),
        ("'it\\'s'", "it's"),
        ("a$", "a$"),
        ("$5", "$5"),
        ("a#b", "a#b"),
        ("a # $HOME", "a"),
        ("'a' # it's $HOME", "a"),
        ('"a\\nb\\t\\"c\\" \\\\"', 'a\nb\t"c" \\'),
        ('"a\n\nb"', "a\n\nb"),
        ('"a\r\nb"', "a\r\nb"),
        ("a=b==", "a=b=="),
        ("  spaced  out  ", "spaced  out"),
    ],
)
def test_a_line_that_all_read_alike_is_taken(raw: str, value: str) -> None:
    assert parse(f"NAME={raw}\n", "f") == ({"NAME": Given(value, "f:1")}, [])


def test_windows_line_ends_are_read_as_line_ends() -> None:
    assert parse("A=1\r\nB='2'\r\n", "f").values == {"A": Given("1", "f:1"), "B": Given("2", "f:2")}


def test_lines_are_counted_over_blank_lines_comments_and_values_of_several() -> None:
    text = "\n# B is below\n\nA='x\ny'\n\n\nexport B=1\nC\n"
    read = parse(text, ".env")
    assert read.values == {"A": Given("x\ny", ".env:4"), "B": Given("1", ".env:8")}
    assert read.unread == [
        Unread(
            "C",
            ".env:9",
            "has no value",
            "Write NAME=value; a value of several lines stands in quotes.",
        )
    ]


def test_a_name_given_twice_is_refused_and_names_the_first() -> None:
    [line] = parse("A=1\nB=2\nA=3\n", ".env").unread
    assert (line.name, line.where) == ("A", ".env:3")
    assert line.what == "is given twice, first at .env:1"


@pytest.mark.parametrize(
    "text", ["A='open\n", 'A="open\n', "A='x' y\n", "'A'=1\n", "A.B=1\n", "=1\n", "A: 1\n"]
)
def test_what_is_not_name_and_value_is_refused(text: str) -> None:
    read = parse(text, "f")
    assert read.unread
    assert not read.values


def test_a_secret_of_several_lines_without_quotes_is_never_taken_for_names() -> None:
    body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\nMzEfYyjiWA4R4\n"
    text = f"KEY=-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\n"
    read = parse(text, "f")
    assert len(read.unread) == 4
    assert not any(piece in str(read.unread) for piece in body.split())


@pytest.mark.parametrize(
    ("name", "shown"), [("SECRET_KEY", "SECRET_KEY"), ("MIIEvq", ""), ("a", ""), ("A B", "")]
)
def test_only_what_looks_like_a_variable_is_shown(name: str, shown: str) -> None:
    assert showable(name) == shown
