"""Where things are in the repository: the only module that knows.

The blueprints under ``ops/`` are data that users read and edit in place, so hostwright runs from a
clone. The root is found from this file, never from the working directory.
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

OPS = ROOT / "ops"
CONTRACT = OPS / "contract" / "contract.yaml"
CONTRACT_SCHEMA = OPS / "contract" / "contract.schema.json"
EXEMPTIONS = OPS / "contract" / "exemptions.yaml"
HOSTS_SCHEMA = OPS / "contract" / "hosts.schema.json"
VALUES_SCHEMA = OPS / "contract" / "kubernetes-values.schema.json"
COMPOSE = OPS / "compose"
COMPOSE_FILE = COMPOSE / "docker-compose.prod.yml"
ENV_EXAMPLE = COMPOSE / ".env.prod.example"
CADDYFILE = COMPOSE / "Caddyfile"
CHART = OPS / "charts" / "app"
CHARTS_VENDOR = OPS / "charts" / "vendor"
INFRA = OPS / "infra"
INFRA_VENDOR = INFRA / "vendor"
HOST_FILES = OPS / "host"
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
NOXFILE = ROOT / "noxfile.py"
PROBE = OPS / "probe"
IMAGES = OPS / "compose" / "images.yaml"

#: The operator's own files: in the root of the clone and ignored by git, or wherever
#: ``HOSTWRIGHT_HOME`` says (one clone can serve several sets of hosts; the demo has its own).
HOME = Path(os.environ.get("HOSTWRIGHT_HOME") or ROOT).resolve()
HOSTS = HOME / "hosts.yaml"
OPERATOR = HOME / ".hostwright"
KNOWN_HOSTS = OPERATOR / "known_hosts"


def cache() -> Path:
    """The directory for what is expensive to make again; it may be missing at any time.

    ``HOSTWRIGHT_CACHE`` names it, else it is ``hostwright`` below the user's cache directory.
    """
    named = os.environ.get("HOSTWRIGHT_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "hostwright"


def shown(path: Path) -> str:
    """A path as people want to read it: relative to the repository where it lies below it."""
    try:
        return str(path.relative_to(ROOT))
    except ValueError:
        return str(path)
