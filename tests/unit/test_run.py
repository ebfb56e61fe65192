"""Real processes: the running Python is the tool."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hostwright import paths
from hostwright.errors import ToolError
from hostwright.run import SHOWN_LINES, attached, blank, run, shown

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "correct horse"


def python(code: str, *words: str) -> list[str]:
    """Arguments that run *code* in a bare interpreter."""
    return [sys.executable, "-I", "-c", code, *words]


def test_output_and_exit_code_are_kept_apart() -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    done = run(python(code), check=False)
    assert (done.exit_code, done.stdout, done.stderr) == (3, "out\n", "err\n")


def test_variables_of_this_process_can_be_kept_from_a_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRIED_ONE", "TRIED_TWO"):
        monkeypatch.setenv(name, "set")
    code = "import os; print([name for name in os.environ if name.startswith('TRIED_')])"
    done = run(python(code), env={"TRIED_TWO": "again"}, without=["TRIED_ONE"])
    assert done.stdout == "['TRIED_TWO']\n"


def test_a_failure_raises_with_command_exit_code_and_last_lines() -> None:
    code = "import sys; print(*range(99), sep='\\n', file=sys.stderr); sys.exit(4)"
    with pytest.raises(ToolError) as caught:
        run(python(code))
    last = "\n".join(str(number) for number in range(99 - SHOWN_LINES, 99))
    assert caught.value.what == f"exit code 4\n{last}"
    assert caught.value.where.startswith(sys.executable)


def test_the_last_lines_come_from_stdout_when_stderr_is_empty() -> None:
    assert run(python("print('said here')"), check=False).tail == "said here"


def test_arguments_are_never_read_by_a_shell(tmp_path: Path) -> None:
    words = ["$HOME", "a b", "'", ";", f"> {tmp_path}/written"]
    done = run(python("import sys; print('\\0'.join(sys.argv[1:]))", *words))
    assert done.stdout.rstrip("\n").split("\0") == words
    assert list(tmp_path.iterdir()) == []


def test_stdin_carries_bytes_and_is_empty_without_them() -> None:
    echo = python("import sys; print(repr(sys.stdin.buffer.read()))")
    assert run(echo, stdin=b"\xff$\n").stdout == "b'\\xff$\\n'\n"
    assert run(echo).stdout == "b''\n"


def test_a_tool_cannot_read_what_is_meant_for_this_process() -> None:
    reads = python("import sys; print(repr(sys.stdin.read()))")
    outer = f"from hostwright.run import run; print(run({reads!r}).stdout)"
    source = {"PYTHONPATH": str(paths.ROOT / "src")}
    assert run([sys.executable, "-c", outer], stdin=b"mine", env=source).stdout.strip() == "''"


def test_env_is_laid_over_the_environment_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "kept")
    monkeypatch.setenv("CHANGED", "before")
    code = "import os; print(os.environ['KEPT'], os.environ['CHANGED'])"
    assert run(python(code), env={"CHANGED": "after"}).stdout == "kept after\n"


def test_it_runs_in_the_directory_it_is_given(tmp_path: Path) -> None:
    assert run(python("import os; print(os.getcwd())"), cwd=tmp_path).stdout == f"{tmp_path}\n"


def test_bytes_that_are_not_utf_8_do_not_break_it() -> None:
    assert run(python("import os; os.write(1, b'\\xff!')")).stdout == "\N{REPLACEMENT CHARACTER}!"


def test_a_process_out_of_time_is_ended_and_named() -> None:
    with pytest.raises(ToolError, match=r"no end after 0\.2 s"):
        run(python("import time; time.sleep(60)"), timeout=0.2)


def test_a_missing_program_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"absent is not installed\n.*invoke doctor"):
        run([tmp_path / "absent"])


@pytest.mark.parametrize("code", [0, 1])
def test_a_secret_is_blanked_in_what_is_kept_and_in_the_error(code: int) -> None:
    program = (
        f"import sys; t = sys.stdin.read(); print(t); print(t, file=sys.stderr); sys.exit({code})"
    )
    done = run(python(program), stdin=SECRET.encode(), redact=[SECRET], check=False)
    assert SECRET not in done.stdout + done.stderr + done.tail
    assert "***" in done.stdout


def test_a_secret_is_not_in_the_error_of_a_failed_tool() -> None:
    code = "import sys; sys.exit(sys.stdin.read())"
    with pytest.raises(ToolError) as caught:
        run(python(code), stdin=SECRET.encode(), redact=[SECRET])
    assert SECRET not in str(caught.value)
    assert "***" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "secrets", "expected"),
    [
        ("a b a", ["a"], "*** b ***"),
        ("a b", [], "a b"),
        ("a b", [""], "a b"),  # an empty secret would blank between all letters
        ("x y", ["x", "y"], "*** ***"),
    ],
)
def test_blank_replaces_every_secret(text: str, secrets: list[str], expected: str) -> None:
    assert blank(text, secrets) == expected


def test_a_command_line_is_shown_as_typed_and_cut_to_one_line() -> None:
    assert shown(["a", "b c", "$d"]) == "a 'b c' '$d'"
    assert len(shown(["x" * 500])) == 160
    assert shown(["x" * 500]).endswith("…")


def test_an_attached_tool_writes_to_the_terminal_itself(capfd: pytest.CaptureFixture[str]) -> None:
    code = attached([sys.executable, "-c", "print('from the tool'); raise SystemExit(3)"])
    assert code == 3
    assert capfd.readouterr().out == "from the tool\n"


def test_a_missing_attached_tool_is_told_plainly() -> None:
    with pytest.raises(ToolError, match="no-such-tool is not installed"):
        attached(["no-such-tool"])


def test_an_interrupted_attached_tool_ends_in_its_own_time(tmp_path: Path) -> None:
    """As `terraform apply` needs it: it gets the signal, cleans up, and is waited for."""
    cleans_up = (
        "import signal, sys, time, pathlib\n"
        "def end(*_):\n"
        "    time.sleep(0.5); pathlib.Path(sys.argv[1]).write_text('cleaned'); sys.exit(1)\n"
        "signal.signal(signal.SIGINT, end); print('up', flush=True); time.sleep(30)\n"
    )
    parent = (
        "import signal, sys; from hostwright.run import attached\n"
        # Who starts the tests in the background has interrupts ignored, and so had we.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "try: attached([sys.executable, '-c', sys.argv[1], sys.argv[2]])\n"
        "except KeyboardInterrupt: sys.exit(130)\n"
    )
    mark = tmp_path / "mark"
    process = subprocess.Popen(  # noqa: S603 - our own Python
        [sys.executable, "-c", parent, cleans_up, str(mark)],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(20) == 130
    process.stdout.close()
    assert mark.read_text() == "cleaned"
