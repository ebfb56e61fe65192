"""Images without any registry: Debian's packages with the manners of the official images."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright import paths
from hostwright.errors import ToolError
from hostwright.rig import carried, rootfs
from hostwright.rig.images import wheels
from hostwright.rig.requirements import which
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hostwright.rig.engine import Engine

HERE = Path(__file__).parent
NAMES = ("postgres", "redis", "caddy")
#: Says what an image was built from; the same key is not built again.
LABEL = "dev.hostwright.rig.key"


@dataclass(frozen=True)
class Base:
    """What all images of a suite stand on.

    Attributes:
        suite: Debian suite.
        key: Key of its root file system.
    """

    suite: str
    key: str

    @property
    def reference(self) -> str:
        """Its name and tag; no image of a registry is called so."""
        return f"hostwright-rig/base:{self.suite}"


@dataclass(frozen=True)
class Build:
    """An image to build.

    Attributes:
        reference: Its name and tag.
        base: What it stands on.
        files: Its context: files by their path in it.
        arguments: Build arguments.
    """

    reference: str
    base: Base
    files: Mapping[str, Path]
    arguments: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Twelve hex digits that change when anything that goes in changes."""
        digest = hashlib.sha256(self.base.key.encode())
        for name, path in sorted(self.files.items()):
            digest.update(f"\0{name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
        for name, value in sorted(self.arguments.items()):
            digest.update(f"\0{name}={value}".encode())
        return digest.hexdigest()[:12]


@dataclass(frozen=True)
class Probe:
    """A version of the probe application.

    Attributes:
        version: What its ``/version`` says, and its tag.
        migrations: How many migrations it has beyond those of version 1.
    """

    version: str
    migrations: int = 0

    @property
    def reference(self) -> str:
        """Its name and tag."""
        return f"probe:{self.version}"


def build_all(
    engine: Engine, probes: Sequence[Probe], say: Callable[[str], None], *, suite: str = "trixie"
) -> dict[str, str]:
    """Build what is not there yet.

    Args:
        engine: Where.
        probes: Versions of the probe.
        say: Told what takes long.
        suite: Debian of the images: ``trixie`` has Postgres 17, ``bookworm`` 15.

    Returns:
        References by name: ``postgres``, ``redis``, ``caddy`` and one ``probe:<version>`` each.

    Raises:
        ToolError: A build failed.
    """
    base = import_base(engine, suite, say)
    wanted = {name: recipe(name, base) for name in NAMES}
    wanted |= {probe.reference: probe_recipe(probe, base, say) for probe in probes}
    for one in wanted.values():
        build(engine, one, say)
    # What older recipes left without a name; newer stages make the next build quick.
    engine.docker("image", "prune", "--force", "--filter", "until=72h", check=False)
    return {name: one.reference for name, one in wanted.items()}


def import_base(engine: Engine, suite: str, say: Callable[[str], None]) -> Base:
    """Import the base image of a suite."""
    wanted = rootfs.base(suite, carried.gather())
    packed, base = rootfs.tarball(wanted, say), Base(suite, wanted.key)
    if key_of(engine, base.reference) != base.key:
        say(f"importing {base.reference}")
        with tempfile.TemporaryDirectory(dir=packed.parent) as scratch:
            plain = Path(scratch, "base.tar")
            run(["zstd", "-q", "-d", packed, "-o", plain])
            label = f"LABEL {LABEL}={base.key}"
            engine.docker(
                "import", "--change", label, "--change", 'CMD ["bash"]', plain, base.reference
            )
    return base


def recipe(name: str, base: Base) -> Build:
    """How to build one of the engine images."""
    own = {path.name: path for path in sorted((HERE / name).iterdir()) if path.is_file()}
    if name == "caddy":
        own["caddy"] = _program("caddy")
    return Build(f"hostwright-rig/{name}:{base.suite}", base, own)


def probe_recipe(probe: Probe, base: Base, say: Callable[[str], None]) -> Build:
    """How to build a version of the probe."""
    context = {
        str(path.relative_to(paths.PROBE)): path
        for path in sorted(paths.PROBE.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    contract = paths.COMPOSE / "contract.json"
    if contract.exists():
        context["contract.json"] = contract
    for wheel in wheels.gather(paths.PROBE / "requirements.txt", base.suite, say):
        context[f"wheels/{wheel.name}"] = wheel
    arguments = {"VERSION": probe.version, "EXTRA_MIGRATION": str(probe.migrations)}
    return Build(probe.reference, base, context, arguments)


def build(engine: Engine, wanted: Build, say: Callable[[str], None]) -> None:
    """Build an image unless this very one is there."""
    if key_of(engine, wanted.reference) == wanted.key:
        return
    say(f"building {wanted.reference}")
    with tempfile.TemporaryDirectory(prefix="hostwright-image-") as scratch:
        for name, path in wanted.files.items():
            place = Path(scratch, name)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
        engine.docker(*command(wanted, scratch))


def command(wanted: Build, context: str) -> list[str]:
    """The docker line that builds it; the host's network reaches the package mirrors."""
    given = {"BASE": wanted.base.reference, **wanted.arguments}
    words = [word for name, value in given.items() for word in ("--build-arg", f"{name}={value}")]
    label = f"{LABEL}={wanted.key}"
    return [
        *("build", "--quiet", "--network", "host", "--label", label),
        *words,
        *("--tag", wanted.reference, context),
    ]


def key_of(engine: Engine, reference: str) -> str:
    """The key an image was built from; empty when there is none."""
    form = f'{{{{index .Config.Labels "{LABEL}"}}}}'
    done = engine.docker("image", "inspect", "--format", form, reference, check=False)
    return done.stdout.strip() if done.exit_code == 0 else ""


def _program(name: str) -> Path:
    """A binary that a Python package put beside the interpreter."""
    beside = Path(sys.prefix, "bin", name)
    found = beside if beside.exists() else Path(which(name))
    if not found.is_absolute():
        raise ToolError(f"{name} is not installed", remedy="pip install --group vps")
    return found
