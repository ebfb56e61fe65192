"""From an operator's values to what each role gets, and every problem on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given as given_
from hypothesis import settings
from hypothesis import strategies as st
from tests.unit.contract.given_values import HOSTS, INPUTS, SECRETS, given, request, with_roles
from tests.unit.contract.planted import loaded, of_variable, real

from hostwright.contract.envfile import Given, parse
from hostwright.contract.models import PROFILES
from hostwright.contract.values import Problem, Request, complete, expected, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.contract.models import Profile, RoleName

MAKE = "Make one: `python3 -c 'import secrets; print(secrets.token_urlsafe(32))'`."
OK = "0k-enough-of-everything-1234567890"


class Case(NamedTuple):
    """What is given beside good values, and the one problem that comes of it."""

    values: Mapping[str, str | None]
    said: Problem
    inputs: Mapping[str, str] = {}


def _first(name: str, what: str, remedy: str) -> Problem:
    """A problem of the sixth line: the one behind the five good secrets."""
    return Problem(name, what, ".env:6", remedy)


PROBLEMS = {
    "a secret is missing": Case(
        {"SECRET_KEY": None},
        Problem(
            "SECRET_KEY",
            "is missing; production requires it",
            ".env",
            "Set it in .env: Signs what the application hands out.",
        ),
    ),
    "the target's own secret is missing": Case(
        {"REDIS_PASSWORD": None},
        Problem(
            "REDIS_PASSWORD",
            "is missing; vps needs it",
            ".env",
            "Set it in .env: Password of Redis; part of REDIS_URL.",
        ),
    ),
    "a secret is blank": Case(
        {"SECRET_KEY": "   "}, Problem("SECRET_KEY", "is blank", ".env:3", MAKE)
    ),
    "the target's own secret is blank": Case(
        {"POSTGRES_PASSWORD": ""}, Problem("POSTGRES_PASSWORD", "is blank", ".env:1", MAKE)
    ),
    "a value is blank": Case(
        {"LOG_LEVEL": ""}, _first("LOG_LEVEL", "is blank", "Give it a value, or remove the line.")
    ),
    "a name is nearly one of the contract": Case(
        {"SECRET_KEYS": OK},
        _first("SECRET_KEYS", "is not in the contract", "Did you mean SECRET_KEY?"),
    ),
    "a name is in small letters": Case(
        {"log_level": "info"},
        _first("log_level", "is not in the contract", "Did you mean LOG_LEVEL?"),
    ),
    "a name is no name but a piece of something": Case(
        {"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC": "="},
        _first(
            "this line",
            "gives something that is not in the contract",
            "Its name is not shown: it may be a piece of a value that lacks its quotes.",
        ),
    ),
    "a value is of the wrong type": Case(
        {"CONTRACT_ENDPOINT_ENABLED": "yes"},
        _first(
            "CONTRACT_ENDPOINT_ENABLED",
            "is not true or false",
            "It is: Whether the api answers GET /contract with names and validity, never values.",
        ),
    ),
    "a value is not allowed": Case(
        {"LOG_LEVEL": "loud"},
        _first(
            "LOG_LEVEL",
            "is not one of debug, info, warning, error",
            "It is: Least severity that is logged.",
        ),
    ),
    "a value carries a NUL byte": Case(
        {"S3_REGION": "eu\0west"},
        _first(
            "S3_REGION",
            "holds a NUL byte, which no environment can carry",
            "It is: Region of the bucket.",
        ),
        {"storage_provider": "s3", "storage_bucket_name": "b"},
    ),
    "a secret is short": Case(
        {"SECRET_KEY": "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P"},
        Problem("SECRET_KEY", "is a secret of fewer than 32 characters", ".env:3", MAKE),
    ),
    "a secret is one letter, often": Case(
        {"SECRET_KEY": "ababab" * 9},
        Problem("SECRET_KEY", "is a secret of few different characters", ".env:3", MAKE),
    ),
    "a secret is a placeholder": Case(
        {"SECRET_KEY": "ChangeMe-" + OK},
        Problem("SECRET_KEY", "looks like a placeholder", ".env:3", MAKE),
    ),
    "a secret ends with a line end": Case(
        {"SECRET_KEY": OK + "\n"},
        Problem("SECRET_KEY", "begins or ends with white space", ".env:3", MAKE),
    ),
    "the target's own secret holds a tab": Case(
        {"REDIS_PASSWORD": "0k\tenough-of-everything-7654321"},
        Problem("REDIS_PASSWORD", "holds a control character", ".env:2", MAKE),
    ),
    "what hostwright composes is given": Case(
        {"DATABASE_URL": "postgresql://a:b@c/d"},
        _first("DATABASE_URL", "is composed by hostwright on vps", "Remove the line."),
    ),
    "what the contract fixes is given": Case(
        {"DATABASE_SSL_MODE": "require"},
        _first("DATABASE_SSL_MODE", "is fixed by the contract on vps", "Remove the line."),
    ),
    "what the target has no use for is given": Case(
        {"REDIS_CA_CERT": "x"},
        _first("REDIS_CA_CERT", "has no use on vps", "Remove the line."),
    ),
    "a value contradicts the host's settings": Case(
        {"APP_PUBLIC_URL": "https://other.example.com"},
        _first("APP_PUBLIC_URL", "differs from the input app_public_url", "Keep one of the two."),
    ),
    "an input is missing": Case(
        {"S3_REGION": "eu-west-1"},
        Problem(
            "S3_BUCKET",
            "is missing; production requires it (with STORAGE_PROVIDER=s3)",
            ".env",
            "Set the input storage_bucket_name for this host, or S3_BUCKET in the env file.",
        ),
        {"storage_provider": "s3"},
    ),
    "a condition makes something required": Case(
        {"VAULT_ADDR": "https://vault.example.com", "VAULT_TOKEN": OK},
        Problem(
            "VAULT_TRANSIT_KEY",
            "is missing; production requires it (with SECRETS_PROVIDER=vault_hcp|vault_dev)",
            ".env",
            "Set it in .env: Name of the transit key that signs.",
        ),
        {"secrets_provider": "vault_hcp"},
    ),
    "an input is not allowed": Case(
        {},
        Problem(
            "STORAGE_PROVIDER",
            "is not one of s3, azure_blob, gcs, minio, local",
            ".env",
            "It is: Kind of object storage.",
        ),
        {"storage_provider": "ftp"},
    ),
    "a value has no use under this choice": Case(
        {"VAULT_TOKEN": OK},
        Problem(
            "VAULT_TOKEN",
            "is not used: it needs SECRETS_PROVIDER=vault_hcp|vault_dev",
            ".env:6",
            "Remove the line, or set what it needs.",
            "warning",
        ),
    ),
}


@pytest.mark.parametrize("case", PROBLEMS.values(), ids=list(PROBLEMS))
def test_a_problem_names_the_variable_the_place_and_the_remedy(case: Case) -> None:
    assert resolve(real(), request(case.values, case.inputs)).problems == [case.said]


def test_good_values_have_no_problem() -> None:
    assert resolve(real(), request()).problems == []


def test_two_secrets_with_one_value_are_both_problems() -> None:
    found = resolve(real(), request({"SECRET_KEY": OK, "AUTH_PASSWORD_PEPPER": OK})).problems
    said = [(item.name, item.what, item.where) for item in found]
    what = "has the same value as another secret"
    assert said == [("SECRET_KEY", what, ".env:3"), ("AUTH_PASSWORD_PEPPER", what, ".env:5")]


def test_problems_come_in_the_order_of_the_file_and_a_variable_of_three_roles_once() -> None:
    found = resolve(real(), request({"LOG_LEVEL": "loud", "NOPE": "x", "SECRET_KEY": "short"}))
    assert [(item.name, item.where) for item in found.errors] == [
        ("SECRET_KEY", ".env:3"),
        ("LOG_LEVEL", ".env:6"),
        ("NOPE", ".env:7"),
    ]


def test_a_warning_stops_nothing() -> None:
    found = resolve(real(), request({"VAULT_TOKEN": OK}))
    assert [item.severity for item in found.problems] == ["warning"]
    assert found.errors == []


def test_a_problem_reads_as_place_name_what_and_remedy() -> None:
    assert str(Problem("A", "is blank", ".env:3", "Fill it.")) == ".env:3: A is blank. Fill it."
    assert str(Problem("A", "is blank", "", "Fill it.")) == "A is blank. Fill it."


def test_a_deprecated_variable_is_a_warning_with_its_own_remedy() -> None:
    contract = loaded(
        of_variable("LOG_LEVEL", "default: info", "default: info\n    deprecated: Say LOUDNESS.")
    )
    [problem] = resolve(contract, request({"LOG_LEVEL": "info"}, contract=contract)).problems
    assert problem == Problem("LOG_LEVEL", "is deprecated", ".env:6", "Say LOUDNESS.", "warning")


def test_a_password_in_a_url_is_judged_and_its_host_is_not() -> None:
    def problems(url: str) -> list[str]:
        told = {"DATABASE_URL": Given(url, "f:1")}
        request = Request("kubernetes", "production", told)
        return [
            item.what for item in resolve(real(), request).errors if item.name == "DATABASE_URL"
        ]

    assert problems("postgresql://app:kX82-jq_9Lm@db.example.com/secrets") == []
    assert problems("postgresql://app@db.example.com/app") == []
    assert problems("postgresql://app:changeme99@db.prod/app") == ["looks like a placeholder"]


# --- no value is ever told -----------------------------------------------------------------------

secret_text = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30
).map(lambda text: f"zQ9{text}xJ7")
names = st.sampled_from(
    [*real().variables, *real().targets["vps"].secrets, "UNKNOWN", "SECRET_KEYS", "secret_key"]
)


@given_(
    st.dictionaries(names, secret_text, max_size=8),
    st.sampled_from(["vps", "aws", "kubernetes"]),
    st.sampled_from(["env", "vault_hcp", "aws_sm"]),
)
@settings(deadline=None, max_examples=60)
def test_no_problem_ever_shows_a_value(values: dict[str, str], target: str, provider: str) -> None:
    told = {name: Given(value, f".env:{at}") for at, (name, value) in enumerate(values.items(), 1)}
    ask = Request(target, "production", told, {"secrets_provider": provider}, {}, ".env")  # type: ignore[arg-type]
    found = resolve(real(), ask).problems
    assert found
    assert not [value for value in values.values() if value in str(found)]


@given_(secret_text.map(lambda text: text.replace("'", "")), st.integers(0, 4))
@settings(deadline=None, max_examples=60)
def test_no_unreadable_line_ever_shows_a_value(value: str, form: int) -> None:
    forms = ["K='{}\n", 'K="{}$X"\n', "K={}$X\n", "K = = '{}\n", "-----BEGIN\n{}\n-----END\n"]
    read = parse(forms[form].format(value), ".env")
    assert value not in str(read.unread)


# --- what each role gets -------------------------------------------------------------------------


def by_role(
    values: Mapping[str, str | None] | None = None,
    inputs: Mapping[str, str] | None = None,
    profile: Profile = "production",
) -> dict[RoleName, dict[str, str]]:
    found = resolve(real(), request(values, inputs, profile))
    assert found.errors == []
    return found.roles


def test_each_role_gets_exactly_its_variables() -> None:
    roles = by_role()
    shared = {"ENVIRONMENT", "LOG_LEVEL"}
    database = {"DATABASE_URL", "DATABASE_SSL_MODE"}
    assert set(roles["migrate"]) == shared | database
    assert set(roles["web"]) == shared | {
        "PORT",
        "APP_PUBLIC_URL",
        "API_BASE_URL",
        "AGENT_FORCE_SECURE_COOKIES",
        "AGENT_ALLOW_INSECURE_COOKIES",
    }
    worker = set(roles["worker"])
    assert worker > shared | database | {"REDIS_URL", "SECRET_KEY", "STORAGE_LOCAL_PATH"}
    assert set(roles["api"]) - worker == {
        "PORT",
        "ALLOWED_HOSTS",
        "ALLOWED_ORIGINS",
        "CONTRACT_ENDPOINT_ENABLED",
    }
    assert worker <= set(roles["api"])


def test_values_arrive_per_role_and_unchanged() -> None:
    roles = by_role()
    assert roles["api"]["PORT"] == "8000"
    assert roles["web"]["PORT"] == "3000"
    assert roles["web"]["API_BASE_URL"] == f"http://{HOSTS['api']}:8000"
    assert roles["api"]["ENABLE_BILLING_RETRY_WORKER"] == "false"
    assert roles["worker"]["ENABLE_BILLING_RETRY_WORKER"] == "true"
    assert (roles["api"]["DATABASE_POOL_SIZE"], roles["worker"]["DATABASE_POOL_SIZE"]) == ("5", "2")
    assert roles["api"]["SECRET_KEY"] == SECRETS["SECRET_KEY"]
    assert roles["api"]["ALLOWED_HOSTS"] == "api.example.com,app.example.com,app-r1-api"
    assert roles["api"]["AUTH_KEY_STORAGE_PROVIDER"] == "env"
    assert roles["api"]["AUTH_KEY_STORAGE_BACKEND"] == "file"
    url = urlsplit(roles["migrate"]["DATABASE_URL"])
    assert unquote(url.password or "") == SECRETS["POSTGRES_PASSWORD"]


@pytest.mark.parametrize("profile", PROFILES)
def test_web_never_gets_a_secret_or_a_data_store(profile: Profile) -> None:
    web = by_role(profile=profile)["web"]
    assert web["ENVIRONMENT"] == profile
    assert not [name for name in web if name.startswith(("DATABASE_", "REDIS_"))]
    assert not [name for name in web if real().variables[name].secret]
    assert not [secret for secret in SECRETS.values() if any(secret in v for v in web.values())]


@pytest.mark.parametrize("profile", ["staging", "production"])
@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "AUTH_SESSION_ENCRYPTION_KEY", "AUTH_PASSWORD_PEPPER"]
)
def test_the_applications_own_keys_are_demanded(name: str, profile: Profile) -> None:
    found = resolve(real(), request({name: None}, profile=profile)).errors
    assert [(item.name, item.what) for item in found] == [
        (name, f"is missing; {profile} requires it")
    ]


def test_development_runs_without_the_applications_own_keys() -> None:
    keys = ["SECRET_KEY", "AUTH_SESSION_ENCRYPTION_KEY", "AUTH_PASSWORD_PEPPER"]
    found = resolve(real(), request(dict.fromkeys(keys), profile="development"))
    assert found.problems == []
    assert "SECRET_KEY" not in found.roles["api"]


PROVIDERS = {
    "env": {},
    "aws_sm": {"AWS_REGION": "eu-west-1", "AWS_SM_SIGNING_SECRET_ARN": "arn:aws:x"},
    "azure_kv": {
        "AZURE_KEY_VAULT_URL": "https://v.example.com",
        "AZURE_KV_SIGNING_SECRET_NAME": "s",
    },
    "gcp_sm": {"GCP_SM_PROJECT_ID": "p", "GCP_SM_SIGNING_SECRET_NAME": "s"},
    "vault_hcp": {
        "VAULT_ADDR": "https://v.example.com",
        "VAULT_TOKEN": OK,
        "VAULT_TRANSIT_KEY": "k",
    },
    "vault_dev": {
        "VAULT_ADDR": "http://v.example.com",
        "VAULT_TOKEN": OK,
        "VAULT_TRANSIT_KEY": "k",
    },
    "infisical_cloud": {
        "INFISICAL_BASE_URL": "https://i.example.com",
        "INFISICAL_SERVICE_TOKEN": OK,
        "INFISICAL_PROJECT_ID": "p",
        "INFISICAL_ENVIRONMENT": "prod",
        "INFISICAL_SIGNING_SECRET_NAME": "s",
    },
}
PROVIDERS["infisical_self_host"] = PROVIDERS["infisical_cloud"]
STORAGES = {
    "local": {},
    "s3": {"S3_REGION": "eu-west-1"},
    "azure_blob": {"AZURE_BLOB_ACCOUNT_URL": "https://b.example.com"},
    "gcs": {"GCP_PROJECT_ID": "p", "GCS_SIGNING_EMAIL": "s@p"},
    "minio": {
        "MINIO_ENDPOINT": "minio:9000",
        "MINIO_ACCESS_KEY": "key",
        "MINIO_SECRET_KEY": OK,
    },
}
#: The first words of variables that belong to one choice.
OWNERS = ("AWS_", "AZURE_", "GCP_SM_", "VAULT_", "INFISICAL_", "S3_", "GCS_", "MINIO_", "STORAGE_L")


def test_every_provider_and_storage_is_in_the_tables() -> None:
    assert set(PROVIDERS) == set(real().variables["SECRETS_PROVIDER"].allowed)
    assert set(STORAGES) == set(real().variables["STORAGE_PROVIDER"].allowed)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_secrets_provider_demands_its_own_variables_and_no_others(
    provider: str, profile: Profile
) -> None:
    values, inputs = PROVIDERS[provider], {"secrets_provider": provider}
    api = by_role(values, inputs, profile)["api"]
    defaults = {"VAULT_VERIFY_ENABLED", "INFISICAL_SECRET_PATH", "STORAGE_LOCAL_PATH"}
    assert {name for name in api if name.startswith(OWNERS)} - defaults == set(values)
    assert api["AUTH_KEY_STORAGE_PROVIDER"] == provider
    assert api["AUTH_KEY_STORAGE_BACKEND"] == ("file" if provider == "env" else "secret-manager")
    demanded = {item.name for item in resolve(real(), request({}, inputs, profile)).errors}
    assert demanded == set(values)


@pytest.mark.parametrize("storage", STORAGES)
def test_a_storage_demands_its_own_variables_and_no_others(storage: str) -> None:
    values = STORAGES[storage]
    inputs = {"storage_provider": storage, "storage_bucket_name": "bucket"}
    api = by_role(values, inputs)["api"]
    bucket = {"s3": "S3_BUCKET", "azure_blob": "AZURE_BLOB_CONTAINER", "gcs": "GCS_BUCKET"}
    bucket |= {"minio": "MINIO_BUCKET", "local": "STORAGE_LOCAL_PATH"}
    defaults = {"S3_FORCE_PATH_STYLE", "MINIO_REGION", "MINIO_SECURE"}
    owned = {name for name in api if name.startswith((*OWNERS, "GCP_"))} - defaults
    assert owned == {*values, bucket[storage]}
    assert set(STORAGES["gcs"]) <= set(api) or storage != "gcs"


@pytest.mark.parametrize("target", ["aws", "azure", "gcp", "kubernetes"])
@pytest.mark.parametrize(
    ("name", "value"), [("SECRETS_PROVIDER", "env"), ("STORAGE_PROVIDER", "local")]
)
def test_what_needs_a_volume_is_refused_on_clouds(target: str, name: str, value: str) -> None:
    told = {name: Given(value, ".env:1")}
    found = resolve(real(), Request(target, "production", told)).errors  # type: ignore[arg-type]
    [problem] = [item for item in found if item.name == name]
    assert problem.what == f"has a value that {target} refuses"
    assert problem.where == ".env:1"


def test_a_reserved_variable_is_refused_where_it_is_reserved() -> None:
    told = {"PORT": Given("8080", ".env:1")}
    found = resolve(real(), Request("gcp", "production", told)).errors
    assert Problem("PORT", "is reserved: gcp sets it itself", ".env:1", "Remove the line.") in found
    assert "PORT" not in resolve(real(), Request("gcp", "production", told)).roles["api"]


@pytest.mark.parametrize(
    "roles", [("web", "worker"), ("api",), ("web",), ("api", "worker", "migrate")]
)
def test_absent_roles_get_nothing_and_ask_for_nothing(roles: tuple[str, ...]) -> None:
    contract = with_roles(*roles)
    found = resolve(contract, request(contract=contract))
    assert found.errors == []
    assert set(found.roles) == set(roles)
    if "web" in roles:
        assert ("API_BASE_URL" in found.roles["web"]) == ("api" in roles)


def test_a_required_variable_of_an_absent_role_is_not_missed() -> None:
    contract = with_roles("web")
    keys = ["SECRET_KEY", "AUTH_SESSION_ENCRYPTION_KEY", "AUTH_PASSWORD_PEPPER"]
    found = resolve(contract, request(dict.fromkeys(keys), contract=contract))
    assert found.errors == []


def test_the_targets_own_secrets_stay_with_the_target() -> None:
    found = resolve(real(), request())
    own = {"POSTGRES_PASSWORD", "REDIS_PASSWORD"}
    assert found.secrets == {name: SECRETS[name] for name in own}
    assert not [name for values in found.roles.values() for name in values if name in own]


def test_an_env_file_is_checked_without_its_host() -> None:
    ask = Request("vps", "production", given(), {"environment": "production"}, None, ".env")
    assert resolve(real(), ask).problems == []


def test_a_value_that_agrees_with_the_input_is_no_problem() -> None:
    assert resolve(real(), request({"APP_PUBLIC_URL": INPUTS["app_public_url"]})).problems == []


# --- inputs and expectations ---------------------------------------------------------------------


def test_inputs_are_completed_from_the_targets_defaults_then_from_fallbacks() -> None:
    whole = complete(real(), "vps", {"api_image": "a:1", "secrets_provider": "vault_hcp"})
    assert whole["worker_image"] == "a:1"
    assert whole["auth_key_storage_provider"] == "vault_hcp"
    assert whole["storage_provider"] == "local"
    assert whole["api_memory_mib"] == "512"
    assert "region" not in whole
    assert "web_image" not in whole
    assert complete(real(), "aws", {})["secrets_provider"] == "aws_sm"


def test_expectations_follow_conditions() -> None:
    plain, extra = expected(real(), Request("vps", "production", {}), "api")
    vault = Request("vps", "production", {}, {"secrets_provider": "vault_hcp"})
    with_vault, more = expected(real(), vault, "api")
    assert with_vault - plain == {"VAULT_ADDR", "VAULT_TOKEN", "VAULT_TRANSIT_KEY"}
    assert more - extra == {"VAULT_NAMESPACE", "VAULT_VERIFY_ENABLED"}
    assert not plain & extra


def test_expectations_know_the_profile_and_absent_roles() -> None:
    production, _ = expected(real(), Request("vps", "production", {}), "api")
    development, _ = expected(real(), Request("vps", "development", {}), "api")
    assert "SECRET_KEY" in production - development
    required, optional = expected(with_roles("web"), Request("vps", "production", {}), "web")
    assert "API_BASE_URL" in optional - required


@pytest.mark.parametrize("target", ["aws", "azure", "gcp", "kubernetes", "vps"])
def test_what_a_target_does_not_emit_is_never_expected(target: str) -> None:
    ask = Request(target, "production", {})  # type: ignore[arg-type]
    for role in real().roles:
        names = frozenset().union(*expected(real(), ask, role))
        assert all(real().variables[name].source(ask.target).emitted for name in names)
        assert role != "web" or not [name for name in names if name.startswith("DATABASE_")]


def test_a_contract_that_drops_the_demand_for_a_secret_lets_it_be_missing() -> None:
    """What contract_rules finds (`secret-not-demanded`) has this effect."""
    text = of_variable("SECRET_KEY", "    required: [staging, production]\n", "")
    assert resolve(loaded(text), request({"SECRET_KEY": None})).errors == []


def test_a_contract_without_the_condition_demands_vault_of_everybody() -> None:
    """What contract_rules finds (`demanded-whatever-is-chosen`) has this effect."""
    when = "    when: {SECRETS_PROVIDER: [vault_hcp, vault_dev]}\n"
    contract = loaded(of_variable("VAULT_ADDR", when, ""))
    found = resolve(contract, request(contract=contract)).errors
    assert [item.name for item in found] == ["VAULT_ADDR"]


# --- values for one role alone -------------------------------------------------------------------


def for_one(role: RoleName, **values: str) -> Request:
    own = {name: Given(value, f"hosts.yaml, {role}_env") for name, value in values.items()}
    return replace(request(), by_role={role: own})


def test_a_value_for_one_role_wins_there_and_nowhere_else() -> None:
    resolved = resolve(real(), for_one("worker", LOG_LEVEL="debug"))
    levels = {role: values["LOG_LEVEL"] for role, values in resolved.roles.items()}
    assert levels == {"api": "info", "web": "info", "worker": "debug", "migrate": "debug"}
    assert resolved.errors == []


REFUSED = {
    "LOG_LEVLE": ("is not in the contract", "Did you mean LOG_LEVEL?"),
    "SECRET_KEY": ("is a secret: it would stand in plain text", "Give it in the env file."),
    "APP_PUBLIC_URL": ("comes from the input app_public_url", "Set app_public_url instead."),
    "PORT": ("is composed by hostwright on vps", "Remove the line."),
    "DATABASE_URL": ("is a secret: it would stand in plain text", "Give it in the env file."),
    "AGENT_FORCE_SECURE_COOKIES": (
        "does not belong to api: the contract gives it to web",
        "Remove the line.",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_value_for_a_role_is_refused(name: str) -> None:
    problems = resolve(real(), for_one("api", **{name: "debug"})).errors
    what, remedy = REFUSED[name]
    assert Problem(name, what, "hosts.yaml, api_env", remedy) in problems


def test_a_wrong_value_for_a_role_is_told_where_it_stands() -> None:
    [problem] = resolve(real(), for_one("api", LOG_LEVEL="loud")).errors
    assert (problem.name, problem.where) == ("LOG_LEVEL", "hosts.yaml, api_env")
