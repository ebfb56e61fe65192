"""Where an operator's values come from, and what is refused before they are used."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from hostwright.contract import load
from hostwright.contract.envfile import Given
from hostwright.errors import ToolError, ValuesError
from hostwright.secrets import from_command, from_environment, from_file, gather
from hostwright.settings import Values

if TYPE_CHECKING:
    from pathlib import Path

HIDDEN = "s3cr3t-of-the-test"


def env_file(directory: Path, content: str | bytes, mode: int = 0o600) -> Path:
    path = directory / "prod.env"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


# --- a file --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_file_of_its_owner_alone_is_read(mode: int, tmp_path: Path) -> None:
    path = env_file(tmp_path, f"SECRET_KEY='{HIDDEN}'\n", mode)
    assert from_file(path) == {"SECRET_KEY": Given(HIDDEN, f"{path}:1")}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o601, 0o666])
def test_a_file_that_others_can_touch_is_refused(mode: int, tmp_path: Path) -> None:
    path = env_file(tmp_path, f"SECRET_KEY={HIDDEN}\n", mode)
    with pytest.raises(ValuesError, match=f"others can read it \\(mode 0{mode:o}\\)") as refused:
        from_file(path)
    assert refused.value.where == str(path)
    assert refused.value.remedy == f"Run `chmod 600 {path}`."
    assert HIDDEN not in str(refused.value)


def test_the_remedy_quotes_a_path_for_the_shell(tmp_path: Path) -> None:
    directory = tmp_path / "my values"
    directory.mkdir()
    path = env_file(directory, "", 0o644)
    with pytest.raises(ValuesError) as refused:
        from_file(path)
    assert refused.value.remedy == f"Run `chmod 600 '{path}'`."


def test_a_missing_file_names_the_command_that_writes_one(tmp_path: Path) -> None:
    with pytest.raises(ValuesError, match="cannot be read: No such file") as refused:
        from_file(tmp_path / "gone.env")
    assert "contract.new-env" in refused.value.remedy


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValuesError, match="cannot be read: Is a directory"):
        from_file(tmp_path)


def test_a_file_that_is_not_utf_8_is_refused_without_its_content(tmp_path: Path) -> None:
    path = env_file(tmp_path, b"SECRET_KEY=s3cr3t-\xe9\n")
    with pytest.raises(ValuesError, match="cannot be read: not UTF-8") as refused:
        from_file(path)
    assert "s3cr3t" not in str(refused.value)


def test_every_line_to_correct_is_listed_with_its_place_and_without_its_value(
    tmp_path: Path,
) -> None:
    path = env_file(tmp_path, f"OK=1\nA={HIDDEN}$HOME\n{HIDDEN}\nB='{HIDDEN}\n")
    with pytest.raises(ValuesError) as refused:
        from_file(path)
    head, *lines = str(refused.value).splitlines()
    assert head == f"{path} has lines to correct"
    assert [line.split(": ")[0].strip() for line in lines] == [f"{path}:{n}" for n in (2, 3, 4)]
    assert lines[0].endswith("Put the value in single quotes.")
    assert "this line has no value" in lines[1]
    assert HIDDEN not in str(refused.value)


def test_line_ends_inside_quotes_arrive_as_they_are(tmp_path: Path) -> None:
    path = env_file(tmp_path, b'A="one\r\ntwo\n"\r\nB=2\r\n')
    values = {name: item.value for name, item in from_file(path).items()}
    assert values == {"A": "one\r\ntwo\n", "B": "2"}


# --- a command -----------------------------------------------------------------------------------


def test_what_a_command_prints_is_read_as_an_env_file() -> None:
    code = f"print('SECRET_KEY=\"{HIDDEN}\"\\nLOG_LEVEL=info')"
    assert from_command(python(code)) == {
        "SECRET_KEY": Given(HIDDEN, f"output of {sys.executable}:1"),
        "LOG_LEVEL": Given("info", f"output of {sys.executable}:2"),
    }


def test_a_failing_commands_output_is_never_shown(tmp_path: Path) -> None:
    script = tmp_path / "values.py"
    script.write_text(f"import sys; print('K={HIDDEN}'); sys.exit('{HIDDEN}')")
    with pytest.raises(ValuesError, match="exit code 1; its output is not shown") as refused:
        from_command((sys.executable, str(script)))
    assert HIDDEN not in str(refused.value)
    assert refused.value.remedy == f"Run `{sys.executable} {script}` by hand."


def test_a_command_that_is_not_there_is_a_tools_fault() -> None:
    with pytest.raises(ToolError, match="hostwright-no-such-program is not installed"):
        from_command(("hostwright-no-such-program",))


def test_a_command_that_cannot_be_run_is_a_tools_fault(tmp_path: Path) -> None:
    path = tmp_path / "values"
    path.write_text("#!/bin/sh\n")
    with pytest.raises(ToolError, match="Permission denied"):
        from_command((str(path),))


def test_a_commands_output_that_is_not_utf_8_is_refused() -> None:
    code = r"import sys; sys.stdout.buffer.write(b'SECRET_KEY=s3cr3t-\xe9')"
    with pytest.raises(ValuesError, match="is not UTF-8 text"):
        from_command(python(code))


# --- the environment -----------------------------------------------------------------------------


def test_only_the_contracts_own_names_that_an_operator_gives_are_taken() -> None:
    environ = {
        "SECRET_KEY": HIDDEN,
        "POSTGRES_PASSWORD": "p",
        "APP_PUBLIC_URL": "https://a.example.com",
        "DATABASE_URL": "composed here",
        "PORT": "80",
        "PATH": "/bin",
    }
    found = from_environment(environ, load(), "vps")
    assert found == {
        "SECRET_KEY": Given(HIDDEN, "environment"),
        "POSTGRES_PASSWORD": Given("p", "environment"),
        "APP_PUBLIC_URL": Given("https://a.example.com", "environment"),
    }


# --- together ------------------------------------------------------------------------------------


def test_later_sources_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = env_file(tmp_path, "SECRET_KEY=file\nLOG_LEVEL=debug\nS3_REGION=x\n")
    monkeypatch.setenv("SECRET_KEY", "environment")
    monkeypatch.setenv("LOG_LEVEL", "info")
    command = python("print('SECRET_KEY=command')")
    values = Values(env_file=str(path), environment=True, command=command)
    found = {name: item.value for name, item in gather(values, load(), "vps").items()}
    assert found == {"SECRET_KEY": "command", "LOG_LEVEL": "info", "S3_REGION": "x"}


def test_the_environment_is_not_looked_at_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", HIDDEN)
    assert gather(Values(), load(), "vps") == {}
