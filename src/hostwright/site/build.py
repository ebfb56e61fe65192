"""Make the site: gather the repository's Markdown, and have Zensical build it, strictly."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright import paths
from hostwright.errors import ToolError, UserError
from hostwright.run import run
from hostwright.site import mermaid
from hostwright.site.config import MADE, PAGES, config
from hostwright.site.stage import place, stage

if TYPE_CHECKING:
    from hostwright.site.stage import Staged

#: Below the root of the repository, and ignored by git.
OUT = paths.ROOT / "dist" / "site"
#: Says that a directory holds a site of ours, which may be replaced.
MARK = ".hostwright-site"
_SETTINGS = "docs/zensical.toml"


def build(out: Path = OUT, *, root: Path = paths.ROOT, repository: str = "") -> int:
    """Build the site; return how many pages it has.

    Args:
        out: The directory to make, or to replace where it holds a site.
        root: The repository.
        repository: Address of the repository's files, which links to them need.

    Raises:
        UserError: A page, a link or the navigation is wrong, or *out* holds something else.
        ToolError: Zensical or Mermaid cannot be had, or Zensical warned of something.
    """
    _may_replace(out)
    staged = gather(root, repository)
    settings = tomllib.loads((root / _SETTINGS).read_text(encoding="utf-8"))
    script = mermaid.served(mermaid.library().read_bytes())
    with tempfile.TemporaryDirectory(prefix="hostwright-site-") as scratch:
        work = Path(scratch)
        _write(staged, root, work / PAGES)
        (work / PAGES / "assets" / "mermaid.min.js").write_bytes(script)
        told = work / "zensical.toml"
        told.write_text(config(settings, staged.sections), encoding="utf-8")
        zensical(told)
        (work / MADE / MARK).touch()
        _replace(out, work / MADE)
    return sum(len(entries) for entries in staged.sections.values())


def gather(root: Path, repository: str = "") -> Staged:
    """The site's files from a repository.

    Raises:
        UserError: A page, a link or the navigation is wrong.
    """
    from hostwright.contract import load

    files = sorted(
        file.relative_to(root).as_posix()
        for pattern in ("*.md", "docs/**/*", "ops/**/README.md")
        for file in root.glob(pattern)
        if file.is_file()
    )
    pages = [file for file in files if place(file) and file.endswith(".md")]
    others = {file: found for file in files if file not in pages and (found := place(file))}
    texts = {file: (root / file).read_text(encoding="utf-8") for file in pages}
    contract = load(root / paths.CONTRACT.relative_to(paths.ROOT))
    return stage(
        texts,
        others,
        contract,
        exists=lambda file: not file.startswith("..") and (root / file).exists(),
        repository=repository,
    )


def zensical(settings: Path) -> None:
    """Have Zensical build what the file says; a warning is an error.

    Raises:
        ToolError: It is not installed, or warned of something.
    """
    if not importlib.util.find_spec("zensical"):
        raise ToolError(
            "Zensical, which builds the site, is not installed here", remedy="Run `nox -s docs`."
        )
    argv = [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", str(settings)]
    done = run(argv, cwd=settings.parent, timeout=300, check=False)
    if done.exit_code:
        raise ToolError(f"Zensical did not build the site:\n{warnings(done.stderr)}")


def warnings(told: str) -> str:
    """What Zensical wrote to standard error, without colours and the traceback that ends it."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", told)
    return plain.partition("Traceback (most recent call last)")[0].strip() or plain.strip()


def _write(staged: Staged, root: Path, pages: Path) -> None:
    for path, text in staged.texts.items():
        (pages / path).parent.mkdir(parents=True, exist_ok=True)
        (pages / path).write_text(text, encoding="utf-8")
    for path, file in staged.copies.items():
        (pages / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / file, pages / path)


def _may_replace(out: Path) -> None:
    if out.exists() and not (out / MARK).exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(
            "it holds something that is no site of ours; nothing was changed",
            where=paths.shown(out),
            remedy="Name a directory that is empty or not there.",
        )


def _replace(out: Path, made: Path) -> None:
    """Put the whole site into place at once, so that nobody sees half of it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    new, old = (out.with_name(f"{out.name}.{word}") for word in ("new", "old"))
    for rest in (new, old):
        shutil.rmtree(rest, ignore_errors=True)
    shutil.copytree(made, new)
    if out.exists():
        out.rename(old)
    new.rename(out)
    shutil.rmtree(old, ignore_errors=True)
