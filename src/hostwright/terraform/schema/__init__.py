"""Schemas of Terraform providers: read from their bindings, committed in a trimmed form."""

from hostwright.terraform.schema.model import Attribute, Block, Nested, Schema, Source, Type

__all__ = ["Attribute", "Block", "Nested", "Schema", "Source", "Type"]
