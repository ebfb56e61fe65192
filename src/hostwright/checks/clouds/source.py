"""Where a planned thing is written, as findings name it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hostwright.terraform.lines import Sources


@dataclass(frozen=True)
class Source:
    """The files of one blueprint.

    Args:
        directory: Relative to the repository: ``ops/infra/gcp``.
        blocks: What stands in them.
    """

    directory: str
    blocks: Sources

    def line(self, address: str) -> tuple[str, int]:
        """File and line of ``aws_vpc.main``, ``var.region``, ``output.url``; else the directory.

        What is missing stands nowhere: it is named by the file that it belongs in, ``outputs.tf``.
        """
        if address.endswith(".tf"):
            return f"{self.directory}/{address}", 0
        place = self.blocks.place(address)
        return (f"{self.directory}/{place.file}", place.line) if place.file else (self.directory, 0)
