"""Prove on real servers what the README claims: three tables, each row measured and judged.

``cases`` says what is tried, ``rows`` what is written down of it and when that breaks the promise;
both are pure. ``stage`` is the server and its operator, ``bullet`` what happens to a runner there;
``load``, ``kill`` and ``restore`` try the cases. ``store`` keeps each row as soon as it is done, so
that a session goes on where the last one ended, and ``tables`` writes what people read.
"""

from __future__ import annotations
