"""Migrations of the probe's schema; README.md says what the extra ones are for."""
