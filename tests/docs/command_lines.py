"""Command lines in texts: found, taken apart, and held against what there is. Pure.

What a reader is to fill in stands for anything: ``TASK``, ``<cloud>``, ``…``.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from tests.docs.page import Page

_STARTS = re.compile(r"(?:\S*/)?(?:invoke|nox|python3? -m hostwright)(?: |$)")
#: What may stand before a command: a prompt, who runs it, variables, a key of YAML.
_BEFORE = re.compile(r"^(?:[$#>] |- |run: |sudo |time |low |[A-Z_]+=\S* )+")
#: Of a line that is drawn, such as a picture of what calls what.
_DRAWN = re.compile(r"[─-▟▶◀▲▼]")
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_ENDS = frozenset({"&&", "||", "|", ";", "&", "(", ")", ");", "))"})
_ANY = re.compile(r"<[^<>]*>|…|\.\.\.|\$?\{[^{}]*\}|\$\w+|\b[A-Z][A-Z_]+\b|\*")
_BACKTICKED = re.compile(r"`((?:invoke|nox|python -m hostwright) [^`\n]+)`")

_NOX_NAMES = {"-s": "session", "--session": "session", "--sessions": "session", "-e": "session"}
_NOX_TAGS = {"-t": "tag", "--tags": "tag"}
#: Of nox's own flags those that docs may use.
_NOX_FLAGS = {
    "-l",
    "--list",
    "-r",
    "-R",
    "--reuse-existing-virtualenvs",
    "--no-install",
    "--version",
}


@dataclass(frozen=True)
class Known:
    """What there is.

    Args:
        tasks: Task to its flags, each with whether a value follows.
        core: Invoke's own flags, likewise.
        sessions: Session to what gets the words after ``--``; empty where nobody does.
        tags: The sessions' tags.
        verbs: Verb of ``python -m hostwright`` to its flags.
    """

    tasks: Mapping[str, Mapping[str, bool]]
    core: Mapping[str, bool]
    sessions: Mapping[str, str]
    tags: Collection[str]
    verbs: Mapping[str, Collection[str]]


@dataclass(frozen=True)
class Command:
    """A command line, and where it stands."""

    where: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.where}: {' '.join(self.words)}"


# --- finding them --------------------------------------------------------------------------------


def commands(page: Page) -> Iterator[Command]:
    """Every command line of ours in a page's code."""
    for code in page.code():
        if code.language == "inline":
            yield from _split(code.text.replace("\n", " "), f"{page.path}:{code.line}")
            continue
        for number, line in _whole_lines(code.text, code.line):
            yield from _split(line, f"{page.path}:{number}")


def backticked(text: str, path: str) -> Iterator[Command]:
    """Every command line of ours that stands in backticks in a text that is no Markdown."""
    for number, line in enumerate(text.splitlines(), 1):
        for found in _BACKTICKED.findall(line):
            yield from _split(found, f"{path}:{number}")


def tasks_named(page: Page, namespaces: Collection[str]) -> Iterator[Command]:
    """Tasks that are named in a line without ``invoke``: `vps.plan --out`."""
    among = "|".join(sorted(namespaces))
    named = re.compile(rf"(?:{among})(?:\.[a-z]+(?:-[a-z]+)*)+(?: .*)?")
    for code in page.code():
        if code.language == "inline" and named.fullmatch(code.text) and not _is_file(code.text):
            yield Command(f"{page.path}:{code.line}", ("invoke", *_words(code.text)))


def _is_file(text: str) -> bool:
    return re.search(r"\.(?:json|ya?ml|tf|tfvars|tfplan|md|py|toml|txt|io|sh)\b", text) is not None


def _whole_lines(text: str, first: int) -> Iterator[tuple[int, str]]:
    """Lines with those that go on after a backslash put together."""
    held, start = "", first
    for number, line in enumerate(text.splitlines(), first):
        start = start if held else number
        if line.rstrip().endswith("\\"):
            held += line.rstrip()[:-1]
            continue
        yield start, held + line
        held = ""
    if held:
        yield start, held


def _split(line: str, where: str) -> Iterator[Command]:
    """The commands of ours in a line of shell."""
    if _DRAWN.search(line):
        return
    for part in _parts(_words(_COMMENT.sub("", line))):
        text = _BEFORE.sub("", " ".join(part))
        if _STARTS.match(text):
            yield Command(where, tuple(text.split(" ")))


def _words(text: str) -> list[str]:
    """Words as a shell has them, a space in one made a dot; as they stand where it would not."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars="();&|")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return [word.replace(" ", "·") for word in lexer]
    except ValueError:
        return text.split()


def _parts(words: Sequence[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for word in (*words, ";"):
        if word in _ENDS:
            yield part
            part = []
        else:
            part.append(word)


# --- holding them against what there is ----------------------------------------------------------


def ghosts(command: Command, known: Known) -> list[str]:
    """What a command line names that is not there; nothing where it would be understood."""
    return [f"{command}: {what}" for what in _ghosts(command, known)]


def _ghosts(command: Command, known: Known) -> Iterator[str]:
    program, *words = command.words
    if program.endswith("invoke"):
        return _Invoke(known).read(words)
    if program.endswith("nox"):
        return _nox(words, known)
    return _verb(words[2:], known)


@dataclass
class _Invoke:
    """Invoke's way to read its words: its own flags, then tasks, each with its flags."""

    known: Known
    flags: dict[str, bool] = field(default_factory=dict)

    def read(self, words: Sequence[str]) -> Iterator[str]:
        rest = list(takewhile(lambda word: word != "--", words))
        # Behind a task's name they would be that task's own.
        asked = {"-l", "--list"} & {*takewhile(_is_flag, rest)}
        while rest:
            word = rest.pop(0).strip("[]")
            if word.startswith("-"):
                yield from self.flag(word, rest)
            elif not asked:
                yield from self.task(word, rest)

    def flag(self, word: str, rest: list[str]) -> Iterator[str]:
        name, given, _ = word.partition("=")
        own = {**self.known.core, **self.flags}
        if _ANY.search(name):
            return
        if name not in own:
            yield f"there is no flag {name}"
        takes = own.get(name, rest[:1] != [] and rest[0] not in self.known.tasks)
        if takes and not given and rest and not rest[0].startswith("-"):
            rest.pop(0)

    def task(self, name: str, rest: list[str]) -> Iterator[str]:
        found = [task for task in self.known.tasks if _fits(name, task)]
        if not found:
            yield f"there is no task {name}"
            rest.clear()  # nobody knows whose they are
        # One that is to be filled in has the flags of all that it may be.
        self.flags = {
            flag: takes for task in found for flag, takes in self.known.tasks[task].items()
        }


def _is_flag(word: str) -> bool:
    return word.startswith("-")


def _nox(words: Sequence[str], known: Known) -> Iterator[str]:
    own = list(takewhile(lambda word: word != "--", words))
    passed = words[len(own) + 1 :]
    kind, sessions = "", list[str]()
    for word in own:
        kind = {**_NOX_NAMES, **_NOX_TAGS}.get(word, kind if not word.startswith("-") else "")
        if word.startswith("-"):
            if word not in {*_NOX_NAMES, *_NOX_TAGS, *_NOX_FLAGS}:
                yield f"there is no flag {word}"
        elif kind == "session":
            sessions += (found := _fitting(word, known.sessions))
            if not found:
                yield f"there is no session {word}"
        elif kind == "tag" and not _fitting(word, known.tags):
            yield f"there is no tag {word}"
        elif not kind and not _ANY.search(word):
            yield f"nox takes no word {word}"
    for session in sessions if passed else ():
        yield from _passed(session, passed, known)


def _passed(session: str, words: Sequence[str], known: Known) -> Iterator[str]:
    """What is wrong with the words that a session gets after ``--``."""
    program = known.sessions[session]
    if not program:
        yield f"session {session} takes no words"
    elif "hostwright" in program:
        yield from _verb([program.split()[-1], *words], known)


def _verb(words: Sequence[str], known: Known) -> Iterator[str]:
    if not words:
        return
    verb, *rest = words
    found = _fitting(verb, known.verbs)
    if not found:
        yield f"there is no verb {verb}"
        return
    flags = {flag for name in found for flag in known.verbs[name]} | {"--help", "-h"}
    for word in rest:
        name = word.strip("[]").partition("=")[0]
        if name.startswith("-") and not _ANY.search(name) and name not in flags:
            yield f"there is no flag {name}"


def _fitting(name: str, known: Collection[str]) -> list[str]:
    return [each for each in known if _fits(name, each)]


def _fits(name: str, known: str) -> bool:
    """Whether *name* is *known*, or may be once it is filled in."""
    pattern = "".join(
        ".+" if place else re.escape(text)
        for place, text in ((_ANY.fullmatch(each), each) for each in _pieces(name))
    )
    return re.fullmatch(pattern, known) is not None


def _pieces(name: str) -> list[str]:
    found = re.split(f"({_ANY.pattern})", name)
    return [each for each in found if each]
