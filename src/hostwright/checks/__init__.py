"""Checks: pure functions from what was read or rendered to findings.

They start no process, read no clock and no environment; :mod:`hostwright.validate` brings them what
the engines rendered. Every check has an id in kebab-case, listed in :mod:`hostwright.checks.ids`.
"""
