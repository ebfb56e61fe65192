from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hostwright.checks.finding import Checked, Finding
from hostwright.render.model import Rendered, Source
from hostwright.report.model import Proof
from hostwright.validate import cache
from hostwright.validate.job import Job, Outcome

if TYPE_CHECKING:
    from pathlib import Path

FINDING = Finding("parity", "gcp", "ops/infra/gcp/services.tf", 3, "api", "PORT", "is set", "Go.")
OUTCOME = Outcome(
    Checked(7, (FINDING,)),
    Rendered(
        "gcp",
        "ops/infra/gcp",
        {"api": {"PORT": Source("literal", "8000", secret_slot=False, line=4)}},
        {"api": 3},
        {"api": "ops/infra/gcp/services.tf"},
    ),
    (Proof("schema", "google 8.7.0", "well-formed"),),
    ("a thing: no registry",),
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOSTWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Worker:
    def __init__(self, outcome: Outcome = OUTCOME) -> None:
        self.outcome, self.calls = outcome, 0

    def __call__(self) -> Outcome:
        self.calls += 1
        return self.outcome


def test_a_second_run_with_the_same_key_gives_the_same_outcome_without_work() -> None:
    worker = Worker()
    first, second = (cache.remembered(Job("plan", worker), "key").work() for _ in range(2))
    assert first == second == OUTCOME
    assert worker.calls == 1


@pytest.mark.parametrize(
    ("job", "key"), [("plan", "other"), ("test", "key")], ids=["another key", "another job"]
)
def test_another_key_or_job_is_done_anew(job: str, key: str) -> None:
    worker = Worker()
    cache.remembered(Job("plan", worker), "key").work()
    cache.remembered(Job(job, worker), key).work()
    assert worker.calls == 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"checked": {}}', '{"checked": 3}'])
def test_a_broken_file_only_costs_the_work(own_cache: Path, text: str) -> None:
    worker = Worker()
    cache.remembered(Job("plan", worker), "key").work()
    [file] = (own_cache / "validate").iterdir()
    file.write_text(text)
    assert cache.remembered(Job("plan", worker), "key").work() == OUTCOME
    assert worker.calls == 2


def test_a_cache_that_cannot_be_written_is_no_failure(own_cache: Path) -> None:
    own_cache.write_text("a file where a directory should be")
    assert cache.remembered(Job("plan", Worker()), "key").work() == OUTCOME


def test_a_failure_is_not_remembered() -> None:
    def fails() -> Outcome:
        raise OSError("no disk")

    with pytest.raises(OSError, match="no disk"):
        cache.remembered(Job("plan", fails), "key").work()
    assert cache.remembered(Job("plan", Worker()), "key").work() == OUTCOME


def test_what_terraform_keeps_of_a_persons_own_work_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text("a")
    before = cache.digest([tmp_path])
    own = tmp_path / ".terraform" / "providers"
    own.mkdir(parents=True)
    (own / "provider").write_bytes(b"x" * 1000)
    (tmp_path / "terraform.tfstate").write_text("{}")
    (tmp_path / "terraform.tfstate.backup").write_text("{}")
    assert cache.digest([tmp_path]) == before


def test_the_digest_follows_content_and_names_of_files(tmp_path: Path) -> None:
    place = tmp_path / "blueprint"
    place.mkdir()
    (place / "main.tf").write_text("a")
    first = cache.digest([place, "text"])
    assert cache.digest([place, "text"]) == first
    (place / "main.tf").write_text("b")
    second = cache.digest([place, "text"])
    (place / "more.tf").write_text("")
    assert len({first, second, cache.digest([place, "text"]), cache.digest([place])}) == 4
