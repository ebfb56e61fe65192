"""The jobs that prove the GCP blueprint."""

from functools import partial

from hostwright.validate import clouds

jobs = partial(clouds.jobs, "gcp")
