"""From answers to files: what is written, kept, shown and refused."""

from __future__ import annotations

import json
import re
import shutil
import stat
from typing import TYPE_CHECKING

import pytest
import yaml
from tests.unit.setup.setups import CONTRACT, example

from hostwright import by_hand, paths, settings
from hostwright.contract import located
from hostwright.contract.show import problems_of
from hostwright.errors import NoConsent, SettingsError, UserError, ValuesError
from hostwright.render import compose
from hostwright.setup.existing import difference, hidden, values_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.setup.setups import Setup

    from hostwright.contract.models import Profile

VPS = example("vps")
LOCAL = example("local_docker")
PROFILES: list[Profile] = ["development", "staging", "production"]
NEW = "m4de-bm90aGluZyB0byBzZWUgaGVyZSwgZ28"


def env_of(setup: Setup, name: str = ".env.production") -> dict[str, str]:
    return values_in(setup.files()[name])


def stamps(directory: Path) -> dict[str, tuple[int, int]]:
    """Which file each is, and when it was written."""
    there = {path.name: path.stat() for path in directory.iterdir()}
    return {name: (found.st_ino, found.st_mtime_ns) for name, found in there.items()}


# --- what is written ---------------------------------------------------------------------------


@pytest.mark.parametrize("profile", PROFILES)
def test_a_server_gets_an_env_file_that_the_contract_takes_and_an_entry_in_hosts_yaml(
    profile: Profile, setup: Setup
) -> None:
    setup.run({**VPS, "profile": profile, "db_name": "shop", "VAULT_NAMESPACE": ""})
    env_file = str(setup.out / f".env.{profile}")
    assert problems_of(CONTRACT, env_file, "vps", profile) == []
    host = settings.load(setup.out / "hosts.yaml").hosts["app"]
    settings.check_inputs(host, CONTRACT)
    assert (host.profile, host.app_domain, host.inputs) == (
        profile,
        "app.example.com",
        {"db_name": "shop"},
    )
    assert host.values.env_file == env_file


@pytest.mark.parametrize("profile", PROFILES)
def test_what_this_machine_gets_is_rendered_by_compose(profile: Profile, setup: Setup) -> None:
    setup.run({**LOCAL, "profile": profile})
    root = setup.root / "compose"
    shutil.copytree(paths.COMPOSE, root)
    written = by_hand.render(str(setup.out / f".env.{profile}"), "localhost", root, profile)
    roles = {path.stem for path in written if path.suffix == ".env"}
    assert roles == {"api", "web", "worker", "migrate"}
    api = values_in((root / "env" / "api.env").read_text())
    assert api["ENVIRONMENT"] == profile
    assert ("SECRET_KEY" in api) is (profile != "development")
    told = values_in(setup.files()[f"compose.{profile}.env"])
    file = root / paths.COMPOSE_FILE.name
    services = compose.config(file, located.read(file, file.name, UserError), told).config[
        "services"
    ]
    assert services["api"]["image"] == services["worker"]["image"] == LOCAL["api_image"]
    assert services["api"]["environment"]["ENVIRONMENT"] == profile
    assert services["caddy"]["environment"]["APP_DOMAIN"] == "localhost"


def test_a_provider_that_was_answered_is_what_compose_by_hand_composes_for(setup: Setup) -> None:
    given = {
        "secrets_provider": "vault_dev",
        "VAULT_ADDR": "http://vault:8200",
        "VAULT_TRANSIT_KEY": "shop",
        "VAULT_TOKEN": {"env": "SHOP_VAULT_TOKEN"},
    }
    setup.run({**LOCAL, **given})
    by_hand.render(str(setup.out / ".env.development"), "localhost", setup.root, "development")
    api = values_in((setup.root / "env" / "api.env").read_text())
    assert api["AUTH_KEY_STORAGE_BACKEND"] == "secret-manager"
    assert api["SECRETS_PROVIDER"] == api["AUTH_KEY_STORAGE_PROVIDER"] == "vault_dev"


def test_everything_is_its_owners_alone(setup: Setup) -> None:
    setup.run(VPS)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in setup.out.iterdir()}
    assert set(modes.values()) == {0o600}
    assert len(modes) == 4
    assert stat.S_IMODE(setup.out.stat().st_mode) == 0o700


def test_the_summary_has_every_answer_and_no_secret(setup: Setup) -> None:
    said = setup.run(VPS)
    there = setup.files()
    found = json.loads(there["setup-summary.json"])
    assert found["choice"]["preset"] == "vps"
    assert found["answers"]["app_domain"] == "app.example.com"
    assert found["answers"]["SECRET_KEY"].startswith("<sha256 ")
    assert found["next"][-1].startswith("invoke vps.deploy --host app")
    seen = said + there["setup-summary.json"] + there["setup-summary.md"] + there["hosts.yaml"]
    assert not [value for value in env_of(setup).values() if value in seen]


def test_programs_get_one_document(setup: Setup) -> None:
    found = json.loads(setup.run(VPS, json=True))
    assert (found["written"], found["changed"], found["target"]) == (True, True, "vps")
    assert {item["how"] for item in found["files"]} == {"new"}
    assert "SECRET_KEY" in found["secrets_made"]
    assert found["checks"] == [{"what": "the contract", "ran": True, "why": ""}]


# --- again ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["vps", "local_docker", "kubernetes"])
def test_the_same_answers_change_nothing_and_it_says_so(name: str, setup: Setup) -> None:
    setup.run(example(name))
    before = stamps(setup.out)
    said = setup.run(example(name))
    assert "nothing to change" in said
    assert stamps(setup.out) == before


def test_other_answers_are_shown_and_want_consent(setup: Setup) -> None:
    setup.run(VPS)
    before = setup.files()
    other = {**VPS, "app_domain": "new.example.com"}
    with pytest.raises(NoConsent, match=r"hosts\.yaml would be overwritten; nothing was written"):
        setup.run(other)
    assert setup.files() == before
    told = "\n".join(setup.said)
    assert "answer app_domain: app.example.com -> new.example.com" in told
    assert "    -    app_domain: app.example.com" in told
    assert "    +    app_domain: new.example.com" in told
    said = setup.run(other, yes=True)
    assert "written" in said
    assert "app_domain: new.example.com" in setup.files()["hosts.yaml"]
    assert setup.files()[".env.production"] == before[".env.production"]


def test_a_dry_run_writes_nothing(setup: Setup) -> None:
    assert "nothing was written (--dry-run)" in setup.run(VPS, dry_run=True)
    assert not setup.out.exists()


def test_secrets_that_are_there_are_kept_and_a_given_one_is_told_by_its_hash(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup.run(VPS)
    before = env_of(setup)
    monkeypatch.setenv("NEW_KEY", NEW)
    with pytest.raises(NoConsent, match=r"\.env\.production would be overwritten"):
        setup.run({**VPS, "SECRET_KEY": {"env": "NEW_KEY"}})
    told = "\n".join(setup.said)
    assert "    -SECRET_KEY=<sha256 " in told
    assert "    +SECRET_KEY=<sha256 " in told
    assert "answer SECRET_KEY: <sha256 " in told
    assert NEW not in told
    assert before["SECRET_KEY"] not in told
    setup.run({**VPS, "SECRET_KEY": {"env": "NEW_KEY"}}, yes=True)
    assert env_of(setup) == {**before, "SECRET_KEY": NEW}


def test_a_secret_of_somebody_elses_that_is_there_need_not_be_given_again(setup: Setup) -> None:
    vault = {
        "secrets_provider": "vault_dev",
        "VAULT_ADDR": "http://v:8200",
        "VAULT_TRANSIT_KEY": "k",
    }
    setup.run({**VPS, **vault, "VAULT_TOKEN": {"env": "SHOP_VAULT_TOKEN"}})
    before = env_of(setup)
    assert "nothing to change" in setup.run({**VPS, **vault})
    assert env_of(setup) == before
    (setup.out / ".env.production").unlink()
    with pytest.raises(UserError, match="VAULT_TOKEN: Token that reads from Vault"):
        setup.run({**VPS, **vault}, yes=True)


def test_lines_of_ones_own_in_an_env_file_stay(setup: Setup) -> None:
    setup.out.mkdir()
    path = setup.out / ".env.production"
    path.write_text(f"# mine\nSECRET_KEY='{NEW}' # from the old server\nLOG_LEVEL=warning\n")
    path.chmod(0o600)
    setup.run(VPS, yes=True)
    text = setup.files()[".env.production"]
    assert text.startswith(path.read_text()[:10])
    assert f"SECRET_KEY='{NEW}' # from the old server\nLOG_LEVEL=warning\n" in text
    assert env_of(setup)["POSTGRES_PASSWORD"]


def test_another_profile_in_the_same_directory_is_refused(setup: Setup) -> None:
    setup.run(VPS)
    with pytest.raises(UserError, match=r"belongs to another installation .*vps, production; this"):
        setup.run({**VPS, "profile": "staging"}, yes=True)
    assert ".env.staging" not in setup.files()


def test_secrets_in_a_file_of_inputs_that_is_overwritten_are_hashes() -> None:
    before = f"""\
db_admin_password = "{NEW}"
secret_values = {{ SECRET_KEY = "{NEW}" }}
registry_password   =   "{NEW}"
region = "nowhere"
"""
    after = 'region = "here"\n'
    found = difference("x.tfvars", before, after, hidden(CONTRACT, "aws", "salt"))
    assert NEW not in str(found)
    told = [re.sub("[0-9a-f]{8}>", "…>", line) for line in found.lines]
    assert told == [
        "-db_admin_password = <sha256 …>",
        "-secret_values = <sha256 …>",
        "-registry_password   =   <sha256 …>",
        '-region = "nowhere"',
        '+region = "here"',
    ]


def test_of_an_env_file_no_value_is_shown_whose_name_the_contract_does_not_know() -> None:
    plan = hidden(CONTRACT, "vps", "salt")
    found = difference(".env.x", f"MY_OWN={NEW}\nLOG_LEVEL=info\n", "LOG_LEVEL=debug\n", plan)
    assert NEW not in str(found)
    assert "-LOG_LEVEL=info" in found.lines


# --- what is in the way --------------------------------------------------------------------------


def test_an_env_file_that_others_can_read_is_not_taken_over(setup: Setup) -> None:
    setup.out.mkdir()
    (setup.out / ".env.production").write_text("SECRET_KEY=x\n")
    (setup.out / ".env.production").chmod(0o644)
    with pytest.raises(ValuesError, match="others can read it"):
        setup.run(VPS, yes=True)


@pytest.mark.parametrize("name", [".env.production", "hosts.yaml", "setup-summary.md"])
def test_a_directory_in_the_place_of_a_file_is_refused(name: str, setup: Setup) -> None:
    (setup.out / name).mkdir(parents=True)
    with pytest.raises(UserError, match=f"{name}: cannot be read: Is a directory; nothing was wr"):
        setup.run(VPS, yes=True)
    assert list(setup.out.iterdir()) == [setup.out / name]


def test_a_directory_that_is_a_file_is_refused(setup: Setup) -> None:
    setup.out.write_text("")
    with pytest.raises(UserError, match="Not a directory"):
        setup.run(VPS, yes=True)


def test_a_directory_that_nobody_can_write_is_refused(setup: Setup) -> None:
    with pytest.raises(UserError, match=r"/proc/out.*: cannot be written: .*; nothing was changed"):
        setup.run(VPS, yes=True, out="/proc/out")  # where root cannot write either


def test_a_summary_of_somebody_else_is_refused(setup: Setup) -> None:
    setup.out.mkdir()
    (setup.out / "setup-summary.json").write_text("{}")
    with pytest.raises(UserError, match="is no summary of `invoke setup`"):
        setup.run(VPS, yes=True)


# --- hosts.yaml ----------------------------------------------------------------------------------

OTHERS = """\
version: 1
hosts:
  # the first
  blog:
    address: 203.0.113.8   # in the cellar
    keep_releases: 9

  # the second
  app:
    address: 203.0.113.1   # moves soon
    keep_releases: 3
    values: {environment: true}

  # the third
  wiki: {address: 203.0.113.9}
"""


def hosts_file(setup: Setup, text: str) -> Path:
    setup.out.mkdir()
    path = setup.out / "hosts.yaml"
    path.write_text(text)
    path.chmod(0o644)
    return path


def test_other_servers_and_their_comments_stay(setup: Setup) -> None:
    path = hosts_file(setup, OTHERS)
    with pytest.raises(NoConsent):
        setup.run(VPS)
    setup.run({**VPS, "host": "shop"}, yes=True)
    text = path.read_text()
    assert text.startswith(OTHERS.rstrip("\n"))
    assert settings.load(path).hosts["shop"].address == "203.0.113.7"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_of_a_server_that_is_there_fields_of_ones_own_stay(setup: Setup) -> None:
    path = hosts_file(setup, OTHERS)
    setup.run(VPS, yes=True)
    text = path.read_text()
    app = settings.load(path).hosts["app"]
    assert (app.address, app.keep_releases, app.values.environment) == ("203.0.113.7", 3, True)
    assert app.values.env_file == str(setup.out / ".env.production")
    for kept in ("in the cellar", "# the first", "# the second\n  app:", "\n\n  # the third\n"):
        assert kept in text
    assert list(settings.load(path).hosts) == ["blog", "app", "wiki"]
    assert "nothing to change" in setup.run(VPS)


@pytest.mark.parametrize(
    "text", ["version: 1\nhosts: {}\n", "version: 1\nhosts: {blog: {address: 203.0.113.8}}\n"]
)
def test_hosts_on_one_line_are_written_out(text: str, setup: Setup) -> None:
    path = hosts_file(setup, text)
    setup.run(VPS, yes=True)
    known = yaml.safe_load(text)["hosts"]
    assert settings.load(path).hosts.keys() == {*known, "app"}


def test_a_hosts_file_with_faults_is_refused_with_its_line(setup: Setup) -> None:
    path = hosts_file(setup, OTHERS.replace("keep_releases: 9", "keep_release: 9"))
    with pytest.raises(SettingsError, match=r"hosts\.yaml:6: .*unknown key keep_release"):
        setup.run(VPS, yes=True)
    assert "app.example.com" not in path.read_text()
