"""Names and certificates on Azure: the whole command lines, and what is bound when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.cloud.test_azure import GROUP, IN, PLACE, WHERE, Azure

from hostwright.cloud.azure_names import (
    LOOKS,
    PAUSE,
    Name,
    bind,
    bind_name,
    certificate,
    list_certificates,
    names,
)
from hostwright.errors import CloudError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hostwright.cloud.model import Call

ENVIRONMENT = f"{GROUP}/providers/Microsoft.App/managedEnvironments/shop-production"
CERTIFICATE = f"{ENVIRONMENT}/managedCertificates/web-0123abcd"
HOST = "app.example.com"
NAME = Name(HOST, "shop-web", "shop-production", bound=False)
LIST = f"az containerapp env certificate list --name shop-production {IN} --output json"
BIND = (
    f"az containerapp hostname bind --name shop-web --hostname {HOST} "
    f"--certificate {CERTIFICATE} {IN} --output json"
)


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (list_certificates(PLACE, "shop-production"), LIST),
        (bind_name(PLACE, NAME, CERTIFICATE), BIND),
    ],
)
def test_the_whole_line(call: Call, line: str) -> None:
    assert " ".join(call.argv) == line
    assert call.what


def app(role: str = "web", *domains: Mapping[str, str]) -> dict[str, Any]:
    ingress = {"customDomains": list(domains) or None}
    properties = {"managedEnvironmentId": ENVIRONMENT, "configuration": {"ingress": ingress}}
    return {"name": f"shop-{role}", "tags": {"role": role}, "properties": properties}


def domain(host: str = HOST, binding: str = "Disabled") -> dict[str, str]:
    return {"name": host, "bindingType": binding}


def issued(state: str = "Succeeded", host: str = HOST, id_: str = CERTIFICATE) -> dict[str, Any]:
    return {"id": id_, "properties": {"subjectName": host, "provisioningState": state}}


def bound(apps: list[dict[str, Any]], *certificates: list[dict[str, Any]]) -> Azure:
    azure = Azure(
        {
            "az containerapp list": [apps],
            "az containerapp env certificate list": list(certificates),
            "az containerapp hostname bind": [[]],
        }
    )
    bind(azure.ask, WHERE, azure.said.append, azure.waited.append)
    return azure


def test_a_name_is_bound_to_its_managed_certificate() -> None:
    others = [issued(host="api.example.com"), issued(id_=f"{ENVIRONMENT}/certificates/uploaded")]
    azure = bound([app("web", domain()), app("worker")], [*others, issued()])
    assert azure.asked[1:] == [LIST, BIND]
    assert azure.said == [f"{HOST}: bound to shop-web"]


def test_a_name_that_is_bound_is_left_alone() -> None:
    azure = bound([app("web", domain(binding="SniEnabled"))], [])
    assert len(azure.asked) == 1
    assert azure.said == [f"{HOST}: bound already"]


def test_a_certificate_that_is_being_issued_is_waited_for() -> None:
    azure = bound([app("web", domain())], [issued("Pending")], [issued("Pending")], [issued()])
    assert azure.waited == [PAUSE, PAUSE]
    assert azure.said == [f"{HOST}: the certificate is being issued", f"{HOST}: bound to shop-web"]


@pytest.mark.parametrize(
    ("certificates", "what", "remedy"),
    [
        ([], "there is no certificate", "dns_records_exist = true"),
        (
            [issued("Failed")],
            "Azure did not issue the certificate: Failed",
            "delete it, and apply again",
        ),
        ([issued("Pending")], "is not issued after 30 minutes", "run this again"),
    ],
    ids=["none", "failed", "for ever"],
)
def test_without_a_certificate_nothing_is_bound(
    certificates: list[dict[str, Any]], what: str, remedy: str
) -> None:
    with pytest.raises(CloudError, match=what) as told:
        bound([app("web", domain())], certificates)
    assert told.value.where == HOST
    assert remedy in told.value.remedy
    assert LOOKS * PAUSE == 1800


@pytest.mark.parametrize("apps", [[], [app("web")], [{**app("web", domain()), "tags": None}]])
def test_where_no_app_of_ours_has_a_name_it_says_what_comes_first(
    apps: list[dict[str, Any]],
) -> None:
    with pytest.raises(CloudError, match="no app has a name") as told:
        bound(apps)
    assert "dns_records" in told.value.remedy


def test_what_azure_leaves_out_is_no_error() -> None:
    bare = {"name": "shop-api", "tags": {"role": "api"}, "properties": None}
    assert list(names([bare])) == []
    assert certificate([{"id": None, "properties": None}], HOST) == ("", "")
