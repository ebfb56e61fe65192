"""A stand-in for a Kubernetes API server on loopback: real helm and real kubectl speak to it.

It keeps objects, lists them by label, streams changes to who watches, and does what controllers
would: Deployments come up as they are told to, Jobs end as they are told to. It knows nothing of
admission, defaults, schedulers or kubelets.
"""

from __future__ import annotations

import itertools
import json
import queue
import threading
import time
from base64 import b64encode
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Json = dict[str, Any]


class Kind(NamedTuple):
    """A resource that is served."""

    group_version: str
    plural: str
    kind: str
    namespaced: bool = True


KINDS = (
    Kind("v1", "namespaces", "Namespace", namespaced=False),
    Kind("v1", "pods", "Pod"),
    Kind("v1", "secrets", "Secret"),
    Kind("v1", "services", "Service"),
    Kind("v1", "serviceaccounts", "ServiceAccount"),
    Kind("v1", "configmaps", "ConfigMap"),
    Kind("apps/v1", "deployments", "Deployment"),
    Kind("apps/v1", "replicasets", "ReplicaSet"),
    Kind("batch/v1", "jobs", "Job"),
    Kind("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget"),
    Kind("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy"),
    Kind("networking.k8s.io/v1", "ingresses", "Ingress"),
    Kind("autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
    Kind("external-secrets.io/v1", "externalsecrets", "ExternalSecret"),
    Kind("gateway.networking.k8s.io/v1", "httproutes", "HTTPRoute"),
)
BY_PATH = {(kind.group_version, kind.plural): kind for kind in KINDS}


#: What a server fills in, as far as somebody looks for it.
DEFAULTS: dict[str, Json] = {
    "Deployment": {"replicas": 1},
    "Job": {"backoffLimit": 6, "completions": 1, "parallelism": 1},
    "Service": {"clusterIP": "10.0.0.1", "type": "ClusterIP"},
}


def never(_: Json) -> bool:
    return False


@dataclass
class Cluster:
    """What there is, and how what is started ends.

    Attributes:
        objects: By kind, namespace and name.
        stuck: Which Deployments never come up.
        failing: Which Jobs fail.
        logs: Pod to what it wrote.
        answers: Last word of a command that is run in a pod, to what it prints.
        refuse: Gives code and message for requests that are refused.
        asked: Method and path of every request.
        keeps: Seconds that broken pods stay until somebody has read their logs: a cluster takes
            its time to end them, this one would not.
        read: Pods whose logs were asked for.
    """

    objects: dict[tuple[str, str, str], Json] = field(default_factory=dict)
    stuck: Callable[[Json], bool] = never
    failing: Callable[[Json], bool] = never
    logs: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    refuse: Callable[[str, str], tuple[int, str] | None] = lambda *_: None
    asked: list[str] = field(default_factory=list)
    keeps: float = 0.0
    read: set[str] = field(default_factory=set)
    lock: Any = field(default_factory=threading.RLock)
    watchers: list[tuple[Kind, queue.Queue[tuple[str, Json]]]] = field(default_factory=list)
    versions: Iterator[int] = field(default_factory=lambda: itertools.count(100))

    # --- objects ---------------------------------------------------------------------------------

    def put(self, kind: Kind, namespace: str, body: Json) -> Json:
        with self.lock:
            key = (kind.kind, namespace if kind.namespaced else "", body["metadata"]["name"])
            old = self.objects.get(key)
            made = self._kept(kind, namespace, body, old)
            self.objects[key] = made
            self._tell(kind, "MODIFIED" if old else "ADDED", made)
        self._control(kind, namespace, made)
        return self.objects.get(key, made)

    def _kept(self, kind: Kind, namespace: str, body: Json, old: Json | None) -> Json:
        made = deepcopy(body)
        made["apiVersion"], made["kind"] = kind.group_version, kind.kind
        if kind.kind in DEFAULTS:
            made["spec"] = {**DEFAULTS[kind.kind], **made["spec"]}
        meta = made["metadata"]
        before = (old or {}).get("metadata") or {}
        changed = old is None or old.get("spec") != made.get("spec")
        generation = int(before.get("generation", 0)) + int(changed)
        meta |= {
            "uid": before.get("uid", f"uid-{next(self.versions)}"),
            "resourceVersion": str(next(self.versions)),
            "creationTimestamp": before.get("creationTimestamp") or self._now(),
            "generation": generation,
        }
        if kind.namespaced:
            meta["namespace"] = namespace
        if old and "status" in old and "status" not in made:
            made["status"] = old["status"]
        return made

    def _now(self) -> str:
        """A time that goes on by a second whenever it is asked for."""
        return (BEGIN + timedelta(seconds=next(self.versions))).strftime("%Y-%m-%dT%H:%M:%SZ")

    def drop(self, kind: Kind, namespace: str, name: str) -> Json | None:
        self._until_read(self.objects.get((kind.kind, namespace, name)))
        with self.lock:
            found = self.objects.pop((kind.kind, namespace, name), None)
            if found:
                self._tell(kind, "DELETED", found)
        if found and kind.kind in {"Deployment", "Job"}:
            self._end_pods(found)
        return found

    def _tell(self, kind: Kind, what: str, body: Json) -> None:
        for wanted, line in self.watchers:
            if wanted == kind:
                line.put((what, deepcopy(body)))

    # --- controllers -----------------------------------------------------------------------------

    def _control(self, kind: Kind, namespace: str, body: Json) -> None:
        if kind.kind == "Deployment" and "status" not in body.get("metadata", {}):
            self._deploy(kind, namespace, body)
        if kind.kind == "Job" and not (body.get("status") or {}).get("conditions"):
            self._run(kind, namespace, body)

    def _deploy(self, kind: Kind, namespace: str, body: Json) -> None:
        status = body.get("status") or {}
        generation = body["metadata"]["generation"]
        if status.get("observedGeneration") == generation:
            return
        stuck = self.stuck(body)
        wanted = int(body["spec"].get("replicas", 1))
        if not stuck:
            self._until_read(body)
            self._end_pods(body)
        for number in range(wanted):
            self._pod(
                namespace, body, f"{body['metadata']['name']}-g{generation}-{number}", broken=stuck
            )
        kept = int(status.get("readyReplicas", 0)) if stuck else wanted
        body["status"] = {
            "observedGeneration": generation,
            "replicas": wanted + (kept if stuck else 0),
            "updatedReplicas": wanted,
            "readyReplicas": kept,
            "availableReplicas": kept,
            "conditions": [
                {"type": "Available", "status": "True" if kept else "False"},
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
            ],
        }
        if kept == 0:
            body["status"]["unavailableReplicas"] = wanted
        self.put(kind, namespace, body)
        self._replica_set(namespace, body, stuck=stuck)

    def _replica_set(self, namespace: str, body: Json, *, stuck: bool) -> None:
        meta = body["metadata"]
        number = meta["generation"]
        template = deepcopy(body["spec"]["template"])
        template["metadata"].setdefault("labels", {})["pod-template-hash"] = f"g{number}"
        self.put(
            BY_PATH["apps/v1", "replicasets"],
            namespace,
            {
                "metadata": {
                    "name": f"{meta['name']}-g{number}",
                    "labels": template["metadata"]["labels"],
                    "annotations": {"deployment.kubernetes.io/revision": str(number)},
                    "ownerReferences": [
                        {
                            "apiVersion": "apps/v1",
                            "kind": "Deployment",
                            "name": meta["name"],
                            "uid": meta["uid"],
                            "controller": True,
                        }
                    ],
                },
                "spec": {
                    "replicas": body["spec"].get("replicas", 1),
                    "selector": body["spec"]["selector"],
                    "template": template,
                },
                "status": {
                    "observedGeneration": 1,
                    "replicas": body["status"]["updatedReplicas"],
                    "readyReplicas": 0 if stuck else body["status"]["readyReplicas"],
                },
            },
        )

    def _run(self, kind: Kind, namespace: str, body: Json) -> None:
        failed = self.failing(body)
        name = f"{body['metadata']['name']}-pod1"
        self._pod(namespace, body, name, broken=failed, ended=True)
        said = "Failed" if failed else "Complete"
        conditions = [{"type": said, "status": "True"}]
        if failed:
            conditions[0] |= {"reason": "BackoffLimitExceeded", "message": "it failed too often"}
        counts = {"failed": 3} if failed else {"succeeded": 1, "completionTime": _NOW}
        body["status"] = {"conditions": conditions, "startTime": _NOW, **counts}
        self.put(kind, namespace, body)

    def _pod(
        self, namespace: str, owner: Json, name: str, *, broken: bool, ended: bool = False
    ) -> None:
        template = deepcopy(owner["spec"]["template"])
        labels = template["metadata"].setdefault("labels", {})
        if ended:
            labels["batch.kubernetes.io/job-name"] = owner["metadata"]["name"]
        else:
            labels["pod-template-hash"] = f"g{owner['metadata']['generation']}"
        container = template["spec"]["containers"][0]["name"]
        state: Json = {"running": {"startedAt": _NOW}}
        if ended:
            state = {"terminated": {"exitCode": 1 if broken else 0, "reason": "Error"}}
        elif broken:
            state = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
        status: Json = {"name": container, "ready": not broken and not ended, "state": state}
        if broken and not ended:
            status |= {"restartCount": 2, "lastState": {"terminated": {"exitCode": 7}}}
        ready = "False" if broken or ended else "True"
        self.put(
            BY_PATH["v1", "pods"],
            namespace,
            {
                "metadata": {
                    "name": name,
                    "labels": labels,
                    "ownerReferences": [{"uid": owner["metadata"]["uid"], "name": "", "kind": ""}],
                },
                "spec": template["spec"],
                "status": {
                    "phase": "Running" if not ended else "Failed" if broken else "Succeeded",
                    "conditions": [{"type": "Ready", "status": ready}],
                    "containerStatuses": [status],
                },
            },
        )

    def _end_pods(self, owner: Json) -> None:
        uid = owner["metadata"]["uid"]
        owned = {"Pod": BY_PATH["v1", "pods"], "ReplicaSet": BY_PATH["apps/v1", "replicasets"]}
        for key, body in list(self.objects.items()):
            owners = body["metadata"].get("ownerReferences") or []
            if key[0] in owned and any(item["uid"] == uid for item in owners):
                self.drop(owned[key[0]], key[1], key[2])

    def _until_read(self, owner: Json | None) -> None:
        until = time.monotonic() + self.keeps
        while owner and self._unread(owner["metadata"]["uid"]) and time.monotonic() < until:
            time.sleep(0.05)

    def _unread(self, uid: str) -> bool:
        """Whether a pod of this owner broke and nobody has read its log yet."""
        return any(
            key[0] == "Pod"
            and key[2] not in self.read
            and any(item["uid"] == uid for item in body["metadata"]["ownerReferences"])
            and _broke(body)
            for key, body in list(self.objects.items())
        )


def _broke(pod: Json) -> bool:
    states = [item["state"] for item in pod["status"]["containerStatuses"]]
    return any("waiting" in item or item.get("terminated", {}).get("exitCode") for item in states)


BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_NOW = "2026-01-01T00:00:00Z"


class Handler(BaseHTTPRequestHandler):
    """Kubernetes's REST, as far as helm and kubectl use it."""

    protocol_version = "HTTP/1.1"
    #: Head and body are written apart: without this, each answer waits 40 ms for the client's word.
    disable_nagle_algorithm = True
    cluster: Cluster

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PUT(self) -> None:
        self._serve("PUT")

    def do_PATCH(self) -> None:
        self._serve("PATCH")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    # --- requests --------------------------------------------------------------------------------

    def _serve(self, verb: str) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length) if length else b""
        url = urlsplit(self.path)
        self.cluster.asked.append(f"{verb} {self.path}")
        refused = self.cluster.refuse(verb, self.path)
        if refused:
            self._error(*refused)
            return
        if url.path == "/openapi/v2":  # an empty document in protobuf: nothing is validated
            self._send(200, "application/octet-stream", b"")
            return
        found = discovery(url.path)
        if found is not None:
            self._json(200, found)
            return
        self._resource(verb, url.path, parse_qs(url.query), raw)

    def _resource(self, verb: str, path: str, query: dict[str, list[str]], raw: bytes) -> None:
        parts = [unquote(part) for part in path.strip("/").split("/")]
        version = parts[1] if parts[0] == "api" else "/".join(parts[1:3])
        rest = parts[2:] if parts[0] == "api" else parts[3:]
        namespace = ""
        if rest[:1] == ["namespaces"] and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        kind = BY_PATH.get((version, rest[0] if rest else ""))
        if kind is None:
            self._error(404, "NotFound")
            return
        name = rest[1] if len(rest) > 1 else ""
        if rest[2:] == ["exec"]:
            self._exec(query)
            return
        if rest[2:] == ["log"]:
            self.cluster.read.add(name)
            self._text(self.cluster.logs.get(name, f"a line of {name}\n"))
            return
        selector = query.get("labelSelector", [""])[0]
        fields = query.get("fieldSelector", [""])[0]
        if verb == "GET" and not name and query.get("watch", [""])[0] in {"1", "true"}:
            initial = query.get("sendInitialEvents", [""])[0] == "true"
            self._watch(kind, namespace, selector, fields, initial=initial)
        elif verb == "GET" and not name:
            self._list(kind, namespace, selector, fields)
        else:
            self._one(verb, kind, namespace, name, raw, query)

    def _one(  # noqa: PLR0913, PLR0917 - one request
        self,
        verb: str,
        kind: Kind,
        namespace: str,
        name: str,
        raw: bytes,
        query: dict[str, list[str]],
    ) -> None:
        store = self.cluster
        key = (kind.kind, namespace if kind.namespaced else "", name)
        found = store.objects.get(key)
        dry = "dryRun" in query
        if verb == "POST":
            body = decoded(raw)
            named = (kind.kind, key[1], body["metadata"]["name"])
            if named in store.objects:
                self._error(409, "AlreadyExists")
                return
            self._json(201, body if dry else store.put(kind, namespace, body))
            return
        if verb == "PATCH" and found is None and "apply" in self.headers["Content-Type"]:
            body = yaml.safe_load(raw)
            self._json(201, body if dry else store.put(kind, namespace, body))
            return
        if found is None:
            self._error(404, "NotFound", f'{kind.plural} "{name}" not found')
        elif verb == "GET":
            self._json(200, found)
        elif verb == "DELETE":
            store.drop(kind, key[1], name)
            self._json(200, {"kind": "Status", "apiVersion": "v1", "status": "Success"})
        elif verb == "PUT":
            self._json(200, store.put(kind, namespace, decoded(raw)))
        else:
            self._json(200, store.put(kind, namespace, self._patched(found, raw)))

    def _patched(self, found: Json, raw: bytes) -> Json:
        if "apply" in self.headers["Content-Type"]:
            return dict(yaml.safe_load(raw))
        return dict(merged(found, json.loads(raw)))

    def _found(self, kind: Kind, namespace: str, selector: str, fields: str) -> list[Json]:
        with self.cluster.lock:
            return [
                deepcopy(body)
                for key, body in sorted(self.cluster.objects.items())
                if key[0] == kind.kind
                and (not namespace or key[1] == namespace)
                and selects(selector, fields, body)
            ]

    def _list(self, kind: Kind, namespace: str, selector: str, fields: str) -> None:
        self._json(
            200,
            {
                "kind": f"{kind.kind}List",
                "apiVersion": kind.group_version,
                "metadata": {"resourceVersion": str(next(self.cluster.versions))},
                "items": self._found(kind, namespace, selector, fields),
            },
        )

    def _watch(
        self, kind: Kind, namespace: str, selector: str, fields: str, *, initial: bool
    ) -> None:
        line: queue.Queue[tuple[str, Json]] = queue.Queue()
        entry = (kind, line)
        with self.cluster.lock:
            if initial:
                for body in self._found(kind, namespace, selector, fields):
                    line.put(("ADDED", body))
                line.put(("BOOKMARK", self._bookmark(kind)))
            self.cluster.watchers.append(entry)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            self._stream(line, namespace, selector, fields)
        except OSError:
            pass
        finally:
            self.cluster.watchers.remove(entry)
            self.close_connection = True

    def _stream(
        self, line: queue.Queue[tuple[str, Json]], namespace: str, selector: str, fields: str
    ) -> None:
        while not self.server.ending:  # type: ignore[attr-defined]
            try:
                what, body = line.get(timeout=0.1)
            except queue.Empty:
                continue
            here = not namespace or body["metadata"].get("namespace") == namespace
            if what == "BOOKMARK" or (here and selects(selector, fields, body)):
                self._chunk(json.dumps({"type": what, "object": body}).encode() + b"\n")
        self._chunk(b"")

    def _bookmark(self, kind: Kind) -> Json:
        """What ends the first events of a watch."""
        return {
            "kind": kind.kind,
            "apiVersion": kind.group_version,
            "metadata": {
                "resourceVersion": str(next(self.cluster.versions)),
                "annotations": {"k8s.io/initial-events-end": "true"},
            },
        }

    def _exec(self, query: dict[str, list[str]]) -> None:
        """A command in a pod, over a WebSocket: standard output is channel 1, its end 3."""
        key = self.headers.get("Sec-WebSocket-Key")
        answer = self.cluster.answers.get(query["command"][-1])
        if answer is None or not key:
            self._error(500, "InternalError", "no such command")
            return
        digest = sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()  # noqa: S324
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", b64encode(digest).decode())
        self.send_header("Sec-WebSocket-Protocol", "v5.channel.k8s.io")
        self.end_headers()
        self._frame(b"\x01" + answer.encode())
        self._frame(b"\x03" + json.dumps({"metadata": {}, "status": "Success"}).encode())
        self._frame(b"\x03\xe8", opcode=8)
        self.close_connection = True

    def _frame(self, data: bytes, opcode: int = 2) -> None:
        size = bytes([len(data)]) if len(data) < 126 else b"\x7e" + len(data).to_bytes(2, "big")
        self.wfile.write(bytes([0x80 | opcode]) + size + data)
        self.wfile.flush()

    # --- answers ---------------------------------------------------------------------------------

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _json(self, code: int, body: Json) -> None:
        self._send(code, "application/json", json.dumps(body).encode())

    def _text(self, text: str) -> None:
        self._send(200, "text/plain", text.encode())

    def _error(self, code: int, reason: str, message: str = "") -> None:
        status = {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "message": message or reason,
            "reason": reason,
            "code": code,
        }
        self._json(code, status)

    def _send(self, code: int, kind: str, data: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def decoded(raw: bytes) -> Json:
    """A body: JSON, or the protobuf that clients write built-in kinds in (Secrets alone)."""
    if not raw.startswith(b"k8s\0"):
        return dict(json.loads(raw))
    fields = dict(wire(dict(wire(raw[4:]))[2]))
    meta = list(wire(fields[1]))
    body: Json = {"metadata": {name: value.decode() for at, name in META.items()
                               for number, value in meta if number == at and value}}  # fmt: skip
    pairs = [dict(wire(value)) for number, value in meta if number == 11]
    body["metadata"]["labels"] = {pair[1].decode(): pair[2].decode() for pair in pairs}
    data = [dict(wire(value)) for number, value in wire(dict(wire(raw[4:]))[2]) if number == 2]
    body["data"] = {pair[1].decode(): b64encode(pair[2]).decode() for pair in data}
    body["type"] = fields[3].decode()
    return body


#: Fields of ObjectMeta that matter here.
META = {1: "name", 3: "namespace", 5: "uid", 6: "resourceVersion"}


def wire(data: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a protobuf message: number, and bytes or a number."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 2:
            size, at = varint(data, at)
            yield tag >> 3, data[at : at + size]
            at += size
        else:
            value, at = varint(data, at)
            yield tag >> 3, value


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at


def merged(old: Any, new: Any) -> Any:  # noqa: ANN401 - JSON
    """A strategic merge, as far as it is needed: maps are merged, named lists by their names."""
    if isinstance(old, dict) and isinstance(new, dict):
        out = {key: value for key, value in old.items() if new.get(key, 0) is not None}
        for key, value in new.items():
            if value is not None and not key.startswith("$"):
                out[key] = merged(old.get(key), value)
        return out
    if isinstance(old, list) and isinstance(new, list) and new and isinstance(new[0], dict):
        gone = {item["name"] for item in new if item.get("$patch") == "delete"}
        kept = [item for item in old if item.get("name") not in gone]
        names = {item.get("name"): index for index, item in enumerate(kept)}
        for item in new:
            if item.get("name") in gone:
                continue
            at = names.get(item.get("name"))
            if at is None:
                kept.append(item)
            else:
                kept[at] = merged(kept[at], item)
        return kept
    return new


def selects(selector: str, fields: str, body: Json) -> bool:
    labels = body["metadata"].get("labels") or {}
    for part in filter(None, selector.split(",")):
        name, _, wanted = part.replace("==", "=").partition("=")
        if name.endswith("!"):
            if labels.get(name[:-1]) == wanted:
                return False
        elif labels.get(name) != wanted:
            return False
    for part in filter(None, fields.split(",")):
        name, _, wanted = part.replace("==", "=").partition("=")
        if name == "metadata.name" and body["metadata"]["name"] != wanted:
            return False
    return True


VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


def discovery(path: str) -> Json | None:
    """What a client asks before anything else."""
    groups: dict[str, list[Kind]] = {}
    for kind in KINDS:
        groups.setdefault(kind.group_version, []).append(kind)
    if path == "/version":
        return {"major": "1", "minor": "37", "gitVersion": "v1.37.1"}
    if path == "/openapi/v3":
        return {"paths": {}}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        return {
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": [
                {
                    "name": version.partition("/")[0],
                    "versions": [{"groupVersion": version, "version": version.partition("/")[2]}],
                    "preferredVersion": {
                        "groupVersion": version,
                        "version": version.partition("/")[2],
                    },
                }
                for version in groups
                if "/" in version
            ],
        }
    version = path.removeprefix("/apis/").removeprefix("/api/")
    if version in groups:
        return {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": version,
            "resources": [
                {
                    "name": kind.plural,
                    "singularName": kind.kind.lower(),
                    "namespaced": kind.namespaced,
                    "kind": kind.kind,
                    "verbs": VERBS,
                }
                for kind in groups[version]
            ],
        }
    return None


@contextmanager
def serving(cluster: Cluster, kubeconfig: Path) -> Iterator[str]:
    """Serve *cluster* and write a kubeconfig for it; gives its address."""
    handler = type("Bound", (Handler,), {"cluster": cluster})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.ending = False  # type: ignore[attr-defined]
    address = f"http://127.0.0.1:{server.server_port}"
    kubeconfig.write_text(config(address))
    kubeconfig.chmod(0o600)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield address
    finally:
        server.ending = True  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()
        server.server_close()


def config(address: str, context: str = "stand-in") -> str:
    """A kubeconfig with one context."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [{"name": context, "cluster": {"server": address}}],
        "users": [{"name": context, "user": {"token": "none"}}],
        "contexts": [
            {"name": context, "context": {"cluster": context, "user": context, "namespace": "x"}}
        ],
    }
    return json.dumps(document)
