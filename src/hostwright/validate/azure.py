"""The jobs that prove the Azure blueprint."""

from functools import partial

from hostwright.validate import clouds

jobs = partial(clouds.jobs, "azure")
