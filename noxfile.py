# /// script
# dependencies = ["nox[uv]>=2025.10.16"]
# ///
"""Sessions: what is checked, shown and measured. ``nox -l`` lists them; CI runs the same names.

This file runs in nox's own interpreter, so it imports nothing but nox and the standard library;
work that is longer than a few lines is ``python -m hostwright …`` inside a session.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.10.16"
# uv verifies the hashes in constraints.txt; pip cannot do that beside an editable install.
nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "validate", "tests"]

ROOT = Path(__file__).parent
CONSTRAINTS = ROOT / "constraints.txt"
#: A worker a core; a file stays in one worker, because what it boots it boots once.
SIDE_BY_SIDE = ("--numprocesses", "auto", "--dist", "loadfile")

# -- the main job -------------------------------------------------------------------------------


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Take a bare throwaway server to a running application, a second version and back."""
    _install(session, "rig", "vps", "scan", "probe")
    session.run("python", "-m", "hostwright", "demo", *session.posargs)


# -- what is true of the blueprints ---------------------------------------------------------------


@nox.session(tags=["validate"])
def validate(session: nox.Session) -> None:
    """Prove every target's blueprint against the contract, side by side."""
    _install(session, "cloud", "kubernetes", "vps", "scan")
    session.run("python", "-m", "hostwright", "validate", *session.posargs, env={"UV": _uv()})


@nox.session(default=False, tags=["validate"])
def validate_vps(session: nox.Session) -> None:
    """Prove the VPS blueprint: Compose, Caddy, linters, parity with the contract."""
    _install(session, "vps", "scan")
    session.run("python", "-m", "hostwright", "validate", "--target", "vps", *session.posargs)


@nox.session(default=False, tags=["validate"])
def validate_aws(session: nox.Session) -> None:
    """Prove the AWS blueprint: Terraform, its tests, scanners, rules, parity."""
    _cloud(session, "aws")


@nox.session(default=False, tags=["validate"])
def validate_azure(session: nox.Session) -> None:
    """Prove the Azure blueprint: Terraform, its tests, scanners, rules, parity."""
    _cloud(session, "azure")


@nox.session(default=False, tags=["validate"])
def validate_gcp(session: nox.Session) -> None:
    """Prove the GCP blueprint: Terraform, its tests, scanners, rules, parity."""
    _cloud(session, "gcp")


@nox.session(default=False, tags=["validate"])
def validate_kubernetes(session: nox.Session) -> None:
    """Prove the Helm chart: two majors of Helm, schemas, scanners, rules, parity."""
    _install(session, "kubernetes")
    words = ["--target", "kubernetes", *session.posargs]
    session.run("python", "-m", "hostwright", "validate", *words, env={"UV": _uv()})


@nox.session(default=False)
def apply_aws_local(session: nox.Session) -> None:
    """Apply the AWS blueprint to an emulator with the real provider, where there is one."""
    _install(session, "cloud", "rig")
    session.run("python", "-m", "hostwright", "apply-aws-local", *session.posargs)


# -- what is true of the code ---------------------------------------------------------------------


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, types, workflows, and that generated files are current."""
    _install(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("actionlint")
    session.run("zizmor", "--offline", "--quiet", ".github/workflows")
    session.run("python", "-m", "hostwright", "generated", "--check")


@nox.session
def tests(session: nox.Session) -> None:
    """Run every test that needs no server: models, plans, blueprints, the probe on real engines."""
    _install(session, "tests")
    session.run("python", "-m", "hostwright", "packages", "engines")
    without = "not server and not cluster and not browser"
    session.run("pytest", "-m", without, *SIDE_BY_SIDE, *session.posargs)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the documentation site into dist/site, warnings as errors; `-- --serve` shows it."""
    _install(session, "docs")
    session.run("python", "-m", "hostwright", "docs", *session.posargs, env={"UV": _uv()})


@nox.session(default=False)
def browser(session: nox.Session) -> None:
    """Build the documentation site and try every page of it in a real headless Chromium."""
    _install(session, "browser")
    session.run("python", "-m", "hostwright", "packages", "browser")
    words = ["-m", "browser", "tests/browser", *session.posargs]
    session.run("pytest", *words, env={"UV": _uv()})


@nox.session(default=False)
def properties(session: nox.Session) -> None:
    """Draw 2,000 sets of values for the chart, others each time, where `tests` draws a hundred."""
    _install(session, "tests")
    words = ["tests/blueprints/test_chart_properties.py", "--capture=no", *session.posargs]
    session.run("pytest", *words, env={"HOSTWRIGHT_EXAMPLES": "2000"})


@nox.session(default=False)
def e2e_vps(session: nox.Session) -> None:
    """Boot real servers and provision, deploy, break and roll back on them."""
    _install(session, "tests")
    # Only long tests boot virtual machines.
    kind = "rig" if any("not long" in word for word in session.posargs) else "power"
    session.run("python", "-m", "hostwright", "packages", kind)
    # These take minutes: which one is at work, and which were slow, is worth a line each.
    told = ("--verbose", "--durations=25", *SIDE_BY_SIDE)
    session.run("pytest", "-m", "server", *told, *session.posargs)


@nox.session(default=False)
def e2e_kubernetes(session: nox.Session) -> None:
    """Install, upgrade, break and roll back the chart on the cluster that KUBECONFIG names."""
    if not os.environ.get("KUBECONFIG"):
        session.skip("not run: KUBECONFIG names no cluster")
    _install(session, "tests")
    session.run("python", "-m", "hostwright", "packages", "rig")
    session.run("python", "-m", "hostwright", "packages", "engines")
    session.run("pytest", "-m", "cluster", *session.posargs)


@nox.session(default=False)
def prove_vps(session: nox.Session) -> None:
    """Kill, cut, fill, load and restore real servers; write docs/proof. Goes on where it ended."""
    _install(session, "tests")
    kind = "rig" if "--short" in session.posargs else "power"
    session.run("python", "-m", "hostwright", "packages", kind)
    session.run("python", "-m", "hostwright", "prove", *session.posargs)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure the figures that the README states: medians and ratios, in one run."""
    _install(session, "bench")
    session.run("python", "-m", "hostwright", "bench", *session.posargs)


# -- working here ---------------------------------------------------------------------------------


@nox.session(venv_backend="none", default=False)
def dev(session: nox.Session) -> None:
    """Make .venv with `invoke` and all that development needs, or with the groups `-- NAME …`."""
    home = ROOT / ".venv"
    uv, groups = _uv(), session.posargs or ["dev"]
    if not home.is_dir():
        session.run(uv, "venv", str(home), external=True)
    session.run(
        *(uv, "pip", "install", "--compile-bytecode", "--python", str(home), *_what(*groups)),
        external=True,
        silent=True,
    )
    session.log(f"Activate it: `. {home.relative_to(ROOT)}/bin/activate`, then `invoke --list`.")


@nox.session(default=False)
def schemas(session: nox.Session) -> None:
    """Bring ops/infra/vendor up to what the blueprints use; --upgrade takes newer providers."""
    _install(session, "schemas")
    session.run("python", "-m", "hostwright", "schemas", *session.posargs)


@nox.session(venv_backend="none", default=False)
def constraints(session: nox.Session) -> None:
    """Compile constraints.txt from pyproject.toml; --upgrade moves to newer versions."""
    compile_ = [_uv(), "pip", "compile", "--quiet", "--universal", "--generate-hashes"]
    common = ["--no-header", "--no-annotate", "pyproject.toml", *session.posargs]
    session.run(*compile_, "--group", "dev", *common, "-o", "constraints.txt", external=True)
    probe = ROOT / "ops" / "probe" / "requirements.txt"
    only = ["--group", "probe", "--constraints", "constraints.txt", "--no-header"]
    session.run(*compile_, *only, "--no-annotate", "-o", str(probe), external=True)
    for tool in sorted((ROOT / "src" / "hostwright" / "toolchain" / "pins").glob("*.in")):
        words = ["--no-header", "--no-annotate", "--python-version", "3.11", *session.posargs]
        if tool.read_text(encoding="utf-8").startswith("# --no-deps"):
            words.append("--no-deps")
        pins = str(tool.with_suffix(".txt"))
        session.run(*compile_, *words, str(tool), "-o", pins, external=True)


# -- helpers --------------------------------------------------------------------------------------


def _cloud(session: nox.Session, target: str) -> None:
    _install(session, "cloud")
    # uv makes checkov's environment faster than pip, where it is not there yet.
    words = ["--target", target, *session.posargs]
    session.run("python", "-m", "hostwright", "validate", *words, env={"UV": _uv()})


def _install(session: nox.Session, *groups: str) -> None:
    """Bring the session's environment to *groups*; skip that where nothing changed since."""
    stamp = Path(session.virtualenv.location) / "hostwright.stamp"
    key = _key(groups)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == key:
        return
    # Most of these commands are short: reading source anew would be a good part of each.
    session.install("--compile-bytecode", *_what(*groups), silent=True)
    stamp.write_text(key, encoding="utf-8")


def _what(*groups: str) -> list[str]:
    pinned = ["--constraints", str(CONSTRAINTS), "--build-constraints", str(CONSTRAINTS)]
    return [*pinned, *(word for group in groups for word in ("--group", group)), "--editable", "."]


def _key(groups: tuple[str, ...]) -> str:
    content = b"".join((ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt"))
    return hashlib.sha256(content + repr((groups, sys.version)).encode()).hexdigest()


def _uv() -> str:
    """The uv beside this interpreter, else the one on PATH."""
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else os.environ.get("UV", "uv")
