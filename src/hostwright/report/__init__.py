"""What validation found, for people and for programs.

:mod:`terminal` writes for people, :mod:`github` for pull requests, :mod:`document` as JSON and
:mod:`sarif` for code scanning. All of them are pure: a report in, text out.
"""

from hostwright.report.model import Part, Report, verdict

__all__ = ["Part", "Report", "verdict"]
