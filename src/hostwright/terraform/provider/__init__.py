"""The schema provider: answers Terraform with a provider's real schema, and with marks for values.

It proves that a configuration is well-formed against that schema, not that it can be applied: it
knows neither what values the cloud takes nor what the real provider checks beyond its schema.
"""

from hostwright.terraform.provider.marks import Mark, Marks, Subject
from hostwright.terraform.provider.server import SchemaProvider, serve
from hostwright.terraform.provider.service import Mode

__all__ = ["Mark", "Marks", "Mode", "SchemaProvider", "Subject", "serve"]
