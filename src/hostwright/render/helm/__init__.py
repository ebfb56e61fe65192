"""Render the chart with real Helm from values that can be recognised, and read back what arrives.

::

    for choice in choices(contract):
        manifest = render(choice, paths.CHART, toolchain.provide("helm-4"))
        checked, rendered = check(manifest, choice)

What each role must get is computed from the values by the contract alone (:mod:`.expected`), so a
chart that writes a literal of its own, swaps two variables or loses a role's value is told.
"""

from hostwright.render.helm.choices import Choice, choices, of_values, one
from hostwright.render.helm.expected import Expected, expected
from hostwright.render.helm.reading import check, gates, render, rendered

__all__ = [
    "Choice",
    "Expected",
    "check",
    "choices",
    "expected",
    "gates",
    "of_values",
    "one",
    "render",
    "rendered",
]
