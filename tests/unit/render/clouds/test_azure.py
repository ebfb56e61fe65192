from __future__ import annotations

from typing import Any

import pytest

from hostwright.render.clouds.azure import CLOUD, containers
from hostwright.render.clouds.model import EnvValue
from hostwright.terraform.lines import Sources
from hostwright.terraform.plan import Plan, Resource

OWN = '${azurerm_key_vault_secret.made["DATABASE_URL"].versionless_id}'
URL = "postgresql://app:secret@${azurerm_postgresql_flexible_server.main.fqdn}:5432/app"


def resource(address: str, **values: Any) -> Resource:  # noqa: ANN401 - values are JSON
    kind, _, rest = address.partition(".")
    return Resource(address, kind, rest.partition("[")[0], None, "managed", values)


def plan(*resources: Resource) -> Plan:
    return Plan(resources, {}, {}, {}, Sources((), {}))


def app(env: list[dict[str, Any]], secrets: list[dict[str, Any]]) -> Resource:
    return resource(
        'azurerm_container_app.service["api"]',
        tags={"role": "api"},
        secret=secrets,
        template=[{"container": [{"env": env}]}],
    )


MADE = resource('azurerm_key_vault_secret.made["DATABASE_URL"]', value_wo=URL)


def test_a_value_is_plain_and_a_reference_is_what_was_written_behind_it() -> None:
    env = [
        {"name": "PORT", "value": "8000", "secret_name": None},
        {"name": "DATABASE_URL", "value": None, "secret_name": "database-url"},
    ]
    secrets = [{"name": "database-url", "key_vault_secret_id": OWN, "identity": "x"}]

    [found] = containers(plan(app(env, secrets), MADE))

    assert (found.role, found.address) == ("api", 'azurerm_container_app.service["api"]')
    assert found.env == {
        "PORT": EnvValue("8000", secret=False),
        "DATABASE_URL": EnvValue(OWN, secret=True, written=URL),
    }


@pytest.mark.parametrize(
    ("secret", "value"),
    [
        (
            {"key_vault_secret_id": "https://acme.vault.azure.net/secrets/key"},
            EnvValue("https://acme.vault.azure.net/secrets/key", secret=True),
        ),
        ({"value": "in the state"}, EnvValue("in the state", secret=True)),
        ({"name": "another"}, EnvValue("", secret=True)),
    ],
    ids=["the operator's own", "a value", "not there"],
)
def test_other_secrets_of_an_app(secret: dict[str, str], value: EnvValue) -> None:
    env = [{"name": "SECRET_KEY", "secret_name": "secret-key"}]
    [found] = containers(plan(app(env, [{"name": "secret-key", **secret}])))
    assert found.env == {"SECRET_KEY": value}


def test_a_name_that_stands_twice_is_told() -> None:
    [found] = containers(plan(app([{"name": "A", "value": "1"}, {"name": "A", "value": "2"}], [])))
    assert found.duplicates == ("A",)


def test_a_job_is_a_container_and_nothing_else_is() -> None:
    job = resource(
        'azurerm_container_app_job.migrate["migrate"]',
        tags={"role": "migrate"},
        template=[{"container": [{"env": []}]}],
    )
    assert [found.role for found in containers(plan(job, MADE))] == ["migrate"]


def test_an_app_without_a_tag_has_no_role() -> None:
    bare = resource("azurerm_container_app.x", tags=None, template=[{"container": [{}]}])
    assert [found.role for found in containers(plan(bare))] == [""]


def test_its_inputs_are_this_clouds_own() -> None:
    assert CLOUD.target == "azure"
    assert {"subscription_id", "operator_ranges"} <= CLOUD.inputs.keys()
    assert "environment" not in CLOUD.inputs
