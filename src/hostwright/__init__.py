"""Host one application on five targets from one proven env contract."""

__version__ = "0.1.0"
