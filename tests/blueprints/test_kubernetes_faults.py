"""Faults planted into copies of the chart: each must be found, and told usefully.

Each fault of a template is rendered once, by one Helm, from the preset that shows it; each fault of
what is rendered is put into one render of the preset. What is found is judged in this process. What
only the text or both Helms show has tests of its own below.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.blueprints.counting import assert_all_found

from hostwright import paths
from hostwright.checks import kubernetes as rules
from hostwright.checks.ids import is_known
from hostwright.checks.kubernetes import rendering
from hostwright.helm import manifest
from hostwright.render.blueprint import Blueprint
from hostwright.render.helm import of_values
from hostwright.validate import kubernetes, shared

if TYPE_CHECKING:
    from hostwright.checks.finding import Finding
    from hostwright.render.helm import Choice

Plant = Callable[[Path], None]
CHART = "ops/charts/app"
T = f"{CHART}/templates"
MODEL, NAMES, NETWORK, POD = "_model.tpl", "_names.tpl", "_network.tpl", "_pod.tpl"
ROUTING, SECRETS, VARIABLES = "_routing.tpl", "_secrets.tpl", "_variables.tpl"
MIGRATE, WORKLOADS = "_migrate.tpl", "_workloads.tpl"
API, WEB, WORKER = "api/deployment.yaml", "web/deployment.yaml", "worker/deployment.yaml"
JOB, TEST = "migrate/job.yaml", "tests/ready.yaml"


@dataclass(frozen=True)
class Fault:
    """One fault, and how it must be told.

    Args:
        plant: Makes it, in a copy of the chart.
        check: Id of the check that finds it.
        file: The template that the finding names, below the chart's templates.
        role: Which it names; empty if none.
        variable: Which it names; empty if any will do.
        says: A piece of the message.
        preset: What is rendered.
        values: On top of the preset's.
    """

    plant: Plant
    check: str
    file: str
    role: str = ""
    variable: str = ""
    says: str = ""
    preset: str = "aws"
    values: dict[str, Any] = field(default_factory=dict)


# --- ways to plant -----------------------------------------------------------------------------


def replaced(file: str, old: str, new: str, *, count: int = 0) -> Plant:
    """Replace a text that a template has; *count* of them, all without it."""

    def plant(chart: Path) -> None:
        path = chart / "templates" / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r} any more: plant this fault another way"
        path.write_text(text.replace(old, new, count or -1))

    return plant


def matched(file: str, pattern: str, new: str) -> Plant:
    """Replace what a pattern (multi-line, dot matches all) finds first."""

    def plant(chart: Path) -> None:
        path = chart / "templates" / file
        flags = re.MULTILINE | re.DOTALL
        changed, count = re.subn(pattern, new, path.read_text(), count=1, flags=flags)
        assert count, f"{file} has no {pattern!r} any more: plant this fault another way"
        path.write_text(changed)

    return plant


@dataclass(frozen=True)
class Rendered:
    """Replace a text in what one template renders.

    Helm need not be asked for that: what it renders without the fault is there already, and whoever
    judges sees the text alone. As a plant among others it is one like them.
    """

    file: str
    old: str
    new: str

    @property
    def gone(self) -> str:
        """What to say where the text is not rendered at all."""
        return f"{self.old!r} is not rendered any more: plant this fault another way"

    def __call__(self, chart: Path) -> None:
        path = chart / "templates" / self.file
        name = f"planted.{self.file}"
        path.write_text(
            f'{{{{- define "{name}" -}}}}\n{path.read_text()}\n{{{{- end -}}}}\n'
            f'{{{{- $text := include "{name}" . }}}}\n'
            f"{{{{- if not (contains {json.dumps(self.old)} $text) }}}}"
            f"{{{{ fail {json.dumps(self.gone)} }}}}{{{{ end -}}}}\n"
            f"{{{{ replace {json.dumps(self.old)} {json.dumps(self.new)} $text }}}}\n"
        )

    def printed(self, text: str) -> str:
        """Everything that Helm renders, with the fault in it."""
        parts = text.split("---\n# Source: ")
        mine = [part.startswith(f"app/templates/{self.file}\n") for part in parts]
        chosen = zip(mine, parts, strict=True)
        assert any(own and self.old in part for own, part in chosen), self.gone
        chosen = zip(mine, parts, strict=True)
        changed = [part.replace(self.old, self.new) if own else part for own, part in chosen]
        return "---\n# Source: ".join(changed)


def rendered(file: str, old: str, new: str) -> Plant:
    """Replace a text in what one template renders; without the text nothing is rendered at all."""
    return Rendered(file, old, new)


def added(file: str, text: str) -> Plant:
    """Add an object, in a template of its own."""

    def plant(chart: Path) -> None:
        (chart / "templates" / file).write_text(text)

    return plant


def removed(*files: str) -> Plant:
    """Remove templates."""

    def plant(chart: Path) -> None:
        for file in files:
            (chart / "templates" / file).unlink()

    return plant


def both(*plants: Plant) -> Plant:
    """Several changes that are one fault."""

    def plant(chart: Path) -> None:
        for each in plants:
            each(chart)

    return plant


def thing(api_version: str, kind: str, name: str, body: str) -> str:
    """An object with the labels of the chart's own."""
    return f"""\
apiVersion: {api_version}
kind: {kind}
metadata:
  name: {name}
  namespace: {{{{ .Release.Namespace }}}}
  labels:
    app.kubernetes.io/name: app
    app.kubernetes.io/instance: {{{{ .Release.Name }}}}
    app.kubernetes.io/managed-by: Helm
    app.kubernetes.io/component: api
    helm.sh/chart: app-0.1.0
{body}
"""


def given(text: str, file: str = WEB) -> Plant:
    """Put lines, such as a variable, before ENVIRONMENT in each container of a role."""
    before = "            - name: ENVIRONMENT\n"
    return rendered(file, before, f"{text}{before}")


def in_pod(text: str, file: str = WEB) -> Plant:
    """Put lines into a pod's specification."""
    before = "      automountServiceAccountToken: false\n"
    return rendered(file, before, f"{before}{text}")


def in_container(text: str, file: str = WEB) -> Plant:
    """Put lines into each container of a role."""
    before = "          imagePullPolicy: IfNotPresent\n"
    return rendered(file, before, f"{before}{text}")


def in_security(text: str, file: str = WEB) -> Plant:
    """Put lines into the security context of each container of a role."""
    before = "            allowPrivilegeEscalation: false\n"
    return rendered(file, before, f"{before}{text}")


def cut(file: str, text: str) -> Plant:
    """Leave out what one template renders."""
    return rendered(file, text, "")


NO_CONTEXT = both(
    matched(POD, r"^securityContext:\n  allowPrivilege.*?- ALL\n", "securityContext: {}\n"),
    matched(POD, r"^securityContext:\n  runAsNonRoot.*?RuntimeDefault\n", "securityContext: {}\n"),
)
NO_POLICY = both(
    replaced(NETWORK, 'eq .app.values.networkPolicy.enabled "true"', 'eq "no" "policy"'),
    removed("deny.yaml"),
)
BETA = replaced(SECRETS, "external-secrets.io/v1\n", "external-secrets.io/v1beta1\n")
NAME = "            - name: {name}\n              value: {value}\n"
READS = """\
            - name: {name}
              valueFrom:
                secretKeyRef:
                  name: "{secret}"
                  key: {key}
"""
#: The CSI driver, by provider, for presets whose references fit it.
CSI: dict[str, dict[str, Any]] = {
    provider: {"secrets": {"type": "csi", "csi": {"provider": provider, "parameters": parameters}}}
    for provider, parameters in {
        "aws": {"region": "eu-central-1"},
        "gcp": {"project": "acme"},
        "vault": {"roleName": "app"},
    }.items()
}
GATE = '(dict "role" . "command" (include "hostwright.gate"'
READY = 'include "hostwright.get" .spec.health.ready'
LIVE = 'include "hostwright.get" .spec.health.live'
EXEC = '{{- include "hostwright.exec" .spec.health.command | nindent 2 }}'
ADMIN = """\
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: cluster-admin
"""
DENIED = """\
spec:
  podSelector: {}
  policyTypes: [Ingress]
"""

# --- the reference's faults --------------------------------------------------------------------

#: contract.md's table, rows kubernetes, contract and all clouds: faults that a published chart had.
REFERENCE: dict[str, Fault] = {
    "reference-external-secret-v1beta1": Fault(
        BETA, "secret-api-unserved", "api/secrets.yaml", "api", "apiVersion", "v1beta1"
    ),
    "reference-external-secret-v1beta1-is-unknown": Fault(
        BETA, "kind-unknown", "worker/secrets.yaml", "worker", "ExternalSecret", "v1beta1"
    ),
    "reference-http-liveness-on-the-worker": Fault(
        replaced(
            POD, f"livenessProbe:\n  {EXEC}", "livenessProbe:\n  httpGet: {path: /, port: 8000}"
        ),
        "health-by-http",
        WORKER,
        "worker",
        "livenessProbe",
        "the role has none",
    ),
    "reference-no-network-policy": Fault(
        NO_POLICY, "policy-missing", WORKER, "worker", "egress", "everything is let through"
    ),
    "reference-no-network-policy-for-the-job": Fault(
        NO_POLICY, "policy-missing", JOB, "migrate", "ingress"
    ),
    "reference-no-budget": Fault(
        removed("api/disruption.yaml", "web/disruption.yaml"),
        "budget-missing",
        API,
        "api",
        "budget",
        "may take all at once",
    ),
    "reference-no-job": Fault(removed(JOB), "role-missing", "", "migrate", says="nothing runs it"),
    "reference-no-worker": Fault(removed(WORKER), "role-missing", "", "worker"),
    "reference-empty-context-escalates": Fault(
        NO_CONTEXT, "new-privileges", WEB, "web", "allowPrivilegeEscalation"
    ),
    "reference-empty-context-keeps-capabilities": Fault(
        NO_CONTEXT, "capabilities-kept", WORKER, "worker", "capabilities"
    ),
    "reference-empty-context-of-the-job": Fault(
        NO_CONTEXT, "writable-root", JOB, "migrate", "readOnlyRootFilesystem"
    ),
    "reference-empty-context-of-the-gate": Fault(
        NO_CONTEXT, "writable-root", API, "api", says="container migrated"
    ),
    "reference-empty-context-is-root": Fault(
        NO_CONTEXT, "runs-as-root", TEST, variable="runAsNonRoot", says="Pod/app-test-ready"
    ),
    "reference-empty-context-calls-everything": Fault(
        NO_CONTEXT, "seccomp-missing", WEB, "web", "seccompProfile"
    ),
    "reference-health-asks-the-ready-path": Fault(
        replaced(POD, f"livenessProbe:\n  {{{{- {LIVE}", f"livenessProbe:\n  {{{{- {READY}"),
        "health-kills-on-ready",
        API,
        "api",
        "livenessProbe",
        "/health/ready",
    ),
    "reference-one-account-for-all": Fault(
        rendered(WORKER, 'serviceAccountName: "app-worker"', 'serviceAccountName: "app-api"'),
        "identity-shared",
        WORKER,
        "worker",
        "serviceAccountName",
        "as api does",
    ),
    "reference-secret-as-a-value": Fault(
        rendered(
            WORKER,
            READS.format(name="SECRET_KEY", secret="app-worker", key="SECRET_KEY"),
            NAME.format(name="SECRET_KEY", value="planted-0123456789abcdef"),
        ),
        "secret-in-plain-slot",
        WORKER,
        "worker",
        "SECRET_KEY",
    ),
    "reference-web-gets-the-database": Fault(
        given(NAME.format(name="DATABASE_URL", value="x")),
        "data-store-in-web",
        WEB,
        "web",
        "DATABASE_URL",
    ),
    "reference-worker-lacks-a-variable": Fault(
        cut(WORKER, NAME.format(name="S3_REGION", value='"eu-central-1"')),
        "variable-missing",
        WORKER,
        "worker",
        "S3_REGION",
    ),
}

# --- faults of our own -------------------------------------------------------------------------

OBJECTS: dict[str, Fault] = {
    "name-that-is-no-host-name": Fault(
        rendered("web/service.yaml", 'name: "app-web"', 'name: "app_web"'),
        "name-refused",
        "web/service.yaml",
        "web",
        "name",
        "app_web",
    ),
    "name-that-is-too-long": Fault(
        replaced(WORKLOADS, '"role" .)', '"role" . "name" (printf "%s%060d" .object 1))'),
        "name-refused",
        "api/service.yaml",
        "api",
        "name",
        "63 characters",
    ),
    "two-objects-of-one-name": Fault(
        added("api/second.yaml", thing("v1", "ServiceAccount", "app-api", "")),
        "name-taken",
        "api/second.yaml",
        "api",
        "app-api",
        "made twice",
    ),
    "in-another-namespace": Fault(
        rendered("web/service.yaml", 'namespace: "app"', 'namespace: "other"'),
        "namespace-differs",
        "web/service.yaml",
        "web",
        "namespace",
        "other",
    ),
    "without-a-label": Fault(
        cut("api/route.yaml", '    helm.sh/chart: "app-0.1.0"\n'),
        "label-missing",
        "api/route.yaml",
        "api",
        "helm.sh/chart",
        values={"apiDomain": "api.example.org"},
    ),
    "label-with-a-blank": Fault(
        rendered("web/service.yaml", 'managed-by: "Helm"', 'managed-by: "by Helm"'),
        "label-refused",
        "web/service.yaml",
        "web",
        "app.kubernetes.io/managed-by",
        "by Helm",
    ),
    "chart-version-on-pods": Fault(
        replaced(
            POD,
            '{{ include "hostwright.selector" . }}',
            '{{ include "hostwright.selector" . }}\nhelm.sh/chart: {{ .app.chart }}',
        ),
        "label-in-pod",
        WORKER,
        "worker",
        "helm.sh/chart",
        "each new chart restarts it",
    ),
    "version-that-is-not-stable": Fault(
        rendered("web/autoscaler.yaml", "autoscaling/v2", "autoscaling/v2beta2"),
        "api-unstable",
        "web/autoscaler.yaml",
        "web",
        "apiVersion",
        "autoscaling/v2beta2",
    ),
    "kind-of-another-time": Fault(
        rendered("web/autoscaler.yaml", "autoscaling/v2", "autoscaling/v2beta2"),
        "kind-unknown",
        "web/autoscaler.yaml",
        "web",
        "HorizontalPodAutoscaler",
        "Kubernetes 1.",
    ),
    "field-that-is-null": Fault(
        rendered(WEB, "  revisionHistoryLimit: 3\n", "  revisionHistoryLimit:\n"),
        "null-value",
        WEB,
        "web",
        "revisionHistoryLimit",
        "spec.revisionHistoryLimit is null",
    ),
    "kind-that-nobody-looked-at": Fault(
        added("api/second.yaml", thing("v1", "ConfigMap", "app-api", "data: {a: b}")),
        "kind-unexpected",
        "api/second.yaml",
        "api",
        "ConfigMap",
    ),
    "field-that-there-is-not": Fault(
        rendered(WEB, "      maxSurge: 1\n", "      maxSurges: 1\n"),
        "schema-refused",
        WEB,
        "web",
        "rollingUpdate",
        "'maxSurges' was unexpected",
    ),
    "field-of-a-custom-kind-that-there-is-not": Fault(
        rendered("api/secrets.yaml", "refreshInterval:", "refreshIntervall:"),
        "schema-refused",
        "api/secrets.yaml",
        "api",
        "spec",
        "'refreshIntervall' was unexpected",
    ),
    "number-as-text": Fault(
        rendered(WEB, "containerPort: 3000", 'containerPort: "3000"'),
        "schema-refused",
        WEB,
        "web",
        "containerPort",
        "is not of type 'integer'",
    ),
    "metadata-that-there-is-not": Fault(
        rendered("web/route.yaml", "  namespace: ", "  nameSpace: app\n  namespace: "),
        "schema-refused",
        "web/route.yaml",
        "web",
        "metadata",
        "nameSpace",
    ),
}

PODS: dict[str, Fault] = {
    "network-of-the-node": Fault(
        in_pod("      hostNetwork: true\n"), "host-namespace", WEB, "web", "hostNetwork"
    ),
    "directory-of-the-node": Fault(
        rendered(
            WEB,
            "          emptyDir:\n            sizeLimit: 256Mi",
            "          hostPath:\n            path: /var/lib",
        ),
        "host-mount",
        WEB,
        "web",
        "tmp",
        "/var/lib",
    ),
    "volume-of-a-server": Fault(
        rendered(
            WEB,
            "          emptyDir:\n            sizeLimit: 256Mi",
            "          nfs: {server: example.org, path: /}",
        ),
        "volume-type",
        WEB,
        "web",
        "tmp",
        "nfs",
    ),
    "privileged": Fault(
        in_security("            privileged: true\n"), "privileged", WEB, "web", "privileged"
    ),
    "port-of-the-node": Fault(
        rendered(WEB, "containerPort: 3000\n", "containerPort: 3000\n              hostPort: 80\n"),
        "host-port",
        WEB,
        "web",
        "hostPort",
        "port 80",
    ),
    "system-calls-not-filtered": Fault(
        in_security("            seccompProfile: {type: Unconfined}\n"),
        "unconfined",
        WEB,
        "web",
        "seccompProfile",
    ),
    "proc-unmasked-in-the-gate": Fault(
        in_security("            procMount: Unmasked\n", WORKER),
        "unconfined",
        WORKER,
        "worker",
        "procMount",
        "container migrated",
    ),
    "kernel-setting-of-the-node": Fault(
        rendered(
            WEB,
            "        runAsNonRoot: true\n",
            "        runAsNonRoot: true\n        sysctls: [{name: kernel.msgmax, value: '1'}]\n",
        ),
        "unconfined",
        WEB,
        "web",
        "sysctls",
        "kernel.msgmax",
    ),
    "capability-comes-back": Fault(
        rendered(
            WORKER,
            "            capabilities:\n",
            "            capabilities:\n              add: [NET_RAW]\n",
        ),
        "capability-added",
        WORKER,
        "worker",
        "capabilities",
        "NET_RAW",
    ),
    "container-overrides-its-pod": Fault(
        in_security("            runAsUser: 0\n"), "runs-as-root", WEB, "web", "runAsUser"
    ),
    "user-of-the-node": Fault(
        rendered(WEB, "runAsUser: 10001", "runAsUser: 1000"),
        "user-low",
        WEB,
        "web",
        "runAsUser",
        "1000",
    ),
    "group-not-said": Fault(
        cut(WEB, "        runAsGroup: 10001\n"),
        "user-low",
        WEB,
        "web",
        "runAsGroup",
        "not said",
    ),
    "volumes-of-nobody": Fault(
        cut(WEB, "        fsGroup: 10001\n"), "group-missing", WEB, "web", "fsGroup"
    ),
    "image-by-latest": Fault(
        replaced(POD, "image: {{ .role.image | quote }}", "image: acme/{{ .role.role }}:latest"),
        "image-unpinned",
        TEST,
        variable="image",
        says="acme/test:latest",
    ),
    "image-pulled-each-time": Fault(
        rendered(WEB, "imagePullPolicy: IfNotPresent", "imagePullPolicy: Always"),
        "pull-policy",
        WEB,
        "web",
        "image",
        "Always",
    ),
    "gate-without-bounds": Fault(
        replaced(POD, "cpu: {{ .cpu | quote }}\n", ""),
        "limit-missing",
        API,
        "api",
        "cpu",
        "container migrated",
    ),
    "job-without-bounded-disk": Fault(
        cut(JOB, "              ephemeral-storage: 256Mi\n"),
        "limit-missing",
        JOB,
        "migrate",
        "ephemeral-storage",
        "resources.limits",
    ),
    "memory-promised-twice": Fault(
        matched(POD, r"requests:\n    \{\{-.*?\}\}", "requests: {cpu: 1, memory: 64Mi}"),
        "memory-not-reserved",
        WEB,
        "web",
        "memory",
    ),
    "more-asked-for-than-allowed": Fault(
        matched(POD, r"requests:\n    \{\{-.*?\}\}", "requests: {cpu: 2, memory: 512Mi}"),
        "request-above-limit",
        WEB,
        "web",
        "cpu",
    ),
    "port-that-takes-a-privilege": Fault(
        rendered(WEB, "containerPort: 3000", "containerPort: 22"),
        "port-privileged",
        WEB,
        "web",
        "ports",
        "22",
    ),
    "two-ports-of-one-name": Fault(
        rendered(
            WEB,
            "containerPort: 3000\n",
            "containerPort: 3000\n            - name: http\n              containerPort: 3001\n",
        ),
        "port-name-taken",
        WEB,
        "web",
        "ports",
        "http",
    ),
    "mount-of-nothing": Fault(
        rendered(
            WEB,
            "              mountPath: /tmp\n",
            "              mountPath: /tmp\n"
            "            - name: cache\n              mountPath: /cache\n",
        ),
        "mount-without-volume",
        WEB,
        "web",
        "cache",
        "/cache",
    ),
    "mount-over-a-mount": Fault(
        rendered(
            WEB,
            "              mountPath: /tmp\n",
            "              mountPath: /tmp\n"
            "            - name: tmp\n              mountPath: /tmp\n",
        ),
        "mount-twice",
        WEB,
        "web",
        "tmp",
    ),
    "volume-of-nobody": Fault(
        rendered(
            WEB,
            "      volumes:\n",
            "      volumes:\n        - {name: cache, emptyDir: {sizeLimit: 1Mi}}\n",
        ),
        "volume-unused",
        WEB,
        "web",
        "cache",
    ),
    "volume-without-end": Fault(
        replaced(POD, "emptyDir:\n      sizeLimit: {{ .disk }}", "emptyDir: {}"),
        "volume-unbounded",
        JOB,
        "migrate",
        "tmp",
    ),
    "nowhere-to-write": Fault(
        replaced(POD, "mountPath: /tmp", "mountPath: /var/tmp"),
        "writable-place-missing",
        WORKER,
        "worker",
        "volumeMounts",
        "container migrated",
    ),
    "password-in-a-command": Fault(
        rendered(WORKER, '            - "worker"\n', '            - "--password=hunter2hunter2"\n'),
        "secret-argument",
        WORKER,
        "worker",
        "command",
    ),
}

ENVIRONMENT: dict[str, Fault] = {
    "variable-given-twice": Fault(
        given(NAME.format(name="ENVIRONMENT", value="production")),
        "env-duplicate",
        WEB,
        "web",
        "ENVIRONMENT",
        "given twice",
    ),
    "variables-out-of-order": Fault(
        given(NAME.format(name="ZONE", value="a")),
        "env-unsorted",
        WEB,
        "web",
        "ZONE",
    ),
    "variable-that-is-a-number": Fault(
        rendered(WEB, 'value: "3000"', "value: 3000"),
        "env-not-text",
        WEB,
        "web",
        "PORT",
        "a number",
    ),
    "variable-without-a-value": Fault(
        rendered(
            WEB,
            '            - name: PORT\n              value: "3000"\n',
            "            - name: PORT\n",
        ),
        "env-without-value",
        WEB,
        "web",
        "PORT",
    ),
    "dollars-not-escaped": Fault(
        replaced(VARIABLES, 'replace "$" "$$" . | quote', "quote ."),
        "env-expands",
        WEB,
        "web",
        "APP_PUBLIC_URL",
        values={"appPublicUrl": "https://app.example.org/$(PORT)"},
    ),
    "dollars-not-escaped-reach-another-value": Fault(
        replaced(VARIABLES, 'replace "$" "$$" . | quote', "quote ."),
        "wrong-source",
        API,
        "api",
        "AWS_SM_SIGNING_SECRET_ARN",
        values={"env": {"AWS_SM_SIGNING_SECRET_ARN": "arn:$(AWS_REGION)"}},
    ),
    "whatever-a-secret-holds": Fault(
        in_container("          envFrom: [{secretRef: {name: app-web}}]\n"),
        "env-from",
        WEB,
        "web",
        "envFrom",
    ),
    "password-in-a-variable": Fault(
        given(NAME.format(name="CACHE_PASSWORD", value="hunter2hunter2")),
        "secret-literal",
        WEB,
        "web",
        "CACHE_PASSWORD",
    ),
    "password-in-a-config-map": Fault(
        added(
            "api/second.yaml", thing("v1", "ConfigMap", "app-api", "data: {db-password: hunter2}")
        ),
        "secret-literal",
        "api/second.yaml",
        "api",
        "db-password",
    ),
    "service-links": Fault(
        replaced(POD, "enableServiceLinks: false\n", ""),
        "service-links",
        JOB,
        "migrate",
        "enableServiceLinks",
        "API_PORT",
    ),
    "variable-that-the-contract-does-not-have": Fault(
        given(NAME.format(name="DEBUG", value='"1"')), "variable-extra", WEB, "web", "DEBUG"
    ),
    "value-of-the-chart-s-own": Fault(
        rendered(WEB, 'value: "http://app-api:8000"', 'value: "http://api:8000"'),
        "wrong-source",
        WEB,
        "web",
        "API_BASE_URL",
    ),
    "two-secrets-swapped": Fault(
        rendered("api/secrets.yaml", 'property: "DATABASE_URL"', 'property: "REDIS_URL"'),
        "wrong-source",
        API,
        "api",
        "DATABASE_URL",
        "REDIS_URL",
    ),
    "variables-of-another-role": Fault(
        replaced(
            MODEL,
            "(list $app $role $block)",
            '(list $app (ternary "api" $role (eq $role "web")) $block)',
        ),
        "wrong-source",
        WEB,
        "web",
        "PORT",
        "api/PORT",
        values={"networkPolicy": {"enabled": False}},
    ),
    "role-without-variables": Fault(
        matched(POD, r"\{\{- with include \"hostwright.env\" .role \| trim \}\}", '{{- with "" }}'),
        "env-missing",
        WEB,
        "web",
    ),
    "role-that-the-contract-does-not-have": Fault(
        rendered(WORKER, "component: worker", "component: batch"),
        "role-extra",
        WORKER,
        "batch",
    ),
}

HEALTH: dict[str, Fault] = {
    "worker-never-asked": Fault(
        matched(POD, r"^livenessProbe:\n  [^\n]*hostwright.exec.*?failureThreshold: 3\n", ""),
        "probe-missing",
        WORKER,
        "worker",
        "livenessProbe",
        "hangs",
    ),
    "requests-before-it-can-answer": Fault(
        matched(POD, r"^readinessProbe:\n.*?failureThreshold: 3\n", ""),
        "probe-missing",
        WEB,
        "web",
        "readinessProbe",
    ),
    "probe-of-no-port": Fault(
        replaced(POD, "  port: http\n", "  port: 8080\n"),
        "probe-port",
        API,
        "api",
        "startupProbe",
        "8080",
    ),
    "ready-asks-what-live-asks": Fault(
        replaced(POD, READY, LIVE), "probes-identical", WEB, "web", "readinessProbe"
    ),
    "ready-asks-another-path": Fault(
        replaced(POD, READY, LIVE),
        "health-gate-differs",
        WEB,
        "web",
        "readinessProbe",
        "/api/health/ready",
    ),
    "live-asks-another-path": Fault(
        rendered(WEB, 'path: "/api/health"\n', 'path: "/"\n'),
        "healthcheck-differs",
        WEB,
        "web",
        "livenessProbe",
        "asks /",
    ),
    "worker-asked-by-another-command": Fault(
        rendered(WORKER, '                - "--health"\n', '                - "--version"\n'),
        "healthcheck-differs",
        WORKER,
        "worker",
        "livenessProbe",
        "--version",
    ),
    "fixed-delay": Fault(
        replaced(POD, "  periodSeconds: 30\n", "  periodSeconds: 30\n  initialDelaySeconds: 60\n"),
        "probe-delayed",
        WORKER,
        "worker",
        "livenessProbe",
        "60 s",
    ),
    "killed-while-starting": Fault(
        matched(
            POD,
            r"failureThreshold: \{\{ include \"hostwright.tries\".*?\}\}",
            "failureThreshold: 3",
        ),
        "start-too-short",
        API,
        "api",
        "startupProbe",
        "15 s",
    ),
    "command-in-a-second": Fault(
        replaced(POD, "  timeoutSeconds: 30\n", ""),
        "probe-hasty",
        WORKER,
        "worker",
        "livenessProbe",
        "1 s",
    ),
    "killed-at-the-first-late-answer": Fault(
        matched(POD, r"(^livenessProbe:.*?failureThreshold: )3", r"\g<1>1"),
        "probe-hasty",
        WEB,
        "web",
        "livenessProbe",
        "first answer",
    ),
}

RUNNING: dict[str, Fault] = {
    "container-of-another-name": Fault(
        rendered(WEB, "        - name: web\n", "        - name: main\n"),
        "role-container-missing",
        WEB,
        "web",
    ),
    "worker-as-a-stateful-set": Fault(
        rendered(WORKER, "kind: Deployment", "kind: StatefulSet"),
        "role-kind-differs",
        WORKER,
        "worker",
        "kind",
        "StatefulSet",
    ),
    "worker-runs-the-api": Fault(
        rendered(
            WORKER, '            - "worker"\n          env', '            - "api"\n          env'
        ),
        "command-differs",
        WORKER,
        "worker",
        "command",
        "python -m probe worker",
    ),
    "port-of-another": Fault(
        rendered(WEB, "containerPort: 3000", "containerPort: 8080"),
        "port-differs",
        WEB,
        "web",
        "ports",
        "3000",
    ),
    "replicas-against-the-autoscaler": Fault(
        replaced(WORKLOADS, "{{- if not .scales }}", "{{- if true }}"),
        "replicas-and-autoscaler",
        WEB,
        "web",
        "replicas",
        "HorizontalPodAutoscaler/app-web",
    ),
    "two-autoscalers": Fault(
        added(
            "api/second.yaml",
            thing(
                "keda.sh/v1alpha1",
                "ScaledObject",
                "app-api",
                "spec:\n  scaleTargetRef: {name: app-api}\n  minReplicaCount: 2\n"
                "  maxReplicaCount: 4\n  triggers: [{type: cpu, metadata: {value: '70'}}]",
            ),
        ),
        "autoscaler-both",
        API,
        "api",
        "autoscaler",
    ),
    "autoscaler-without-room": Fault(
        rendered("web/autoscaler.yaml", "maxReplicas: 4", "maxReplicas: 2"),
        "autoscaler-bounds",
        "web/autoscaler.yaml",
        "web",
        "maxReplicas",
        "between 2 and 2",
    ),
    "one-pod-in-production": Fault(
        rendered("web/autoscaler.yaml", "minReplicas: 2", "minReplicas: 1"),
        "instances-too-few",
        WEB,
        "web",
        "replicas",
        "production asks for 2",
    ),
    "scaled-to-nothing": Fault(
        rendered("worker/autoscaler.yaml", "minReplicaCount: 2", "minReplicaCount: 0"),
        "instances-too-few",
        WORKER,
        "worker",
        "replicas",
        "keeps 0",
        preset="production",
    ),
    "two-workers-take-one-job": Fault(
        rendered(WORKER, "    type: Recreate\n", "    type: RollingUpdate\n"),
        "handover-differs",
        WORKER,
        "worker",
        "strategy",
    ),
    "gap-while-deploying": Fault(
        replaced(WORKLOADS, "maxUnavailable: 0", "maxUnavailable: 25%"),
        "gap-in-service",
        API,
        "api",
        "strategy",
    ),
    "selects-the-pods-of-all": Fault(
        rendered(
            WEB,
            '      app.kubernetes.io/instance: "app"\n      app.kubernetes.io/component: web\n',
            '      app.kubernetes.io/instance: "app"\n',
        ),
        "selector-differs",
        WEB,
        "web",
        "selector",
        "Deployment/app-api",
    ),
    "selects-other-pods": Fault(
        rendered(
            WEB,
            '    matchLabels:\n      app.kubernetes.io/name: "app"',
            '    matchLabels:\n      app.kubernetes.io/name: "web"',
        ),
        "selector-differs",
        WEB,
        "web",
        "selector",
        "its own pods",
    ),
    "selects-by-the-chart-s-version": Fault(
        replaced(
            WORKLOADS,
            "selector:\n    matchLabels:\n",
            "selector:\n    matchLabels:\n      helm.sh/chart: {{ .app.chart }}\n",
        ),
        "selector-unstable",
        WORKER,
        "worker",
        "selector",
        "immutable",
    ),
    "all-in-one-zone": Fault(
        replaced(POD, 'list "topology.kubernetes.io/zone" ', "list "),
        "spread-missing",
        API,
        "api",
        "topologySpreadConstraints",
        "topology.kubernetes.io/zone",
    ),
    "spread-without-a-selector": Fault(
        matched(
            POD, r"    labelSelector:\n      matchLabels:\n        \{\{-[^\n]*\n    #", "    #"
        ),
        "spread-selector",
        WEB,
        "web",
        "topologySpreadConstraints",
    ),
    "beside-its-like": Fault(
        matched(POD, r"^affinity:\n.*?(?=^topologySpread)", ""),
        "anti-affinity-missing",
        WORKER,
        "worker",
        "affinity",
    ),
    "nothing-to-go-back-to": Fault(
        replaced(WORKLOADS, "revisionHistoryLimit: 3", "revisionHistoryLimit: 0"),
        "history-unbounded",
        WEB,
        "web",
        "revisionHistoryLimit",
    ),
    "given-up-while-migrating": Fault(
        matched(WORKLOADS, r"  progressDeadlineSeconds:[^\n]*\n", ""),
        "progress-too-short",
        API,
        "api",
        "progressDeadlineSeconds",
        "600 s",
    ),
    "stops-under-requests": Fault(
        replaced(POD, "{{- with .preStop }}", '{{- with "" }}'),
        "drain-missing",
        WEB,
        "web",
        "lifecycle",
    ),
    "killed-while-draining": Fault(
        replaced(
            MODEL, "(add $preStop (max (int $spec.stop_seconds) (int $spec.drain_seconds)) 5)", "30"
        ),
        "stop-too-short",
        API,
        "api",
        "terminationGracePeriodSeconds",
        "30 s",
    ),
    "worker-killed-at-work": Fault(
        rendered(WORKER, "terminationGracePeriodSeconds: 65", "terminationGracePeriodSeconds: 60"),
        "stop-too-short",
        WORKER,
        "worker",
        "terminationGracePeriodSeconds",
        "60 s",
    ),
    "says-not-how-much-it-matters": Fault(
        matched(POD, r"\{\{- with \$pods.priorityClassName \}\}", '{{- with "" }}'),
        "priority-unset",
        JOB,
        "migrate",
        "priorityClassName",
        preset="production",
    ),
}

MIGRATIONS: dict[str, Fault] = {
    "job-as-a-hook-unasked": Fault(
        replaced(MIGRATE, 'if eq $role.app.values.migrate.type "hook"', "if true"),
        "migration-not-made",
        JOB,
        "migrate",
        "hook",
        "migrate.type is job",
    ),
    "hook-waits-for-a-secret-of-the-release": Fault(
        replaced(MIGRATE, 'if eq $role.app.values.migrate.type "hook"', "if true"),
        "hook-needs-later",
        JOB,
        "migrate",
        "DATABASE_URL",
        "made after the hook",
    ),
    "hook-waits-for-its-account": Fault(
        replaced("migrate/identity.yaml", "(list . -2)", "(list . 1)"),
        "hook-needs-later",
        JOB,
        "migrate",
        "serviceAccountName",
        preset="production",
    ),
    "hook-after-the-pods-that-wait": Fault(
        replaced(MIGRATE, "pre-install,pre-upgrade", "post-install,post-upgrade"),
        "hook-deadlock",
        JOB,
        "migrate",
        "hook",
        "--wait",
        preset="production",
    ),
    "hook-of-no-order": Fault(
        matched(MIGRATE, r'  "helm.sh/hook-weight"[^\n]*\n', ""),
        "hook-unordered",
        JOB,
        "migrate",
        "hook",
        preset="production",
    ),
    "test-that-stays": Fault(
        replaced(TEST, ' "helm.sh/hook-delete-policy" "before-hook-creation"', ""),
        "hook-unordered",
        TEST,
        variable="hook",
    ),
    "two-migrations": Fault(
        added(
            "migrate/second.yaml",
            '{{- include "hostwright.job" (set (include "hostwright.role" (list . "migrate") '
            '| fromJson) "object" "app-again") }}',
        ),
        "migration-not-made",
        JOB,
        "migrate",
        "job",
        "more than once",
    ),
    "migrates-though-somebody-else-does": Fault(
        replaced(MODEL, '(ne $values.migrate.type "none")', "true"),
        "migration-not-made",
        JOB,
        "migrate",
        "job",
        "migrate.type is none",
        preset="aws",
        values={"migrate": {"type": "none"}},
    ),
    "no-gate": Fault(
        replaced(POD, "{{- if .gated }}", "{{- if false }}"),
        "migration-not-first",
        WORKER,
        "worker",
        "initContainers",
        "does not wait",
    ),
    "gate-of-another-image": Fault(
        replaced(
            POD, GATE, GATE.replace('"role" .', '"role" (set (deepCopy .) "image" "a/gate:1")')
        ),
        "gate-differs",
        API,
        "api",
        "image",
    ),
    "gate-without-the-role-s-variables": Fault(
        replaced(POD, GATE, GATE.replace('"role" .', '"role" (set (deepCopy .) "plain" dict)')),
        "gate-differs",
        WORKER,
        "worker",
        "env",
    ),
    "gate-without-end": Fault(
        replaced(MIGRATE, "(int $migrate.timeout_seconds | toString)", '"0"'),
        "gate-endless",
        API,
        "api",
        "command",
    ),
    "job-does-not-ask-first": Fault(
        replaced(MIGRATE, "$status .spec.commands.up)", ".spec.commands.up)"),
        "command-differs",
        JOB,
        "migrate",
        "command",
        "migrate status",
    ),
    "job-of-one-name-for-ever": Fault(
        replaced(MIGRATE, '(printf "%s-%s" .object $hash)', '(printf "%s-1" .object)'),
        "job-name-fixed",
        JOB,
        "migrate",
        "name",
    ),
    "job-tried-six-times": Fault(
        replaced(MIGRATE, "  backoffLimit: 2\n", ""),
        "job-retries",
        JOB,
        "migrate",
        "backoffLimit",
        "six",
    ),
    "job-started-anew-in-its-pod": Fault(
        replaced(POD, "restartPolicy: Never", "restartPolicy: OnFailure"),
        "job-retries",
        JOB,
        "migrate",
        "restartPolicy",
    ),
    "job-cut-short": Fault(
        replaced(
            MIGRATE,
            "activeDeadlineSeconds: {{ int .spec.timeout_seconds }}",
            "activeDeadlineSeconds: 60",
        ),
        "job-timeout-differs",
        JOB,
        "migrate",
        "activeDeadlineSeconds",
        "600 s",
    ),
    "job-that-stays": Fault(
        matched(MIGRATE, r"  ttlSecondsAfterFinished:[^\n]*\n", ""),
        "job-not-removed",
        JOB,
        "migrate",
        "ttlSecondsAfterFinished",
    ),
}

RELATIONS: dict[str, Fault] = {
    "service-of-no-pod": Fault(
        rendered(
            "web/service.yaml",
            "    app.kubernetes.io/component: web\n  ports",
            "    app.kubernetes.io/component: www\n  ports",
        ),
        "selector-dangling",
        "web/service.yaml",
        "web",
        "selector",
        "selects no pod",
    ),
    "service-of-every-pod": Fault(
        rendered("web/service.yaml", "    app.kubernetes.io/component: web\n  ports", "  ports"),
        "service-selects-others",
        "web/service.yaml",
        "web",
        "selector",
        "api and migrate",
    ),
    "no-service": Fault(removed("api/service.yaml"), "service-missing", API, "api", says="8000"),
    "service-on-every-node": Fault(
        replaced(WORKLOADS, "type: ClusterIP", "type: NodePort"),
        "service-exposed",
        "api/service.yaml",
        "api",
        "type",
        "NodePort",
    ),
    "service-of-a-port-that-there-is-not": Fault(
        replaced(WORKLOADS, "targetPort: http", "targetPort: web"),
        "service-port",
        "web/service.yaml",
        "web",
        "ports",
        "port web",
    ),
    "autoscaler-of-nothing": Fault(
        rendered(
            "web/autoscaler.yaml", 'name: "app-web"\n  minReplicas', 'name: "web"\n  minReplicas'
        ),
        "selector-dangling",
        "web/autoscaler.yaml",
        "web",
        "scaleTargetRef",
        "Deployment/web",
    ),
    "budget-of-no-pod": Fault(
        rendered(
            "web/disruption.yaml",
            "      app.kubernetes.io/component: web",
            "      app.kubernetes.io/component: www",
        ),
        "selector-dangling",
        "web/disruption.yaml",
        "web",
        "selector",
        "protects no pod",
    ),
    "budget-that-lets-nobody-go": Fault(
        replaced(WORKLOADS, "  maxUnavailable: 1\n", "  minAvailable: 2\n"),
        "budget-blocks",
        "api/disruption.yaml",
        "api",
        "maxUnavailable",
        "none of 2",
    ),
    "budget-for-what-is-broken": Fault(
        replaced(WORKLOADS, "  unhealthyPodEvictionPolicy: AlwaysAllow\n", ""),
        "budget-eviction",
        "web/disruption.yaml",
        "web",
        "unhealthyPodEvictionPolicy",
    ),
    "default-account": Fault(
        replaced(POD, "serviceAccountName: {{ .object | quote }}\n", ""),
        "service-account-missing",
        WORKER,
        "worker",
        "serviceAccountName",
        "default",
    ),
    "token-in-a-pod": Fault(
        replaced(POD, "automountServiceAccountToken: false\n", ""),
        "token-mounted",
        JOB,
        "migrate",
        "automountServiceAccountToken",
    ),
    "token-of-an-account": Fault(
        replaced(
            WORKLOADS, "automountServiceAccountToken: false", "automountServiceAccountToken: true"
        ),
        "token-mounted",
        "web/identity.yaml",
        "web",
        "automountServiceAccountToken",
    ),
    "pod-without-azure-s-label": Fault(
        replaced(POD, 'azure.workload.identity/use: "true"\n', ""),
        "identity-unlabelled",
        API,
        "api",
        "azure.workload.identity/use",
        preset="azure",
    ),
    "identity-of-another-cloud": Fault(
        replaced(WORKLOADS, '"eks.amazonaws.com/role-arn"', '"iam.gke.io/gcp-service-account"'),
        "identity-unlabelled",
        "api/identity.yaml",
        "api",
        "iam.gke.io/gcp-service-account",
    ),
    "identity-that-is-not-written-down": Fault(
        replaced(WORKLOADS, "{{- if and $key .identity }}", "{{- if false }}"),
        "identity-differs",
        "api/identity.yaml",
        "api",
        "eks.amazonaws.com/role-arn",
        "nobody's: arn:aws:iam::111122223333:role/app-production-api",
    ),
    "everybody-is-the-api": Fault(
        replaced(
            MODEL,
            "(ternary $block.identity $values.migrate.identity $stays)",
            "$values.api.identity",
        ),
        "identity-differs",
        "worker/identity.yaml",
        "worker",
        "iam.gke.io/gcp-service-account",
        "another's",
        preset="gcp",
    ),
    "identity-of-who-has-none": Fault(
        replaced(
            MODEL,
            "(ternary $block.identity $values.migrate.identity $stays)",
            "$values.api.identity",
        ),
        "identity-differs",
        "web/identity.yaml",
        "web",
        "azure.workload.identity/client-id",
        "none was given",
        preset="azure",
    ),
    "rights-in-the-cluster": Fault(
        added(
            "api/second.yaml",
            thing(
                "rbac.authorization.k8s.io/v1",
                "ClusterRoleBinding",
                "app-api",
                ADMIN,
            ),
        ),
        "rights-granted",
        "api/second.yaml",
        "api",
        "ClusterRoleBinding",
    ),
}

NETWORKS: dict[str, Fault] = {
    "policy-of-every-port": Fault(
        matched(
            NETWORK, r'\{\{ include "hostwright.way" \(dict "ports" \. "ranges" list\) \}\}', "- {}"
        ),
        "policy-open",
        "api/network.yaml",
        "api",
        "egress",
    ),
    "policy-of-the-namespace": Fault(
        added(
            "api/second.yaml",
            thing(
                "networking.k8s.io/v1",
                "NetworkPolicy",
                "app-second",
                DENIED + "  ingress: [{ports: [{port: 9000}]}]",
            ),
        ),
        "policy-open",
        "api/second.yaml",
        "api",
        "podSelector",
    ),
    "policy-of-no-pod": Fault(
        rendered(
            "worker/network.yaml",
            "      app.kubernetes.io/component: worker\n  policyTypes",
            "      app.kubernetes.io/component: workers\n  policyTypes",
        ),
        "selector-dangling",
        "worker/network.yaml",
        "worker",
        "podSelector",
    ),
    "names-over-one-protocol": Fault(
        replaced(NETWORK, "    - port: 53\n      protocol: TCP\n", ""),
        "policy-dns",
        JOB,
        "migrate",
        "TCP",
    ),
    "database-cut-off": Fault(
        replaced(NETWORK, 'if hasKey .references "DATABASE_URL"', "if false"),
        "store-blocked",
        JOB,
        "migrate",
        "DATABASE_URL",
        "5432",
    ),
    "redis-at-another-port": Fault(
        replaced(NETWORK, "$policy.redisPort | int | default", "0 | default"),
        "store-blocked",
        WORKER,
        "worker",
        "REDIS_URL",
        "10000",
        preset="azure",
    ),
    "web-reaches-the-database": Fault(
        replaced(NETWORK, 'if hasKey .references "DATABASE_URL"', "if true"),
        "store-let-through",
        WEB,
        "web",
        "DATABASE_URL",
        "5432",
    ),
    "migration-reaches-redis": Fault(
        replaced(NETWORK, 'if hasKey .references "REDIS_URL"', "if true"),
        "store-let-through",
        JOB,
        "migrate",
        "REDIS_URL",
    ),
    "provider-cut-off": Fault(
        replaced(NETWORK, 'with include "hostwright.outside" . | fromJsonArray', "with list"),
        "egress-blocked",
        WORKER,
        "worker",
        "SECRETS_PROVIDER",
        "443",
    ),
    "storage-of-another-port-cut-off": Fault(
        replaced(NETWORK, 'include "hostwright.port-of" $text', '"443"'),
        "egress-blocked",
        WORKER,
        "worker",
        "S3_ENDPOINT_URL",
        "9000",
        preset="production",
    ),
    "google-s-identity-cut-off": Fault(
        replaced(NETWORK, "    - port: 988\n", "    - port: 80\n"),
        "policy-metadata",
        API,
        "api",
        "988",
        preset="gcp",
    ),
    "web-cannot-call-the-api": Fault(
        replaced(NETWORK, "{{- range .calls }}", "{{- range list }}"),
        "role-blocked",
        WEB,
        "web",
        "api",
        "8000",
    ),
    "api-does-not-let-web-in": Fault(
        replaced(NETWORK, '$pods = list "web" "test"', '$pods = list "test"'),
        "role-blocked",
        API,
        "api",
        "web",
    ),
    "nobody-reaches-web": Fault(
        replaced(NETWORK, '(eq .role "web")', '(eq .role "www")'),
        "role-blocked",
        WEB,
        "web",
        "ingress",
        "public name",
        values={"appDomain": "", "routing": {"type": "none"}},
    ),
    "everybody-reaches-the-api": Fault(
        replaced(NETWORK, '(eq .role "web")', "true"),
        "role-open",
        API,
        "api",
        "ingress",
    ),
}

ROUTES: dict[str, Fault] = {
    "route-to-another-port": Fault(
        replaced(ROUTING, "          port: {{ int .port }}", "          port: 8080"),
        "route-dangling",
        "web/route.yaml",
        "web",
        "app-web",
        "app-web:8080",
    ),
    "ingress-to-no-service": Fault(
        rendered("ingress.yaml", '                name: "app-web"', '                name: "web"'),
        "route-dangling",
        "ingress.yaml",
        variable="web",
        preset="azure",
    ),
    "route-unasked": Fault(
        replaced(ROUTING, '(eq .app.values.routing.type "gateway")', "true"),
        "route-both",
        "web/route.yaml",
        "web",
        "kind",
        "routing.type is ingress",
        preset="azure",
    ),
    "name-without-a-route": Fault(
        removed("web/route.yaml"), "route-host", WEB, "web", "app.example.org", "no route"
    ),
    "every-name-leads-in": Fault(
        cut("web/route.yaml", '  hostnames:\n    - "app.example.org"\n'),
        "route-host",
        "web/route.yaml",
        "web",
        says="every name",
    ),
    "route-of-no-gateway": Fault(
        cut("web/route.yaml", '    - name: "public"\n      namespace: "gateways"\n'),
        "route-parent",
        "web/route.yaml",
        "web",
        "parentRefs",
    ),
    "ingress-without-tls": Fault(
        matched(ROUTING, r"  tls:\n.*?(?=  rules:)", ""),
        "ingress-without-tls",
        "ingress.yaml",
        variable="tls",
        says="without TLS",
        preset="azure",
    ),
    "ingress-of-any-controller": Fault(
        cut("ingress.yaml", '  ingressClassName: "webapprouting.kubernetes.azure.com"\n'),
        "ingress-class",
        "ingress.yaml",
        variable="ingressClassName",
        preset="azure",
    ),
}

SECRET: dict[str, Fault] = {
    "secret-in-the-chart": Fault(
        added("api/second.yaml", thing("v1", "Secret", "app-second", "stringData: {a: b}")),
        "secret-in-chart",
        "api/second.yaml",
        "api",
        "app-second",
    ),
    "key-that-nobody-makes": Fault(
        rendered("api/secrets.yaml", "secretKey: REDIS_URL", "secretKey: REDIS"),
        "secret-key-missing",
        API,
        "api",
        "REDIS_URL",
        "key REDIS_URL of app-api",
    ),
    "key-that-nobody-reads": Fault(
        rendered("api/secrets.yaml", "secretKey: REDIS_URL", "secretKey: REDIS"),
        "secret-key-unused",
        "api/secrets.yaml",
        "api",
        "REDIS",
    ),
    "secret-of-another-role": Fault(
        rendered(
            WORKER, '                  name: "app-worker"\n', '                  name: "app-api"\n'
        ),
        "secret-of-other-role",
        WORKER,
        "worker",
        "SECRET_KEY",
        "api's",
    ),
    "secret-that-may-be-absent": Fault(
        rendered(
            WORKER,
            "                  key: SECRET_KEY\n",
            "                  key: SECRET_KEY\n                  optional: true\n",
        ),
        "secret-optional",
        WORKER,
        "worker",
        "SECRET_KEY",
    ),
    "external-secret-as-a-hook": Fault(
        replaced(
            SECRETS,
            '(dict "role" . "annotations" $annotations)',
            '(dict "role" . "annotations" (dict "helm.sh/hook" "pre-install"))',
        ),
        "secret-as-hook",
        "api/secrets.yaml",
        "api",
        "hook",
    ),
    "secret-deleted-with-a-mistake": Fault(
        replaced(SECRETS, "deletionPolicy: Retain", "deletionPolicy: Delete"),
        "secret-not-kept",
        "worker/secrets.yaml",
        "worker",
        "deletionPolicy",
        "Delete",
    ),
    "secret-fetched-once": Fault(
        replaced(SECRETS, "  refreshPolicy: Periodic\n", ""),
        "secret-not-kept",
        "api/secrets.yaml",
        "api",
        "refreshPolicy",
    ),
    "secret-of-no-store": Fault(
        cut("api/secrets.yaml", '    name: "secrets-manager"\n'),
        "secret-store-missing",
        "api/secrets.yaml",
        "api",
        "secretStoreRef",
    ),
    "class-that-is-not-mounted": Fault(
        matched(
            POD,
            r"  \{\{- if include \"hostwright.mounts-secrets\" \. \}\}\n",
            "  {{- if false }}\n",
        ),
        "secret-not-mounted",
        "api/secrets.yaml",
        "api",
        "app-api",
        preset="azure",
    ),
    "file-that-is-not-mounted": Fault(
        rendered(
            "api/secrets.yaml", '    - objectName: "env.SECRET_KEY"', '    - objectName: "env.KEY"'
        ),
        "secret-file-missing",
        "api/secrets.yaml",
        "api",
        "SECRET_KEY",
        "env.KEY",
        preset="azure",
    ),
    "aws-of-no-such-type": Fault(
        replaced(SECRETS, '"objectType" "secretsmanager"', '"objectType" "secret"'),
        "secret-file-malformed",
        "api/secrets.yaml",
        "api",
        "objectType",
        "the provider aws takes",
        values=CSI["aws"],
    ),
    "aws-key-without-a-file": Fault(
        replaced(SECRETS, '(quote .property) "objectAlias" .file', "(quote .property)"),
        "secret-file-malformed",
        "worker/secrets.yaml",
        "worker",
        "objectAlias",
        "names no file",
        values=CSI["aws"],
    ),
    "azure-objects-that-are-no-texts": Fault(
        replaced(SECRETS, '"objectAlias" .file | toYaml)', '"objectAlias" .file)'),
        "secret-file-malformed",
        "api/secrets.yaml",
        "api",
        "objects",
        "can be read",
        preset="azure",
    ),
    "azure-without-a-vault": Fault(
        replaced(SECRETS, "deepCopy $csi.parameters", "dict"),
        "secret-file-malformed",
        "api/secrets.yaml",
        "api",
        "keyvaultName",
        "is missing",
        preset="azure",
    ),
    "google-of-no-version": Fault(
        replaced(SECRETS, '"%s/versions/latest"', '"%s"'),
        "secret-file-malformed",
        "api/secrets.yaml",
        "api",
        "resourceName",
        "the provider gcp takes",
        preset="azure",
        values=CSI["gcp"],
    ),
    "google-in-another-parameter": Fault(
        replaced(SECRETS, '$parameters "secrets"', '$parameters "objects"'),
        "secret-file-malformed",
        "worker/secrets.yaml",
        "worker",
        "secrets",
        "lists nothing",
        preset="azure",
        values=CSI["gcp"],
    ),
    "vault-without-a-key": Fault(
        replaced(SECRETS, '"secretKey" .property', '"key" .property'),
        "secret-file-malformed",
        "api/secrets.yaml",
        "api",
        "secretKey",
        "the provider vault takes",
        values=CSI["vault"],
    ),
}

GROUPS = (
    REFERENCE,
    OBJECTS,
    PODS,
    ENVIRONMENT,
    HEALTH,
    RUNNING,
    MIGRATIONS,
    RELATIONS,
    NETWORKS,
    ROUTES,
    SECRET,
)
FAULTS = {name: fault for group in GROUPS for name, fault in group.items()}
caught: set[str] = set()


# --- the tests ---------------------------------------------------------------------------------


def copied(root: Path, plant: Plant) -> Blueprint:
    """A copy of what the chart's validation reads, with a fault in it."""
    for part in ("charts", "contract"):
        shutil.copytree(paths.OPS / part, root / "ops" / part)
    plant(root / CHART)
    return Blueprint(root)


CONTRACT = Blueprint().contract


def found_in(root: Path, fault: Fault) -> list[Finding]:
    """What is found in one preset, by one Helm.

    Args:
        root: An empty directory, for a copy of the chart.
        fault: What is wrong with it.
    """
    choice = chosen(fault.preset, json.dumps(fault.values))
    if isinstance(fault.plant, Rendered):
        chart = kubernetes.Chart(paths.CHART, CHART, CONTRACT)
        text = fault.plant.printed(untouched(fault.preset, json.dumps(fault.values)))
        objects = manifest.parse(text, CHART)
    else:
        chart = kubernetes.Chart(root / CHART, CHART, CONTRACT)
        shutil.copytree(paths.CHART, chart.place)
        fault.plant(chart.place)
        objects = kubernetes.render(chart, choice, kubernetes.MAJORS[0])
    return list(kubernetes.judged(chart, choice, objects)[0].findings)


@cache
def chosen(preset: str, values: str) -> Choice:
    """A preset with values on top of it."""
    chart = kubernetes.Chart(paths.CHART, CHART, CONTRACT)
    whole = kubernetes.laid_over(chart.presets[preset].values, json.loads(values))
    return of_values(CONTRACT, preset, whole)


@cache
def untouched(preset: str, values: str) -> str:
    """What Helm renders of them, without a fault."""
    chart = kubernetes.Chart(paths.CHART, CHART, CONTRACT)
    return kubernetes.render(chart, chosen(preset, values), kubernetes.MAJORS[0]).text


def says(finding: Finding, fault: Fault) -> bool:
    """Whether a finding is that fault, told as it must be."""
    return (
        finding.check == fault.check
        and finding.file == (f"{T}/{fault.file}" if fault.file else CHART)
        and finding.role == fault.role
        and fault.variable in {"", finding.variable}
        and fault.says in finding.message
    )


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str, tmp_path: Path) -> None:
    fault = FAULTS[name]
    there = found_in(tmp_path, fault)
    told = [item for item in there if says(item, fault)]
    shown = "\n".join(map(str, there)) or "nothing"
    assert told, f"expected {fault.check} in {fault.file}, found:\n{shown}"
    assert told[0].remedy.endswith("."), str(told[0])
    assert not told[0].message.endswith("."), str(told[0])
    assert is_known(told[0].check), str(told[0])
    caught.add(name)


def test_a_text_that_is_changed_afterwards_is_as_good_as_one_that_helm_changes(
    tmp_path: Path,
) -> None:
    plant = Rendered(WEB, "imagePullPolicy: IfNotPresent", "imagePullPolicy: Always")
    chart = kubernetes.chart_of(copied(tmp_path, plant))
    by_helm = kubernetes.render(chart, chosen("aws", "{}"), kubernetes.MAJORS[0])
    afterwards = manifest.parse(plant.printed(untouched("aws", "{}")), CHART)
    assert [each.body for each in by_helm.objects] == [each.body for each in afterwards.objects]
    assert [each.file for each in by_helm.objects] == [each.file for each in afterwards.objects]
    with pytest.raises(AssertionError, match="plant this fault another way"):
        Rendered(WEB, "imagePullPolicy: Maybe", "").printed(untouched("aws", "{}"))


# --- what several renders or the text show -------------------------------------------------------


def of_job(blueprint: Blueprint, name: str) -> list[Finding]:
    """What one of the jobs finds."""
    return list(kubernetes.work(blueprint)[name].work().checked.findings)


def test_a_chart_that_helm_does_not_render_is_told_with_its_file_and_line(tmp_path: Path) -> None:
    plant = replaced(WORKLOADS, "{{ int .port }}", "{{ .port.number }}")
    [found] = of_job(copied(tmp_path, plant), "minimal, helm-4")
    assert found.check == "chart-refused"
    assert found.file.startswith(f"{T}/")
    assert found.line
    assert "number" in found.message


def test_values_that_the_chart_refuses_are_told_by_their_path(tmp_path: Path) -> None:
    blueprint = copied(tmp_path, both())
    preset = tmp_path / CHART / "ci" / "minimal-values.yaml"
    preset.write_text(preset.read_text() + "\nreplicaCount: 3\n")
    [found, *_] = of_job(blueprint, "minimal, helm-3")
    assert (found.check, found.file) == ("chart-refused", f"{CHART}/values.yaml")
    assert found.variable == "replicaCount"


def test_output_that_is_not_yaml_is_told_with_its_template(tmp_path: Path) -> None:
    plant = replaced(WORKLOADS, "  type: ClusterIP\n", "  type: ClusterIP\n  type: ClusterIP\n")
    found = of_job(copied(tmp_path, plant), "minimal, helm-4")
    assert [(item.check, item.file) for item in found] == [
        ("chart-refused", f"{T}/api/service.yaml")
    ]


def test_what_helm_complains_of_is_told(tmp_path: Path) -> None:
    blueprint = copied(tmp_path, both())
    file = tmp_path / CHART / "Chart.yaml"
    file.write_text(file.read_text().replace("version: 0.1.0", "version: 0.1"))
    found = of_job(blueprint, "minimal, helm-4")
    assert [item for item in found if item.check in {"chart-lint", "chart-refused"}]


def test_two_helms_that_render_two_things_are_told(tmp_path: Path) -> None:
    plant = replaced(
        WORKLOADS,
        "revisionHistoryLimit: 3",
        "revisionHistoryLimit: {{ randInt 1 10 }}{{ randInt 10 99 }}",
    )
    found = of_job(copied(tmp_path, plant), "minimal, helm-3")
    assert {item.check for item in found} == {"render-differs"}
    assert {item.variable for item in found} == {"revisionHistoryLimit"}


@pytest.mark.parametrize(
    ("use", "name"),
    [
        ("{{ now | quote }}", "now"),
        ("{{ uuidv4 }}", "uuidv4"),
        ("{{ randAlphaNum 32 | b64enc }}", "randAlphaNum"),
        ('{{ (lookup "v1" "Secret" "a" "b").data }}', "lookup"),
        ("{{ .Release.Revision }}", ".Release.Revision"),
        ('{{ .Capabilities.APIVersions.Has "a/v1" }}', ".Capabilities"),
    ],
)
def test_a_template_that_depends_on_more_than_values_is_told(
    use: str, name: str, tmp_path: Path
) -> None:
    found = of_job(copied(tmp_path, added("api/second.yaml", f"\n# {use}\n")), "text")
    assert [(item.check, item.file, item.line) for item in found] == [
        ("template-impure", f"{T}/api/second.yaml", 2)
    ]
    assert found[0].variable == name


@pytest.mark.parametrize(
    "text",
    [
        "{{/* now: lookup, env */}}",
        '{{ include "hostwright.env" . }}',
        "{{ .Values.env }} {{ get $env `now` }} {{ $now }}",
        "now",
    ],
)
def test_a_word_that_is_no_function_is_left_alone(text: str) -> None:
    assert rendering.impure({"a": text}).findings == ()


def test_a_preset_that_is_not_there_is_told(tmp_path: Path) -> None:
    blueprint = copied(tmp_path, both())
    (tmp_path / CHART / "ci" / "gcp-values.yaml").unlink()
    [found] = of_job(blueprint, "text")
    assert (found.check, found.variable) == ("preset-missing", "gcp")


def test_a_chart_without_a_schema_is_told(tmp_path: Path) -> None:
    """The reference's chart had none."""
    blueprint = copied(tmp_path, both())
    (tmp_path / CHART / "values.schema.json").unlink()
    [job] = shared.jobs(blueprint)
    stale = [item for item in job.work().checked.findings if "charts" in item.file]
    assert [(item.check, item.file) for item in stale] == [
        ("export-stale", f"{CHART}/values.schema.json")
    ]


def test_jobs_of_one_name_with_two_pods_are_told(tmp_path: Path) -> None:
    plant = replaced(MIGRATE, "sha256sum | trunc 10", 'sha256sum | len | printf "%010d"')
    found = of_job(copied(tmp_path, plant), "jobs")
    assert {(item.check, item.role) for item in found} == {("job-name-fixed", "migrate")}


# --- the tests of the tests ----------------------------------------------------------------------


@pytest.mark.parametrize("preset", kubernetes.PRESETS)
def test_an_untouched_chart_has_only_the_findings_that_are_accepted(preset: str) -> None:
    found = of_job(Blueprint(paths.ROOT), f"{preset}, helm-4")
    assert {item.check for item in found} <= {"priority-unset"}, "\n".join(map(str, found))


@pytest.mark.parametrize("name", ["text", "jobs", "minimal, helm-3", "web", "api, migrate"])
def test_an_untouched_chart_has_no_other_finding(name: str) -> None:
    found = of_job(Blueprint(paths.ROOT), name)
    assert {item.check for item in found} <= {"priority-unset"}, "\n".join(map(str, found))


def test_every_check_of_the_chart_finds_something() -> None:
    """A check that no fault was planted for may as well find nothing."""
    planted = {fault.check for fault in FAULTS.values()}
    assert rules.CHECKS.keys() - planted == set()


def test_every_fault_that_was_planted_was_found(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    test = "test_a_planted_fault_is_found"
    assert_all_found(request, capsys, caught, test=test, of="kubernetes")
