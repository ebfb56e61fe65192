"""An operator's values files: every fault with its file, line and path, and no value in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.unit.cluster.lab import VALUES, version, write

from hostwright import paths
from hostwright.cluster.desired import Inputs, check, desired, images
from hostwright.cluster.model import Where
from hostwright.cluster.values import Files, placed, problems
from hostwright.contract import load
from hostwright.contract.located import parse
from hostwright.errors import UserError, ValuesError
from hostwright.helm.messages import Problem as Refusal

if TYPE_CHECKING:
    from pathlib import Path

CONTRACT = load()
SCHEMA = json.loads(paths.VALUES_SCHEMA.read_text())


def files(*texts: str) -> Files:
    return Files(tuple(parse(text, f"v{at}.yaml", ValuesError) for at, text in enumerate(texts, 1)))


def told(*texts: str) -> list[str]:
    return [str(item) for item in problems(files(*texts), SCHEMA, CONTRACT)]


FAULTS = [
    ("apii: {}", "v1.yaml:1: apii is not a value of the chart. Did you mean api?"),
    (
        "api:\n  memoryMiB: 512",
        "v1.yaml:2: api.memoryMiB is not a value of the chart. Did you mean memoryMib?",
    ),
    ("api:\n  cpu: fast", "v1.yaml:2: api.cpu is a text, not a number. "),
    ("api:\n  memoryMib: 512.5", "v1.yaml:2: api.memoryMib is a number, not a whole number. "),
    ("api: 3", "v1.yaml:1: api is a whole number, not a mapping. It is: The api role."),
    ("web:\n  minInstances: many", "v1.yaml:2: web.minInstances is a text, not a whole number"),
    (
        "environment: prod",
        "v1.yaml:1: environment is none of the values that it may have. Did you mean production?",
    ),
    ("secretsProvider: env", "v1.yaml:1: secretsProvider is none of the values that it may have."),
    ("migrate:\n  attempt: 0", "v1.yaml:2: migrate.attempt must not be less than 1. "),
    (
        "env:\n  LOG_LEVLE: info",
        "v1.yaml:2: env.LOG_LEVLE is not in the contract. Did you mean LOG_LEVEL?",
    ),
    (
        "api:\n  env:\n    DATABASE_URL: postgres://u:p-hidden@h/d",
        "v1.yaml:3: api.env.DATABASE_URL is a secret: it would stand in plain text. Put it into",
    ),
    (
        "secrets:\n  references:\n    LOG_LEVEL: x",
        "v1.yaml:3: secrets.references.LOG_LEVEL is no secret. Move it to env.",
    ),
    (
        "secrets:\n  references:\n    DATABASE_ULR: x",
        (
            "v1.yaml:3: secrets.references.DATABASE_ULR is not in the contract. "
            "Did you mean DATABASE_URL?"
        ),
    ),
    (
        "web:\n  env:\n    S3_REGION: x",
        "v1.yaml:3: web.env.S3_REGION does not belong there: api, worker have it. Remove it.",
    ),
    (
        "env:\n  APP_PUBLIC_URL: https://a.example",
        "v1.yaml:2: env.APP_PUBLIC_URL comes from the value appPublicUrl. Set appPublicUrl inst",
    ),
    ("env:\n  PORT: 8000", "v1.yaml:2: env.PORT is composed by the chart. Remove it."),
    ("env:\n  API_BASE_URL: http://a", "v1.yaml:2: env.API_BASE_URL is composed by the chart. Set"),
    (
        "env:\n  REDIS_CLUSTER_MODE: disabled",
        "v1.yaml:2: env.REDIS_CLUSTER_MODE is fixed by the contract. Remove it.",
    ),
    ("env:\n  STORAGE_LOCAL_PATH: /x", "v1.yaml:2: env.STORAGE_LOCAL_PATH has no use on Kubernet"),
    (
        "env:\n  DATABASE_SSL_MODE: verify",
        "v1.yaml:2: env.DATABASE_SSL_MODE is not one of disable, require, verify-ca, verify-full.",
    ),
    ("env:\n  VAULT_ADDR: vault", "v1.yaml:2: env.VAULT_ADDR is not a URL with scheme and host."),
    ('env:\n  VAULT_ADDR: ""', "v1.yaml:2: env.VAULT_ADDR is blank. "),
    ("- a", "v1.yaml: (top) is not a mapping. Write key: value."),
]


@pytest.mark.parametrize(("text", "line"), FAULTS, ids=[line[:60] for _, line in FAULTS])
def test_a_fault_is_told_with_its_place_and_a_remedy(text: str, line: str) -> None:
    [found] = told(text)
    assert found.startswith(line)
    assert "hidden" not in found


def test_good_values_have_no_fault(tmp_path: Path) -> None:
    assert told(write(tmp_path / "v.yaml", VALUES).read_text()) == []
    assert told("env:\n  LOG_LEVEL: null\nglobal: {a: 1}\nenabled: true") == []
    assert told("") == []


def test_all_faults_are_told_at_once_in_the_order_of_the_files() -> None:
    found = told("web:\n  cpu: x\napii: 1", "env:\n  NOT: 1")
    assert [line.partition(" ")[0] for line in found] == ["v1.yaml:2:", "v1.yaml:3:", "v2.yaml:2:"]


def test_the_last_file_that_has_a_value_is_named() -> None:
    [found] = told("api:\n  cpu: 1\n  image: a", "\napi:\n  cpu: fast")
    assert found.startswith("v2.yaml:3: api.cpu ")


def test_what_the_chart_refuses_is_placed_in_the_files() -> None:
    told_by_chart = [
        Refusal("api.minInstances", "is more than maxInstances. Lower it", "more-than-most"),
        Refusal("secrets.external.storeName", "is empty. Name the store", "store"),
        Refusal("pods.tolerations[0].key", "is odd."),
        Refusal("", "is odd."),
    ]
    where = files(
        "api:\n  minInstances: 9\nsecrets:\n  type: external", "pods:\n  tolerations: [{}]"
    )
    assert [str(item) for item in placed(where, told_by_chart)] == [
        (
            "v1.yaml:2: api.minInstances is more than maxInstances. "
            "Lower it (docs/reference/chart-messages.md#more-than-most)."
        ),
        (
            "v1.yaml:3: secrets.external.storeName is empty. "
            "Name the store (docs/reference/chart-messages.md#store)."
        ),
        "v2.yaml:2: pods.tolerations[0].key is odd. Correct it.",
        "v2.yaml: (top) is odd. Correct it.",
    ]
    assert placed(Files(()), told_by_chart)[0].where == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: b: c", "v.yaml:1: not valid YAML: "),
        ("a: 1\na: 2", "v.yaml:2: a is given twice, first on line 1"),
        ("a: &a [*a]", "v.yaml:1: a[0] contains itself"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "v.yaml"
    path.write_text(text)
    with pytest.raises(ValuesError) as refused:
        check(Inputs((path,)), CONTRACT)
    assert str(refused.value).removeprefix(f"{tmp_path}/").startswith(said)


def test_the_charts_own_refusals_come_with_file_and_line(tmp_path: Path) -> None:
    broken = {**VALUES, "databaseMaxConnections": 1}
    path = write(tmp_path / "v.yaml", broken)
    line = path.read_text().splitlines().index("databaseMaxConnections: 1") + 1
    with pytest.raises(ValuesError) as refused:
        desired(Inputs((path,), version("1")), Where(), CONTRACT)
    assert f"{path}:{line}: databaseMaxConnections " in str(refused.value)
    assert "nothing was touched" in str(refused.value)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("api", "--image api: is no image reference"),
        ("apo=x", "--image: there is no image of 'apo'\n  Did you mean api?"),
        ("migrate=x", "--image migrate=x: migrate runs the worker's image"),
        ("api=$(id)", "--image api=$(id): is no image reference"),
        ("api=a,b=c", "--image api=a,b=c: is no image reference"),
    ],
)
def test_an_image_flag_that_is_none_is_refused(word: str, said: str) -> None:
    with pytest.raises(UserError) as refused:
        images([word], CONTRACT)
    assert str(refused.value).startswith(said)


def test_images_of_flags_win_over_the_files(tmp_path: Path) -> None:
    path = write(tmp_path / "v.yaml", VALUES)
    found = desired(Inputs((path,), version("2")), Where(), CONTRACT)
    assert f'image: "{version("2")["web"]}"' in found.text
    assert found.inputs.image_values == {
        "api.image": version("2")["api"],
        "web.image": version("2")["web"],
    }
