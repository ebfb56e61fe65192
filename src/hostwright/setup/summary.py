"""What was answered and written: for people, for programs, and for the next run. Pure.

There is no time in it: the same answers give the same summary, byte for byte.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from hostwright.errors import UserError
from hostwright.setup import hosts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hostwright.setup.existing import Hidden
    from hostwright.setup.files import File
    from hostwright.setup.settle import Settled

JSON_NAME = "setup-summary.json"
MARKDOWN_NAME = "setup-summary.md"
VERSION = 1

How = Literal["added", "removed", "changed"]


class Change(NamedTuple):
    """An answer that differs from the last run's; None where there was, or is, none."""

    key: str
    how: How
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.key}: {_shown(self.before)} -> {_shown(self.after)}"


@dataclass(frozen=True)
class Summary:
    """One run.

    Args:
        choice: Preset, cloud, target, profile and, of a server, its name.
        salt: What hashes are salted with, kept from run to run.
        answers: Key to what holds; secrets as salted hashes.
        files: Name to what it is for.
        next: The commands after this one.
    """

    choice: dict[str, str]
    salt: str
    answers: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    next: tuple[str, ...] = ()

    def as_json(self) -> str:
        """For programs."""
        return json.dumps({"version": VERSION, **asdict(self)}, indent=2, ensure_ascii=False) + "\n"

    def as_markdown(self) -> str:
        """For people."""
        return "\n".join([*self._markdown(), ""])

    def _markdown(self) -> Iterator[str]:
        yield f"# Setup of {self.choice['name']}"
        yield ""
        yield from (f"- {key}: {value}" for key, value in self.choice.items() if key != "name")
        yield from ("", "## Answers", "", "| answer | value |", "|---|---|")
        for key, value in self.answers.items():
            yield f"| `{key}` | {_cell(value)} |"
        yield from ("", "Secrets are salted hashes: equal ones are equal secrets.", "")
        yield from ("## Files", "", "| file | what it is |", "|---|---|")
        yield from (f"| `{name}` | {what} |" for name, what in self.files.items())
        yield from ("", "## Next", "", "```sh", *self.next, "```")


def of(settled: Settled, secrets: Mapping[str, str], written: Sequence[File], hidden: Hidden,
       commands: Sequence[str]) -> Summary:  # fmt: skip
    """The summary of what holds."""
    texts = {name: hidden.hash(name, value) for name, value in secrets.items()}
    answers = {**settled.inputs, **settled.host, **settled.plain, **settled.chart, **texts}
    return Summary(
        chosen(settled),
        hidden.salt,
        {key: _data(value) for key, value in answers.items()},
        {item.name: item.what for item in written},
        tuple(commands),
    )


def chosen(settled: Settled) -> dict[str, str]:
    """What tells this installation from others."""
    choice = settled.choice
    server = choice.target == "vps" and not choice.by_hand
    found = {
        "name": hosts.name_of(settled) if server else settled.name,
        "preset": choice.preset,
        "cloud": choice.cloud or "",
        "target": choice.target,
        "profile": choice.profile,
    }
    return {key: value for key, value in found.items() if value}


def read(text: str, shown: str) -> Summary:
    """The summary of the last run.

    Raises:
        UserError: It is none of ours.
    """
    try:
        data = json.loads(text)
        {VERSION: None}[data.pop("version")]
        return Summary(**{**data, "next": tuple(data["next"])})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            "is no summary of `invoke setup`",
            where=shown,
            remedy="Move it away, or give another directory with --out.",
        ) from error


def refuse_another(before: Summary, now: Summary, shown: str) -> None:
    """A directory has one installation: secrets of another profile are not taken over unseen.

    Raises:
        UserError: The last run was about another.
    """
    same = ("name", "target", "profile")
    if any(before.choice.get(key) != now.choice.get(key) for key in same):
        was, will = (", ".join(str(each.choice.get(key)) for key in same) for each in (before, now))
        raise UserError(
            f"belongs to another installation ({was}; this is {will})",
            where=shown,
            remedy="Give this one a directory of its own: --out DIRECTORY.",
        )


def changes(before: Summary | None, now: Summary) -> list[Change]:
    """Which answers differ from the last run's; none where there was no run."""
    if before is None:
        return []
    old, new = before.choice | before.answers, now.choice | now.answers
    found = []
    for key in dict.fromkeys([*new, *old]):
        if old.get(key) != new.get(key):
            how: How = "added" if key not in old else "removed" if key not in new else "changed"
            found.append(Change(key, how, old.get(key), new.get(key)))
    return found


def _data(value: Any) -> Any:  # noqa: ANN401 - JSON
    return list(value) if isinstance(value, tuple) else value


def _shown(value: Any) -> str:  # noqa: ANN401 - JSON
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value)


def _cell(value: Any) -> str:  # noqa: ANN401 - JSON
    return _shown(value).replace("|", "\\|").replace("<", "&lt;")
