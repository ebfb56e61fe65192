"""What Helm and kubectl really write (both Helms, kubectl 1.37), and what it comes to."""

from __future__ import annotations

import pytest

from hostwright.cloud.model import Call
from hostwright.cluster import refusals
from hostwright.cluster.model import Where
from hostwright.errors import (
    Forbidden,
    KubernetesError,
    NoCluster,
    NoRelease,
    Unfinished,
)
from hostwright.run import Completed

SAID: list[tuple[str, type[KubernetesError]]] = [
    ("Error: release: not found", NoRelease),
    ('Error: "app" has no deployed releases', NoRelease),
    (
        "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress",
        Unfinished,
    ),
    ('error: context "prdo" does not exist', NoCluster),
    ('Error: Kubernetes cluster unreachable: context "x" does not exist', NoCluster),
    ("error: current-context is not set", NoCluster),
    (
        "The connection to the server 127.0.0.1:9 was refused - did you specify the right host?",
        NoCluster,
    ),
    (
        'Error: Kubernetes cluster unreachable: Get "http://127.0.0.1:9/version": dial tcp',
        NoCluster,
    ),
    ("Unable to connect to the server: dial tcp: lookup k.invalid: no such host", NoCluster),
    ("Unable to connect to the server: x509: certificate signed by unknown authority", NoCluster),
    ("Unable to connect: getting credentials: exec: executable aws not found", NoCluster),
    ('Error from server (Forbidden): pods is forbidden: User "a" cannot list', Forbidden),
    ("error: You must be logged in to the server (Unauthorized)", Forbidden),
    ("error: the server has asked for the client to provide credentials", Forbidden),
    ("Error: UPGRADE FAILED: something new", KubernetesError),
]


@pytest.mark.parametrize(("said", "kind"), SAID, ids=[said[:50] for said, _ in SAID])
def test_a_refusal_is_one_of_ours_and_keeps_the_tools_words(
    said: str, kind: type[KubernetesError]
) -> None:
    call = Call(("helm", "history", "app"), "reads the release's history")
    done = Completed(call.argv, 1, "", f"{said}\n{said}\n")
    error = refusals.error(call, done, Where(context="prod"))
    assert type(error) is kind
    assert error.where == "release app in namespace app of prod"
    assert error.what.count(said) == 1
    assert "reads the release's history" in error.what
    if kind is not KubernetesError:
        assert error.remedy
