"""What both majors print, verbatim."""

from __future__ import annotations

import pytest

from hostwright.helm.messages import Place, Problem, complaints, place, problems, shortened

THREE = """\
Error: values don't meet the specifications of the schema(s) in the following chart(s):
app:
- (root): Additional property foo is not allowed
- (root): api is required
- b: q is required
- b.c: b.c must be one of the following: "x", "y"
- b.l.0: Invalid type. Expected: string, given: integer

"""
FOUR = """\
Error: values don't meet the specifications of the schema(s) in the following chart(s):
app:
- at '': validation failed
  - at '': additional properties 'foo', 'bar' not allowed
  - at '': missing property 'api'
- at '/b': validation failed
  - at '/b/c': value must be one of 'x', 'y'
  - at '/b/l/0': got number, want string
  - at '/b/m/a~1b': anyOf failed, none matched
    - at '/b/m/a~1b': got null, want string

"""
OURS = """\
Error: execution error at (app/templates/api/deployment.yaml:1:33): values.yaml api.env.X: is: so. \
Do this. [docs: docs/reference/chart-messages.md#x]
values.yaml web: is bad too. Do that. [docs: docs/reference/chart-messages.md#y-2]

Use --debug flag to render out invalid YAML
"""
NIL_FOUR = """\
Error: app/templates/validations.yaml:2:40
  executing "app/templates/validations.yaml" at <.Values.b.c.d>:
    nil pointer evaluating interface {}.c

Use --debug flag to render out invalid YAML
"""
LINT = """\
==> Linting ch
[INFO] Chart.yaml: icon is recommended
[ERROR] values.yaml: - at '': additional properties 'foo' not allowed

[ERROR] templates/: values don't meet the schema(s):
app:
- at '': additional properties 'foo' not allowed


Error: 1 chart(s) linted, 1 chart(s) failed
"""


NULL = "is null or missing. Remove its line to get the default."


def test_the_schemas_words_of_helm_3() -> None:
    assert problems(THREE) == (
        Problem("api", NULL),
        Problem("b.c", 'b.c must be one of the following: "x", "y"'),
        Problem("b.l[0]", "Invalid type. Expected: string, given: integer"),
        Problem("b.q", NULL),
        Problem("foo", "is not a value of the chart", unknown=True),
    )


def test_the_schemas_words_of_helm_4() -> None:
    assert problems(FOUR) == (
        Problem("api", NULL),
        Problem("b.c", "value must be one of 'x', 'y'"),
        Problem("b.l[0]", "got number, want string"),
        Problem("b.m.a/b", "got null, want string"),
        Problem("bar", "is not a value of the chart", unknown=True),
        Problem("foo", "is not a value of the chart", unknown=True),
    )


MANY = """\
Error: execution error at (app/templates/validations.yaml:4:6): 2 problems with the values:

env.A B: is not in the contract. Did you mean: nothing? [docs: docs/reference/chart-messages.md#a]
api.cpu: is 0. Raise it. [docs: docs/reference/chart-messages.md#b]


Use --debug flag to render out invalid YAML
"""


def test_our_own_words_below_a_line_that_counts_them() -> None:
    assert problems(MANY) == (
        Problem("env.A B", "is not in the contract. Did you mean: nothing?", "a"),
        Problem("api.cpu", "is 0. Raise it.", "b"),
    )


def test_our_own_words() -> None:
    assert problems(OURS) == (
        Problem("api.env.X", "is: so. Do this.", "x"),
        Problem("web", "is bad too. Do that.", "y-2"),
    )
    assert str(problems(OURS)[1]) == "values.yaml web: is bad too. Do that."
    assert str(problems(THREE)[0]) == f"values.yaml api: {NULL}"


@pytest.mark.parametrize(
    "stderr",
    [
        NIL_FOUR,
        "Error: execution error at (app/templates/a.yaml:5:33): needed it\n",
        "Error: values.yaml api: looks like ours but names no anchor.\n",
        "Error: open nofile.yaml: no such file or directory\n",
        "",
    ],
)
def test_anything_else_is_no_problem_of_the_values(stderr: str) -> None:
    assert problems(stderr) == ()


@pytest.mark.parametrize(
    ("stderr", "found"),
    [
        (NIL_FOUR, Place("templates/validations.yaml", 2)),
        (
            'Error: template: app/templates/x.yaml:2:40: executing "app/templates/x.yaml"',
            Place("templates/x.yaml", 2),
        ),
        (
            "Error: YAML parse error on app/templates/api/x.yaml: error",
            Place("templates/api/x.yaml", 0),
        ),
        ("Error: open nofile.yaml: no such file", None),
    ],
)
def test_the_place_of_a_fault(stderr: str, found: Place | None) -> None:
    assert place(stderr) == found


def test_an_error_is_shown_without_advice_that_does_not_help() -> None:
    assert shortened(NIL_FOUR).startswith("app/templates/validations.yaml:2:40")
    assert shortened(NIL_FOUR).endswith("interface {}.c")


def test_lines_of_lint_keep_what_follows_them() -> None:
    assert [(each.severity, each.file) for each in complaints(LINT)] == [
        ("info", "Chart.yaml"),
        ("error", "values.yaml"),
        ("error", "templates/"),
    ]
    assert complaints(LINT)[2].what.endswith(
        "app: - at '': additional properties 'foo' not allowed"
    )
