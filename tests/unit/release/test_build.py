"""A release: complete, consistent, the same for the same plan, and discreet."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import itertools
import json
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from dotenv import dotenv_values
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.contract.given_values import SECRETS
from tests.unit.release.plans import CREATED, IMAGE, PULLED, host, plan

from hostwright.contract.envfile import Given, quote
from hostwright.images import Placed
from hostwright.release import build
from hostwright.release.build import Plan, Release, identify, resolved, salted
from hostwright.release.bundle import File
from hostwright.runner import bundle as receiving
from hostwright.settings import Values

CHOICES = [("web", "worker"), ("api",), ("web",), ("api", "web", "worker", "migrate"), ("worker",)]
EACH_CHOICE = pytest.mark.parametrize("roles", CHOICES, ids="+".join)
PEM = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def release_of(*roles: str, **more: Any) -> Release:  # noqa: ANN401 - see plan
    return build.build(plan(*roles, **more))


def env_of(release: Release, role: str) -> dict[str, str | None]:
    """A role's variables, where no value has a dollar."""
    text = release.files[f"env/{role}.env"].content.decode()
    return dotenv_values(stream=io.StringIO(text), interpolate=False)


# --- the same plan, the same release -------------------------------------------------------------


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert release_of().pack() == release_of().pack()


def test_the_archive_begins_with_the_manifest() -> None:
    assert release_of().pack()[:100].rstrip(b"\0") == b"manifest.json"


def test_an_id_sorts_by_time_and_tells_releases_of_one_second_apart() -> None:
    name = identify(plan())
    assert name.startswith("20261122t170301z-")
    assert name == name.lower()
    others = [
        plan(changed={"salt": "other"}),
        plan(project_name="shop"),
        plan(changed={"images": {**plan().images, "api": Placed("shop:2", None, pull=False)}}),
    ]
    assert len({name, *(identify(other) for other in others)}) == 4
    later = plan(changed={"created": CREATED.replace(hour=18)})
    assert identify(later) > name


# --- what it holds -------------------------------------------------------------------------------


@EACH_CHOICE
def test_the_runner_takes_the_bundle_as_it_is(roles: tuple[str, ...]) -> None:
    release = release_of(*roles)
    described, _, files = receiving.read(release.pack())
    assert described.id == release.id
    assert set(files) | {"manifest.json"} == set(release.files)
    assert set(described.roles) == set(roles) - {"migrate"}
    assert set(described.env) == set(roles)
    assert (described.migrate is not None) == ("migrate" in roles)


@EACH_CHOICE
def test_the_manifest_knows_every_file_with_its_hash_and_mode(roles: tuple[str, ...]) -> None:
    release = release_of(*roles)
    listed = release.manifest["files"]
    assert set(listed) == set(release.files) - {"manifest.json"}
    for path, entry in listed.items():
        file = release.files[path]
        assert entry["sha256"] == hashlib.sha256(file.content).hexdigest()
        assert entry["mode"] == f"{file.mode:04o}"


@EACH_CHOICE
def test_values_and_passwords_are_for_their_owner_alone(roles: tuple[str, ...]) -> None:
    modes = {path: file.mode for path, file in release_of(*roles).files.items()}
    private = {path for path in modes if path.startswith(("env/", "secrets/"))}
    assert {path for path in private if path.startswith("env/")} == {f"env/{r}.env" for r in roles}
    assert {modes[path] for path in private} == {0o600}
    scripts = {path for path in modes if path.startswith("entrypoints/")}
    assert scripts
    assert {modes[path] for path in scripts} == {0o755}
    assert {modes[path] for path in modes.keys() - private - scripts} == {0o644}


@EACH_CHOICE
def test_only_the_roles_of_the_application_are_in_it(roles: tuple[str, ...]) -> None:
    release = release_of(*roles)
    compose = yaml.safe_load(release.files["compose.yaml"].content)
    names = {body["container_name"] for body in compose["services"].values()}
    assert names == {f"app-{release.id}-{role}" for role in roles}
    base = yaml.safe_load(release.files["base.yaml"].content)
    assert not {"api", "web", "worker", "migrate"} & set(base["services"])
    live = {path for path in release.files if path.startswith("live/")}
    assert live == {f"live/{role}" for role in roles if role in {"api", "web"}}
    assert release.manifest["public"].keys() >= {"web"} & set(roles)


def test_the_manifest_says_how_each_role_is_run() -> None:
    manifest = release_of().manifest
    assert manifest["roles"] == {
        "api": {
            "kind": "service",
            "port": 8000,
            "live": "/health",
            "ready": "/health/ready",
            "start_seconds": 60,
            "stop_seconds": 30,
            "drain_seconds": 30,
        },
        "web": {
            "kind": "service",
            "port": 3000,
            "live": "/api/health",
            "ready": "/api/health/ready",
            "start_seconds": 60,
            "stop_seconds": 30,
            "drain_seconds": 30,
        },
        "worker": {
            "kind": "worker",
            "health": ["python", "-m", "probe", "worker", "--health"],
            "start_seconds": 60,
            "stop_seconds": 60,
            "handover": "stop-then-start",
        },
        "migrate": {
            "kind": "job",
            "up": ["python", "-m", "probe", "migrate", "up"],
            "status": ["python", "-m", "probe", "migrate", "status"],
            "timeout_seconds": 600,
        },
    }
    assert (manifest["manifest"], manifest["runner"], manifest["profile"]) == (1, "1", "production")
    assert manifest["created"] == "2026-11-22T17:03:01Z"
    assert manifest["public"] == {"web": ["app.example.com"], "api": ["api.example.com"]}
    assert manifest["images"]["api"] == IMAGE._asdict()
    assert manifest["images"]["caddy"] == PULLED._asdict()
    assert manifest["secrets"]["postgres_password"] == {"uid": 999, "gid": 999}
    assert manifest["shared"] == {"networks": ["app_out"], "volumes": ["app_storage"]}
    assert (manifest["keep_releases"], manifest["warm_seconds"]) == (5, 300)


def test_the_hosts_own_patience_wins_over_the_contracts() -> None:
    roles = release_of(health_seconds=7).manifest["roles"]
    assert {roles[role]["start_seconds"] for role in ("api", "web", "worker")} == {7}


def test_the_written_manifest_is_the_manifest() -> None:
    release = release_of()
    assert json.loads(release.files["manifest.json"].content) == release.manifest


# --- discretion ----------------------------------------------------------------------------------


def open_files(release: Release) -> dict[str, bytes]:
    """Everything that is not made for secrets."""
    closed = ("env/api.env", "env/worker.env", "env/migrate.env", "secrets/")
    return {
        path: file.content for path, file in release.files.items() if not path.startswith(closed)
    }


awkward = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), max_size=20
).map(lambda text: f"zQ9-{text}-xJ7-long-enough-to-be-taken-as-a-value")


@given(st.fixed_dictionaries(dict.fromkeys((*SECRETS, "VAULT_TOKEN"), awkward)))
@settings(deadline=None, max_examples=20)
def test_no_secret_stands_anywhere_but_in_the_files_made_for_it(values: dict[str, str]) -> None:
    vault = {"VAULT_ADDR": "https://vault.example.com", "VAULT_TRANSIT_KEY": "k"}
    release = release_of(values={**values, **vault}, inputs={"secrets_provider": "vault_hcp"})
    forms = {form for value in values.values() for form in (value, json.dumps(value)[1:-1])}
    forms |= {value.encode().hex() for value in values.values()}
    for path, content in open_files(release).items():
        assert not [form for form in forms if form.encode() in content], path
    for name in ("postgres", "redis"):
        given_ = values[f"{name.upper()}_PASSWORD"]
        assert release.files[f"secrets/{name}_password"].content.decode() == f"{given_}\n"
    url = urlsplit(str(env_of(release, "migrate")["DATABASE_URL"]))
    assert unquote(url.password or "") == values["POSTGRES_PASSWORD"]


def test_web_gets_no_secret_and_no_data_store() -> None:
    env = env_of(release_of(), "web")
    assert not [name for name in env if name.startswith(("DATABASE_", "REDIS_"))]
    assert not [name for name in env if name in SECRETS]
    assert not [secret for secret in SECRETS.values() if secret in str(env)]


def test_the_manifest_has_salted_hashes_and_no_value() -> None:
    release = release_of()
    hashes = release.manifest["env"]["api"]
    salt = release.manifest["salt"]
    expected = hashlib.sha256(f"{salt}\0SECRET_KEY\0{SECRETS['SECRET_KEY']}".encode()).hexdigest()
    assert hashes["SECRET_KEY"] == expected[:32]
    assert set(hashes) == set(env_of(release, "api"))
    assert salted("other", "SECRET_KEY", SECRETS["SECRET_KEY"]) != hashes["SECRET_KEY"]


# --- values --------------------------------------------------------------------------------------


def test_web_calls_the_api_of_its_own_release() -> None:
    release = release_of()
    assert env_of(release, "web")["API_BASE_URL"] == f"http://app-{release.id}-api:8000"
    assert release.files["live/api"].content.decode().strip() == f"app-{release.id}-api"
    assert f"app-{release.id}-api" in str(env_of(release, "api")["ALLOWED_HOSTS"]).split(",")


def test_a_roles_own_values_reach_it_alone_and_win() -> None:
    release = release_of(
        api_env={"LOG_LEVEL": "debug"},
        web_env={"AGENT_FORCE_SECURE_COOKIES": "false"},
        worker_env={"LOG_LEVEL": "error"},
    )
    levels = {role: env_of(release, role)["LOG_LEVEL"] for role in ("api", "web", "worker")}
    assert levels == {"api": "debug", "web": "info", "worker": "error"}
    assert env_of(release, "migrate")["LOG_LEVEL"] == "error"
    assert env_of(release, "web")["AGENT_FORCE_SECURE_COOKIES"] == "false"


def test_the_settings_of_the_host_reach_the_two_projects_and_caddy() -> None:
    release = release_of(
        project_name="shop",
        acme={"email": "ops@example.com", "directory": "https://acme.example.com/dir"},
        trusted_proxies=["10.0.0.0/8", "192.168.0.0/16"],
        inputs={"api_memory_mib": 256, "db_name": "orders", "db_admin_username": "clerk"},
        changed={"acme_root": PEM},
    )
    compose = yaml.safe_load(release.files["compose.yaml"].content)
    base = yaml.safe_load(release.files["base.yaml"].content)
    api = compose["services"][f"shop-{release.id}-api"]
    assert api["deploy"]["resources"]["limits"]["memory"] == "256m"
    postgres = base["services"]["postgres"]["environment"]
    assert (postgres["POSTGRES_DB"], postgres["POSTGRES_USER"]) == ("orders", "clerk")
    caddyfile = release.files["caddy/Caddyfile"].content.decode()
    for line in (
        "email ops@example.com",
        "acme_ca https://acme.example.com/dir",
        "acme_ca_root /etc/caddy/acme-root.pem",
        "trusted_proxies static 10.0.0.0/8 192.168.0.0/16",
    ):
        assert f"\t{line}\n" in caddyfile
    assert release.files["caddy/acme-root.pem"] == File(PEM)
    assert "app.example.com" in release.files["caddy/apps/shop/web.caddy"].content.decode()
    url = urlsplit(str(env_of(release, "migrate")["DATABASE_URL"]))
    assert (url.username, url.path) == ("clerk", "/orders")


def test_without_a_domain_the_api_is_not_public() -> None:
    release = release_of(api_domain=None)
    assert "api" not in release.manifest["public"]
    assert b"reverse_proxy" not in release.files["caddy/apps/app/api.caddy"].content


# --- what changes which part ---------------------------------------------------------------------


def digests(planned: Plan) -> tuple[str, str]:
    manifest = build.build(planned).manifest
    return manifest["base_sha256"], manifest["caddy_sha256"]


def test_a_new_image_or_value_leaves_the_base_and_caddy_alone() -> None:
    images = {**plan().images, "api": Placed("shop:2", None, pull=False)}
    other = plan(
        values={"LOG_LEVEL": "debug"},
        changed={"images": images, "created": CREATED.replace(hour=23), "salt": "z"},
    )
    assert digests(other) == digests(plan())


def test_a_new_domain_changes_caddy_alone() -> None:
    base, caddy = digests(plan())
    new_base, new_caddy = digests(plan(app_domain="new.example.com"))
    assert new_base == base
    assert new_caddy != caddy


def test_a_new_password_changes_the_base_alone() -> None:
    base, caddy = digests(plan())
    new_base, new_caddy = digests(plan(values={"REDIS_PASSWORD": "an0ther-0ne-kX72bQpLw"}))
    assert new_base != base
    assert new_caddy == caddy


def test_problems_with_values_are_known_before_anything_is_built() -> None:
    found = resolved(plan(values={"SECRET_KEY": None, "LOG_LEVEL": "loud"}), "new").errors
    assert [item.name for item in found] == ["SECRET_KEY", "LOG_LEVEL"]
    assert resolved(plan(), "new").problems == []


def test_where_a_value_is_missing_the_env_file_is_named() -> None:
    stated = host(values=Values(env_file=".env.prod"))
    planned = plan(values={"SECRET_KEY": None}, changed={"host": stated})
    [problem] = resolved(planned, "new").errors
    assert problem.where == ".env.prod"


@pytest.mark.parametrize(
    "value", ["$HOME ${X} $$", "a'b\"c\\d", "line\nline\r\n", "äöü 😀", "#x = y", " lead trail "]
)
def test_an_awkward_value_is_written_so_that_compose_reads_it_back(value: str) -> None:
    told = {**plan().given, "VAULT_TRANSIT_KEY": Given(value, "f:1")}
    release = build.build(plan(inputs={"secrets_provider": "vault_hcp"}, changed={"given": told}))
    assert f"VAULT_TRANSIT_KEY={quote(value)}\n" in release.files["env/api.env"].content.decode()


def test_every_pair_of_roles_makes_a_release() -> None:
    for roles in itertools.combinations(("api", "web", "worker", "migrate"), 2):
        receiving.read(release_of(*roles).pack())


@pytest.mark.parametrize(
    ("inputs", "mib"),
    [
        ({}, 0),
        ({"api_memory_mib": 256}, 256),
        ({"api_memory_mib": 256, "web_memory_mib": 128}, 384),
        ({"worker_memory_mib": 256}, 0),  # it starts when the old one has ended
    ],
)
def test_the_runner_is_told_the_memory_that_the_operator_stated(
    inputs: dict[str, int], mib: int
) -> None:
    described, _, _ = receiving.read(release_of(inputs=inputs).pack())
    assert described.memory_bytes == mib * 1024**2


def test_a_worker_that_overlaps_needs_its_memory_beside_the_old_one() -> None:
    before = plan(inputs={"worker_memory_mib": 256})
    worker = before.contract.roles["worker"].model_copy(update={"handover": "overlap"})
    contract = before.contract.model_copy(
        update={"roles": {**before.contract.roles, "worker": worker}}
    )
    assert build.memory_bytes(dataclasses.replace(before, contract=contract)) == 256 * 1024**2
