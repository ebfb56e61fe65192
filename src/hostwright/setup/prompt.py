"""The questions on a terminal: they judge while one types, and can be gone back from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import questionary
from questionary import Choice, Style

if TYPE_CHECKING:
    from collections.abc import Callable

    from hostwright.setup.known import Question

#: What is typed to go back, and what a list offers for it.
BACK = "<"
_BACK_SHOWN = "(back)"
_STYLE = Style(
    [
        ("qmark", "fg:ansicyan bold"),
        ("question", "bold"),
        ("instruction", "fg:ansibrightblack"),
        ("answer", "fg:ansigreen"),
        ("pointer", "fg:ansicyan bold"),
        ("highlighted", "fg:ansicyan"),
        ("selected", "noinherit"),
        ("bottom-toolbar", "noreverse fg:ansibrightblack"),
        ("validation-toolbar", "noreverse fg:ansired"),
    ]
)
HEAD = """\
Answers become files; nothing is written before you have seen what it would be.
Enter takes what stands in brackets, < goes back, Ctrl-C leaves.
"""


class WentBack(Exception):
    """The question before this one is wanted again."""


def ask(question: Question, fault: Callable[[str], str | None], *, first: bool) -> str:
    """The answer as a text; blank for what holds by itself.

    Args:
        question: What is asked.
        fault: Says what is wrong with a text.
        first: Whether there is nothing to go back to.

    Raises:
        WentBack: The question before is wanted.
        KeyboardInterrupt: Ctrl-C.
    """
    words = question.allowed or (("true", "false") if question.type == "bool" else ())
    answer = _select(question, words, first=first) if words else _type(question, fault)
    if answer == BACK:
        raise WentBack
    return answer


def agreed(question: str) -> bool:
    """Whether somebody says yes; no unless they do.

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """
    return bool(questionary.confirm(question, default=False, style=_STYLE).unsafe_ask())


def _select(question: Question, words: tuple[str, ...], *, first: bool) -> str:
    by_itself = not question.needed and not question.default
    choices = [
        *([Choice("by itself", value="")] if by_itself else ()),
        *(_choice(question, word) for word in words),
        *(() if first else (Choice(_BACK_SHOWN, value=BACK),)),
    ]
    found: Any = questionary.select(
        _shown(question),
        choices=choices,
        default=question.default if question.default in words else None,
        instruction=" ",
        style=_STYLE,
    ).unsafe_ask()
    return str(found)


def _type(question: Question, fault: Callable[[str], str | None]) -> str:
    def judged(text: str) -> bool | str:
        told = None if text.strip() == BACK else fault(text.strip())
        return f"{question.key} {told}" if told else True

    asked = questionary.password if question.secret else questionary.text
    found: Any = asked(
        f"{_shown(question)}{_bracketed(question)}",
        validate=judged,
        style=_STYLE,
        validate_while_typing=True,
    ).unsafe_ask()
    return str(found).strip()


def _choice(question: Question, word: str) -> Choice:
    told = dict(zip(question.allowed, question.told, strict=False))
    return Choice(word, value=word, description=told.get(word))


def _shown(question: Question) -> str:
    return f"{question.meaning.rstrip('.')} ({question.key})"


def _bracketed(question: Question) -> str:
    if question.default:
        return f" [{question.default}]"
    return "" if question.needed else " [none]"
