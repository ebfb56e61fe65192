"""Terraform without an account: real Terraform, against a provider's real schema, offline.

:mod:`~hostwright.terraform.cli` runs it on a directory; :mod:`~hostwright.terraform.plan` is what a
plan then looks like; :mod:`~hostwright.terraform.provider` answers Terraform in a provider's place,
with the schemas of :mod:`~hostwright.terraform.schema`.
"""
