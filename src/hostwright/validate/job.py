"""Jobs: pieces of validation that need nothing of each other, and their outcomes."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hostwright.checks.finding import Checked
    from hostwright.render.model import Rendered
    from hostwright.report.model import Proof

#: Every job waits for a process most of its time; more of them only take each other's processor.
WORKERS = 4


@dataclass(frozen=True)
class Outcome:
    """What a job found.

    Args:
        checked: Checks made, and findings.
        rendered: What the roles get, from the one job of a target that says so.
        proofs: What it was proven against.
        not_run: What could not be proven here, and why.
    """

    checked: Checked
    rendered: Rendered | None = None
    proofs: tuple[Proof, ...] = ()
    not_run: tuple[str, ...] = ()


@dataclass(frozen=True)
class Job:
    """One piece of work.

    Args:
        name: What is being done, for whoever watches.
        work: Does it.
        view: Which view of the blueprint it looks at, where its findings may repeat another job's.
    """

    name: str
    work: Callable[[], Outcome]
    view: str = ""


class Done(NamedTuple):
    """A job with its outcome and the seconds it took."""

    job: Job
    outcome: Outcome
    seconds: float


@dataclass
class Watch:
    """Told as jobs begin and end, and when there will be no more; the default says nothing."""

    begin: Callable[[Job], None] = field(default=lambda _: None)
    end: Callable[[Done], None] = field(default=lambda _: None)
    close: Callable[[], None] = field(default=lambda: None)


def run(jobs: Sequence[Job], watch: Watch) -> list[Done]:
    """Run *jobs* side by side; outcomes in the order of the jobs.

    Raises:
        HostwrightError: The first that a job raised, once those that run have ended.
    """
    with ThreadPoolExecutor(WORKERS) as pool:
        futures = {pool.submit(_timed, job, watch): job for job in jobs}
        try:
            for future in as_completed(futures):
                watch.end(future.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        finally:
            watch.close()
        return [future.result() for future in futures]


def _timed(job: Job, watch: Watch) -> Done:
    watch.begin(job)
    begun = time.monotonic()
    outcome = job.work()
    return Done(job, outcome, time.monotonic() - begun)
