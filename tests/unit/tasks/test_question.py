"""What asks, asks on standard error, and takes the end of input for a no."""

from __future__ import annotations

import ast
import io
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from hostwright import paths
from hostwright.errors import HostKeyError, SettingsError, UserError
from hostwright.look import ask
from hostwright.tasks import cloud, kubernetes, question, vps, vps_backup, vps_secrets
from hostwright.transport import Address

if TYPE_CHECKING:
    from collections.abc import Callable


class Keyboard(io.StringIO):
    """Somebody types, and then Ctrl-D."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    monkeypatch.delenv("CI", raising=False)
    return lambda text: monkeypatch.setattr("sys.stdin", Keyboard(text))


def apply() -> None:
    """A stack whose parts do nothing."""

    def done(*_: object) -> str:
        return ""

    names = ("refuse", "log_in", "say", "plan", "apply")
    stack: Any = SimpleNamespace(target="aws", **dict.fromkeys(names, done))
    cloud._apply(stack)  # noqa: SLF001 - what asks


ASKING: dict[str, tuple[Callable[[], object], type[UserError | HostKeyError]]] = {
    "vps.trust": (lambda: vps._confirm(Address("a"), "SHA256:x", ""), HostKeyError),  # noqa: SLF001 - as above
    "vps.restore": (lambda: vps_backup._confirm("shop"), UserError),  # noqa: SLF001 - as above
    "vps.secrets.rotate": (lambda: vps_secrets._confirm("A_KEY", "signs"), UserError),  # noqa: SLF001 - as above
    "vps.destroy": (lambda: ask.confirmed(question.answer, "yes", "", "Its name? "), SettingsError),
    "kubernetes.deploy": (lambda: kubernetes._confirm("Deploy?", yes=False), UserError),  # noqa: SLF001 - as above
    "aws.apply": (apply, UserError),
}


@pytest.mark.parametrize("name", ASKING)
def test_a_yes_is_one_and_the_question_is_no_result(
    name: str, typed: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    typed("yes\nmore\n")
    ASKING[name][0]()
    out, err = capsys.readouterr()
    assert out == ""
    assert "? " in err or err.endswith((": ", "] "))


@pytest.mark.parametrize("name", ASKING)
@pytest.mark.parametrize("text", ["no\n", "\n", "yes please\n"])
def test_anything_else_is_a_no(name: str, text: str, typed: Callable[[str], None]) -> None:
    asking, refusal = ASKING[name]
    typed(text)
    with pytest.raises(refusal) as caught:
        asking()
    assert type(caught.value) is refusal


@pytest.mark.parametrize("name", ASKING)
def test_the_end_of_input_is_a_no_as_well(name: str, typed: Callable[[str], None]) -> None:
    typed("")
    with pytest.raises(UserError, match="not confirmed; nothing was touched") as caught:
        ASKING[name][0]()
    assert caught.value.exit_code == 2


def test_an_answer_without_the_end_of_its_line_is_one(typed: Callable[[str], None]) -> None:
    typed("yes")
    assert question.answer("? ") == "yes"


def test_nothing_asks_by_itself() -> None:
    """``input`` writes its question to standard output, where ``--json`` has one document."""
    asking = [
        f"{paths.shown(file)}:{node.lineno}"
        for file in sorted((paths.ROOT / "src").rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Name) and node.id == "input"
    ]
    assert asking == []
