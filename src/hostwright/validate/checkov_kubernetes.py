"""Checkov's rules for Kubernetes, without those for everything else.

    python checkov_kubernetes.py DIRECTORY

It is started by its path, with the interpreter of checkov's own environment, and prints what
``checkov --framework kubernetes --output json`` would. The command line imports the rules of every
framework first, which takes longer than the scan; most of them are Terraform's, and come in with
the package that other modules lie in. So that package is put in place empty.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import sys
from pathlib import Path
from types import ModuleType

READ = ("check_id", "check_name", "file_line_range", "file_path", "guideline", "resource")


def without_rules(name: str) -> None:
    """Put a package in place whose modules can be imported, but whose own code is not run."""
    parent, _, last = name.rpartition(".")
    spec = importlib.util.find_spec(parent)
    places = spec.submodule_search_locations if spec else None
    package = ModuleType(name)
    package.__path__ = [str(Path(place) / last) for place in places or ()]
    sys.modules[name] = package


def main(directory: str) -> None:
    """Scan, and print the report."""
    logging.disable(logging.CRITICAL)
    without_rules("checkov.terraform")
    from checkov.kubernetes.runner import Runner
    from checkov.runner_filter import RunnerFilter

    only = RunnerFilter(framework=["kubernetes"])
    report = Runner().run(root_folder=directory, runner_filter=only)
    told = {
        "passed_checks": [_told(record) for record in report.passed_checks],
        "failed_checks": [_told(record) for record in report.failed_checks],
    }
    sys.stdout.write(json.dumps({"results": told}))


def _told(record: object) -> dict[str, object]:
    """What is read of a record, as the command line names it."""
    return {name: getattr(record, name) for name in READ}


if __name__ == "__main__":
    main(sys.argv[1])
