"""``invoke setup``: ask or read, settle, prove, show, write."""

from __future__ import annotations

import json
import os
import secrets as randomness
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hostwright import paths
from hostwright.contract import example, load
from hostwright.errors import NoConsent, UserError
from hostwright.setup import answers as answering
from hostwright.setup import existing, files, known, proof, summary, write
from hostwright.setup.answers import Answer
from hostwright.setup.known import CHOICES, Judge
from hostwright.setup.settle import missing, needed_references, settle, still_open

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hostwright.contract.models import Contract
    from hostwright.setup.existing import Difference
    from hostwright.setup.known import Choice, Question
    from hostwright.setup.proof import Proof
    from hostwright.setup.settle import Settled
    from hostwright.setup.summary import Change, Summary

_SIGNS = {"new": "+", "changed": "~", "unchanged": "="}


@dataclass(frozen=True)
class Request:
    """What was typed.

    Args:
        answers: The answers file; empty without one.
        variables: ``KEY=VALUE`` words.
        out: The directory of the installation.
        yes: Whether files that differ may be overwritten unasked.
        dry_run: Whether to write nothing.
        json: Whether standard output is one JSON document.
    """

    answers: str = ""
    variables: tuple[str, ...] = ()
    out: str = ""
    yes: bool = False
    dry_run: bool = False
    json: bool = False

    @property
    def directory(self) -> Path:
        """Where the files go."""
        return Path(self.out or ".")

    @property
    def place(self) -> str:
        """The same as it begins a path; empty for the working directory."""
        return "" if self.out in {"", "."} else f"{self.out.rstrip('/')}/"


@dataclass(frozen=True)
class Outcome:
    """What there would be, or is."""

    settled: Settled
    differences: tuple[Difference, ...]
    changes: tuple[Change, ...]
    made: tuple[str, ...]
    kept: tuple[str, ...]
    proofs: tuple[Proof, ...]
    summary: Summary
    texts: Mapping[str, str] = field(repr=False)

    @property
    def changed(self) -> bool:
        """Whether anything differs from what is there."""
        return any(item.how != "unchanged" for item in self.differences)

    @property
    def overwrites(self) -> list[str]:
        """Files that are there and differ; the summary follows from the others."""
        own = {summary.JSON_NAME, summary.MARKDOWN_NAME}
        return [
            item.name for item in self.differences if item.how == "changed" and item.name not in own
        ]

    def as_json(self, *, written: bool) -> dict[str, Any]:
        """What programs read."""
        return {
            **self.summary.choice,
            "written": written,
            "changed": self.changed,
            "files": [item._asdict() for item in self.differences],
            "answers_changed": [item._asdict() for item in self.changes],
            "secrets_made": list(self.made),
            "secrets_kept": list(self.kept),
            "checks": [item._asdict() for item in self.proofs],
            "next": list(self.summary.next),
        }


def run(request: Request, say: Callable[[str], None] = print) -> int:
    """Everything, from the answers to the files; an exit code.

    Raises:
        UserError: Answers are missing and nobody can be asked, or a file cannot be written.
        SettingsError: Answers are wrong; a line for each.
        NoConsent: A file would be overwritten.
    """
    desk = Desk(request)
    found = _collected(request)
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    typed = terminal and not request.answers and not request.json
    if not typed and not found:
        why = "--json asks nothing" if terminal else "this is no terminal"
        raise UserError(
            f"nobody can be asked here: {why}, and no answers were given",
            remedy="Give --answers FILE, or --var KEY=VALUE for each.",
        )
    choice, told = desk.interview(found) if typed else desk.read(found)
    base = Path(request.answers).parent if request.answers else Path()
    catalogue = desk.catalogue(choice)
    told = answering.fetched(told, catalogue, os.environ, base)
    outcome = desk.outcome(choice, told)
    if typed:
        say("")
    _tell(outcome, request, say)
    written = _write(outcome, request, typed=typed)
    _end(outcome, request, say, written=written)
    return 0


def _collected(request: Request) -> dict[str, Answer]:
    """What files and flags give; flags win."""
    found = answering.from_file(Path(request.answers)) if request.answers else {}
    return {**found, **answering.from_flags(request.variables)}


@dataclass(frozen=True)
class Desk:
    """Contract and schema, read once, and what is decided with them."""

    request: Request

    @cached_property
    def contract(self) -> Contract:
        """The contract."""
        return load()

    @cached_property
    def schema(self) -> dict[str, Any]:
        """Of the chart's values."""
        found: dict[str, Any] = json.loads(paths.VALUES_SCHEMA.read_text(encoding="utf-8"))
        return found

    def catalogue(self, choice: Choice) -> dict[str, Question]:
        """Every question of *choice*."""
        return known.catalogue(self.contract, choice, self.schema)

    def judge(self, choice: Choice | None) -> Judge:
        """Says what is wrong with answers."""
        return Judge(self.contract, choice, self.schema)

    # --- answers -----------------------------------------------------------------------------

    def kept(self, choice: Choice) -> dict[str, Answer]:
        """Secrets that an env file of the installation has already: they are answered.

        Raises:
            ValuesError: The file cannot be read as it stands, or others can read it.
        """
        from hostwright.secrets import from_file

        env = files.names(choice).env
        if not env or _read(self.request, env) is None:
            return {}
        known = self.catalogue(choice)
        return {
            name: Answer(*item)
            for name, item in from_file(self.request.directory / env).items()
            if name in known and known[name].secret and item.value
        }

    def read(self, found: Mapping[str, Answer]) -> tuple[Choice, dict[str, Answer]]:
        """The answers, where nobody is asked.

        Raises:
            SettingsError: Some are wrong.
            UserError: Some are missing.
        """
        given = answering.choice(found)
        while (question := known.choices(given)) is not None:
            if question.needed:
                raise _missing([question])
            given[question.key] = question.default
        choice = known.chosen(given)
        catalogue = self.catalogue(choice)
        told = self.kept(choice) | answering.judged(found, catalogue, self.judge(choice))
        values = answering.as_given(told)
        gaps = missing(still_open(self.contract, choice, catalogue, values))
        if gaps:
            raise _missing(gaps)
        return choice, told

    def interview(self, found: Mapping[str, Answer]) -> tuple[Choice, dict[str, Answer]]:
        """The answers, the missing ones asked for on the terminal.

        Raises:
            SettingsError: What was given beforehand is wrong.
            KeyboardInterrupt: Ctrl-C.
        """
        from hostwright.setup import prompt

        answering.choice(found)
        sys.stdout.write(prompt.HEAD)
        full, asked = dict(found), list[str]()
        while (question := self._next(full)) is not None:
            judge = self.judge(self._choice(full))

            def fault(text: str, question: Question = question, judge: Judge = judge) -> str | None:
                return judge.fault(question, known.read(question, text, self.schema))

            try:
                text = prompt.ask(question, fault, first=not asked)
            except prompt.WentBack:
                if asked:
                    full.pop(asked.pop())
                continue
            text = text or (question.default if question.key in CHOICES else "")
            value = known.read(question, text, self.schema)
            full[question.key] = Answer(value, "typed")
            asked.append(question.key)
        choice = known.chosen(answering.choice(full))
        return choice, self._typed(choice, full)

    def _choice(self, full: Mapping[str, Answer]) -> Choice | None:
        given = answering.choice(full)
        return None if known.choices(given) else known.chosen(given)

    def _next(self, full: Mapping[str, Answer]) -> Question | None:
        """The next open question."""
        given = answering.choice(full)
        if (question := known.choices(given)) is not None:
            return question
        choice = known.chosen(given)
        rest = answering.as_given(self._typed(choice, full))
        left = still_open(self.contract, choice, self.catalogue(choice), rest)
        return left[0] if left else None

    def _typed(self, choice: Choice, full: Mapping[str, Answer]) -> dict[str, Answer]:
        """The answers as their types; those that were typed were judged already."""
        flags = {key: item for key, item in full.items() if item.where != "typed"}
        judged = answering.judged(flags, self.catalogue(choice), self.judge(choice))
        typed = {key: item for key, item in full.items() if item.where == "typed"}
        return {
            **self.kept(choice),
            **judged,
            **{key: item for key, item in typed.items() if key not in CHOICES},
        }

    # --- files -------------------------------------------------------------------------------

    def outcome(self, choice: Choice, told: Mapping[str, Answer]) -> Outcome:
        """What there would be.

        Raises:
            SettingsError, ValuesError: The target's own checks refuse it.
            UserError: What is there cannot be read, or belongs to another installation.
        """
        request = self.request
        catalogue, values = self.catalogue(choice), answering.as_given(told)
        settled = settle(self.contract, choice, catalogue, values)
        there = _there(request, settled)
        made = {name: example.long_enough(least) for name, least in settled.made.items()}
        both = made | settled.secrets
        secrets = {name: both[name] for name in catalogue if name in both}
        references = needed_references(self.contract, choice, catalogue, values)
        had = files.Had(there, secrets, tuple(references), request.place)
        built = files.build(settled, had)
        last = _last(request)
        salt = last.salt if last else randomness.token_hex(16)
        hidden = existing.hidden(self.contract, choice.target, salt)
        commands = list(files.next_commands(settled, request.place))
        now = summary.of(settled, secrets, built, hidden, commands)
        if last:
            summary.refuse_another(last, now, f"{request.place}{summary.JSON_NAME}")
        proofs = proof.prove(settled, built)
        texts = {item.name: item.text for item in built}
        texts |= {summary.JSON_NAME: now.as_json(), summary.MARKDOWN_NAME: now.as_markdown()}
        return Outcome(
            settled,
            tuple(
                existing.difference(name, _read(request, name), text, hidden)
                for name, text in texts.items()
            ),
            tuple(summary.changes(last, now)),
            tuple(made),
            tuple(name for name in secrets if name not in made),
            tuple(proofs),
            now,
            texts,
        )


# --- helpers -------------------------------------------------------------------------------------


def _missing(gaps: list[Question]) -> UserError:
    lines = [f"  {item.key}: {item.meaning}{_allowed(item)}" for item in gaps]
    count = f"{len(gaps)} answer{'s are' if len(gaps) > 1 else ' is'} missing; nothing was written"
    return UserError(
        "\n".join([count, *lines]),
        remedy="Give them in the answers file, or each with --var (secrets in the file alone).",
    )


def _allowed(question: Question) -> str:
    return f" ({', '.join(question.allowed)})" if question.allowed else ""


def _read(request: Request, name: str) -> str | None:
    return write.read(request.directory / name, f"{request.place}{name}")


def _there(request: Request, settled: Settled) -> dict[str, str]:
    """The files of the installation that exist already."""
    found = {name: _read(request, name) for name in files.names(settled.choice) if name}
    return {name: text for name, text in found.items() if text is not None}


def _last(request: Request) -> Summary | None:
    text = _read(request, summary.JSON_NAME)
    return summary.read(text, f"{request.place}{summary.JSON_NAME}") if text is not None else None


def _tell(outcome: Outcome, request: Request, say: Callable[[str], None]) -> None:
    """What would be written, and what differs; with --json only where somebody reads it."""
    if request.json:
        return
    for item in outcome.changes:
        say(f"answer {item}")
    for difference in outcome.differences:
        say(f"{_SIGNS[difference.how]} {request.place}{difference.name}")
        if not difference.name.startswith("setup-summary."):
            for line in difference.lines:
                say(f"    {line}")
    if outcome.made:
        say(f"secrets made: {', '.join(outcome.made)}")
    if outcome.kept:
        say(f"secrets kept or given: {', '.join(outcome.kept)}")
    for check in outcome.proofs:
        say(str(check))


def _write(outcome: Outcome, request: Request, *, typed: bool) -> bool:
    """Write what differs, with consent; whether it was.

    Raises:
        NoConsent: A file differs, and nobody agreed.
        UserError: A file cannot be written.
    """
    if request.dry_run or not outcome.changed:
        return False
    if not request.yes:
        _consent(outcome, typed=typed)
    changed = {item.name for item in outcome.differences if item.how != "unchanged"}
    places = {
        request.directory / name: text for name, text in outcome.texts.items() if name in changed
    }
    write.together(places)
    return True


def _consent(outcome: Outcome, *, typed: bool) -> None:
    if typed:
        from hostwright.setup import prompt

        if not prompt.agreed("Write these files?"):
            raise NoConsent("nothing was written")
    elif outcome.overwrites:
        names = " and ".join(outcome.overwrites)
        raise NoConsent(
            f"{names} would be overwritten; nothing was written",
            remedy="Look at the difference, then give --yes; --dry-run shows it and no more.",
        )


def _end(outcome: Outcome, request: Request, say: Callable[[str], None], *, written: bool) -> None:
    if request.json:
        say(json.dumps(outcome.as_json(written=written), indent=2, ensure_ascii=False))
        return
    if request.dry_run:
        say("nothing was written (--dry-run)")
    elif not outcome.changed:
        say("nothing to change: everything is there as these answers give it")
    else:
        say("written, each for its owner alone (mode 0600)")
    say("next:")
    for line in outcome.summary.next:
        say(f"  {line}")
