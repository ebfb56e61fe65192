"""Look whether credentials of clouds and clusters are there. None is kept, and none is shown."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright import paths, toolchain
from hostwright.doctor import names
from hostwright.doctor.model import Answer, CloudFact, ClusterFact, NameFact
from hostwright.errors import ToolError, UserError
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hostwright.contract.models import TargetName

#: Seconds that a cloud's tool, or a cluster, may take to answer.
PATIENCE = 20.0

#: What each cloud's tool is asked; it prints nothing, or nothing but names, if nobody is logged in.
QUESTIONS: dict[TargetName, tuple[str, ...]] = {
    "aws": ("aws", "sts", "get-caller-identity", "--query", "Arn", "--output", "text"),
    "azure": ("az", "account", "show", "--query", "id", "--output", "tsv"),
    "gcp": ("gcloud", "auth", "list", "--filter=status:ACTIVE", "--format=value(account)"),
}
#: Variables that Terraform's provider or the tool takes credentials from.
VARIABLES: dict[TargetName, tuple[str, ...]] = {
    "aws": ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    "azure": ("ARM_CLIENT_ID", "ARM_USE_OIDC", "ARM_CLIENT_SECRET"),
    "gcp": ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CREDENTIALS", "GOOGLE_OAUTH_ACCESS_TOKEN"),
}
_DOMAIN = re.compile(r'^\s*"?(app_domain|api_domain)"?\s*[=:]\s*"([A-Za-z0-9.-]+)"', re.MULTILINE)

Domains = dict[str, str]


def cloud(target: TargetName, domains: Domains) -> CloudFact:
    """What is here for *target*."""
    resolved = names.resolve(domains.values())
    return CloudFact(
        login=answer(QUESTIONS[target]),
        variables=tuple(name for name in VARIABLES[target] if os.environ.get(name)),
        default_credentials=_default_credentials() if target == "gcp" else None,
        backend=(paths.INFRA / target / "backend.tf").is_file(),
        inputs=tuple(sorted(path.name for path in paths.HOME.glob("*.tfvars"))),
        secrets=(paths.HOME / f".env.{target}").is_file(),
        names=told(domains, resolved),
    )


def answer(question: Sequence[str], seconds: float = PATIENCE) -> Answer:
    """Whether a tool answers *question* with something; what it answers is not kept."""
    try:
        tool = toolchain.find(question[0])
    except ToolError:
        return "nobody"
    try:
        done = run([*tool.argv, *question[1:]], timeout=seconds, check=False)
    except ToolError:
        return "silent"
    return "yes" if done.exit_code == 0 and done.stdout.strip() else "no"


def told(domains: Mapping[str, str], resolved: names.Resolved) -> tuple[NameFact, ...]:
    """Domains by the setting that names them, with what they resolve to."""
    return tuple(
        NameFact(key, name, resolved[name] or (), "silent" if resolved[name] is None else "yes")
        for key, name in domains.items()
    )


def domains(files: Iterable[str]) -> Domains:
    """The domains that files of inputs name, later files winning.

    Raises:
        UserError: A file cannot be read.
    """
    found: Domains = {}
    for file in files:
        try:
            text = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8"
            raise UserError(f"cannot be read: {reason}", where=f"--var-file {file}") from error
        found.update(_DOMAIN.findall(text))
    return found


def _default_credentials() -> bool:
    """Whether Google's libraries find credentials: not those that gcloud itself works with."""
    if any(os.environ.get(name) for name in VARIABLES["gcp"]):
        return True
    home = os.environ.get("CLOUDSDK_CONFIG") or Path.home() / ".config" / "gcloud"
    return (Path(home) / "application_default_credentials.json").is_file()


def cluster() -> ClusterFact:
    """What is here for Kubernetes: kubeconfigs, the current context, and whether it answers."""
    named = os.environ.get("KUBECONFIG", "")
    files = [Path(name).expanduser() for name in named.split(os.pathsep) if name]
    files = files or [Path.home() / ".kube" / "config"]
    there = [file for file in files if file.is_file()]
    context, fault = _context(there)
    if not context:
        return ClusterFact(_listed(files), "", fault)
    question = ("kubectl", f"--request-timeout={PATIENCE:g}s", "get", "--raw", "/version")
    return ClusterFact(_listed(files), context, fault, answer(question))


def _listed(files: Sequence[Path]) -> tuple[tuple[str, bool], ...]:
    return tuple((paths.shown(file), file.is_file()) for file in files)


def _context(files: Sequence[Path]) -> tuple[str, str]:
    """The current context, which the first file that names one decides; or what is wrong."""
    import yaml

    for file in files:
        try:
            document = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            return "", f"{paths.shown(file)} cannot be read as a kubeconfig"
        if isinstance(document, dict) and (current := document.get("current-context")):
            return str(current), ""
    return "", ""
