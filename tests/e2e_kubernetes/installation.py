"""An application on a cluster: its namespace, what it stands on, and the commands people type."""

from __future__ import annotations

import base64
import json
import os
import shlex
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml
from tests import engines
from tests.engines import wait_for

from hostwright import paths, toolchain
from hostwright.run import Completed, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostwright.rig.engine import Engine

HERE = Path(__file__).parent
RELEASE = "shop"
REGION = "eu-central-1"
SIGNING = "auth-signing-keys"
BUCKET = "e2e"
#: Whoever is to be found later by a pod: nothing of the machine's own is listened on elsewhere.
ADDRESS = "HOSTWRIGHT_E2E_ADDRESS"
#: The command that brings the archive that is its last word into the cluster's nodes.
LOAD = "HOSTWRIGHT_E2E_LOAD"
#: What happened to the requests, for the end of the run.
ACCOUNTS: list[str] = []


class Unset(Exception):
    """Something about the cluster has to be said in the environment."""


def address() -> str:
    """The address of this machine that pods reach: of kind the gateway of its Docker network."""
    named = os.environ.get(ADDRESS)
    if named:
        return named
    form = "{{(index .IPAM.Config 0).Gateway}}"
    asked = run(["docker", "network", "inspect", "kind", "--format", form], check=False)
    if asked.exit_code != 0:
        raise Unset(f"set {ADDRESS} to an address of this machine that pods can reach")
    return asked.stdout.split()[0]


def loader() -> list[str]:
    """The command that loads an archive of images."""
    named = os.environ.get(LOAD)
    if named:
        return shlex.split(named)
    context = run([*toolchain.provide("kubectl").argv, "config", "current-context"]).stdout.strip()
    if not context.startswith("kind-"):
        raise Unset(f"set {LOAD} to a command that loads an image archive into the cluster")
    return ["kind", "load", "image-archive", "--name", context.removeprefix("kind-")]


@dataclass(frozen=True)
class Stores:
    """What the application stands on; real engines of this machine."""

    postgres: engines.Postgres
    database_url: str
    redis_url: str
    aws: str

    @property
    def aws_port(self) -> int:
        """The port of Secrets Manager and S3."""
        return urlsplit(self.aws).port or 0


@contextmanager
def stores(host: str) -> Iterator[Stores]:
    """Postgres, Redis, and an emulator of AWS with the signing keys and a bucket."""
    with (
        engines.postgres(host=host) as postgres,
        engines.redis(host=host) as redis,
        engines.aws(host) as aws,
    ):
        import boto3

        given = {"endpoint_url": aws, "region_name": REGION}
        keys = {"aws_access_key_id": "e2e", "aws_secret_access_key": "e2e"}
        secrets = boto3.client("secretsmanager", **given, **keys)
        secrets.create_secret(Name=SIGNING, SecretString="signing keys of an e2e run")
        boto3.client("s3", **given, **keys).create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        yield Stores(postgres, postgres.create("app"), redis.url, aws)


def build(engine: Engine, made: str, name: str, aws: str) -> str:
    """An image of the probe that finds the emulator where AWS would be; its name.

    The SDK's own switches are part of the image, as they are nobody's variables.
    """
    reference = f"hostwright-e2e/probe:{name}"
    lines = [
        f"FROM {made}",
        f"ENV AWS_ENDPOINT_URL_SECRETS_MANAGER={aws} AWS_ACCESS_KEY_ID=e2e",
        "ENV AWS_SECRET_ACCESS_KEY=e2e",
    ]
    engine.docker("build", "--tag", reference, "-", stdin="\n".join(lines).encode())
    return reference


@dataclass
class Installation:
    """One release of the chart in a namespace of its own."""

    namespace: str
    stores: Stores
    home: Path
    images: Mapping[str, str]
    kubectl_words: tuple[str, ...] = field(
        default_factory=lambda: toolchain.provide("kubectl").argv
    )

    # --- commands --------------------------------------------------------------------------------

    def kubectl(self, *words: str, stdin: str = "", check: bool = True) -> Completed:
        """Run kubectl in the namespace."""
        argv = [*self.kubectl_words, "--namespace", self.namespace, *words]
        return run(argv, stdin=stdin.encode() if stdin else None, check=check, timeout=300)

    def got(self, *words: str) -> dict[str, Any]:
        """What ``kubectl get … --output json`` answers."""
        answer: dict[str, Any] = json.loads(self.kubectl("get", *words, "--output", "json").stdout)
        return answer

    def invoke(self, task: str, *words: str, check: bool = True) -> Completed:
        """Run one of our tasks on the release."""
        where = ["--release", RELEASE, "--namespace", self.namespace]
        argv = [sys.executable, "-m", "invoke", f"kubernetes.{task}", *where, *words]
        done = run(argv, cwd=paths.ROOT, check=check, timeout=1200)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def deploy(self, version: str, *words: str, check: bool = True) -> Completed:
        """Deploy one image for every role."""
        file = self.home / "values.yaml"
        file.write_text(yaml.safe_dump(self.values()), encoding="utf-8")
        image = self.images[version]
        roles = [word for role in ("api", "web") for word in ("--image", f"{role}={image}")]
        return self.invoke("deploy", "--values", str(file), *roles, "--yes", *words, check=check)

    # --- what it is ------------------------------------------------------------------------------

    def set_up(self) -> None:
        """The namespace, which takes nothing but restricted pods, and the Secret."""
        level = "pod-security.kubernetes.io/enforce=restricted"
        self.kubectl("create", "namespace", self.namespace)
        self.kubectl("label", "namespace", self.namespace, level)
        texts = {
            "database-url": self.stores.database_url,
            "redis-url": self.stores.redis_url,
            **{
                name: f"e2e-{name}-of-more-than-32-characters"
                for name in ("key", "session", "pepper")
            },
            "s3": "e2e-secret-access-key",
        }
        data = {name: base64.b64encode(text.encode()).decode() for name, text in texts.items()}
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "given"},
            "data": data,
        }
        self.kubectl("apply", "--filename", "-", stdin=json.dumps(secret))

    def tear_down(self) -> None:
        """Everything goes with the namespace."""
        self.kubectl("delete", "namespace", self.namespace, "--wait=false")

    def values(self) -> dict[str, Any]:
        """The values file of a person who has all of this."""
        sizes = {"cpu": 0.25, "memoryMib": 256, "preStopSeconds": 5}
        database, redis = (
            urlsplit(url).port for url in (self.stores.database_url, self.stores.redis_url)
        )
        return {
            "appPublicUrl": "https://app.example.org",
            "secretsProvider": "aws_sm",
            "storageProvider": "s3",
            "storageBucketName": BUCKET,
            "authKeySecretName": SIGNING,
            "env": {
                "AWS_REGION": REGION,
                "AWS_SM_SIGNING_SECRET_ARN": SIGNING,
                "DATABASE_SSL_MODE": "require",
                "S3_REGION": REGION,
                "S3_ENDPOINT_URL": self.stores.aws,
                "S3_FORCE_PATH_STYLE": "true",
                "S3_ACCESS_KEY_ID": "e2e",
            },
            "secrets": {
                "type": "existing",
                "references": {
                    "DATABASE_URL": "given#database-url",
                    "REDIS_URL": "given#redis-url",
                    "SECRET_KEY": "given#key",
                    "AUTH_SESSION_ENCRYPTION_KEY": "given#session",
                    "AUTH_PASSWORD_PEPPER": "given#pepper",
                    "S3_SECRET_ACCESS_KEY": "given#s3",
                },
            },
            # The engines have ports of their own here, and Secrets Manager is not at 443.
            "networkPolicy": {
                "databasePort": database,
                "redisPort": redis,
                "egressPorts": [self.stores.aws_port],
            },
            "api": sizes,
            "web": sizes,
            "worker": {name: sizes[name] for name in ("cpu", "memoryMib")},
        }

    # --- what is seen ----------------------------------------------------------------------------

    def pods(self, role: str) -> list[dict[str, Any]]:
        """The pods of a role that are not going away."""
        label = f"app.kubernetes.io/instance={RELEASE},app.kubernetes.io/component={role}"
        items: list[dict[str, Any]] = self.got("pods", "--selector", label)["items"]
        return [item for item in items if "deletionTimestamp" not in item["metadata"]]

    def running(self, role: str) -> set[str]:
        """The images of a role's pods that are ready."""
        ready = (
            pod
            for pod in self.pods(role)
            if any(
                item["type"] == "Ready" and item["status"] == "True"
                for item in pod["status"].get("conditions", ())
            )
        )
        return {pod["spec"]["containers"][0]["image"] for pod in ready}

    def revision(self) -> str:
        """The revision that the database is at."""
        import psycopg

        with psycopg.connect(self.stores.database_url) as connection:
            row = connection.execute("select version_num from alembic_version").fetchone()
        assert row is not None
        return str(row[0])

    @contextmanager
    def called(self, version: str) -> Iterator[dict[str, Any]]:
        """A pod that calls web and api all the time; the account is filled in at the end."""
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "caller"},
            "spec": {
                "restartPolicy": "Never",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "caller",
                        "image": self.images[version],
                        "command": [
                            "python",
                            "-c",
                            (HERE / "caller.py").read_text(encoding="utf-8"),
                            f"http://{RELEASE}-web:3000/api/version",
                        ],
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "capabilities": {"drop": ["ALL"]},
                        },
                    }
                ],
            },
        }
        self.kubectl("apply", "--filename", "-", stdin=json.dumps(pod))
        account: dict[str, Any] = {}
        try:
            wait_for("the caller", lambda: "calling" in self._caller_log())
            yield account
            self.kubectl("exec", "caller", "--", "sh", "-c", "kill -TERM 1")
            wait_for("its account", lambda: self._caller_log().strip().endswith("}"))
            account.update(json.loads(self._caller_log().strip().splitlines()[-1]))
        finally:
            self.kubectl("delete", "pod", "caller", "--now", check=False)

    def _caller_log(self) -> str:
        return self.kubectl("logs", "caller", check=False).stdout


def told(done: Completed) -> str:
    """Everything that a command said."""
    return done.stdout + done.stderr
