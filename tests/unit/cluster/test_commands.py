"""Whole command lines: what Helm and kubectl are given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hostwright.cluster import commands
from hostwright.cluster.model import Where

if TYPE_CHECKING:
    from hostwright.cloud.model import Call

HERE = Where("shop", "web", "prod")
CHART = Path("/c")
KUBECTL = "kubectl --namespace web --context prod"
ROLES = "app.kubernetes.io/instance=shop"

LINES: list[tuple[Call, str]] = [
    (commands.contexts(), "kubectl config get-contexts --output name"),
    (commands.current_context(), "kubectl config current-context"),
    (
        commands.history(HERE),
        "helm history shop --max 256 --output json --namespace web --kube-context prod",
    ),
    (commands.manifest(HERE), "helm get manifest shop --namespace web --kube-context prod"),
    (
        commands.manifest(HERE, 3),
        "helm get manifest shop --revision 3 --namespace web --kube-context prod",
    ),
    (
        commands.hooks(HERE, 3),
        "helm get hooks shop --revision 3 --namespace web --kube-context prod",
    ),
    (
        commands.values(HERE),
        "helm get values shop --all --output json --namespace web --kube-context prod",
    ),
    (
        commands.upgrade(HERE, CHART, [Path("a.yaml")], {"api.image": "r"}, major=3, seconds=9),
        (
            "helm upgrade shop /c --install --create-namespace --values a.yaml "
            "--set-string api.image=r --reset-values --atomic --wait --wait-for-jobs --timeout 9s "
            "--namespace web --kube-context prod"
        ),
    ),
    (
        commands.upgrade(HERE, CHART, [], {}, major=4, seconds=9),
        (
            "helm upgrade shop /c --install --create-namespace --reset-values "
            "--rollback-on-failure --wait --wait-for-jobs --timeout 9s "
            "--namespace web --kube-context prod"
        ),
    ),
    (
        commands.rollback(HERE, 2, seconds=9),
        (
            "helm rollback shop 2 --wait --wait-for-jobs --timeout 9s "
            "--namespace web --kube-context prod"
        ),
    ),
    (
        commands.look(HERE),
        (
            f"{KUBECTL} get deployments.apps,replicasets.apps,jobs.batch,pods "
            f"--selector {ROLES} --output json"
        ),
    ),
    (
        commands.external_secrets(HERE),
        f"{KUBECTL} get externalsecrets.external-secrets.io --selector {ROLES} --output json",
    ),
    (commands.job(HERE, "j"), f"{KUBECTL} get job j --ignore-not-found --output json"),
    (
        commands.pods_of_job(HERE, "j"),
        f"{KUBECTL} get pods --selector batch.kubernetes.io/job-name=j --output json",
    ),
    (
        commands.delete_job(HERE, "j"),
        f"{KUBECTL} delete job j --ignore-not-found --cascade foreground --wait",
    ),
    (commands.create(HERE, "it"), f"{KUBECTL} create --filename -"),
    (commands.replace(HERE, "it"), f"{KUBECTL} replace --filename -"),
    (
        commands.config_map(HERE, "m"),
        f"{KUBECTL} get configmap m --ignore-not-found --output json",
    ),
    (commands.logs(HERE, "p", "api"), f"{KUBECTL} logs p --container api --tail 50"),
    (
        commands.logs(HERE, "p", "api", previous=True),
        f"{KUBECTL} logs p --container api --tail 50 --previous",
    ),
    (
        commands.execute(HERE, "p", "api", ["python", "--context", "x"]),
        f"{KUBECTL} exec p --container api -- python --context x",
    ),
    (
        commands.forward(HERE, "shop-api", 8000),
        f"{KUBECTL} port-forward service/shop-api :8000 --address 127.0.0.1",
    ),
]


@pytest.mark.parametrize(("call", "line"), LINES, ids=[line for _, line in LINES])
def test_a_command_line_is_exactly_this(call: Call, line: str) -> None:
    assert " ".join(call.argv) == line
    assert call.what


def test_inside_a_cluster_no_context_is_named() -> None:
    inside = Where("shop", "web")
    assert "--kube-context" not in commands.history(inside).argv
    assert "--context" not in commands.look(inside).argv
