"""``python -m hostwright validate``: its words, as argparse reads them."""

from __future__ import annotations

import argparse
import os

from hostwright import validate


def main(words: list[str]) -> int:
    """Validate as *words* say, and return the exit code.

    Raises:
        HostwrightError: As ``hostwright.validate.run``.
    """
    told = _parser().parse_args(words)
    github = told.github or os.environ.get("GITHUB_ACTIONS") == "true"
    return validate.run(told.target, told.json, github, sarif_path=told.sarif)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m hostwright validate",
        description="Prove blueprints against the contract.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--target", action="append", default=[], metavar="NAME", help="only this one; repeatable"
    )
    parser.add_argument("--json", default="", metavar="FILE", help="also write the report as JSON")
    parser.add_argument("--sarif", default="", metavar="FILE", help="also write it as SARIF 2.1.0")
    parser.add_argument(
        "--github", action="store_true", help="also say findings as GitHub annotations"
    )
    return parser
