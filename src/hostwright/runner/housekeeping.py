"""What a host does by itself, soon after a deploy, a boot or a command that was cut off."""

from __future__ import annotations

#: The operations, as they sign the lock.
HOUSEKEEPING = frozenset({"cool", "resume"})
#: How long a command that meets it waits before its first request: a role may finish its
#: requests, and then its last job.
PATIENCE_SECONDS = 120.0
#: How long a request waits that finds it under way: it began since the command's last one.
BETWEEN_SECONDS = 20.0
