"""Answers as they were written or typed: read with their places, refused with a remedy.

A secret is never an answer itself: it is ``{file: PATH}`` or ``{env: NAME}`` in the answers file.
Arguments can be read by everybody on the machine, and answers files are made to be committed.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hostwright import paths
from hostwright.contract import located
from hostwright.contract.rules import near
from hostwright.contract.values import Problem
from hostwright.errors import SettingsError
from hostwright.setup import known as knowing
from hostwright.setup.known import CHOICES, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hostwright.setup.known import Judge, Question, Value

_BY_REFERENCE = "Write {env: NAME} or {file: PATH} for it in the answers file."


class Answer(NamedTuple):
    """A value, and where it was given: ``file:line``, a flag, or ``typed``."""

    value: Value
    where: str


def from_file(path: Path) -> dict[str, Answer]:
    """The answers of a file, nothing judged yet.

    Raises:
        SettingsError: It is unreadable, not YAML, or no mapping.
    """
    document = located.read(path, paths.shown(path), SettingsError)
    if not isinstance(document.data, dict):
        raise SettingsError(
            "is not a mapping", where=document.file, remedy="Write one `key: value` a line."
        )
    return {
        str(key): Answer(value, f"{document.file}:{document.line((str(key),))}")
        for key, value in document.data.items()
    }


def from_flags(words: Iterable[str]) -> dict[str, Answer]:
    """``KEY=VALUE`` as typed behind ``--var``.

    Raises:
        SettingsError: A word is something else, or a key is given twice.
    """
    found: dict[str, Answer] = {}
    for word in words:
        key, equals, value = word.partition("=")
        where = f"--var {key}"
        if not key or not equals:
            raise SettingsError("is not KEY=VALUE", where=where, remedy="As in region=eu-west-1.")
        if key in found:
            raise SettingsError("is given twice", where=where, remedy="Keep one of the two.")
        found[key] = Answer(value, where)
    return found


def choice(found: Mapping[str, Answer]) -> dict[str, str]:
    """The answers that decide which others there are.

    Raises:
        SettingsError: One of them is none of the known words.
    """
    given = {key: str(found[key].value) for key in CHOICES if key in found}
    refuse(
        Problem(key, what, found[key].where, remedy) for key, what, remedy in knowing.unfit(given)
    )
    return given


def judged(
    found: Mapping[str, Answer],
    known: Mapping[str, Question],
    judge: Judge,
) -> dict[str, Answer]:
    """The answers as the types that they are of; references to secrets stay references.

    Raises:
        SettingsError: A line for each key that is unknown, and each value that cannot be.
    """
    rest = {key: answer for key, answer in found.items() if key not in CHOICES}
    refuse(_problems(rest, known, judge))
    return {
        key: Answer(_read(known[key], answer.value, judge), answer.where)
        for key, answer in rest.items()
    }


def _read(question: Question, value: Value, judge: Judge) -> Value:
    return value if question.secret else read(question, value, judge.schema)


def _problems(
    found: Mapping[str, Answer], known: Mapping[str, Question], judge: Judge
) -> Iterator[Problem]:
    for key, answer in found.items():
        question = known.get(key)
        if question is None:
            what, remedy = _unknown(key, known, judge)
        elif question.secret:
            what, remedy = _exposed(answer)
        else:
            value = _read(question, answer.value, judge)
            what = judge.fault(question, value) or ""
            remedy = _remedy(question, answer.value)
        if what:
            yield Problem(key, what, answer.where, remedy)


def _remedy(question: Question, value: object) -> str:
    if question.allowed and isinstance(value, str):
        return near(value, question.allowed)
    return f"It is: {question.meaning}."


def _unknown(key: str, known: Mapping[str, Question], judge: Judge) -> tuple[str, str]:
    contract = judge.contract
    target = judge.choice.target if judge.choice else "vps"
    spec, variable = contract.inputs.get(key), contract.variables.get(key)
    if spec is not None and (spec.ephemeral or spec.sensitive):
        own = key.upper()
        other = f"Answer {own}" if own in known else f"Set TF_VAR_{key} when you plan and apply"
        return "is a secret of the stack and no answer", f"{other}."
    if variable is not None and variable.secret and target == "kubernetes":
        remedy = f"Its name there is the answer secrets.references.{key}."
        return "is a secret, which lies in the cluster's secret store", remedy
    if variable is not None:
        source = variable.source(target)
        told = f"comes from {source}" if source.emitted else "has no use"
        return f"is no answer: on {target} it {told}", near(key, list(known))
    if spec is not None:
        return f"is no answer here: {target} has no use for it", near(key, list(known))
    return "is no answer here", near(key, [*known, *CHOICES])


def _exposed(answer: Answer) -> tuple[str, str]:
    """What is wrong with how a secret was given; nothing if it is a reference."""
    if answer.where.startswith("--var"):
        return "is a secret: everybody on the machine can read arguments", _BY_REFERENCE
    if _reference(answer.value) is None:
        return "is a secret: it would stand in plain text", _BY_REFERENCE
    return "", ""


def _reference(value: object) -> tuple[str, str] | None:
    if not isinstance(value, Mapping) or len(value) != 1:
        return None
    kind, name = next(iter(value.items()))
    return (str(kind), str(name)) if kind in {"env", "file"} and name else None


def fetched(
    answers: Mapping[str, Answer],
    known: Mapping[str, Question],
    environ: Mapping[str, str],
    directory: Path,
) -> dict[str, Answer]:
    """The answers with the secrets that they refer to.

    Args:
        answers: As :func:`judged` gives them.
        known: Says which are secrets.
        environ: The process's variables.
        directory: What a file's path starts from.

    Raises:
        SettingsError: A line for each that is not there, or that others can read.
    """
    full, missing = dict(answers), []
    for key, answer in answers.items():
        found = _reference(answer.value) if known[key].secret else None
        if found:
            try:
                full[key] = Answer(_secret(*found, environ, directory), answer.where)
            except _Absent as error:
                missing.append(Problem(key, error.what, answer.where, error.remedy))
    refuse(missing)
    return full


class _Absent(Exception):
    """A secret that a reference does not lead to."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what, self.remedy = what, remedy


def _secret(kind: str, name: str, environ: Mapping[str, str], directory: Path) -> str:
    if kind == "env":
        if not environ.get(name):
            raise _Absent(f"is not in the environment as {name}", f"Set {name}.")
        return environ[name]
    path = directory / Path(name).expanduser()
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8"
        raise _Absent(f"cannot be read from {name}: {why}", "Correct the path.") from error
    if mode & 0o077:
        told = f"lies in {name}, which others can read (mode {mode:04o})"
        raise _Absent(told, f"Run `chmod 600` on {name}.")
    return text.removesuffix("\n").removesuffix("\r")


def refuse(problems: Iterable[Problem]) -> None:
    """Refuse what is wrong with answers.

    Raises:
        SettingsError: There is a problem; a line for each.
    """
    found = list(problems)
    if found:
        count = f"{len(found)} problem{'s' if len(found) > 1 else ''} with the answers"
        lines = [f"  {item}" for item in found]
        raise SettingsError("\n".join([f"{count}; nothing was written", *lines]))


def as_given(answers: Mapping[str, Answer]) -> dict[str, Any]:
    """Key to value, without the places."""
    return {key: answer.value for key, answer in answers.items()}
