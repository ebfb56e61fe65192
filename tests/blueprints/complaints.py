"""What people complain about in charts, each as a function that objects to a chart that has it.

They are numbered as issues of public charts were collected: fifteen, and the runners-up after them.
Each takes a chart as one Helm renders it, so that a test can plant the fault and see it objects.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import yaml
from tests.blueprints.charts import (
    ENOUGH,
    Chart,
    jobs,
    laid,
    literals,
    main_of,
    pod_of,
    secret_names,
)

from hostwright.helm.manifest import dig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hostwright.helm.manifest import Manifest, Object, Pod

    Values = dict[str, Any]

EXISTING: Values = {"secrets": {"type": "existing"}}
HOOK: Values = {**EXISTING, "migrate": {"type": "hook"}}
NO_JOB: Values = {"migrate": {"type": "none"}}
CSI: Values = {
    "secrets": {"type": "csi", "csi": {"provider": "aws", "parameters": {"region": "x"}}}
}
ONE: Values = {role: {"minInstances": 1, "maxInstances": 1} for role in ("api", "web", "worker")}
SEVERAL: Values = {
    role: {"minInstances": 2, "maxInstances": 5} for role in ("api", "web", "worker")
}
HPA: Values = {**SEVERAL, "autoscaling": {"type": "hpa"}}
KEDA: Values = {**SEVERAL, "autoscaling": {"type": "keda"}}
GATEWAY: Values = {
    "apiDomain": "api.example.org",
    "routing": {"type": "gateway", "gateway": {"name": "public", "namespace": "edge"}},
}
INGRESS: Values = {"apiDomain": "api.example.org", "routing": {"type": "ingress"}}
AZURE: Values = {
    "identity": {"type": "azure"},
    "api": {"identity": "00000000-0000-0000-0000-000000000000"},
}
SMALL: Values = {"environment": "development", "networkPolicy": {"enabled": False}}
#: Ways to install the chart which between them render every line of it.
WAYS: dict[str, Values] = {
    "as it comes": {},
    "small": laid(ONE, SMALL, NO_JOB, EXISTING),
    "hook": laid(HOOK, KEDA, INGRESS),
    "CSI": laid(CSI, HPA, GATEWAY, AZURE),
}
LONG_RUNNING = ("api", "web", "worker")
#: The actions of a template, its comments left out.
_ACTION = re.compile(r"\{\{-?(?!-?\s*/\*)(.*?)-?\}\}", re.DOTALL)
_LITERAL = re.compile(r'"(?:\\.|[^"\\])*"|`[^`]*`')
#: Functions that say something else each time, or that ask the cluster, which Argo CD cannot.
_UNSTABLE = re.compile(
    r"\b(lookup|now|uuidv4|(?:rand|gen|date|ago|htmlDate|derive|shuffle)[A-Z]?\w*|date|bcrypt"
    r"|htpasswd|encryptAES|getHostByName|expandenv"
    r"|Release\.(?:Revision|IsInstall|IsUpgrade))\b"
)


def every_way(chart: Chart) -> Iterator[tuple[str, Manifest]]:
    """The manifests of every way."""
    for name, values in WAYS.items():
        yield name, chart.manifest(values)


# --- the fifteen ---------------------------------------------------------------------------------


def migration_deadlocks_wait(chart: Chart) -> None:
    """01: what `--wait` waits for waits for a migration that comes after it."""
    for way, found in every_way(chart):
        for each in found.objects:
            late = [hook for hook in each.hooks if hook.startswith("post-")]
            assert not late, f"{way}: {each} is made after what waits for it"
        for job in jobs(found):
            waiting = job.at("spec", "template", "spec", "initContainers")
            assert not waiting, f"{way}: {job} waits for itself"
        hooks = {hook for each in found.objects for hook in each.hooks} - {"test"}
        allowed = {"pre-install", "pre-upgrade"} if way == "hook" else set()
        assert hooks == allowed, f"{way}: has hooks {hooks}"
    _has_time(chart.manifest())


def _has_time(found: Manifest) -> None:
    """A rollout is not given up while its pods may still wait."""
    (job,) = jobs(found)
    for role in LONG_RUNNING:
        deployment = pod_of(found, role).object
        limit = deployment.at("spec", "progressDeadlineSeconds") or 600
        allowed = job.at("spec", "activeDeadlineSeconds") + 60
        assert limit >= allowed, f"{deployment} is given up after {limit} s"


def job_lacks_its_secret(chart: Chart) -> None:
    """02: the Job is made before what it names."""
    for values in ({}, CSI, EXISTING, HOOK):
        found = chart.manifest(values)
        (job,) = jobs(found)
        for kind, name in _named(pod_of(found, "migrate")):
            makers = _makers(found, kind, name)
            assert makers or values in (EXISTING, HOOK), f"nothing makes {kind} {name}"
            for maker in makers:
                assert _is_there(maker, job), f"{maker} comes after {job}"
    for way, found in every_way(chart):
        for each in found.of("ExternalSecret", "SecretProviderClass"):
            assert not each.hooks, f"{way}: {each} is a hook: deleting it takes the Secret with it"
    for secrets in ({"type": "external"}, CSI["secrets"]):
        paths = [each.path for each in chart.refusal(laid(HOOK, {"secrets": secrets}))]
        assert "migrate.type" in paths or "secrets.type" in paths, f"a hook with {secrets['type']}"


def _named(pod: Pod) -> Iterator[tuple[str, str]]:
    """Kind and name of whatever a pod cannot start without."""
    yield "ServiceAccount", str(pod.spec["serviceAccountName"])
    for container in pod.containers:
        for name in secret_names(container).values():
            yield "Secret", name
    for volume in pod.spec["volumes"]:
        if "csi" in volume:
            attributes = dig(volume, "csi", "volumeAttributes")
            yield "SecretProviderClass", attributes["secretProviderClass"]


def _makers(found: Manifest, kind: str, name: str) -> list[Object]:
    """What makes an object of the release's, itself as a rule."""
    makers = {
        "ExternalSecret": lambda each: each.at("spec", "target", "name") == name,
        "SecretProviderClass": lambda each: (
            each.at("spec", "secretObjects", 0, "secretName") == name
        ),
    }
    itself = found.find(kind, name)
    if itself or kind != "Secret":
        return [itself] if itself else []
    return [each for each in found.of(*makers) if makers[each.kind](each)]


def _is_there(thing: Object, job: Object) -> bool:
    """Whether *thing* is made before *job*, or with it."""
    if not job.hooks:
        return not thing.hooks
    early = set(job.hooks) <= set(thing.hooks)
    weight = "helm.sh/hook-weight"
    return early and int(thing.annotations[weight]) < int(job.annotations[weight])


def job_is_immutable(chart: Chart) -> None:
    """03: an upgrade changes the pod of a Job that is there already."""
    pods: dict[str, tuple[str, object]] = {}
    for change, values in _CHANGES.items():
        (job,) = jobs(chart.manifest(values))
        pod = job.at("spec", "template")
        before, old = pods.setdefault(job.name, (change, pod))
        assert old == pod, f"{job} of {change!r} has another pod than of {before!r}"
    assert len(pods) > len(_CHANGES) // 2, "most changes do not reach the Job: change others"
    names = {jobs(chart.manifest({"migrate": {"attempt": at}}))[0].name for at in (1, 10**6)}
    assert len(names) == 2, "migrate.attempt runs nothing anew"
    _is_stable(chart)


#: Values that change the Job's pod, or do not, each by what it changes.
_CHANGES: dict[str, Values] = {
    "nothing": {},
    "its image": {"worker": {"image": "registry.example.org/worker:2"}},
    "a variable": {"env": {"LOG_LEVEL": "debug"}},
    "a variable of its own": {"worker": {"env": {"DATABASE_SSL_MODE": "require"}}},
    "its cpu": {"worker": {"cpu": 0.25}},
    "its user": {"pods": {"user": 20001}},
    "the profile": {"environment": "staging"},
    "a rotation": {"secrets": {"revision": "2"}},
    "how long it is kept": {"migrate": {"ttlSeconds": 60}},
    "a hook": HOOK,
}


def _is_stable(chart: Chart) -> None:
    """The same Job is not run again by an upgrade, nor by Argo CD, whose revision is always 1."""
    upgrade = Chart(chart.root, chart.major, ("--is-upgrade=true",))
    (one,), (two,) = jobs(chart.manifest()), jobs(upgrade.manifest())
    assert one.body == two.body, "the Job depends on whether it is an upgrade"


def replicas_fight_the_autoscaler(chart: Chart) -> None:
    """04: a Deployment says replicas, and an autoscaler changes them."""
    for way, found in every_way(chart):
        scalers = found.of("HorizontalPodAutoscaler", "ScaledObject")
        owned = [each.at("spec", "scaleTargetRef", "name") for each in scalers]
        assert len(owned) == len(set(owned)), f"{way}: two autoscalers for one Deployment"
        for each in found.of("Deployment"):
            said = each.at("spec", "replicas")
            wanted = "leaves replicas to its autoscaler" if each.name in owned else "says replicas"
            assert (said is None) == (each.name in owned), f"{way}: {each} {wanted}: {said}"
    for values in (HPA, KEDA):
        assert len(chart.manifest(values).of("HorizontalPodAutoscaler", "ScaledObject")) == 3
    with_one = chart.manifest({**HPA, "api": {"minInstances": 3, "maxInstances": 3}})
    assert not with_one.find("HorizontalPodAutoscaler", "app-api"), "scales between 3 and 3"
    assert chart.refusal({"autoscaling": {"type": "both"}})


def env_is_given_twice(chart: Chart) -> None:
    """05: a variable stands twice in one container, which a server-side apply refuses."""
    twice: Values = {
        "env": {"LOG_LEVEL": "debug"},
        "api": {"env": {"LOG_LEVEL": "warning"}, "secrets": {"SECRET_KEY": "other#secret"}},
    }
    for way, found in (*every_way(chart), ("both maps", chart.manifest(twice))):
        for container in found.containers:
            names = [item["name"] for item in container.env]
            assert len(names) == len(set(names)), f"{way}: {container} has a variable twice"
            assert not container.at("envFrom"), f"{way}: {container} takes whatever there is"
    assert literals(main_of(chart.manifest(twice), "api"))["LOG_LEVEL"] == "warning"


def images_of_others_are_gone(chart: Chart) -> None:
    """06: the chart needs images or charts of somebody who stops to publish them."""
    about = yaml.safe_load((chart.root / "Chart.yaml").read_text(encoding="utf-8"))
    assert not about.get("dependencies"), "the chart depends on another"
    assert not (chart.root / "charts").exists(), "the chart carries another"
    for way, found in every_way(chart):
        for container in found.containers:
            image = container.at("image")
            own = re.fullmatch(r"registry\.example\.org/(api|web|worker)@sha256:0{64}", str(image))
            assert own, f"{way}: {container} needs {image}"


def password_is_plain(chart: Chart) -> None:
    """07: a secret, or a part of one, is a plain value of the chart."""
    secrets = {name for name, each in chart.contract["variables"].items() if each["secret"]}
    for way, found in every_way(chart):
        for container in found.containers:
            plain = secrets & literals(container).keys()
            assert not plain, f"{way}: {container} shows {plain}"
            parts = [name for name, text in literals(container).items() if "$(" in text]
            assert not parts, f"{way}: {container} puts {parts} together from others"
        for role in ("api", "worker"):
            assert "DATABASE_URL" in secret_names(main_of(found, role)), f"{way}: {role} has none"
        assert not found.of("Secret", "ConfigMap"), f"{way}: values end up in an object"
    for where in ("env", "api.env", "worker.env"):
        told = chart.refusal(_at(f"{where}.DATABASE_URL", "postgres://u:swordfish@db/app"))
        assert [each.path for each in told] == [f"{where}.DATABASE_URL"], f"takes it in {where}"
        assert "swordfish" not in str(told), "repeats the password"


def _at(path: str, value: object) -> Values:
    """Values with *value* at a dotted path."""
    for key in reversed(path.split(".")):
        value = {key: value}
    assert isinstance(value, dict)
    return value


def secrets_are_made_anew(chart: Chart) -> None:
    """08: what is random, or looked up, is something else at each render."""
    for file in sorted((chart.root / "templates").rglob("*.*")):
        text = file.read_text(encoding="utf-8")
        for action in _ACTION.findall(text):
            unstable = _UNSTABLE.findall(_LITERAL.sub('""', action))
            assert not unstable, f"{file.name} uses {' and '.join(unstable)}"
    again = Chart(chart.root, chart.major, ("--debug=false",))
    upgrade = Chart(chart.root, chart.major, ("--is-upgrade=true",))
    for values in ({}, HOOK):
        assert chart.text(values) == again.text(values), "two renders differ"
        assert chart.text(values) == upgrade.text(values), "an upgrade renders something else"
    for way, found in every_way(chart):
        assert not found.of("Secret"), f"{way}: makes a Secret itself"


def requests_fail_during_a_rollout(chart: Chart) -> None:
    """09: pods are stopped while requests still reach them, or before others are ready."""
    for way, found in every_way(chart):
        for role in ("api", "web"):
            pod, container = pod_of(found, role), main_of(found, role)
            sleep = container.at("lifecycle", "preStop", "sleep", "seconds")
            assert sleep, f"{way}: {role} stops while its Service still sends it requests"
            spec = chart.contract["roles"][role]
            grace = pod.spec["terminationGracePeriodSeconds"]
            ends = sleep + max(spec["stop_seconds"], spec["drain_seconds"])
            assert grace > ends, f"{way}: {role} is killed {ends - grace} s before its end"
            assert container.at("readinessProbe"), f"{way}: nobody asks whether {role} is ready"
            update = pod.object.at("spec", "strategy", "rollingUpdate") or {}
            assert update.get("maxUnavailable") == 0, f"{way}: {role} is taken away first"
            assert update.get("maxSurge"), f"{way}: {role} can never be replaced"
    long = chart.manifest({"web": {"preStopSeconds": 300}})
    assert pod_of(long, "web").spec["terminationGracePeriodSeconds"] > 300 + 30


def gateway_api_is_missing(chart: Chart) -> None:
    """10: requests get in by an Ingress or not at all."""
    found = chart.manifest(GATEWAY)
    assert not found.of("Ingress"), "there is an Ingress as well"
    hosts = {"app-api": "api.example.org", "app-web": "app.example.org"}
    routes = {each.name: each for each in found.of("HTTPRoute")}
    assert routes.keys() == hosts.keys(), f"there are routes {sorted(routes)}"
    for name, host in hosts.items():
        route = routes[name]
        assert route.api_version == "gateway.networking.k8s.io/v1", route.api_version
        assert route.at("spec", "hostnames") == [host]
        (parent,) = route.at("spec", "parentRefs")
        assert (parent["name"], parent["namespace"]) == ("public", "edge"), "another Gateway"
        backend = route.at("spec", "rules", 0, "backendRefs", 0)
        service = found.find("Service", backend["name"])
        assert service, f"{route} leads to {backend['name']}, which is not there"
        ports = [port["port"] for port in service.at("spec", "ports")]
        assert backend["port"] in ports, f"{route} leads to a port that its Service lacks"
    private = chart.manifest({**GATEWAY, "apiDomain": ""})
    assert [each.name for each in private.of("HTTPRoute")] == ["app-web"], "the api has no host"
    assert not chart.manifest(INGRESS).of("HTTPRoute"), "there are routes beside the Ingress"


#: What Pod Security "restricted" wants of every container, and of its pod.
_CONTAINER_ONLY = (
    "allowPrivilegeEscalation",
    "capabilities",
    "privileged",
    "procMount",
    "readOnlyRootFilesystem",
)


def restricted_namespaces_refuse_it(chart: Chart) -> None:
    """11: a namespace that enforces Pod Security *restricted* refuses a pod."""
    for way, found in every_way(chart):
        assert {pod.object.kind for pod in found.pods} >= {"Deployment", "Pod"}
        for pod in found.pods:
            _is_restricted(way, pod)


def _is_restricted(way: str, pod: Pod) -> None:
    of_pod = pod.spec.get("securityContext") or {}
    at = f"{way}: {pod.object}"
    assert of_pod.get("runAsNonRoot") is True, f"{at} may run as root"
    assert of_pod.get("runAsUser", 1) != 0, f"{at} runs as root"
    assert dig(of_pod, "seccompProfile", "type") == "RuntimeDefault", f"{at} has no seccomp"
    misplaced = [key for key in _CONTAINER_ONLY if key in of_pod]
    assert not misplaced, f"{at} says {misplaced} of the pod, where they mean nothing"
    shared = [key for key in ("hostNetwork", "hostPID", "hostIPC") if pod.spec.get(key)]
    assert not shared, f"{at} shares {shared}"
    kinds = {key for volume in pod.spec["volumes"] for key in volume} - {"name"}
    assert kinds <= {"emptyDir", "csi"}, f"{at} mounts {kinds}"
    for container in pod.containers:
        own = container.at("securityContext") or {}
        of = f"{at}, {container.name}"
        assert own.get("allowPrivilegeEscalation") is False, f"{of} may gain privileges"
        assert dig(own, "capabilities", "drop") == ["ALL"], f"{of} keeps capabilities"
        assert not dig(own, "capabilities", "add"), f"{of} is given capabilities"
        assert own.get("readOnlyRootFilesystem") is True, f"{of} may write to its image"
        assert own.get("runAsUser", 1) != 0, f"{of} runs as root"
        assert own.get("runAsNonRoot", True) is True, f"{of} may run as root"
        assert not own.get("privileged"), f"{of} is privileged"
        assert not any(port.get("hostPort") for port in container.at("ports") or ()), of


def liveness_kills_workers(chart: Chart) -> None:
    """12: a worker is killed for being busy or for its broker's outage, or hangs unnoticed."""
    for way, found in every_way(chart):
        for role in LONG_RUNNING:
            container, health = main_of(found, role), chart.contract["roles"][role]["health"]
            for key in ("startupProbe", "livenessProbe"):
                probe = container.at(key)
                assert probe, f"{way}: {role} has no {key}"
                asked = dig(probe, "httpGet", "path") or dig(probe, "exec", "command")
                live = health.get("live") or health["command"]
                assert asked == live, f"{way}: the {key} of {role} asks {asked}"
                assert "initialDelaySeconds" not in probe, f"{way}: {role} waits"
                least = 10 if "exec" in probe else 2
                patient = probe.get("timeoutSeconds", 1) >= least
                assert patient, f"{way}: the {key} of {role} kills what is busy"
                assert probe.get("failureThreshold", 3) >= 3, f"{way}: {role} is killed at once"
            ready = dig(container.at("readinessProbe") or {}, "httpGet", "path")
            assert ready == health.get("ready"), f"{way}: {role} is ready by {ready}"


def budget_blocks_the_drain(chart: Chart) -> None:
    """13: a node cannot be emptied, since a budget lets none of its pods go."""
    for way, found in every_way(chart):
        for budget in found.of("PodDisruptionBudget"):
            fewest = _fewest(found, budget.name)
            assert fewest > 1, f"{way}: {budget} protects the only pod"
            least = budget.at("spec", "minAvailable")
            away = budget.at("spec", "maxUnavailable")
            assert least is None, f"{way}: {budget} keeps {least}"
            assert away == 1, f"{way}: {budget} lets {away} go"
            policy = budget.at("spec", "unhealthyPodEvictionPolicy")
            assert policy == "AlwaysAllow", f"{way}: {budget} keeps what is broken anyway"
    assert not chart.manifest(ONE).of("PodDisruptionBudget"), "budgets for one pod"
    assert len(chart.manifest(SEVERAL).of("PodDisruptionBudget")) == 3, "no budgets for several"
    scaled = chart.manifest({**HPA, "api": {"minInstances": 1, "maxInstances": 5}})
    assert not scaled.find("PodDisruptionBudget", "app-api"), "the autoscaler may leave one alone"


def _fewest(found: Manifest, name: str) -> int:
    """The fewest pods that a Deployment has."""
    deployment = found.find("Deployment", name)
    assert deployment, f"no Deployment {name}"
    counts = [deployment.at("spec", "replicas")]
    for kind, key in (
        ("HorizontalPodAutoscaler", "minReplicas"),
        ("ScaledObject", "minReplicaCount"),
    ):
        scaler = found.find(kind, name)
        counts += [scaler.at("spec", key)] if scaler else []
    return min(int(count) for count in counts if count is not None)


def service_links_poison_variables(chart: Chart) -> None:
    """14: Kubernetes adds API_PORT=tcp://… for every Service of the namespace."""
    for way, found in every_way(chart):
        for pod in found.pods:
            links = pod.spec.get("enableServiceLinks")
            assert links is False, f"{way}: {pod.object} gets variables of every Service"


def schema_forbids_umbrellas(chart: Chart, umbrella: Path) -> None:
    """15: the strict schema refuses what an umbrella chart adds."""
    above = _umbrella(chart, umbrella)
    one: Values = {"enabled": True, "projectName": "one"}
    two: Values = {"projectName": "two"}
    shared: Values = {"global": {"team": "a", "deeper": {"still": [1]}}}
    told = above.refusal({**shared, "one": one, "two": two})
    assert not told, f"refuses what an umbrella adds: {told}"
    found = above.manifest({**shared, "one": one, "two": two})
    assert {each.name for each in found.of("Deployment")} == {
        f"{name}-{role}" for name in ("one", "two") for role in LONG_RUNNING
    }
    _are_apart(found)
    alone = above.manifest({"one": {"enabled": False}, "two": two})
    assert {each.name.partition("-")[0] for each in alone.objects} == {"two"}, "enabled is not read"
    wrong = above.refusal({"one": one, "two": {**two, "replicaCount2": 3}})
    assert any("replicaCount2" in each.path for each in wrong), "takes any value"


def _umbrella(chart: Chart, to: Path) -> Chart:
    """A chart that has the chart twice."""
    if not to.exists():
        named = [{"alias": name, "condition": f"{name}.enabled"} for name in ("one", "two")]
        version = yaml.safe_load((chart.root / "Chart.yaml").read_text(encoding="utf-8"))["version"]
        own = {"name": "app", "version": version, "repository": ""}
        about = {"apiVersion": "v2", "name": "umbrella", "version": "1.0.0"}
        to.mkdir()
        text = yaml.safe_dump({**about, "dependencies": [{**own, **each} for each in named]})
        (to / "Chart.yaml").write_text(text, encoding="utf-8")
        shutil.copytree(chart.root, to / "charts" / "app")
    return _Umbrella(to, chart.major)


class _Umbrella(Chart):
    """The chart below another, by two names."""

    def text(self, *values: Path | Values, name: str = "app", namespace: str = "app") -> str:
        """What Helm prints for values laid over ENOUGH of both."""
        return self.bare({"one": ENOUGH, "two": ENOUGH}, *values, name=name, namespace=namespace)


def _are_apart(found: Manifest) -> None:
    """No Service or Deployment of one selects pods of the other."""
    for each in found.of("Deployment", "Service"):
        selector = each.at("spec", "selector") or {}
        wanted = selector.get("matchLabels", selector)
        for pod in found.pods:
            if wanted.items() <= dict(pod.labels).items():
                mine = pod.object.name.partition("-")[0] == each.name.partition("-")[0]
                assert mine, f"{each} selects {pod.object}"


# --- the runners-up ------------------------------------------------------------------------------


def init_containers_are_unbounded(chart: Chart) -> None:
    """16: an init container has no resources, which quotas refuse."""
    for way, found in every_way(chart):
        for container in found.containers:
            for side in ("requests", "limits"):
                given = container.at("resources", side) or {}
                for name in ("cpu", "memory", "ephemeral-storage"):
                    assert given.get(name), f"{way}: {container} has no {name} in {side}"


def config_changes_restart_nothing(chart: Chart) -> None:
    """17: a value is changed, and the pods go on with the old one."""
    before = chart.manifest()
    changed: dict[str, tuple[Values, tuple[str, ...]]] = {
        "env": ({"env": {"LOG_LEVEL": "debug"}}, ("api", "web", "worker", "migrate")),
        "api.env": ({"api": {"env": {"CONTRACT_ENDPOINT_ENABLED": True}}}, ("api",)),
        "appPublicUrl": ({"appPublicUrl": "https://other.example.org"}, LONG_RUNNING),
        "secrets.revision": (
            {"secrets": {"revision": 2}},
            ("api", "web", "worker", "migrate"),
        ),
    }
    for path, (values, roles) in changed.items():
        now = chart.manifest(values)
        for role in ("api", "web", "worker", "migrate"):
            old, new = (_template(found, role) for found in (before, now))
            assert (old != new) == (role in roles), f"{path} changes {role}: {old != new}"
    for each in before.of("ExternalSecret"):
        # External Secrets looks at once when an annotation changes, else within the hour.
        after = chart.manifest({"secrets": {"revision": 2}}).find(each.kind, each.name)
        assert after, f"{each} goes"
        assert after.annotations != each.annotations, f"{each}: new pods read the old secret"
    existing = chart.manifest({"secrets": {"type": "existing"}})
    for container in existing.containers:
        assert not container.at("envFrom"), f"{container} reads what its pod does not show"


def _template(found: Manifest, role: str) -> object:
    return pod_of(found, role).object.at("spec", "template")


def policy_blocks_the_database(chart: Chart) -> None:
    """18: a network policy cuts a role off the database or the broker that it is given."""
    usual = {"DATABASE_URL": 5432, "REDIS_URL": 6379}
    moved: Values = {
        "networkPolicy": {
            "databasePort": 6432,
            "redisPort": 10000,
            "databaseRanges": ["10.1.0.0/16", "2001:db8::/32"],
        }
    }
    for values, ports in (({}, usual), (moved, {"DATABASE_URL": 6432, "REDIS_URL": 10000})):
        found = chart.manifest(values)
        for role in ("api", "web", "worker", "migrate"):
            given = secret_names(main_of(found, role))
            for variable, port in ports.items():
                lets = port in _egress(found, role)
                assert lets == (variable in given), f"{role} reaches {variable}: {lets}"
            assert 53 in _egress(found, role), f"{role} cannot ask for names"
    rules = chart.manifest(moved).find("NetworkPolicy", "app-worker")
    assert rules
    ranges = [
        peer["ipBlock"]["cidr"]
        for rule in rules.at("spec", "egress")
        if {"port": 6432, "protocol": "TCP"} in rule["ports"]
        for peer in rule["to"]
    ]
    assert ranges == ["10.1.0.0/16", "2001:db8::/32"], f"the database's ranges are {ranges}"


def _egress(found: Manifest, role: str) -> set[int]:
    """Ports that the policies of a role's pods let out."""
    labels = dict(pod_of(found, role).labels)
    policies = [
        each
        for each in found.of("NetworkPolicy")
        if each.at("spec", "podSelector", "matchLabels").items() <= labels.items()
    ]
    assert policies, f"{role} is under no policy"
    rules = [rule for each in policies for rule in each.at("spec", "egress") or ()]
    return {port["port"] for rule in rules for port in rule["ports"]}


def external_secrets_are_unserved(chart: Chart) -> None:
    """19: ExternalSecrets are of a version that no operator serves any more."""
    found = chart.manifest().of("ExternalSecret")
    assert {each.role for each in found} == {"api", "worker", "migrate"}, "roles without secrets"
    for each in found:
        assert each.api_version == "external-secrets.io/v1", f"{each} is {each.api_version}"
        spec = each.at("spec")
        assert spec["refreshPolicy"] == "Periodic", f"{each} is read once"
        assert spec["target"]["creationPolicy"] == "Owner", f"{each} leaves its Secret behind"
        assert spec["target"]["deletionPolicy"] == "Retain", f"{each} takes its Secret away"


def rollout_goes_on_after_a_failed_migration(chart: Chart) -> None:
    """20: new pods run against a schema that was not migrated, or old ones are gone."""
    for way, found in every_way(chart):
        for role in LONG_RUNNING:
            pod, container = pod_of(found, role), main_of(found, role)
            gates = [each for each in pod.containers if each.init]
            reads = "DATABASE_URL" in secret_names(container)
            assert bool(gates) == reads, f"{way}: {role} has {len(gates)} gates"
            for gate in gates:
                assert gate.at("image") == container.at("image"), f"{way}: another image"
                assert gate.env == container.env, f"{way}: the gate of {role} has another env"
                assert gate.at("command")[-5:] == ["python", "-m", "probe", "migrate", "status"]
    for role in ("api", "web"):
        update = pod_of(chart.manifest(), role).object.at("spec", "strategy", "rollingUpdate")
        assert update == {"maxUnavailable": 0, "maxSurge": 1}, f"{role} stops before it has begun"
