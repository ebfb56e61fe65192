"""The contract itself: its own errors as findings, and what a contract should not demand or omit.

The contract's loader refuses what makes no sense; the rules here find what makes sense and is wrong
all the same, each of them seen in a real contract.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hostwright.checks.finding import Checked, Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from hostwright.contract.located import Located
    from hostwright.contract.models import Contract, Variable
    from hostwright.errors import ContractError

    Rule = Callable[[Contract], Iterator[tuple[tuple[str, ...], str, str, str]]]

#: Spellings that other blueprints use for a canonical input, as patterns of its whole name.
SPELLINGS = {
    r"(db|database|sql)_(user|username|admin|admin_user|owner)|db_admin": ("db_admin_username"),
    r"(database|sql)_name": "db_name",
    r"(api_|web_|worker_)?(desired_count|min_count|min_replicas|min_size|replicas|replica_count)": (
        "{api,web,worker}_min_instances"
    ),
    r"(api_|web_|worker_)?(max_count|max_replicas|max_size)": "{api,web,worker}_max_instances",
    r"(api_|web_|worker_)?(memory|mem|memory_mb|memory_limit|ram)": "{api,web,worker}_memory_mib",
    r"(api_|web_|worker_)?(cpus|cpu_units|vcpu|cpu_limit)": "{api,web,worker}_cpu",
    r"(public_url|site_url|frontend_url|web_url)": "app_public_url",
    r"(domain|domain_name|web_domain|site_domain|host_name)": "app_domain",
    r"(bucket|bucket_name|s3_bucket_name|container_name)": "storage_bucket_name",
    r"(project|name_prefix|prefix)": "project_name",
    r"(env|stage|environment_name)": "environment",
    r"(location|aws_region|gcp_region|azure_location)": "region",
}
#: Inputs that hold one unit, said by their name, as a plain number.
UNITS = ("_memory_mib", "_cpu", "_instances", "_days")
#: Endings of a variable that chooses a vendor.
CHOICE = "_PROVIDER"
_FAULT = re.compile(
    r"^(?P<file>[^\s:][^:]*):(?P<line>\d+)(?:: (?P<path>[\w.\[\]-]+))?: (?P<what>.*)$"
)


def check(contract: Contract, document: Located) -> Checked:
    """Every rule of this module; *document* gives the lines."""
    findings = [
        Finding(name, "", document.file, document.line(path), "", _variable(path), message, remedy)
        for rule in RULES
        for path, name, message, remedy in rule(contract)
    ]
    count = len(contract.variables) + len(contract.inputs)
    return Checked(count, tuple(sorted(findings)))


def broken(error: ContractError, file: str) -> list[Finding]:
    """The loader's error as findings, one for each line of it that names a place."""
    lines = str(error).splitlines()
    found = [finding for line in lines if (finding := _broken(line.strip()))]
    return found or [
        Finding("contract", "", file, 1, "", "", error.what, error.remedy or "Correct it.")
    ]


def _broken(line: str) -> Finding | None:
    match = _FAULT.match(line)
    if not match:
        return None
    what, _, remedy = match["what"].partition(". ")
    keys = tuple((match["path"] or "").split("."))
    message = f"{match['path']}: {what}" if match["path"] else what
    return Finding(
        "contract",
        "",
        match["file"],
        int(match["line"]),
        keys[1] if keys[0] == "roles" and len(keys) > 1 else "",
        _variable(keys),
        message.rstrip("."),
        remedy or "Correct it.",
    )


def _variable(path: tuple[str, ...]) -> str:
    return path[1] if path[:1] == ("variables",) and len(path) > 1 else ""


def demanded_whatever_is_chosen(
    contract: Contract,
) -> Iterator[tuple[tuple[str, ...], str, str, str]]:
    """A vendor's variables are required only where a vendor is chosen."""
    choices = [name for name, item in contract.variables.items() if _is_choice(name, item)]
    vendors = {
        value.partition("_")[0] for name in choices for value in contract.variables[name].allowed
    }
    for name, variable in contract.variables.items():
        vendor = name.partition("_")[0].lower()
        conditional = {other for condition in variable.when for other in condition} & set(choices)
        if variable.required and vendor in vendors and name not in choices and not conditional:
            yield (
                ("variables", name, "required"),
                "demanded-whatever-is-chosen",
                f"is required whatever {' and '.join(choices)} say",
                f"Add a condition, such as when: {{{choices[0]}: […]}}.",
            )


def _is_choice(name: str, variable: Variable) -> bool:
    return name.endswith(CHOICE) and bool(variable.allowed)


def secrets_nobody_demands(
    contract: Contract,
) -> Iterator[tuple[tuple[str, ...], str, str, str]]:
    """A secret without a condition is required in production: without it there is no security."""
    for name, variable in contract.variables.items():
        if variable.secret and not variable.when and "production" not in variable.required:
            yield (
                ("variables", name),
                "secret-not-demanded",
                "is a secret that nobody demands: production starts without it",
                "Add production to required, or a condition.",
            )


def spellings(contract: Contract) -> Iterator[tuple[tuple[str, ...], str, str, str]]:
    """An input has one spelling, the canonical one, and its unit is in its name."""
    for name, item in contract.inputs.items():
        canonical = canonical_for(name)
        if canonical:
            yield (
                ("inputs", name),
                "input-spelling",
                f"{name} is another spelling of {canonical}",
                f"Use {canonical} on every target.",
            )
        numeric = name.endswith(UNITS)
        defaults = item.default.values() if isinstance(item.default, dict) else [item.default]
        for default in defaults if numeric else ():
            if default is not None and not isinstance(default, (int, float)):
                yield (
                    ("inputs", name, "default"),
                    "input-spelling",
                    f"{name} has the default {default!r}, which is no plain number",
                    "Write the number alone: the unit is part of the name.",
                )


def canonical_for(name: str) -> str:
    """The canonical input that *name* is another spelling of; empty if it is none."""
    return next((item for text, item in SPELLINGS.items() if re.fullmatch(text, name)), "")


def interpolated(names: Iterable[tuple[str, int]], file: str, target: str) -> Iterator[Finding]:
    """The same for the names that a blueprint takes from its surroundings, with their lines."""
    first: dict[str, int] = {}
    for name, line in names:
        first[name] = min(line, first.get(name, line))
    for name, line in first.items():
        canonical = canonical_for(name.lower())
        if canonical:
            yield Finding(
                "input-spelling",
                target,
                file,
                line,
                "",
                name,
                f"is another spelling of the input {canonical}",
                f"Call it {canonical.upper()}.",
            )


def stale(files: Iterable[str]) -> Checked:
    """Generated files that differ from what the contract gives."""
    found = [
        Finding(
            "export-stale",
            "",
            file,
            0,
            "",
            "",
            "is not what the contract gives",
            "Run `invoke contract.export`, and commit the result.",
        )
        for file in files
    ]
    return Checked(len(found), tuple(found))


RULES: tuple[Rule, ...] = (demanded_whatever_is_chosen, secrets_nobody_demands, spellings)
