"""hosts.yaml, flags and bare addresses: what is taken, and what is refused with its place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from hostwright import paths, settings
from hostwright.contract import load as load_contract
from hostwright.errors import SettingsError, UserError
from hostwright.settings import Acme, Host, HostsFile, Values, check_inputs, from_text

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel

EXAMPLE = paths.ROOT / "hosts.example.yaml"
FILE = """\
version: 1
hosts:
  shop:
    address: 203.0.113.7
    port: 2222
    app_domain: app.example.com
    images: {api: "shop-api:1", web: "shop-web:1"}
    values: {env_file: .env.prod, environment: true}
    acme: {email: ops@example.com, directory: "https://acme.example.com/dir"}
  street: {address: street.example.com}
"""


class Case(NamedTuple):
    """A text of FILE, what stands there instead, and the line that says what is wrong."""

    old: str
    new: str
    said: str


FAULTS = {
    "an unknown key": Case(
        "port: 2222", "prot: 2222", "5: hosts.shop.prot: unknown key prot. Did you mean port?"
    ),
    "an unknown key at the top": Case(
        "version: 1", "versoin: 1", "1: versoin: unknown key versoin. Did you mean version?"
    ),
    "an unknown key of a part": Case(
        "env_file:",
        "envfile:",
        "8: hosts.shop.values.envfile: unknown key envfile. Did you mean env_file?",
    ),
    "a registry that is none": Case(
        "port: 2222",
        "registries: {shop: {username: me, password_from: REGISTRY_PASSWORD}}",
        "5: hosts.shop.registries.shop: unknown key shop. Value error, is not a registry: "
        "ghcr.io, docker.io or registry.example.com:5000.",
    ),
    "a password in the file": Case(
        "port: 2222",
        "registries: {ghcr.io: {username: me, password: secret}}",
        "5: hosts.shop.registries.ghcr.io.password: unknown key password. "
        "Did you mean password_from?",
    ),
    "a user name that ends early": Case(
        "port: 2222",
        'registries: {"registry.test:5000": {username: "me:x", password_from: A}}',
        "5: hosts.shop.registries.registry.test:5000.username: "
        "is not a user name without a colon. Correct it.",
    ),
    "an unknown role": Case(
        'web: "shop-web:1"',
        'wbe: "shop-web:1"',
        "7: hosts.shop.images.wbe: unknown key wbe. "
        "Use one of 'api', 'web', 'worker' or 'migrate'.",
    ),
    "a missing address": Case(
        "    address: 203.0.113.7\n", "", "3: hosts.shop.address: address is missing. Add it."
    ),
    "an address for a shell": Case(
        "203.0.113.7",
        "203.0.113.7;reboot",
        "4: hosts.shop.address: is not a host name or an address. Correct it.",
    ),
    "an address with a part too few": Case(
        "address: 203.0.113.7",
        "address: 203.0.113..7",
        "4: hosts.shop.address: is not a host name or an address. Correct it.",
    ),
    "an address with a user": Case(
        "203.0.113.7",
        "root@203.0.113.7",
        "4: hosts.shop.address: is not a host name or an address. Correct it.",
    ),
    "an address on a host that sounds like a type": Case(
        "street.example.com",
        "-oProxyCommand=x",
        "10: hosts.street.address: is not a host name or an address. Correct it.",
    ),
    "a port as a text": Case(
        "2222", '"22"', "5: hosts.shop.port: Input should be a valid integer. Correct it."
    ),
    "a domain that is an address of the web": Case(
        "app.example.com",
        "https://app.example.com",
        "6: hosts.shop.app_domain: is not a host name. Correct it.",
    ),
    "an image that is a command": Case(
        "shop-api:1", "$(id)", "7: hosts.shop.images.api: is not an image reference. Correct it."
    ),
    "an image with a half digest": Case(
        "shop-api:1",
        "shop@sha256:12",
        "7: hosts.shop.images.api: is not an image reference. Correct it.",
    ),
    "an image that is a flag": Case(
        "shop-api:1", "--all", "7: hosts.shop.images.api: is not an image reference. Correct it."
    ),
    "an email for the Caddyfile": Case(
        "ops@example.com",
        '"ops@x {"',
        "9: hosts.shop.acme.email: is not an email address. Correct it.",
    ),
    "a directory over no protocol": Case(
        "https://acme",
        "acme",
        "9: hosts.shop.acme.directory: is not an http(s) address. Correct it.",
    ),
    "proxies that are no range": Case(
        "port: 2222",
        "trusted_proxies: [10.0.0.0/8, 10.0.0.1/8]",
        "5: hosts.shop."
        "trusted_proxies[1]: is not an address range: 10.0.0.1/8 has host bits set. Correct it.",
    ),
    "proxies that are words": Case(
        "port: 2222",
        "trusted_proxies: [cloudflare]",
        "5: hosts.shop.trusted_proxies[0]: is not "
        "an address range: 'cloudflare' does not appear to be an IPv4 or IPv6 network. Correct it.",
    ),
    "a user for a shell": Case(
        "port: 2222",
        "deploy_user: 'a b'",
        "5: hosts.shop.deploy_user: is not the name of an account. Correct it.",
    ),
    "an extra with a NUL byte": Case(
        "port: 2222",
        'web_env: {A: "x\\0y"}',
        "5: hosts.shop.web_env.A: holds a NUL byte, which no environment can carry. Correct it.",
    ),
    "an extra in small letters": Case(
        "port: 2222",
        "web_env: {feature: x}",
        "5: hosts.shop.web_env.feature: unknown key "
        "feature. String should match pattern '^[A-Z][A-Z0-9_]{0,62}$'.",
    ),
    "a time that YAML takes for a number": Case(
        "port: 2222",
        "reboot_time: 23:30",
        "5: hosts.shop.reboot_time: Input should be a valid string. Correct it.",
    ),
    "one release to keep": Case(
        "port: 2222",
        "keep_releases: 1",
        "5: hosts.shop.keep_releases: Input should be greater than or equal to 2. Correct it.",
    ),
    "a host's name in capitals": Case(
        "  street:",
        "  Street:",
        "10: hosts.Street: unknown key Street. Value error, is not a name of small letters.",
    ),
    "another version": Case(
        "version: 1", "version: 2", "1: version: Input should be 1. Correct it."
    ),
}


@pytest.mark.parametrize("case", FAULTS.values(), ids=list(FAULTS))
def test_a_fault_is_named_with_its_line_key_path_and_remedy(case: Case) -> None:
    assert FILE.count(case.old) == 1
    with pytest.raises(SettingsError) as refused:
        from_text(FILE.replace(case.old, case.new), "hosts.yaml")
    head, *lines = str(refused.value).splitlines()
    assert head == "hosts.yaml has faults"
    assert f"  hosts.yaml:{case.said}" in lines


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "hosts.yaml: is not a mapping\n  See hosts.example.yaml."),
        ("hosts: {a: b: c}", "hosts.yaml:1: not valid YAML: "),
        ("hosts: {}\nhosts: {}", "hosts.yaml:2: hosts is given twice, first on line 1"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        from_text(text, "hosts.yaml")
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    "address",
    ["203.0.113.7", "2001:db8::1", "::1", "localhost", "a-b.example.com", "xn--bcher-kva.de"],
)
def test_host_names_and_addresses_of_both_kinds_are_taken(address: str) -> None:
    assert Host(address=address).address == address


@pytest.mark.parametrize(
    "reference",
    ["app", "app:1", "ghcr.io/a/b:v1.2_3-x", "localhost:5000/a:1", f"a/b@sha256:{'0' * 64}",
     f"a/b:1@sha256:{'0' * 64}", f"sha256:{'0' * 64}"],
)  # fmt: skip
def test_image_references_of_every_form_are_taken(reference: str) -> None:
    assert Host(address="a", images={"api": reference}).images == {"api": reference}


# --- the example ---------------------------------------------------------------------------------


def fields_of(model: type[BaseModel]) -> set[str]:
    return set(model.model_fields)


def test_the_example_says_every_field_of_a_host_and_of_its_parts() -> None:
    [shop] = settings.load(EXAMPLE).hosts.values()
    assert shop.backup
    repositories = shop.backup.repositories
    s3, sftp = repositories["away"].s3, repositories["box"].sftp
    parts = (shop.backup, shop.backup.keep, shop.backup.drill, shop.backup.alerts, s3, sftp)
    for part in (shop, shop.values, shop.acme, *filter(None, parts)):
        assert part.model_fields_set == fields_of(type(part))


def test_the_example_explains_every_field() -> None:
    text = EXAMPLE.read_text()
    for name in fields_of(Host) | fields_of(Values) | fields_of(Acme) | fields_of(HostsFile):
        assert re.search(rf"^ *{name}:", text, re.MULTILINE), name


def test_the_examples_inputs_and_values_fit_the_contract() -> None:
    contract = load_contract()
    [shop] = settings.load(EXAMPLE).hosts.values()
    check_inputs(shop, contract)
    assert set(shop.api_env) <= set(contract.variables)


# --- names, addresses, flags ---------------------------------------------------------------------


def chosen(name: str, tmp_path: Path, **overrides: Any) -> Host:  # noqa: ANN401 - fields of Host
    path = tmp_path / "hosts.yaml"
    path.write_text(FILE)
    return settings.host(name, overrides=overrides, path=path)


def test_a_name_gives_the_files_settings(tmp_path: Path) -> None:
    shop = chosen("shop", tmp_path)
    assert (shop.address, shop.port, shop.app_domain) == ("203.0.113.7", 2222, "app.example.com")
    assert shop.values.env_file == ".env.prod"
    assert shop.deploy_user == "deploy"


def test_flags_win_over_the_file_and_empty_ones_do_not_count(tmp_path: Path) -> None:
    shop = chosen(
        "shop", tmp_path, app_domain="new.example.com", api_domain="", images={}, port=None
    )
    assert shop.app_domain == "new.example.com"
    assert shop.port == 2222
    assert shop.images["api"] == "shop-api:1"


def test_one_image_by_flag_leaves_the_others(tmp_path: Path) -> None:
    shop = chosen("shop", tmp_path, images={"api": "shop-api:2"})
    assert shop.images == {"api": "shop-api:2", "web": "shop-web:1"}


def test_an_email_by_flag_leaves_the_authority(tmp_path: Path) -> None:
    shop = chosen("shop", tmp_path, acme={"email": "new@example.com"})
    assert shop.acme == Acme(email="new@example.com", directory="https://acme.example.com/dir")


def test_an_env_file_by_flag_replaces_every_source_of_values(tmp_path: Path) -> None:
    shop = chosen("shop", tmp_path, values={"env_file": "other.env"})
    assert shop.values == Values(env_file="other.env")


@pytest.mark.parametrize(
    ("name", "address", "port", "user"),
    [
        ("203.0.113.9", "203.0.113.9", 22, "root"),
        ("admin@203.0.113.9:2200", "203.0.113.9", 2200, "admin"),
        ("box.example.com", "box.example.com", 22, "root"),
        ("root@[2001:db8::1]:22", "2001:db8::1", 22, "root"),
        ("root@localhost", "localhost", 22, "root"),
    ],
)
def test_a_bare_address_needs_no_file(
    name: str, address: str, port: int, user: str, tmp_path: Path
) -> None:
    host = settings.host(
        name, overrides={"app_domain": "a.example.com"}, path=tmp_path / "none.yaml"
    )
    assert (host.address, host.port, host.bootstrap_user) == (address, port, user)
    assert host.app_domain == "a.example.com"


def test_a_name_that_is_nearly_one_is_suggested(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no host 'shp'") as refused:
        chosen("shp", tmp_path)
    assert refused.value.remedy == "Did you mean shop?"


def test_a_name_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no host 'shop'") as refused:
        settings.host("shop", overrides={}, path=tmp_path / "none.yaml")
    assert refused.value.remedy == "There is no hosts.yaml; give an address."


@pytest.mark.parametrize(
    "name",
    ["a.b;reboot", "$(reboot)@a.b", "`id`.b", "a.b|c", "a.b\nc", "-oProxyCommand=x.y", "a b.c",
     "a.b:99999", "a.b:0", "@", "a@b@c", "root@", ".", "a..b/"],
)  # fmt: skip
def test_a_name_with_what_a_shell_would_read_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError):
        settings.host(name, overrides={}, path=tmp_path / "none.yaml")


def test_a_wrong_flag_is_named_with_the_host(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        chosen("shop", tmp_path, images={"wep": "x:1"}, app_domain="a b")
    assert str(refused.value).splitlines() == [
        "the settings do not hold together",
        "  shop: app_domain: is not a host name.",
        "  shop: images.wep: Input should be 'api', 'web', 'worker' or 'migrate'.",
    ]


# --- canonical inputs ----------------------------------------------------------------------------


def test_a_host_speaks_the_contracts_words() -> None:
    host = Host(
        address="a",
        profile="staging",
        project_name="shop",
        app_domain="app.example.com",
        images={"api": "a:1"},
        inputs={"api_memory_mib": 256, "secrets_provider": "vault_hcp"},
    )
    assert host.canonical() == {
        "environment": "staging",
        "project_name": "shop",
        "app_domain": "app.example.com",
        "app_public_url": "https://app.example.com",
        "api_image": "a:1",
        "api_memory_mib": "256",
        "secrets_provider": "vault_hcp",
    }


def test_a_public_url_of_its_own_is_kept() -> None:
    host = Host(address="a", app_domain="a.example.com", app_public_url="https://b.example.com")
    assert host.canonical()["app_public_url"] == "https://b.example.com"


def test_without_a_domain_no_public_url_is_made_up() -> None:
    assert "app_public_url" not in Host(address="a").canonical()


@pytest.mark.parametrize(
    ("name", "value", "what", "remedy"),
    [
        ("db_nam", "x", "there is no such input here", "Did you mean db_name?"),
        ("db_high_availability", True, "has no use on a VPS", "Remove it."),
        ("db_size", "large", "has no use on a VPS", "Remove it."),
        ("worker_max_instances", 2, "has no use on a VPS", "Remove it."),
        ("db_name", "9shop", "is not a name that commands of Postgres", "Use letters"),
        ("db_name", "shop.prod", "is not a name that commands of Postgres", "Use letters"),
        ("db_admin_username", "a b", "is not a name that commands of Postgres", "Use letters"),
        ("environment", "staging", "has a field of its own", "Write it as profile of the host."),
        ("api_image", "x", "has a field of its own", "Write it as images.api of the host."),
        ("app_domain", "x", "has a field of its own", "Write it as app_domain of the host."),
        ("api_memory_mib", "2Gi", "is not a whole number", "Correct it."),
        ("api_memory_mib", 1.5, "is not a whole number", "Correct it."),
        ("api_cpu", "512m", "is not a number", "Correct it."),
    ],
)
def test_an_input_that_would_be_ignored_or_misread_is_refused(
    name: str, value: str | float, what: str, remedy: str
) -> None:
    with pytest.raises(SettingsError, match=what) as refused:
        check_inputs(Host(address="box", inputs={name: value}), load_contract())
    assert refused.value.where == f"box: inputs.{name}"
    assert refused.value.remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("name", "value"),
    [("api_cpu", 0.5), ("api_cpu", "2"), ("api_memory_mib", 512), ("db_name", "shop")],
)
def test_an_input_of_its_type_is_taken(name: str, value: str | float) -> None:
    check_inputs(Host(address="box", inputs={name: value}), load_contract())
