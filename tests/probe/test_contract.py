from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.probe.roles import Installation, answers

from probe import api, contract
from probe.config import Config

if TYPE_CHECKING:
    from tests.probe.roles import Surroundings

CONTRACT: dict[str, Any] = {
    "version": 1,
    "target": "vps",
    "secrets": {"REDIS_PASSWORD": {"min_length": 20}},
    "variables": {
        "DATABASE_URL": {"type": "url", "roles": ["api", "worker"], "required": ["production"]},
        "SECRET_KEY": {"type": "string", "secret": True, "min_length": 32, "roles": ["api"]},
        "API_BASE_URL": {"type": "url", "roles": ["web"]},
        "LOG_LEVEL": {"type": "enum", "allowed": ["debug", "info"], "roles": ["api", "web"]},
        "S3_BUCKET": {
            "type": "string",
            "roles": ["api"],
            "required": ["production"],
            "when": [{"STORAGE_PROVIDER": ["s3"]}, {"STORAGE_PROVIDER": ["minio"], "ALSO": ["1"]}],
        },
    },
}
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("int", ["5", "-1", "0"], ["five", "1.5", "٣"]),
        ("port", ["1", "65535"], ["0", "65536", "http"]),
        ("bool", ["true", "False", "1"], ["maybe", "yes please"]),
        ("url", ["https://a.test", "redis://:x@h:1/0"], ["a.test", "http://", "http://a:99999/"]),
        ("pem", [PEM], ["not pem", "-----BEGIN CERTIFICATE-----"]),
        ("path", ["/var/lib"], ["var/lib", "./x"]),
        ("host_list", ["a.test", "a.test, *.b.test,127.0.0.1"], ["a.test,,b", "http://a.test"]),
        ("url_list", ["https://a.test,https://b.test"], ["https://a.test,b.test"]),
        ("string", ["anything $ at 'all"], []),
        ("a type of a later contract", ["anything"], []),
    ],
)
def test_values_are_judged_by_their_type(kind: str, good: list[str], bad: list[str]) -> None:
    assert [value for value in good if contract.fault({"type": kind}, value)] == []
    assert [value for value in bad if not contract.fault({"type": kind}, value)] == []
    assert contract.fault({"type": kind}, " ") == "is blank"


def test_an_enum_and_a_short_secret_are_named_without_their_value() -> None:
    environ = {"LOG_LEVEL": "loud", "SECRET_KEY": "short-secret"}
    found = contract.report(CONTRACT, environ, "api")["variables"]
    assert found["LOG_LEVEL"]["reason"] == "is not one of the allowed values"
    assert found["SECRET_KEY"]["reason"] == "is shorter than 32 characters"
    assert found["S3_BUCKET"] == {"present": False, "valid": None}


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({}, ["DATABASE_URL"]),
        ({"ENVIRONMENT": "development"}, []),
        ({"DATABASE_URL": " "}, ["DATABASE_URL"]),
        ({"DATABASE_URL": "x", "STORAGE_PROVIDER": "s3"}, ["S3_BUCKET"]),
        ({"DATABASE_URL": "x", "STORAGE_PROVIDER": "s3", "S3_BUCKET": "b"}, []),
        ({"DATABASE_URL": "x", "STORAGE_PROVIDER": "minio"}, []),
        ({"DATABASE_URL": "x", "STORAGE_PROVIDER": "minio", "ALSO": "1"}, ["S3_BUCKET"]),
    ],
)
def test_what_is_required_here_and_did_not_arrive_is_missing(
    environ: dict[str, str], missing: list[str]
) -> None:
    assert contract.report(CONTRACT, environ, "api")["missing"] == missing


def test_the_vps_targets_export_is_understood(around: Surroundings) -> None:
    exported = contract.load(Path(__file__).parents[2] / "ops" / "compose" / "contract.json")
    environ = {"PORT": "8000", "BILLING_RETRY_DEPLOYMENT_MODE": "dedicated"}
    workers = ("ENABLE_BILLING_RETRY_WORKER", "ENABLE_BILLING_STREAM_REPLAY")
    environ |= dict.fromkeys(workers, "false")
    report = contract.report(exported, {**around.env(), **environ}, "api")
    assert (report["target"], report["missing"], report["foreign"]) == ("vps", [], [])
    assert [name for name, state in report["variables"].items() if state["valid"] is False] == []


def test_variables_of_other_roles_and_of_the_target_itself_are_named_as_foreign() -> None:
    environ = {"API_BASE_URL": "http://api", "REDIS_PASSWORD": "x" * 20, "PATH": "/bin"}
    assert contract.report(CONTRACT, environ, "api")["foreign"] == [
        "API_BASE_URL",
        "REDIS_PASSWORD",
    ]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"variables": []}'])
def test_a_broken_export_is_told_apart(tmp_path: Path, text: str) -> None:
    (tmp_path / "contract.json").write_text(text)
    with pytest.raises(contract.NoContract, match=r"contract\.json"):
        contract.load(tmp_path / "contract.json")


def test_the_endpoint_tells_names_and_validity_and_no_values(
    tmp_path: Path, around: Surroundings
) -> None:
    installation = Installation(tmp_path / "with-contract", contract=CONTRACT)
    env = around.env(CONTRACT_ENDPOINT_ENABLED="true", API_BASE_URL="http://api:8000")
    with installation.service("api", env) as running:
        answer = running.get("/contract")
    assert answer.status_code == 200
    body = answer.json()
    assert body["variables"]["DATABASE_URL"] == {"present": True, "valid": True}
    assert body["foreign"] == ["API_BASE_URL"]
    told = {*body["variables"], *body["foreign"]}
    values = {v for v in env.values() if v not in told and v not in {"true", "1", "2"}}
    assert not [value for value in values if json.dumps(value)[1:-1] in answer.text]


def test_the_endpoint_is_absent_unless_enabled_and_says_when_the_image_has_no_contract(
    around: Surroundings,
) -> None:
    [absent] = answers(api.application(Config(around.env())), "/contract")
    assert absent.status_code == 404
    enabled = Config(around.env(CONTRACT_ENDPOINT_ENABLED="true"))
    [answer] = answers(api.application(enabled), "/contract")
    assert answer.status_code == 501
    assert "built without contract.json" in answer.json()["error"]
