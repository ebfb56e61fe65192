"""What docs, messages and comments name as a command is one that there is, flags included."""

from __future__ import annotations

import pytest
from tests.docs.command_lines import Known, backticked, commands, ghosts, tasks_named
from tests.docs.known import known, reference, verb_flags
from tests.docs.page import Page
from tests.docs.tree import files, pages

from hostwright import paths
from hostwright.docs.model import TOP

FENCES = "```sh\n{}\n```\n"
#: A few tasks, sessions and verbs, all of them made up.
SOME = Known(
    tasks={
        "doctor": {"--json": False},
        "vps.deploy": {"--host": True, "-h": True, "--dry-run": False, "--image": True},
        "vps.status": {"--host": True, "--json": False},
        "vps.secrets.diff": {"--host": True},
        "gcp.plan": {"--var-file": True},
        "setup.ask": {"--out": True},
        "setup": {"--out": True},
    },
    core={"--echo": False, "-e": False, "--list": False, "-l": False, "--help": False, "-f": True},
    sessions={
        "lint": "",
        "tests": "pytest",
        "validate": "python -m hostwright validate",
        "validate_gcp": "python -m hostwright validate",
        "constraints": "its own tool",
    },
    tags={"validate"},
    verbs={"validate": {"--target", "--json"}, "crds": set()},
)

GOOD = [
    "invoke doctor",
    "invoke doctor --json",
    "invoke --list",
    "invoke -l vps",
    "invoke --help vps.deploy",
    "invoke --echo vps.deploy --host shop",
    "invoke vps.deploy --host shop --dry-run   # what --would be done",
    "invoke vps.deploy --host=shop -h shop",
    "invoke vps.deploy --host shop vps.status --host shop --json",
    "invoke vps.deploy --help",
    "invoke vps.deploy --host shop --echo",
    "invoke vps.secrets.diff --host shop,blog",
    "invoke vps.status --host 'a b' --json",
    'invoke vps.status --host "it\'s" --json',
    "invoke vps.deploy --host shop -- python -m probe --gone status",
    "invoke setup --out x && invoke setup.ask --out y",
    "FOO=bar .venv/bin/invoke doctor; nox -s lint",
    "$ invoke doctor",
    "- run: nox -s lint",
    "x=$(invoke doctor --json)",
    "invoke vps.deploy \\\n  --host shop \\\n  --dry-run",
    "nox",
    "nox -l",
    "nox -s lint tests",
    "nox --session validate -- --target gcp --json report.json",
    "nox -s tests -- -k test_run --maxfail=1",
    "nox -s constraints -- --upgrade",
    "nox -t validate",
    "python -m hostwright",
    "python -m hostwright crds ../clone v1",
    "python3 -m hostwright validate --target=gcp",
    # To be filled in.
    "invoke TASK --image x",
    "invoke vps.… --host shop",
    "invoke <cloud>.plan --var-file prod.tfvars",
    "invoke {target}.plan",
    "nox -s validate_<cloud>",
    "nox -s SESSION",
    "invoke vps.deploy [--dry-run]",
    # Of others.
    "git clone <this repository> && cd hostwright",
    "invoked by hand --gone",
    "nosuch -s gone",
    "validate  invoke vps.gone ── ssh ──▶ runner",
]

GHOSTS = [
    ("invoke vps.deplyo --host shop", ["there is no task vps.deplyo"]),
    ("invoke vps --host shop", ["there is no task vps"]),
    ("invoke vps.deploy --hots shop", ["there is no flag --hots"]),
    ("invoke vps.status --dry-run", ["there is no flag --dry-run"]),
    ("invoke vps.deploy --dry-run vps.gone", ["there is no task vps.gone"]),
    (
        "invoke vps.deploy --dry-run vps.status --image x",
        ["there is no flag --image"],
    ),
    ("invoke --nope doctor", ["there is no flag --nope"]),
    ("invoke doctor --gone=1", ["there is no flag --gone"]),
    ("invoke <cloud>.gone", ["there is no task <cloud>.gone"]),
    ("invoke TASK --gone", ["there is no flag --gone"]),
    ("cd x && invoke gone | tee log", ["there is no task gone"]),
    ("FOO=bar .venv/bin/invoke gone", ["there is no task gone"]),
    ("invoke vps.deploy \\\n  --host shop \\\n  --gone", ["there is no flag --gone"]),
    ("$ invoke gone", ["there is no task gone"]),
    ("- run: nox -s gone", ["there is no session gone"]),
    ("echo a; nox -s lint gone", ["there is no session gone"]),
    ("nox --session gone", ["there is no session gone"]),
    (
        "nox -s validate what is missing",
        [f"there is no session {w}" for w in ("what", "is", "missing")],
    ),
    ("nox -t gone", ["there is no tag gone"]),
    ("nox -s lint --gone", ["there is no flag --gone"]),
    ("nox gone", ["nox takes no word gone"]),
    ("nox -s validate_<zone>s", ["there is no session validate_<zone>s"]),
    ("nox -s validate -- --gone x", ["there is no flag --gone"]),
    ("nox -s lint -- --fix", ["session lint takes no words"]),
    ("python -m hostwright gone", ["there is no verb gone"]),
    ("python -m hostwright crds --json", ["there is no flag --json"]),
    ("python3 -m hostwright validate --targt=gcp", ["there is no flag --targt"]),
]


def told(text: str) -> list[str]:
    """What is wrong with the commands of a page of that text, without where they stand."""
    return [
        ghost.rpartition(": ")[2]
        for each in commands(Page("a.md", text))
        for ghost in ghosts(each, SOME)
    ]


# --- the reader of command lines -----------------------------------------------------------------


@pytest.mark.parametrize("line", GOOD)
def test_a_command_that_is_there_is_let_through(line: str) -> None:
    assert told(FENCES.format(line)) == []


@pytest.mark.parametrize(("line", "expected"), GHOSTS)
def test_a_ghost_is_found(line: str, expected: list[str]) -> None:
    assert told(FENCES.format(line)) == expected


@pytest.mark.parametrize(
    ("line", "expected"), [row for row in GHOSTS if row[0].startswith("invoke")]
)
def test_a_ghost_is_found_in_a_line_of_prose(line: str, expected: list[str]) -> None:
    assert told(f"Run `{line.replace(chr(92), '')}` now.\n") == expected


def test_a_command_is_found_with_its_line_wherever_it_stands() -> None:
    text = (
        "# A\n\nA `nox\n-s lint` in\nprose: `invoke doctor`.\n\n"
        "- x\n\n  ```sh\n  a\n  invoke doctor\n  ```\n\n"
        "| a |\n|---|\n| `invoke vps.deploy` |\n\n> `invoke vps.status`\n\n    nox -s tests\n"
    )
    found = [str(each) for each in commands(Page("a.md", text))]
    assert sorted(found) == [
        "a.md:11: invoke doctor",
        "a.md:16: invoke vps.deploy",
        "a.md:18: invoke vps.status",
        "a.md:20: nox -s tests",
        "a.md:3: nox -s lint",
        "a.md:5: invoke doctor",
    ]


def test_a_task_is_found_where_it_is_named_alone() -> None:
    text = "`vps.deploy --dry-run`, `vps.gone`, `vps.deploy --gone`, `vps.yaml`, `vps.a.md`, `a.b`"
    found = list(tasks_named(Page("a.md", text), {"vps"}))
    assert [" ".join(each.words) for each in found] == [
        "invoke vps.deploy --dry-run",
        "invoke vps.gone",
        "invoke vps.deploy --gone",
    ]
    wrong = [ghost.rpartition(": ")[2] for each in found for ghost in ghosts(each, SOME)]
    assert wrong == ["there is no task vps.gone", "there is no flag --gone"]


def test_a_command_in_a_text_that_is_no_markdown_is_found_in_backticks() -> None:
    text = '# run `invoke doctor`\nraise E(remedy="`invoke vps.gone` first.")\ninvoke gone\n'
    found = list(backticked(text, "a.py"))
    assert [str(each) for each in found] == ["a.py:1: invoke doctor", "a.py:2: invoke vps.gone"]
    assert not ghosts(found[0], SOME)
    assert ghosts(found[1], SOME)


def test_the_flags_of_a_verb_are_read_from_its_module() -> None:
    by_argparse = 'def f(p):\n    p.add_argument("-q", "--quiet", help="--no")\n'
    by_hand = 'X = "--no"\ndef main(words):\n    return "--check" in words or "a --b"\n'
    assert verb_flags(by_argparse) == {"-q", "--quiet"}
    assert verb_flags(by_hand) == {"--check"}


# --- what there is -------------------------------------------------------------------------------


def test_what_there_is_has_been_read() -> None:
    assert known().tasks["vps.deploy"]["--host"]
    assert not known().tasks["vps.deploy"]["--dry-run"]
    assert not known().core["--echo"]
    assert {"--target", "--json"} <= set(known().verbs["validate"])
    assert known().sessions["tests"] == "pytest"


@pytest.mark.parametrize("path", pages())
def test_a_page_names_no_command_that_is_not_there(path: str) -> None:
    namespaces = {task.namespace for task in reference().tasks} - {TOP, "images"}
    page = pages()[path]
    # images.api and such are keys of hosts.yaml.
    found = [*commands(page), *tasks_named(page, namespaces)]
    assert [ghost for each in found for ghost in ghosts(each, known())] == []


def test_no_message_or_comment_names_a_command_that_is_not_there() -> None:
    others = [
        name for name in files() if not name.endswith(".md") and not name.startswith("tests/")
    ]
    found = [each for name in sorted(others) for each in backticked(_text(name), name)]
    assert len(found) > 100
    assert [ghost for each in found for ghost in ghosts(each, known())] == []


def _text(name: str) -> str:
    return (paths.ROOT / name).read_text(encoding="utf-8", errors="replace")
