"""What the schema provider answers, method by method; bytes in, bytes out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from hostwright.terraform.provider import messages
from hostwright.terraform.provider.decide import completed, unconfigurable, written
from hostwright.terraform.provider.marks import Marks, undecided
from hostwright.terraform.provider.messages import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hostwright.terraform.provider.marks import Kind, Subject
    from hostwright.terraform.provider.values import Object
    from hostwright.terraform.schema.model import Block, Schema

#: Whether what is computed has a mark in a plan, or is unknown as a cloud would leave it until it
#: is applied. Terraform plans once more before it applies, and then refuses a plan with marks.
Mode = Literal["known", "unknown"]

_NO_IMPORT = Fault("Nothing to import", "The schema provider has no resources of its own.")


class Service:
    """One provider: its schema, and how computed values are given."""

    def __init__(self, schema: Schema, mode: Mode, marks: Marks) -> None:
        self.schema = schema
        self.mode = mode
        self.marks = marks
        self._schema_response = messages.schema_response(schema)

    def methods(self) -> dict[str, Callable[[bytes], bytes]]:
        """The protocol's methods; those left out are optional, and Terraform does without."""
        return {
            "GetProviderSchema": lambda _: self._schema_response,
            "ValidateProviderConfig": _nothing,
            "ValidateResourceConfig": partial(self._validate, self.schema.resources),
            "ValidateDataResourceConfig": partial(self._validate, self.schema.data_sources),
            "ConfigureProvider": _nothing,
            "ReadDataSource": self._read_data_source,
            "PlanResourceChange": self._plan,
            "ApplyResourceChange": self._apply,
            "ReadResource": lambda request: messages.raw_state_response(
                messages.current_state(request)
            ),
            "UpgradeResourceState": lambda request: messages.json_state_response(
                messages.stored_state(request)
            ),
            "ImportResourceState": lambda _: messages.faults_response(2, [_NO_IMPORT]),
            "StopProvider": _nothing,
        }

    def _validate(self, blocks: Mapping[str, Block], request: bytes) -> bytes:
        asked = messages.typed(request)
        return messages.faults_response(1, unconfigurable(blocks[asked.type], asked.config))

    def _read_data_source(self, request: bytes) -> bytes:
        asked = messages.typed(request)
        block = self.schema.data_sources[asked.type]
        subject = self._subject("data", asked.type, block, asked.config)
        # What is read is known, in a real plan too.
        decide = partial(self.marks.value, subject)
        return messages.state_response(completed(block, asked.config, decide))

    def _plan(self, request: bytes) -> bytes:
        asked = messages.change(request)
        if asked.proposed is None:
            return messages.state_response(None)
        block = self.schema.resources[asked.type]
        if self.mode == "unknown":
            return messages.state_response(
                completed(block, asked.proposed, undecided, config=asked.config)
            )
        subject = self._subject("resource", asked.type, block, asked.config)
        for path, value in written(block, asked.config):
            self.marks.write(subject, path, value)
        decide = partial(self.marks.value, subject)
        planned = completed(block, asked.proposed, decide, config=asked.config)
        return messages.state_response(planned)

    def _apply(self, request: bytes) -> bytes:
        asked = messages.applied(request)
        if asked.planned is None:
            return messages.state_response(None)
        block = self.schema.resources[asked.type]
        subject = self._subject("resource", asked.type, block, asked.config)
        decide = partial(self.marks.value, subject)
        return messages.state_response(completed(block, asked.planned, decide))

    def _subject(self, kind: Kind, type_: str, block: Block, config: Object) -> Subject:
        lasting = completed(block, config, lambda _path, _of: None)
        return self.marks.subject(kind, type_, lasting)


def _nothing(_request: bytes) -> bytes:
    return b""
