"""The tasks that people type: ``invoke --list``. They live in ``hostwright.tasks``."""

from hostwright.tasks import namespace

ns = namespace
