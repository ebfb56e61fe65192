"""The fifteen complaints about charts, and the runners-up: ours gives no reason for any of them.

``tests/blueprints/complaints.py`` has them as functions. Each is asked of real renders of both
majors, and each is shown to object: its fault is planted into a copy of the chart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.blueprints import complaints
from tests.blueprints.charts import MAJORS, Chart, copied
from tests.blueprints.clouds import both, matched, replaced

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.blueprints.charts import Plant


@pytest.fixture(params=MAJORS)
def chart(request: pytest.FixtureRequest) -> Chart:
    return Chart(major=request.param)


def test_01_migration_hook_deadlocks_wait(chart: Chart) -> None:
    complaints.migration_deadlocks_wait(chart)


def test_02_job_cannot_see_its_secret(chart: Chart) -> None:
    complaints.job_lacks_its_secret(chart)


def test_03_job_field_is_immutable(chart: Chart) -> None:
    complaints.job_is_immutable(chart)


def test_04_replicas_fight_the_autoscaler(chart: Chart) -> None:
    complaints.replicas_fight_the_autoscaler(chart)


def test_05_duplicate_env_is_an_error(chart: Chart) -> None:
    complaints.env_is_given_twice(chart)


def test_06_images_of_others_are_gone(chart: Chart) -> None:
    complaints.images_of_others_are_gone(chart)


def test_07_database_password_is_a_plain_value(chart: Chart) -> None:
    complaints.password_is_plain(chart)


def test_08_random_secrets_are_made_anew(chart: Chart) -> None:
    complaints.secrets_are_made_anew(chart)


def test_09_requests_fail_during_a_rollout(chart: Chart) -> None:
    complaints.requests_fail_during_a_rollout(chart)


def test_10_gateway_api_is_missing(chart: Chart) -> None:
    complaints.gateway_api_is_missing(chart)


def test_11_restricted_namespaces_refuse_it(chart: Chart) -> None:
    complaints.restricted_namespaces_refuse_it(chart)


def test_12_liveness_kills_or_misses_workers(chart: Chart) -> None:
    complaints.liveness_kills_workers(chart)


def test_13_budget_blocks_the_drain_of_one_replica(chart: Chart) -> None:
    complaints.budget_blocks_the_drain(chart)


def test_14_service_links_poison_variables(chart: Chart) -> None:
    complaints.service_links_poison_variables(chart)


def test_15_schema_forbids_global_and_enabled(chart: Chart, tmp_path: Path) -> None:
    complaints.schema_forbids_umbrellas(chart, tmp_path / "umbrella")


def test_16_init_containers_are_unbounded(chart: Chart) -> None:
    complaints.init_containers_are_unbounded(chart)


def test_17_config_changes_restart_nothing(chart: Chart) -> None:
    complaints.config_changes_restart_nothing(chart)


def test_18_policy_blocks_the_database(chart: Chart) -> None:
    complaints.policy_blocks_the_database(chart)


def test_19_external_secrets_are_unserved(chart: Chart) -> None:
    complaints.external_secrets_are_unserved(chart)


def test_20_rollout_goes_on_after_a_failed_migration(chart: Chart) -> None:
    complaints.rollout_goes_on_after_a_failed_migration(chart)


# --- and each objects where there is reason to ---------------------------------------------------

TEMPLATES = "templates"
MIGRATE, MODEL, POD = (f"{TEMPLATES}/_{name}.tpl" for name in ("migrate", "model", "pod"))
NETWORK, ROUTING, SECRETS = (
    f"{TEMPLATES}/_{name}.tpl" for name in ("network", "routing", "secrets")
)
VARIABLES, WORKLOADS = (f"{TEMPLATES}/_{name}.tpl" for name in ("variables", "workloads"))
TESTER = f"{TEMPLATES}/_tester.tpl"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: extra\n"
#: The Job's name, which ends in the hash of its pod.
NAMED = '(printf "%s-%s" .object $hash)'


@dataclass(frozen=True)
class Planted:
    """A fault in a copy of the chart, the complaint about it, and a piece of what that says."""

    complaint: Callable[..., None]
    plant: Plant
    says: str


def added(file: str, text: str) -> Plant:
    """Append to a file, or write a new one."""

    def plant(root: Path) -> None:
        with (root / file).open("a", encoding="utf-8") as to:
            to.write(text)

    return plant


def pod_line(old: str, new: str = "") -> Plant:
    return replaced(POD, old, new)


PLANTED = {
    "01 the hook comes after the release": Planted(
        complaints.migration_deadlocks_wait,
        replaced(MIGRATE, '"pre-install,pre-upgrade"', '"post-install,post-upgrade"'),
        "is made after what waits for it",
    ),
    "01 the Job is a hook where nobody asked for one": Planted(
        complaints.migration_deadlocks_wait,
        replaced(MIGRATE, 'if eq $role.app.values.migrate.type "hook"', "if true"),
        "has hooks",
    ),
    "01 the Job waits for itself": Planted(
        complaints.migration_deadlocks_wait,
        replaced(MODEL, '"gated" (and $stays ', '"gated" (and true '),
        "waits for itself",
    ),
    "01 the rollout is given up while pods wait": Planted(
        complaints.migration_deadlocks_wait,
        matched(WORKLOADS, r"^  progressDeadlineSeconds: .*?$", ""),
        "is given up after 600 s",
    ),
    "02 the account is made with the release, and the Job before it": Planted(
        complaints.job_lacks_its_secret,
        replaced(
            f"{TEMPLATES}/migrate/identity.yaml",
            '(set . "hook" (include "hostwright.hooks" (list . -2) | fromJson))',
            ".",
        ),
        "ServiceAccount/app-migrate comes after Job/",
    ),
    "02 the account is made after the Job": Planted(
        complaints.job_lacks_its_secret,
        replaced(f"{TEMPLATES}/migrate/identity.yaml", "(list . -2)", "(list . 2)"),
        "ServiceAccount/app-migrate comes after Job/",
    ),
    "02 the ExternalSecret is a hook": Planted(
        complaints.job_lacks_its_secret,
        replaced(
            SECRETS,
            "{{- $annotations := dict }}",
            '{{- $annotations := dict "helm.sh/hook" "pre-install" "helm.sh/hook-weight" "-1" }}',
        ),
        "ExternalSecret/app-migrate comes after Job/",
    ),
    "02 the Job names a Secret that nothing makes": Planted(
        complaints.job_lacks_its_secret,
        replaced(SECRETS, "  target:\n    name: {{ .object", "  target:\n    name: {{ .role"),
        "nothing makes Secret app-migrate",
    ),
    "03 the Job has one name for ever": Planted(
        complaints.job_is_immutable, replaced(MIGRATE, NAMED, "(print .object)"), "has another pod"
    ),
    "03 the Job is named after the release's revision": Planted(
        complaints.job_is_immutable,
        replaced(MIGRATE, NAMED, '(printf "%s-1" .object)'),
        "has another pod",
    ),
    "03 the hash is that of the image alone": Planted(
        complaints.job_is_immutable,
        replaced(MIGRATE, 'printf "%s\\n%s" $pod ', 'printf "%s\\n%s" $role.image '),
        "has another pod",
    ),
    "03 nothing runs a migration anew": Planted(
        complaints.job_is_immutable,
        replaced(MIGRATE, 'printf "%s\\n%s" $pod $migrate.attempt', "$pod"),
        "migrate.attempt runs nothing anew",
    ),
    "04 replicas are always said": Planted(
        complaints.replicas_fight_the_autoscaler,
        replaced(WORKLOADS, "{{- if not .scales }}", "{{- if true }}"),
        "leaves replicas to its autoscaler",
    ),
    "04 replicas are never said": Planted(
        complaints.replicas_fight_the_autoscaler,
        replaced(WORKLOADS, "{{- if not .scales }}", "{{- if false }}"),
        "says replicas: None",
    ),
    "04 both autoscalers are made": Planted(
        complaints.replicas_fight_the_autoscaler,
        replaced(
            WORKLOADS,
            '{{-   include "hostwright.hpa" . }}',
            '{{ include "hostwright.hpa" . }}\n---\n{{ include "hostwright.scaled-object" . }}',
        ),
        "two autoscalers",
    ),
    "05 a variable is emitted twice": Planted(
        complaints.env_is_given_twice,
        replaced(
            VARIABLES,
            "(keys .plain) (keys .references)",
            '(keys .plain) (keys (pick .plain "LOG_LEVEL")) (keys .references)',
        ),
        "has a variable twice",
    ),
    "05 whatever a Secret holds is taken": Planted(
        complaints.env_is_given_twice,
        replaced(POD, "\nresources:", "\nenvFrom:\n  - secretRef:\n      name: extra\nresources:"),
        "takes whatever there is",
    ),
    "06 the gate has an image of its own": Planted(
        complaints.images_of_others_are_gone,
        matched(
            POD,
            r"image: \{\{ \.role\.image \| quote \}\}",
            'image: {{ ternary "bitnami/kubectl:1" .role.image (has "gate" .command) }}',
        ),
        "needs bitnami/kubectl:1",
    ),
    "06 the chart depends on a database's": Planted(
        complaints.images_of_others_are_gone,
        added(
            "Chart.yaml",
            "dependencies:\n  - name: postgresql\n    version: 1.0.0\n    repository: https://example.org\n",
        ),
        "depends on another",
    ),
    "07 references are plain values": Planted(
        complaints.password_is_plain,
        matched(
            VARIABLES,
            r"\{\{-   if hasKey \$role\.plain \$name \}\}.*?\{\{-   end \}\}",
            "  value: {{ get $role.plain $name | quote }}",
        ),
        "shows",
    ),
    "07 the password is a part": Planted(
        complaints.password_is_plain,
        matched(
            VARIABLES,
            r"  value: \{\{ include \"hostwright\.literal\" \(get \$role\.plain \$name\) \}\}",
            '  value: "postgres://app:$(PASSWORD)@db/app"',
        ),
        "puts",
    ),
    "07 the chart makes a Secret of values": Planted(
        complaints.password_is_plain,
        added(f"{TEMPLATES}/extra.yaml", SECRET),
        "values end up in an object",
    ),
    "08 a password is random": Planted(
        complaints.secrets_are_made_anew,
        added(
            f"{TEMPLATES}/extra.yaml",
            f"{SECRET}stringData:\n  password: {{{{ randAlphaNum 20 }}}}\n",
        ),
        "uses randAlphaNum",
    ),
    "08 what is there is looked up": Planted(
        complaints.secrets_are_made_anew,
        added(
            f"{TEMPLATES}/extra.yaml",
            '{{- $old := lookup "v1" "Secret" .Release.Namespace "extra" -}}\n',
        ),
        "uses lookup",
    ),
    "08 pods hold the time": Planted(
        complaints.secrets_are_made_anew,
        replaced(
            POD,
            "automountServiceAccountToken: false\n",
            "automountServiceAccountToken: false\nhostname: {{ now | unixEpoch | quote }}\n",
        ),
        "uses now",
    ),
    "08 an upgrade is another thing": Planted(
        complaints.secrets_are_made_anew,
        replaced(
            MODEL,
            '"manager" .Release.Service',
            '"manager" (ternary "Helm" "Tiller" (get .Release (print "Is" "Install")))',
        ),
        "an upgrade renders something else",
    ),
    "09 no wait before the stop": Planted(
        complaints.requests_fail_during_a_rollout,
        matched(POD, r"\{\{- with \.preStop \}\}\nlifecycle:.*?\{\{- end \}\}\n", ""),
        "stops while its Service still sends it requests",
    ),
    "09 the grace is Kubernetes's own": Planted(
        complaints.requests_fail_during_a_rollout,
        matched(POD, r"^terminationGracePeriodSeconds: .*?$", "terminationGracePeriodSeconds: 30"),
        "before its end",
    ),
    "09 the grace forgets the wait": Planted(
        complaints.requests_fail_during_a_rollout,
        replaced(MODEL, '"grace" (add $preStop ', '"grace" (add 0 '),
        "before its end",
    ),
    "09 pods are taken away first": Planted(
        complaints.requests_fail_during_a_rollout,
        replaced(WORKLOADS, "maxUnavailable: 0\n", "maxUnavailable: 1\n"),
        "is taken away first",
    ),
    "09 nobody asks for readiness": Planted(
        complaints.requests_fail_during_a_rollout,
        matched(POD, r"^readinessProbe:.*?failureThreshold: 3\n", ""),
        "nobody asks whether",
    ),
    "10 there are no routes": Planted(
        complaints.gateway_api_is_missing,
        replaced(f"{TEMPLATES}/web/route.yaml", '{{-   include "hostwright.route" . }}\n', ""),
        "there are routes ['app-api']",
    ),
    "10 a beta of the API": Planted(
        complaints.gateway_api_is_missing,
        replaced(ROUTING, "gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1"),
        "gateway.networking.k8s.io/v1beta1",
    ),
    "10 a route leads nowhere": Planted(
        complaints.gateway_api_is_missing,
        matched(
            ROUTING,
            r"backendRefs:\n        - name: \{\{ \.object",
            "backendRefs:\n        - name: {{ .role",
        ),
        "which is not there",
    ),
    "10 a route leads to another port": Planted(
        complaints.gateway_api_is_missing,
        replaced(ROUTING, "port: {{ int .port }}", "port: 80"),
        "a port that its Service lacks",
    ),
    "11 no seccomp": Planted(
        complaints.restricted_namespaces_refuse_it,
        pod_line("  seccompProfile:\n    type: RuntimeDefault\n"),
        "has no seccomp",
    ),
    "11 root": Planted(
        complaints.restricted_namespaces_refuse_it,
        pod_line("runAsNonRoot: true", "runAsNonRoot: false"),
        "may run as root",
    ),
    "11 capabilities": Planted(
        complaints.restricted_namespaces_refuse_it,
        pod_line("  capabilities:\n    drop:\n      - ALL\n"),
        "keeps capabilities",
    ),
    "11 a container's field at the pod": Planted(
        complaints.restricted_namespaces_refuse_it,
        both(
            pod_line("  allowPrivilegeEscalation: false\n"),
            pod_line(
                "  runAsNonRoot: true\n",
                "  runAsNonRoot: true\n  allowPrivilegeEscalation: false\n",
            ),
        ),
        "where they mean nothing",
    ),
    "11 an image that can be written to": Planted(
        complaints.restricted_namespaces_refuse_it,
        pod_line("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false"),
        "may write to its image",
    ),
    "12 no probe of the worker": Planted(
        complaints.liveness_kills_workers,
        matched(
            POD,
            r"^livenessProbe:\n  \{\{- include \"hostwright\.exec\".*?failureThreshold: 3\n",
            "",
        ),
        "worker has no livenessProbe",
    ),
    "12 a second for the worker's probe": Planted(
        complaints.liveness_kills_workers,
        replaced(POD, "  timeoutSeconds: 30\n", ""),
        "kills what is busy",
    ),
    "12 the broker's outage kills the worker": Planted(
        complaints.liveness_kills_workers,
        replaced(
            POD,
            'hostwright.exec" .spec.health.command',
            'hostwright.exec" (list "celery" "inspect" "ping")',
        ),
        "of worker asks",
    ),
    "12 the database's outage kills the api": Planted(
        complaints.liveness_kills_workers,
        matched(
            POD,
            r"livenessProbe:\n  \{\{- include \"hostwright\.get\" \.spec\.health\.live",
            'livenessProbe:\n  {{- include "hostwright.get" .spec.health.ready',
        ),
        "the livenessProbe of api asks /health/ready",
    ),
    "13 a budget for one": Planted(
        complaints.budget_blocks_the_drain,
        replaced(WORKLOADS, "{{- if gt (int .min) 1 -}}", "{{- if gt (int .min) 0 -}}"),
        "protects the only pod",
    ),
    "13 a budget for none": Planted(
        complaints.budget_blocks_the_drain,
        replaced(WORKLOADS, "{{- if gt (int .min) 1 -}}", "{{- if gt (int .min) 5 -}}"),
        "no budgets for several",
    ),
    "13 a budget by what stays": Planted(
        complaints.budget_blocks_the_drain,
        replaced(WORKLOADS, "  maxUnavailable: 1\n  #", "  minAvailable: 2\n  #"),
        "keeps 2",
    ),
    "13 broken pods keep their node": Planted(
        complaints.budget_blocks_the_drain,
        replaced(WORKLOADS, "  unhealthyPodEvictionPolicy: AlwaysAllow\n", ""),
        "keeps what is broken anyway",
    ),
    "14 Kubernetes's own default": Planted(
        complaints.service_links_poison_variables,
        pod_line("enableServiceLinks: false\n"),
        "gets variables of every Service",
    ),
    "15 no global": Planted(
        complaints.schema_forbids_umbrellas,
        replaced("values.schema.json", '"global": {', '"globals": {'),
        "refuses what an umbrella adds",
    ),
    "15 no enabled": Planted(
        complaints.schema_forbids_umbrellas,
        replaced(
            "values.schema.json",
            '"enabled": {\n      "description": "Read',
            '"enable": {\n      "description": "Read',
        ),
        "refuses what an umbrella adds",
    ),
    "15 no schema": Planted(
        complaints.schema_forbids_umbrellas,
        lambda root: (root / "values.schema.json").unlink(),
        "takes any value",
    ),
    "15 every release's pods are alike": Planted(
        complaints.schema_forbids_umbrellas,
        replaced(
            "templates/_names.tpl",
            "app.kubernetes.io/name: {{ .chartName | quote }}",
            "app.kubernetes.io/name: app",
        ),
        "selects",
    ),
    "16 the gate is unbounded": Planted(
        complaints.init_containers_are_unbounded,
        matched(
            POD, r"^resources:\n  requests:.*?nindent 4 \}\}\n  limits:.*?nindent 4 \}\}\n", ""
        ),
        "has no cpu in requests",
    ),
    "16 disk is unbounded": Planted(
        complaints.init_containers_are_unbounded,
        pod_line("\nephemeral-storage: {{ .disk }}"),
        "has no ephemeral-storage",
    ),
    "17 a rotation changes nothing": Planted(
        complaints.config_changes_restart_nothing,
        matched(POD, r"\{\{- with \.app\.values\.secrets\.revision \}\}.*?\{\{- end \}\}\n", ""),
        "secrets.revision changes",
    ),
    "17 a rotation leaves the old secret there": Planted(
        complaints.config_changes_restart_nothing,
        matched(
            SECRETS,
            r"\{\{- with \.app\.values\.secrets\.revision \}\}.*?\{\{- end -\}\}",
            '{{ "" -}}',
        ),
        "new pods read the old secret",
    ),
    "17 everything restarts": Planted(
        complaints.config_changes_restart_nothing,
        replaced(
            POD,
            '{{ include "hostwright.selector" . }}\n{{- if and .identity',
            '{{ include "hostwright.selector" . }}\n'
            "values: {{ toJson .app.values | sha256sum | trunc 20 | quote }}\n"
            "{{- if and .identity",
        ),
        "changes",
    ),
    "18 another port": Planted(
        complaints.policy_blocks_the_database,
        replaced(
            NETWORK, "($policy.databasePort | int | default $connections.postgres.port)", "5433"
        ),
        "reaches DATABASE_URL: False",
    ),
    "18 the port of the contract whatever is said": Planted(
        complaints.policy_blocks_the_database,
        replaced(NETWORK, "($policy.redisPort | int | default $connections.redis.port)", "6379"),
        "reaches REDIS_URL: False",
    ),
    "18 everybody reaches the database": Planted(
        complaints.policy_blocks_the_database,
        replaced(NETWORK, '{{- if hasKey .references "DATABASE_URL" }}', "{{- if true }}"),
        "web reaches DATABASE_URL: True",
    ),
    "18 no names": Planted(
        complaints.policy_blocks_the_database,
        replaced(NETWORK, "port: 53\n", "port: 54\n"),
        "cannot ask for names",
    ),
    "19 a version that is not served": Planted(
        complaints.external_secrets_are_unserved,
        replaced(SECRETS, "external-secrets.io/v1\n", "external-secrets.io/v1beta1\n"),
        "is external-secrets.io/v1beta1",
    ),
    "19 the Secret goes with the store's": Planted(
        complaints.external_secrets_are_unserved,
        replaced(SECRETS, "deletionPolicy: Retain", "deletionPolicy: Delete"),
        "takes its Secret away",
    ),
    "20 nobody waits": Planted(
        complaints.rollout_goes_on_after_a_failed_migration,
        replaced(POD, "{{- if .gated }}", "{{- if false }}"),
        "has 0 gates",
    ),
    "20 only the api waits": Planted(
        complaints.rollout_goes_on_after_a_failed_migration,
        replaced(POD, "{{- if .gated }}", "{{- if and .gated .serves }}"),
        "worker has 0 gates",
    ),
    "20 nobody waits for somebody else's migration": Planted(
        complaints.rollout_goes_on_after_a_failed_migration,
        replaced(
            MODEL, '"gated" (and $stays ', '"gated" (and $stays (ne $values.migrate.type "none") '
        ),
        "api has 0 gates",
    ),
    "20 old pods go first": Planted(
        complaints.rollout_goes_on_after_a_failed_migration,
        replaced(WORKLOADS, "maxUnavailable: 0\n", "maxUnavailable: 1\n"),
        "stops before it has begun",
    ),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_the_complaint_objects(fault: str, tmp_path: Path) -> None:
    planted = PLANTED[fault]
    chart = Chart(copied(tmp_path / "app", planted.plant))
    more = [tmp_path / "umbrella"] if fault.startswith("15") else []
    with pytest.raises(AssertionError, match=re.escape(planted.says)):
        planted.complaint(chart, *more)


def test_every_complaint_has_a_fault() -> None:
    told = re.findall(r"^def test_(\d\d)_", _source(), re.MULTILINE)
    assert told == [f"{number:02}" for number in range(1, 21)]
    assert {fault[:2] for fault in PLANTED} == set(told)


def _source() -> str:
    from pathlib import Path

    return Path(__file__).read_text(encoding="utf-8")
