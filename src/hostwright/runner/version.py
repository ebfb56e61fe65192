"""Which runner this is.

The archive builder replaces this module by one that names the hash of all sources, so that the
laptop can tell whether the host runs the same code.
"""

from __future__ import annotations

VERSION = "source"
