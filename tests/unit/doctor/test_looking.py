"""What is looked at is really there or not: files, programs that hang, names that do not answer."""

from __future__ import annotations

import json
import socket
import stat
import time
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, NoReturn

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from hostwright import doctor, paths
from hostwright.doctor import logins, machine, names, servers
from hostwright.errors import SettingsError, ToolError, UserError
from hostwright.run import run
from hostwright.tasks import general
from hostwright.toolchain import find
from hostwright.toolchain.table import TOOLS

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "AKIAsecret-that-is-never-shown"
HOSTS = """
hosts:
  shop:
    address: 127.0.0.1
    app_domain: localhost
    images: {{api: "ghcr.io/example/shop@sha256:{digest}", web: "shop:1"}}
    values: {{env_file: "{home}/.env"}}
    backup: {{key_file: "{home}/key", repositories: {{here: {{path: /var/backups/shop}}}}}}
"""


@pytest.fixture(name="home", autouse=True)
def home_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home, an operator's directory and a PATH of their own; no variable names anything."""
    for name in ("KUBECONFIG", "SSH_AUTH_SOCK", "DOCKER_CONFIG", "CLOUDSDK_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    for name in [name for listed in logins.VARIABLES.values() for name in listed]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(paths, "HOME", tmp_path)
    monkeypatch.setattr(paths, "HOSTS", tmp_path / "hosts.yaml")
    monkeypatch.setattr(paths, "KNOWN_HOSTS", tmp_path / "known_hosts")
    (tmp_path / "bin").mkdir()
    find.cache_clear()
    yield tmp_path
    find.cache_clear()


def program(home: Path, name: str, script: str) -> None:
    path = home / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    find.cache_clear()


# --- credentials -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        (f"echo {SECRET}", "yes"),
        ("exit 0", "no"),  # gcloud lists nobody, and succeeds
        (f"echo {SECRET}; exit 253", "no"),
        ("/bin/sleep 30; echo late", "silent"),
        ("", "nobody"),
    ],
)
def test_a_cloud_s_tool_is_asked_for_a_session_and_not_waited_for(
    script: str, answer: str, home: Path
) -> None:
    if answer != "nobody":
        program(home, "aws", script)
    began = time.monotonic()
    assert logins.answer(logins.QUESTIONS["aws"], 1.0) == answer
    assert time.monotonic() - began < 20


def test_what_is_here_for_a_cloud_is_told_by_names(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", SECRET)
    (home / "prod.tfvars").write_text("")
    (home / ".env.aws").write_text(f"SECRET_KEY={SECRET}")
    fact = logins.cloud("aws", {})
    assert fact.variables == ("AWS_ACCESS_KEY_ID",)
    assert (fact.inputs, fact.secrets) == (("prod.tfvars",), True)
    assert SECRET not in repr(fact)


@pytest.mark.parametrize("given", ["", "variable", "file"])
def test_google_s_default_credentials_are_not_gcloud_s_own(
    given: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if given == "variable":
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/x")
    if given == "file":
        place = home / ".config" / "gcloud"
        place.mkdir(parents=True)
        (place / "application_default_credentials.json").write_text("{}")
    assert logins.cloud("gcp", {}).default_credentials is bool(given)


def test_domains_are_those_of_the_files_of_inputs(home: Path) -> None:
    (home / "a.tfvars").write_text('app_domain = "a.example.com"\n# api_domain = "x"\n')
    (home / "b.tfvars.json").write_text('{\n  "app_domain": "b.example.com"\n}')
    found = logins.domains([str(home / "a.tfvars"), str(home / "b.tfvars.json")])
    assert found == {"app_domain": "b.example.com"}
    with pytest.raises(UserError, match="cannot be read"):
        logins.domains([str(home / "gone.tfvars")])


@pytest.mark.parametrize(
    ("files", "context", "fault"),
    [
        ({}, "", ""),
        ({"a": "current-context: one"}, "one", ""),
        ({"a": "kind: Config", "b": "current-context: two"}, "two", ""),
        ({"a": "current-context: ''"}, "", ""),
        ({"a": "just text"}, "", ""),
        ({"a": "{"}, "", "a cannot be read as a kubeconfig"),
    ],
)
def test_the_context_is_the_first_that_a_kubeconfig_names(
    files: dict[str, str], context: str, fault: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in files.items():
        (home / name).write_text(text)
    monkeypatch.setenv("KUBECONFIG", ":".join(str(home / name) for name in ["gone", *files]))
    found = logins.cluster()
    assert found.context == context
    assert found.fault.endswith(fault)
    assert bool(found.fault) is bool(fault)


# --- servers -----------------------------------------------------------------------------------


def written(home: Path) -> None:
    text = HOSTS.format(home=home, digest="ab" * 32)
    (home / "hosts.yaml").write_text(text)


def test_a_host_with_nothing_here_lacks_all_of_it(home: Path) -> None:
    written(home)
    fact = servers.look(servers.chosen(""))
    [host] = fact.hosts
    assert (host.pinned, host.registries) == (False, {"ghcr.io": ""})
    assert host.values is not None
    assert host.backup_key is not None
    assert host.values.fault == host.backup_key.fault == "is not there"
    assert (fact.keys, fact.agent) == ((), "nobody")


def test_a_host_with_everything_here_lacks_nothing(home: Path) -> None:
    written(home)
    (home / ".ssh").mkdir()
    for name in (".env", "key", ".ssh/id_ed25519"):
        (home / name).write_text(SECRET)
        (home / name).chmod(0o600)
    (home / "known_hosts").write_text("other,127.0.0.1 ssh-ed25519 AAAA\n")
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_text(json.dumps({"auths": {"ghcr.io": {"auth": "x"}}}))
    fact = servers.look(servers.chosen("shop"))
    [host] = fact.hosts
    assert (host.pinned, host.registries) == (True, {"ghcr.io": "docker"})
    assert host.values is not None
    assert host.values.fault == ""
    assert host.resolved == ("127.0.0.1",)
    assert "127.0.0.1" in host.names[0].addresses
    assert fact.keys == ("~/.ssh/id_ed25519",)
    assert SECRET not in repr(fact)


def test_a_login_of_hosts_yaml_is_the_one_that_counts(home: Path) -> None:
    written(home)
    text = (home / "hosts.yaml").read_text()
    login = "{ghcr.io: {username: bot, password_from: REGISTRY_PASSWORD}}"
    (home / "hosts.yaml").write_text(f"{text}    registries: {login}\n")
    [host] = servers.look(servers.chosen("")).hosts
    assert host.registries == {"ghcr.io": "host"}


def test_a_file_that_others_can_read_is_told_with_its_mode(home: Path) -> None:
    written(home)
    (home / ".env").write_text(SECRET)
    (home / ".env").chmod(0o640)
    [host] = servers.look(servers.chosen("")).hosts
    assert host.values is not None
    assert host.values.fault == "can be read by others (mode 0640)"


def test_hosts_that_cannot_be_read_are_told_and_a_host_that_is_not_there_is_refused(
    home: Path,
) -> None:
    assert servers.chosen("").fault == "there is none"
    (home / "hosts.yaml").write_text("hosts: {shop: {adress: x}}")
    assert "adress" in servers.look(servers.chosen("")).fault
    (home / "hosts.yaml").unlink()
    with pytest.raises(SettingsError, match="no host 'shop'"):
        servers.chosen("shop")


def test_a_real_agent_has_no_keys_then_one_and_then_there_is_none(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    told = run(["ssh-agent", "-s"]).stdout
    said = dict(part.strip().split("=") for part in told.split(";") if "=" in part)
    monkeypatch.setenv("SSH_AUTH_SOCK", said["SSH_AUTH_SOCK"])
    try:
        assert servers.agent() == "no"
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", home / "id"])
        run(["ssh-add", home / "id"])
        assert servers.agent() == "yes"
    finally:
        run(["ssh-agent", "-k"], env={"SSH_AGENT_PID": said["SSH_AGENT_PID"]})
    # The kill is a signal: the agent removes its socket a moment later.
    deadline = time.monotonic() + 10
    while Path(said["SSH_AUTH_SOCK"]).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert servers.agent() == "nobody"


def test_an_agent_that_ends_while_it_is_asked_is_none(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("SSH_AUTH_SOCK", str(home / "agent"))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(home / "agent"))
        listening.listen()

        def end_the_first() -> None:
            listening.accept()[0].close()

        ending = Thread(target=end_the_first)
        ending.start()
        assert servers.agent() == "nobody"
        ending.join()


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("", set()),
        ("no JSON", set()),
        ("[]", set()),
        ('{"auths": {"https://index.docker.io/v1/": {}}}', {"docker.io"}),
        ('{"credHelpers": {"x.azurecr.io": "acr"}, "auths": null}', {"x.azurecr.io"}),
    ],
)
def test_docker_s_logins_are_registries(text: str, known: set[str], home: Path) -> None:
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_text(text)
    assert servers.docker_logins() == known


# --- names -------------------------------------------------------------------------------------


def test_a_resolver_that_hangs_is_not_waited_for() -> None:
    hung = Event()

    def ask(name: str) -> tuple[str, ...]:
        if name == "slow":
            hung.wait(60)
        return ("203.0.113.7",) if name == "good" else ()

    began = time.monotonic()
    found = names.resolve(["slow", "good", "none"], 1.0, ask)
    assert time.monotonic() - began < 20
    assert found == {"slow": None, "good": ("203.0.113.7",), "none": ()}
    hung.set()


def test_no_name_is_asked_for_where_none_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a name was asked for")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert servers.look(servers.chosen("")).hosts == ()
    assert logins.cloud("aws", {}).names == ()


@pytest.mark.parametrize("name", ["a.example.invalid", "x" * 300, "a..b"])
def test_a_name_that_is_none_resolves_to_nothing(name: str) -> None:
    assert names.addresses(name) == ()


# --- the whole ---------------------------------------------------------------------------------


def test_a_tool_that_is_there_but_does_not_start_is_not_taken_for_usable(home: Path) -> None:
    program(home, "docker", "exit 1")  # found without being started, since any version would do
    facts = machine.look({"docker"})
    [fact] = facts.tools
    broken = home / "bin" / "docker"
    assert (fact.tool, fact.error, facts.engine) == (None, f"{broken} does not start", "")


def test_the_cache_directory_need_not_exist_to_be_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOSTWRIGHT_CACHE", str(tmp_path / "not" / "yet"))
    facts = machine.look(())
    assert facts.cache == tmp_path / "not" / "yet"
    assert facts.cache_free > 0


def test_every_tool_is_reported_as_it_is_on_this_machine() -> None:
    said: list[str] = []
    code = doctor.run(said.append, json=True)
    document = json.loads(said[0])
    lines = {entry["subject"]: entry for entry in document["lines"] if entry["section"] == "tools"}
    assert set(TOOLS) == set(lines)
    assert code == document["exit_code"] == 0
    assert lines["docker-compose"]["version"] == find("docker-compose").version


def test_a_target_that_was_asked_for_and_lacks_something_fails(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(home)
    with pytest.raises(Exit) as ended:
        general.doctor(Context(), ["vps"], [], host="shop", json=True)
    assert ended.value.code == ToolError.exit_code
    lines = json.loads(capsys.readouterr().out)["lines"]
    assert {line["section"] for line in lines} == {"this machine", "tools", "vps"}
    assert "terraform" not in {line["subject"] for line in lines}


def test_a_target_that_is_nearly_one_is_suggested() -> None:
    with pytest.raises(UserError, match="no such target") as refused:
        doctor.run(print, target=["vsp"])
    assert "vps" in refused.value.remedy


def test_nothing_is_written(home: Path) -> None:
    before = {path: stat.S_IMODE(path.stat().st_mode) for path in home.rglob("*")}
    servers.look(servers.chosen(""))
    logins.cluster()
    assert {path: stat.S_IMODE(path.stat().st_mode) for path in home.rglob("*")} == before
