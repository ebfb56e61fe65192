"""The jobs that prove the AWS blueprint."""

from functools import partial

from hostwright.validate import clouds

jobs = partial(clouds.jobs, "aws")
