"""The commands that people type: their help, their sentences, their exit codes."""

from __future__ import annotations

import inspect
import json
import os
import shutil
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from invoke.context import Context
from invoke.exceptions import Exit
from tests.unit.contract.given_values import SECRETS

from hostwright import errors, paths
from hostwright.contract.envfile import encode
from hostwright.errors import HostwrightError
from hostwright.run import Completed, run
from hostwright.tasks import command, contract, namespace, vps

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TASKS: dict[str, Any] = {name: namespace[name] for name in namespace.task_names}
#: Invoke itself imports yaml.
HEAVY = ["dotenv", "fabric", "hostwright.contract", "paramiko", "pydantic", "rich"]
PINNED = f"shop@sha256:{'ab' * 32}"


def invoke(directory: Path, *words: str) -> Completed:
    """`invoke` in a clone, as a person types it there."""
    env = {"PYTHONPATH": str(directory / "src"), "COLUMNS": "200"}
    return run([sys.executable, "-m", "invoke", *words], cwd=directory, env=env, check=False)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of what the commands read, to be spoilt."""
    root: Path = tmp_path_factory.mktemp("clone")
    left_out = shutil.ignore_patterns("__pycache__")
    shutil.copytree(paths.ROOT / "src", root / "src", ignore=left_out)
    shutil.copytree(paths.OPS / "contract", root / "ops" / "contract")
    shutil.copy(paths.ROOT / "tasks.py", root)
    return root


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Calls a task here: its exit code, standard output and standard error."""

    def call(task: Any, *args: Any, **kwargs: Any) -> tuple[int, str, str]:  # noqa: ANN401
        code = 0
        try:
            task(Context(), *args, **kwargs)
        except Exit as end:
            code = end.code
        out, err = capsys.readouterr()
        return code, out, err

    return call


# --- the list ------------------------------------------------------------------------------------


def test_the_list_names_every_task(clone: Path) -> None:
    done = invoke(clone, "--list")
    assert (done.exit_code, done.stderr) == (0, "")
    listed = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")}
    assert set(TASKS) <= listed


def test_the_list_imports_nothing_heavy() -> None:
    code = "import sys, tasks; print([name for name in sys.argv[1:] if name in sys.modules])"
    done = run([sys.executable, "-c", code, *HEAVY], cwd=paths.ROOT)
    assert done.stdout == "[]\n"


# --- the decorator -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [HostwrightError, *(e for _, e in inspect.getmembers(errors, inspect.isclass)
      if issubclass(e, HostwrightError) and e is not HostwrightError)],
    ids=lambda kind: kind.__name__,
)  # fmt: skip
def test_an_error_is_its_sentence_and_the_code_of_its_class(
    kind: type[HostwrightError], told: Callable[..., tuple[int, str, str]]
) -> None:
    @command.command()
    def fails(_: Context) -> None:
        """Fail."""
        raise kind("it is broken", where="a.yaml:3", remedy="Mend it.")

    assert told(fails) == (kind.exit_code, "", "a.yaml:3: it is broken\n  Mend it.\n")


def test_a_number_is_an_exit_code_and_an_interrupt_is_130(
    told: Callable[..., tuple[int, str, str]],
) -> None:
    @command.command()
    def seven(_: Context) -> int:
        """Return seven."""
        return 7

    @command.command()
    def stopped(_: Context) -> None:
        """Be stopped."""
        raise KeyboardInterrupt

    assert told(seven) == (7, "", "")
    assert told(stopped) == (130, "", "interrupted\n")


def test_a_fault_of_ours_keeps_its_traceback_and_has_a_code_of_its_own(
    told: Callable[..., tuple[int, str, str]],
) -> None:
    @command.command()
    def bug(_: Context) -> None:
        """Be wrong."""
        raise ZeroDivisionError

    code, out, err = told(bug)
    assert (code, out) == (HostwrightError.exit_code, "")
    assert err.startswith("Traceback (most recent call last):\n")
    assert err.endswith("ZeroDivisionError\n")


def test_a_task_that_ends_itself_is_no_fault(told: Callable[..., tuple[int, str, str]]) -> None:
    @command.command()
    def ends(_: Context) -> None:
        """End."""
        raise Exit(code=3)

    assert told(ends) == (3, "", "")


def test_a_broken_pipe_of_something_else_is_a_fault_of_ours(
    told: Callable[..., tuple[int, str, str]],
) -> None:
    @command.command()
    def bug(_: Context) -> None:
        """Write to somebody who is gone."""
        raise BrokenPipeError

    code, out, err = told(bug)
    assert (code, out) == (HostwrightError.exit_code, "")
    assert err.endswith("BrokenPipeError\n")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["contract.matrix", "contract.matrix --json", "contract.check"])
def test_output_that_nobody_reads_ends_quietly_with_the_code_of_a_shell(
    words: str, unbuffered: str, clone: Path
) -> None:
    """Much breaks the pipe while the task runs, a line only at its end; Rich has its own way."""
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(  # noqa: S603 - run() would read what is written
            [sys.executable, "-m", "invoke", *words.split()],
            cwd=clone,
            env={
                **os.environ,
                "PYTHONPATH": str(clone / "src"),
                "PYTHONUNBUFFERED": unbuffered,
            },
            stdout=write,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


# --- contract ------------------------------------------------------------------------------------


def test_a_whole_contract_is_said_to_hold(told: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = told(contract.check)
    assert (code, err) == (0, "")
    assert out.startswith("The contract holds: ")


def test_a_broken_contract_is_a_sentence_a_line_and_code_3(clone: Path) -> None:
    path = clone / "ops" / "contract" / "contract.yaml"
    whole = path.read_text()
    path.write_text(whole.replace("    port: 3000\n", "    prot: 3000\n"))
    done = invoke(clone, "contract.check")
    path.write_text(whole)
    assert (done.exit_code, done.stdout) == (3, "")
    lines = done.stderr.splitlines()
    assert lines[0] == "1 fault in the contract"
    assert lines[1].startswith("  ops/contract/contract.yaml:")
    assert lines[1].endswith("roles.web.prot: unknown key prot. Did you mean port?")
    assert "Traceback" not in done.stderr


def test_a_missing_contract_is_a_sentence_and_code_3(clone: Path) -> None:
    path = clone / "ops" / "contract" / "contract.yaml"
    path.rename(path.with_suffix(".away"))
    done = invoke(clone, "contract.show")
    path.with_suffix(".away").rename(path)
    assert done.exit_code == 3
    assert done.stderr.startswith("ops/contract/contract.yaml: cannot be read: ")


def env_file(directory: Path, values: dict[str, str]) -> str:
    path = directory / ".env.prod"
    path.write_text(encode(values))
    path.chmod(0o600)
    return str(path)


def test_a_whole_env_file_is_said_to_be_complete(
    told: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    path = env_file(tmp_path, SECRETS)
    assert told(contract.check, env_file=path) == (
        0,
        f"{path} for vps, production: complete\n",
        "",
    )


def test_problems_of_an_env_file_are_lines_and_code_5(
    told: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    path = env_file(tmp_path, {**SECRETS, "SECRET_KEY": "short-Kx7", "VAULT_TOKEN": "x" * 9})
    code, out, err = told(contract.check, env_file=path)
    assert code == 5
    assert out == f"{path} for vps, production: 2 problems\n"
    first, second, third = err.splitlines()
    assert first.startswith(f"{path}:5: SECRET_KEY is a secret of fewer than 32 characters. ")
    assert second.startswith(f"warning: {path}:6: VAULT_TOKEN is not used: ")
    assert third.startswith(f"{path}:6: VAULT_TOKEN is a secret of few different characters. ")
    assert "short-Kx7" not in out + err


def test_problems_of_an_env_file_can_be_json(
    told: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    path = env_file(tmp_path, {**SECRETS, "SECRET_KEY": ""})
    code, out, err = told(contract.check, env_file=path, json=True)
    assert (code, err) == (5, "")
    [problem] = json.loads(out)["problems"]
    assert (problem["name"], problem["what"]) == ("SECRET_KEY", "is blank")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"target": "vsp"}, "there is no target 'vsp'\n  Did you mean vps?\n"),
        ({"target": "AWS"}, "there is no target 'AWS'\n  Did you mean aws?\n"),
        (
            {"profile": "prod"},
            "there is no profile 'prod'\n  Did you mean production?\n",
        ),
    ],
)
def test_a_target_or_profile_that_is_nearly_one_is_suggested(
    flags: dict[str, str],
    said: str,
    told: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
) -> None:
    path = env_file(tmp_path, SECRETS)
    assert told(contract.check, env_file=path, **flags) == (2, "", said)


def test_the_matrix_is_written_as_a_page(
    tmp_path: Path, told: Callable[..., tuple[int, str, str]]
) -> None:
    file = tmp_path / "matrix.html"
    assert told(contract.matrix, html=str(file)) == (0, f"{file} written.\n", "")
    assert file.read_text().startswith("<!doctype html>")


def test_the_page_of_the_matrix_holds_all_or_is_not_written(
    tmp_path: Path, told: Callable[..., tuple[int, str, str]]
) -> None:
    file = tmp_path / "matrix.html"
    code, out, err = told(contract.matrix, html=str(file), role="api")
    assert (code, out) == (2, "")
    assert "the whole matrix" in err
    code, out, err = told(contract.matrix, html=str(tmp_path))
    assert (code, out) == (2, "")
    assert f"{tmp_path}: cannot be written: " in err
    assert not file.exists()


def test_one_thing_of_the_contract_is_shown(told: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = told(contract.show, "SECRET_KEY")
    assert code == 0
    assert out.startswith("SECRET_KEY:\n")
    assert told(contract.show, "SECRET_KEX")[0] == 2


def test_the_matrix_can_be_json(told: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = told(contract.matrix, target="vps", role="web", json=True)
    assert code == 0
    names = {row["name"] for row in json.loads(out)}
    assert "PORT" in names
    assert "DATABASE_URL" not in names


def test_a_stale_export_is_named_and_code_1_until_it_is_written(clone: Path) -> None:
    stale = clone / "ops" / "contract" / "hosts.schema.json"
    stale.write_text("{}\n")
    done = invoke(clone, "contract.export", "--check")
    assert (done.exit_code, done.stdout) == (1, "ops/contract/hosts.schema.json is stale\n")
    assert invoke(clone, "contract.export").stdout == "ops/contract/hosts.schema.json written\n"
    assert invoke(clone, "contract.export", "--check").exit_code == 0


def test_a_new_env_file_is_written_once(
    told: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    out = str(tmp_path / "new.env")
    assert told(contract.new_env, out=out)[0] == 0
    code, _, err = told(contract.new_env, out=out)
    assert code == 2
    assert "exists already" in err


# --- vps -----------------------------------------------------------------------------------------


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No engine, no hosts.yaml, and whoever opens a connection fails the test."""

    def refuse(*_: object) -> NoReturn:
        raise AssertionError("a connection was opened")

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(paths, "HOSTS", tmp_path / "hosts.yaml")


def deploy(
    told: Callable[..., tuple[int, str, str]],
    host: str = "root@203.0.113.7",
    **flags: Any,  # noqa: ANN401
) -> tuple[int, str, str]:
    images = [f"{name}={PINNED}" for name in ("api", "web")]
    return told(vps.deploy, host, **{"image": images, "app_domain": "a.example.com", **flags})


@pytest.mark.usefixtures("offline")
def test_a_deploy_with_a_missing_value_never_reaches_the_network(
    told: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    values = {name: value for name, value in SECRETS.items() if name != "SECRET_KEY"}
    code, out, err = deploy(told, env_file=env_file(tmp_path, values))
    assert (code, out) == (5, "")
    assert err.startswith("1 problem with the values; nothing was touched\n")
    assert "SECRET_KEY is missing; production requires it" in err


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        ({"image": ["api"]}, 2, "--image: 'api' is not ROLE=REFERENCE\n"),
        ({"image": ["=x"]}, 2, "--image: '' is not ROLE=REFERENCE\n"),
        ({"image": ["wep=shop:1"]}, 4, "images.wep: Input should be 'api', 'web', "),
        ({"image": ["api=$(id)"]}, 4, "images.api: is not an image reference."),
        ({"app_domain": "a b"}, 4, "app_domain: is not a host name."),
        ({"acme_email": "x}"}, 4, "acme.email: is not an email address."),
        ({"env_file": "/nonexistent/.env"}, 5, "/nonexistent/.env: cannot be read: "),
    ],
)
def test_a_wrong_flag_of_a_deploy_is_a_sentence(
    flags: dict[str, Any], code: int, said: str, told: Callable[..., tuple[int, str, str]]
) -> None:
    found, out, err = deploy(told, **flags)
    assert (found, out) == (code, "")
    assert said in err


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(
    "host", ["a.example.com;reboot", "$(reboot)@a.b", "root@a.b`id`", "-oProxyCommand=id.x", "a b"]
)
@pytest.mark.parametrize("name", ["provision", "deploy", "rollback", "status", "trust"])
def test_a_host_name_with_shell_characters_is_refused_by_every_command(
    name: str, host: str, told: Callable[..., tuple[int, str, str]]
) -> None:
    task = getattr(vps, name)
    code, out, err = told(task, host, **({"image": []} if name == "deploy" else {}))
    assert code in {2, 4}
    assert out == ""
    assert repr(host) in err


@pytest.mark.usefixtures("offline")
def test_a_dry_run_prints_what_would_be_deployed_and_opens_no_connection(
    told: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "hosts.yaml").write_text(
        "hosts: {shop: {address: 203.0.113.7, base_images: "
        f"{{caddy: '{PINNED}', postgres: '{PINNED}', redis: '{PINNED}'}}}}}}\n"
    )
    code, out, _ = deploy(told, "shop", env_file=env_file(tmp_path, SECRETS), dry_run=True)
    assert code == 0
    assert out.splitlines()[-1] == "203.0.113.7: nothing was changed (--dry-run)"
    assert f"worker     {PINNED}" in out.splitlines()
    code, out, _ = deploy(
        told, "shop", env_file=env_file(tmp_path, SECRETS), dry_run=True, json=True
    )
    document = json.loads(out)
    assert (code, document["host"], document["dry_run"]) == (0, "203.0.113.7", True)
    assert document["images"]["worker"] == PINNED


def test_values_for_compose_by_hand_are_written_where_they_are_wanted(
    told: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    out = tmp_path / "compose"
    code, said, _ = told(vps.render, env_file(tmp_path, SECRETS), out=str(out))
    assert code == 0
    assert f"{out}/env/api.env written" in said.splitlines()
    assert os.path.exists(out / "secrets" / "redis_password")  # noqa: PTH110 - as written


def test_a_typing_mistake_never_shows_a_traceback(clone: Path) -> None:
    done = invoke(clone, "contract.check", "--env-file", "gone.env", "--target", "vsp")
    assert done.exit_code == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", sorted(namespace.task_names))
def test_every_task_takes_flags_alone(name: str) -> None:
    # Invoke would take `--help` for the value of a positional argument.
    assert not any(argument.positional for argument in namespace[name].get_arguments())
