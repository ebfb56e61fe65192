"""A small provider of our own, with every shape that schemas have, and what tests do with it."""

from __future__ import annotations

from contextlib import contextmanager
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from hostwright import toolchain
from hostwright.terraform.cli import Workbench, workbench
from hostwright.terraform.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hostwright.terraform.plan import Plan

REQUIRES = """
terraform {
  required_providers {
    lab = {
      source  = "hashicorp/lab"
      version = ">= 1.2, < 2"
    }
  }
}
"""


def attribute(type_: Any, *flags: str) -> dict[str, Any]:  # noqa: ANN401 - a type expression
    return {"type": type_, **dict.fromkeys(flags, True)}


def nested(mode: str, body: dict[str, Any], **limits: int) -> dict[str, Any]:
    return {"nesting_mode": mode, "block": body, **limits}


ID = {"id": attribute("string", "optional", "computed")}
PORT = {
    "attributes": {"name": attribute("string", "required"), "port": attribute("number", "computed")}
}

RESOURCES: dict[str, Any] = {
    "lab_database": {
        "attributes": {
            **ID,
            "name": attribute("string", "required"),
            "size": attribute("number", "optional", "computed"),
            "address": attribute("string", "computed"),
            "port": attribute("number", "computed"),
            "public": attribute("bool", "computed"),
            "addresses": attribute(["list", "string"], "computed"),
            "certificates": attribute(
                ["list", ["object", {"pem": "string", "days": "number"}]], "computed"
            ),
            "labels": attribute(["map", "string"], "optional", "computed"),
            "password_wo": attribute("string", "optional", "write_only"),
        },
        "block_types": {
            "listener": nested("list", PORT, max_items=2),
            "timeouts": nested(
                "single", {"attributes": {"create": attribute("string", "optional")}}
            ),
        },
    },
    "lab_network": {
        "attributes": {
            **ID,
            "range": attribute("string", "required"),
            "zones": attribute(["set", "string"], "optional"),
        },
        "block_types": {
            "rule": nested("set", PORT),
            "owner": nested(
                "list",
                {
                    "attributes": {"mail": attribute("string", "required")},
                    "block_types": {
                        "secret": nested(
                            "list",
                            {
                                "attributes": {
                                    "text_wo": attribute("string", "optional", "write_only")
                                }
                            },
                        )
                    },
                },
                min_items=1,
                max_items=1,
            ),
        },
    },
    "lab_file": {
        "attributes": {
            **ID,
            "content": attribute("string", "optional"),
            "secret_wo": attribute("string", "optional", "write_only"),
            "anything": attribute("dynamic", "optional", "computed"),
        },
        "block_types": {
            "open": nested(
                "list",
                {
                    "attributes": {
                        "anything": attribute("dynamic", "optional"),
                        "port": attribute("number", "computed"),
                    }
                },
            )
        },
    },
}

DATA_SOURCES: dict[str, Any] = {
    "lab_zones": {
        "attributes": {
            **ID,
            "region": attribute("string", "optional"),
            "names": attribute(["list", "string"], "computed"),
        }
    }
}


def versioned(blocks: dict[str, Any]) -> dict[str, Any]:
    return {name: {"version": 0, "block": block} for name, block in blocks.items()}


LAB = Schema.from_json(
    {
        "source": {
            "package": "lab-bindings",
            "package_version": "7.0.0",
            "sha256": "",
            "provider_version": "1.2.3",
            "license": "MIT",
        },
        "provider_schemas": {
            "hashicorp/lab": {
                "provider": {
                    "version": 0,
                    "block": {"attributes": {"region": attribute("string", "optional")}},
                },
                "resource_schemas": versioned(RESOURCES),
                "data_source_schemas": versioned(DATA_SOURCES),
            }
        },
    }
)


def write(directory: Path, text: str, **files: str) -> Path:
    """A directory with these files (``tests__main`` is ``tests/main.tftest.hcl``), and versions."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "versions.tf").write_text(REQUIRES)
    (directory / "main.tf").write_text(dedent(text))
    for name, content in files.items():
        within, _, stem = name.rpartition("__")
        suffix = "tftest.hcl" if within == "tests" else "tf"
        (directory / within).mkdir(exist_ok=True)
        (directory / within / f"{stem}.{suffix}").write_text(dedent(content))
    return directory


@contextmanager
def bench(directory: Path, text: str, **files: str) -> Iterator[Workbench]:
    """A workbench for these files, with the lab's provider and the packaged Terraform."""
    module = write(directory, text, **files)
    with workbench(module, [LAB], tool=toolchain.pinned("terraform")) as opened:
        yield opened


def planned(directory: Path, text: str, /, **variables: object) -> Plan:
    """The plan for this text."""
    with bench(directory, text) as opened:
        plan, said = opened.plan(variables)
    assert plan, [str(each) for each in said]
    return plan
