"""What was found, and what is said of it. No field holds a credential."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hostwright.contract.models import TargetName
    from hostwright.toolchain import Tool
    from hostwright.toolchain.table import Wanted

Severity = Literal["ok", "note", "missing"]
#: What came of asking: yes, no, nobody to ask (no tool, no agent), or no answer in time.
Answer = Literal["yes", "no", "nobody", "silent"]
#: Who has a login for a registry: the host's settings, Docker here alone, or nobody.
Login = Literal["host", "docker", ""]

#: What is said of a file that is not there.
ABSENT = "is not there"


@dataclass(frozen=True)
class ToolFact:
    """What became of looking for one tool: *tool*, or the *error* that says why there is none."""

    wanted: Wanted
    tool: Tool | None = None
    #: What the tool said when it was started; empty where it has nothing to say.
    version: str = ""
    error: str = ""


@dataclass(frozen=True)
class Machine:
    """What this machine has, whatever the target."""

    python: str
    interpreter: Path
    #: What throwaway servers need and this machine has not: names and remedies.
    lacking: tuple[tuple[str, str], ...]
    cache: Path
    cache_free: int
    #: Version of the Docker engine that answers; empty if none does.
    engine: str
    tools: tuple[ToolFact, ...]


@dataclass(frozen=True)
class NameFact:
    """A domain that the setting *key* names; without *addresses* it does not resolve."""

    key: str
    name: str
    addresses: tuple[str, ...] = ()
    answer: Answer = "yes"


@dataclass(frozen=True)
class CloudFact:
    """What is here for one cloud.

    Attributes:
        login: What the cloud's own tool says of a session.
        variables: Names of the variables with credentials that are set.
        default_credentials: Whether Terraform's provider finds Google's; None where it needs none.
        backend: Whether the blueprint has a backend.tf.
        inputs: Files of inputs beside the clone.
        secrets: Whether there is an env file for it beside the clone.
        names: Domains of the given files of inputs.
    """

    login: Answer
    variables: tuple[str, ...] = ()
    default_credentials: bool | None = None
    backend: bool = False
    inputs: tuple[str, ...] = ()
    secrets: bool = False
    names: tuple[NameFact, ...] = ()


@dataclass(frozen=True)
class ClusterFact:
    """What is here for Kubernetes.

    Attributes:
        files: Kubeconfigs that are named, or the usual one; whether each is there.
        context: The current context; empty if there is none.
        fault: What is wrong with a kubeconfig; empty if nothing is.
        answer: Whether the cluster answers.
    """

    files: tuple[tuple[str, bool], ...] = ()
    context: str = ""
    fault: str = ""
    answer: Answer = "nobody"


@dataclass(frozen=True)
class Secret:
    """A file that only its owner may read: where it is, and what is wrong; empty if nothing is."""

    path: str
    fault: str = ""


@dataclass(frozen=True)
class HostFact:
    """What is here for one host of hosts.yaml.

    Attributes:
        name: As hosts.yaml or the command names it.
        address: Where it is.
        resolved: The addresses of *address*.
        pinned: Whether its key is pinned.
        identity: The private key it names; None where it names none.
        values: The env file it names; None where its values come from elsewhere.
        backup_key: The key of its backups; None where none are set.
        registries: Registry of an image to who has a login for it.
        names: Its domains.
    """

    name: str
    address: str
    resolved: tuple[str, ...] = ()
    pinned: bool = False
    identity: Secret | None = None
    values: Secret | None = None
    backup_key: Secret | None = None
    registries: Mapping[str, Login] = field(default_factory=dict)
    names: tuple[NameFact, ...] = ()


@dataclass(frozen=True)
class ServersFact:
    """What is here for servers.

    Attributes:
        file: hosts.yaml, as it is shown.
        fault: What is wrong with it, or that there is none.
        keys: The usual private keys that are there, as they are shown.
        agent: Whether an SSH agent has keys.
        hosts: Every host that is meant.
    """

    file: str
    fault: str = ""
    keys: tuple[str, ...] = ()
    agent: Answer = "nobody"
    hosts: tuple[HostFact, ...] = ()


@dataclass(frozen=True)
class Facts:
    """Everything that was looked at; a target that was not asked for is not there."""

    machine: Machine
    clouds: Mapping[TargetName, CloudFact] = field(default_factory=dict)
    cluster: ClusterFact | None = None
    servers: ServersFact | None = None


@dataclass(frozen=True)
class Line:
    """One row of the report; *used* is a path or command line as people read it."""

    section: str
    subject: str
    severity: Severity
    why: str
    remedy: str = ""
    version: str = ""
    origin: str = ""
    used: str = ""
