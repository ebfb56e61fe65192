"""Answers that are wrong: refused with their place and what to do, nothing written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.setup.setups import example

from hostwright.errors import SettingsError, UserError
from hostwright.setup import wizard

if TYPE_CHECKING:
    from tests.unit.setup.setups import Setup

GCP = example("cloud_managed-gcp")
VPS = example("vps")
KUBERNETES = example("kubernetes")


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({**GCP, "regoin": "x"}, r"answers\.yaml:\d+: regoin is no answer here. Did you mean regi"),
        ({**GCP, "LOG_LEVLE": "x"}, r":\d+: LOG_LEVLE is no answer here. Did you mean LOG_LEVEL\?"),
        ({**GCP, "LOG_LEVEL": "debg"}, r"LOG_LEVEL is not one of debug, .*Did you mean debug\?"),
        ({**GCP, "app_domain": "https://x"}, "app_domain is not a host name"),
        ({**GCP, "api_image": "ghcr.io/acme/api:1"}, "api_image names no digest"),
        ({**GCP, "db_storage_gib": "much"}, "db_storage_gib is not a whole number"),
        ({**GCP, "secrets_provider": "env"}, "secrets_provider is not one of aws_sm, azure_kv"),
        ({**GCP, "network_cidr": "10.0.0.1/8"}, "network_cidr is not an address range"),
        ({**GCP, "api_env": "LOG_LEVEL=info"}, "api_env is not a mapping"),
        ({**GCP, "subscription_id": "x"}, "is no answer here: gcp has no use for it"),
        ({**GCP, "DATABASE_URL": "x"}, "is no answer: on gcp it comes from composed database_url"),
        ({**GCP, "db_admin_password": "x"}, "is a secret of the stack .* Answer DB_ADMIN_PASSWORD"),
        ({**GCP, "registry_password": "x"}, "Set TF_VAR_registry_password when you plan and apply"),
        ({**GCP, "SECRET_KEY": "k" * 40}, "SECRET_KEY is a secret: it would stand in plain text"),
        ({**GCP, "SECRET_KEY": {"env": "NOT_THERE"}}, "SECRET_KEY is not in the environment"),
        ({**GCP, "SECRET_KEY": {"file": "no-such"}}, "cannot be read from no-such: No such file"),
        ({**VPS, "address": "a b"}, "address is not a host name or an address"),
        ({**VPS, "port": 70000}, "port does not fit: input should be less than or equal to 65535"),
        ({**VPS, "acme_email": "nobody"}, "acme_email is not an email address"),
        ({**KUBERNETES, "routing.type": "gatway"}, r"routing\.type is not one of gateway, ingress"),
        ({**KUBERNETES, "pods.user": "root"}, r"pods\.user is not of the form that the chart"),
        ({**KUBERNETES, "SECRET_KEY": "x"}, r"the answer secrets\.references\.SECRET_KEY"),
        ({**GCP, "preset": "cloud"}, "preset is not one of local_docker, .*Did you mean cloud_man"),
        ({**GCP, "cloud": "gpc"}, r"cloud is not one of aws, .*Did you mean gcp\?"),
        ({**GCP, "profile": "prod"}, r"profile is not one of .*Did you mean production\?"),
        ({**VPS, "cloud": "aws"}, "cloud means nothing to the preset vps"),
        ({**VPS, "target": "aws"}, "target means nothing to the preset vps: it hosts on vps"),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_refused_with_its_place(
    answers: dict[str, Any], told: str, setup: Setup
) -> None:
    with pytest.raises(SettingsError, match=told) as refused:
        setup.run(answers)
    assert "answers.yaml:" in str(refused.value)
    assert "nothing was written" in str(refused.value)
    assert setup.files() == {}


def test_every_wrong_answer_is_told_at_once(setup: Setup) -> None:
    with pytest.raises(SettingsError, match="2 problems with the answers"):
        setup.run({**GCP, "regoin": "x"}, "LOG_LEVEL=loud")


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("SECRET_KEY=" + "k" * 40, "--var SECRET_KEY: SECRET_KEY is a secret: everybody on the m"),
        ("LOG_LEVEL=loud", "--var LOG_LEVEL: LOG_LEVEL is not one of"),
        ("regoin=x", r"--var regoin: regoin is no answer here. Did you mean region\?"),
        ("region", "--var region: is not KEY=VALUE"),
    ],
)
def test_a_wrong_flag_is_refused_by_its_name(word: str, told: str, setup: Setup) -> None:
    with pytest.raises(SettingsError, match=told) as refused:
        setup.run(GCP, word)
    assert "k" * 40 not in str(refused.value)
    assert setup.files() == {}


def test_a_secret_whose_file_others_can_read_is_refused(setup: Setup) -> None:
    (setup.root / "key").write_text("k3y-aGVsbG8gd29ybGQgYW5kIG1vcmUgb2Y\n")
    (setup.root / "key").chmod(0o644)
    with pytest.raises(SettingsError, match=r"others can read \(mode 0644\). Run `chmod 600`"):
        setup.run({**VPS, "SECRET_KEY": {"file": "key"}})


def test_a_secret_by_reference_is_written_and_shown_nowhere(setup: Setup) -> None:
    value = "k3y-aGVsbG8gd29ybGQgYW5kIG1vcmUgb2Y"
    (setup.root / "key").write_text(f"{value}\n")
    (setup.root / "key").chmod(0o600)
    said = setup.run({**VPS, "SECRET_KEY": {"file": "key"}})
    there = setup.files()
    assert f'SECRET_KEY="{value}"' in there[".env.production"]
    others = {name: text for name, text in there.items() if name != ".env.production"}
    assert value not in said + str(others)


def test_a_weak_secret_is_refused_by_the_contracts_own_check(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEAK", "a" * 40)
    with pytest.raises(UserError, match="SECRET_KEY is a secret of few different characters"):
        setup.run({**VPS, "SECRET_KEY": {"env": "WEAK"}})
    assert setup.files() == {}


def test_answers_that_are_missing_are_listed_with_their_meaning(setup: Setup) -> None:
    answers = {key: GCP[key] for key in ("preset", "cloud", "profile", "region")}
    with pytest.raises(UserError, match="4 answers are missing; nothing was written") as refused:
        setup.run(answers)
    assert "  project_id: Google Cloud project that everything is made in" in str(refused.value)


def test_without_a_preset_the_presets_are_listed(setup: Setup) -> None:
    with pytest.raises(UserError, match=r"preset: How the .* \(local_docker, cloud_managed, "):
        setup.run({"profile": "production"})


def test_without_a_terminal_and_answers_it_is_one_clear_sentence(setup: Setup) -> None:
    with pytest.raises(UserError, match="nobody can be asked here: this is no terminal"):
        wizard.run(wizard.Request(out=str(setup.out)))


def test_a_flag_wins_over_the_file_and_may_stand_alone(setup: Setup) -> None:
    setup.run(VPS, "app_domain=other.example.com")
    assert "app_domain: other.example.com" in setup.files()["hosts.yaml"]
    words = tuple(f"{key}={value}" for key, value in VPS.items())
    said: list[str] = []
    assert wizard.run(wizard.Request("", words, str(setup.root / "two")), said.append) == 0
    assert (setup.root / "two" / "hosts.yaml").is_file()
