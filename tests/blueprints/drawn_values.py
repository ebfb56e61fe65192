"""Values of the chart as hypothesis draws them: a preset, and changes to it, most of them sensible.

What may be drawn comes from the values' own schema. A change is one of three: a choice that people
make, which is several values at once; a value that the schema takes; anything else at all.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st
from tests.blueprints.charts import ENOUGH, PRESETS, read

from hostwright import paths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import SearchStrategy

    Json = dict[str, Any]

#: Those of the chart for editors, which demand nothing.
SCHEMA: Json = json.loads(paths.VALUES_SCHEMA.read_text(encoding="utf-8"))
CONTRACT: Json = json.loads((paths.CHART / "contract.json").read_text(encoding="utf-8"))
ZEROS = "0" * 64


class Case(NamedTuple):
    """What is installed: a preset by its name, changes laid over it, and the release's name."""

    preset: str
    changes: tuple[Json, ...] = ()
    name: str = "app"

    @property
    def values(self) -> Json:
        """The preset with the changes over it, nulls and all."""
        return _over(base(self.preset), *self.changes)


def base(preset: str) -> Json:
    """A preset's values; ENOUGH by the name ``enough``."""
    return ENOUGH if preset == "enough" else read(PRESETS[preset])


def _over(*values: Json) -> Json:
    """Values over each other; a null stays, so that Helm sees it."""
    whole: Json = {}
    for each in values:
        for key, value in each.items():
            below = whole.get(key)
            if isinstance(below, dict) and isinstance(value, dict):
                whole[key] = _over(below, value)
            else:
                whole[key] = value
    return whole


def at(path: str, value: object) -> Json:
    """Values with *value* at a dotted path."""
    for key in reversed(path.split(".")):
        value = {key: value}
    assert isinstance(value, dict)
    return value


def cases() -> SearchStrategy[Case]:
    """Cases, of which a good half is taken by the chart."""
    # Not one_of, which would flatten them: then most of what is drawn is of the largest kind.
    kinds = (_choices(), _choices(), _choices(), _sensible(), _valid(), _odd())
    change = st.sampled_from(kinds).flatmap(lambda kind: kind)
    return st.builds(
        Case,
        preset=st.sampled_from(["enough", *sorted(PRESETS)]),
        changes=st.lists(change, max_size=5).map(tuple),
        name=st.sampled_from(["app", "app", "app", ""]).flatmap(
            lambda name: st.just(name) if name else _release_names()
        ),
    )


def _release_names() -> SearchStrategy[str]:
    """What Helm itself takes as one: dots, digits and 53 characters."""
    part = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?", fullmatch=True)
    return st.one_of(part, st.sampled_from(["a", "x" * 44, "x" * 45, "x" * 53, "a.b", "0app"]))


# --- choices that people make --------------------------------------------------------------------

_CLIENT = "00000000-0000-0000-0000-00000000000"
_CHOICES: list[Json] = [
    {"environment": "development"},
    {"environment": "staging"},
    {"projectName": "shop"},
    {"appPublicUrl": "https://b.example.org:8443/path?q=1"},
    {"appPublicUrl": "http://localhost:3000", "environment": "development"},
    {"apiBaseUrl": "http://api.internal:8080/v1"},
    {"apiBaseUrl": "https://[2001:db8::1]:9443"},
    {"apiDomain": "api.example.org"},
    {"apiDomain": ""},
    {"secretsProvider": "gcp_sm", "env": {"GCP_SM_PROJECT_ID": "p"}},
    {"storageProvider": "minio", "env": {"MINIO_ENDPOINT": "10.0.0.1:9000"}},
    {"storageProvider": "gcs", "env": {"GCP_PROJECT_ID": "p", "GCS_SIGNING_EMAIL": "a@b"}},
    {"authKeyStorageProvider": "vault_hcp"},
    {"secrets": {"type": "existing"}},
    {"secrets": {"type": "external", "external": {"storeName": "s", "storeKind": "SecretStore"}}},
    {"secrets": {"type": "csi", "csi": {"provider": "aws", "parameters": {"region": "r"}}}},
    {"secrets": {"type": "csi", "csi": {"provider": "gcp", "parameters": {"project": "p"}}}},
    {"secrets": {"type": "csi", "csi": {"provider": "vault", "parameters": {"roleName": "r"}}}},
    {"secrets": {"revision": 2}},
    {"secrets": {"revision": "2026-01-31"}},
    {"secrets": {"references": {"VAULT_TOKEN": "vault#token"}}},
    {"worker": {"secrets": {"DATABASE_URL": "own#url"}}},
    {"identity": {"type": "none"}, **{r: {"identity": ""} for r in ("api", "worker", "migrate")}},
    {"identity": {"type": "azure"}, "api": {"identity": f"{_CLIENT}1"}},
    {
        "identity": {"type": "gcp"},
        "api": {"identity": "a@p.iam.gserviceaccount.com"},
        "worker": {"identity": "w@p.iam.gserviceaccount.com"},
    },
    {"routing": {"type": "none"}},
    {"routing": {"type": "gateway", "gateway": {"name": "g"}}, "appDomain": "a.example.org"},
    {"routing": {"type": "ingress", "ingress": {"className": "c"}}, "appDomain": "a.example.org"},
    {"autoscaling": {"type": "none"}},
    {"autoscaling": {"type": "hpa", "targetCpu": 50}},
    {"autoscaling": {"type": "keda"}},
    {"autoscaling": {"type": "keda"}, "worker": {"maxInstances": 9}},
    {"migrate": {"type": "none"}},
    {"migrate": {"type": "job", "attempt": 1_000_000}},
    {"migrate": {"type": "hook"}, "secrets": {"type": "existing"}},
    {"networkPolicy": {"enabled": False}},
    {"networkPolicy": {"egressPorts": [587, 10_000_000 % 65_535], "databasePort": 6543}},
    {"networkPolicy": {"ingressFrom": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}},
    {"networkPolicy": {"databaseRanges": ["2001:db8::/32"], "redisRanges": ["10.0.0.0/8"]}},
    {"databaseMaxConnections": 1000},
    {"databaseMaxConnections": 10},
    {"pods": {"user": 1_000_000_000, "group": 1_000_000_000}},
    {"pods": {"annotations": {"a/b": "$(HOME) {{ x }}"}, "labels": {"team": "yes"}}},
    {"pods": {"nodeSelector": {"kubernetes.io/os": "linux", "gpu": True}}},
    {"pods": {"imagePullSecrets": ["one", {"name": "two"}]}},
    {"api": {"minInstances": 1, "maxInstances": 1}},
    {"api": {"minInstances": 5, "maxInstances": 5}, "web": {"minInstances": None}},
    {"api": {"cpu": 0.25, "memoryMib": 1_048_576, "diskMib": 10_000_000}},
    {"web": {"preStopSeconds": 0}},
    {"web": {"preStopSeconds": 3600}},
    {"worker": {"image": "registry.example.org:5000/a/b:v1"}},
    {"worker": {"minInstances": 2, "maxInstances": 3}},
    {"env": {"LOG_LEVEL": "warning"}, "worker": {"env": {"LOG_LEVEL": "debug"}}},
    {"env": {"AGENT_FORCE_SECURE_COOKIES": True}, "web": {"env": {"LOG_LEVEL": "error"}}},
    {"global": {"anything": [1, {"a": None}]}, "enabled": True},
]


def _choices() -> SearchStrategy[Json]:
    return st.sampled_from(_CHOICES)


# --- what the schema takes -----------------------------------------------------------------------


def leaves(schema: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Path and schema of every value that is no block of others; names of other charts left out."""
    for key, item in schema["properties"].items():
        below = f"{path}.{key}" if path else key
        if item.get("deprecated"):
            continue
        if item.get("additionalProperties") is False:
            yield from leaves(item, below)
        else:
            yield below, item


LEAVES = dict(leaves(SCHEMA))
RENAMED = sorted(key for key, item in SCHEMA["properties"].items() if item.get("deprecated"))


def _valid() -> SearchStrategy[Json]:
    """One value that the schema takes."""
    return st.one_of([of(item).map(partial(at, path)) for path, item in LEAVES.items()])


def of(schema: Json) -> SearchStrategy[Any]:
    """Values that a schema takes."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([of(each) for each in schema["anyOf"]])
    kinds = schema.get("type", "string")
    if isinstance(kinds, list):
        return st.one_of([of({**schema, "type": kind}) for kind in kinds])
    return _OF_TYPE[kinds](schema)


def _text(schema: Json) -> SearchStrategy[str]:
    if "pattern" in schema:
        return st.from_regex(re.compile(schema["pattern"], re.ASCII))
    return st.sampled_from(TEXTS) if schema.get("minLength") else texts()


def _integer(schema: Json) -> SearchStrategy[int]:
    return st.integers(schema.get("minimum"), schema.get("maximum"))


def _number(schema: Json) -> SearchStrategy[float]:
    least, most = schema.get("minimum", -1e9), schema.get("maximum", 1e9)
    fine = st.floats(least, most, allow_nan=False)
    return st.one_of(fine, fine.map(lambda x: round(x, 3)), st.integers(int(least) + 1, int(most)))


def _object(schema: Json) -> SearchStrategy[Json]:
    known = {key: of(item) for key, item in schema.get("properties", {}).items()}
    more = schema.get("additionalProperties", {})
    if more is False:
        needed = schema.get("required", ())
        must = {key: item for key, item in known.items() if key in needed}
        may = {key: item for key, item in known.items() if key not in needed}
        found = st.fixed_dictionaries(must, optional=may)
        return found.filter(bool) if schema.get("minProperties") else found
    others = st.dictionaries(st.sampled_from(KEYS), of(more), max_size=2)
    one = [value.map(partial(_pair, key)) for key, value in known.items()]
    return st.one_of([*one, others]) if one else others


def _pair(key: str, value: object) -> Json:
    return {key: value}


def _array(schema: Json) -> SearchStrategy[list[Any]]:
    key = json.dumps if schema.get("uniqueItems") else None
    return st.lists(of(schema["items"]), max_size=3, unique_by=key)


_OF_TYPE = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": lambda _: st.booleans(),
    "null": lambda _: st.none(),
    "object": _object,
    "array": _array,
}


# --- values of variables that are as they should be ----------------------------------------------

_OF_VARIABLE: dict[str, list[Any]] = {
    "bool": [True, False, "true", "false"],
    "int": [0, 42, -7, "12", 1_000_000],
    "port": [1, 8080, 65_535],
    "url": ["https://x.example.org", "http://10.0.0.1:8200/v1", "https://[2001:db8::5]:9000/"],
    "path": ["/etc/ssl/ca.pem", "/with space"],
    "pem": [
        "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n" * 3,
    ],
}


def _sensible() -> SearchStrategy[Json]:
    """One variable of the operator's, with a value of its type."""
    return st.one_of(
        [
            _of_variable(item).map(partial(at, f"env.{name}"))
            for name, item in CONTRACT["variables"].items()
            if item["source"] == "operator" and not item["secret"]
        ]
    )


def _of_variable(variable: Json) -> SearchStrategy[Any]:
    if "allowed" in variable:
        return st.sampled_from(variable["allowed"])
    known = _OF_VARIABLE.get(variable["type"])
    return st.sampled_from(known) if known else texts().filter(str.strip)


# --- anything else -------------------------------------------------------------------------------

#: What YAML, templates, shells or Kubernetes might take for something else.
TEXTS = [
    "a",
    "yes",
    "null",
    "~",
    "0755",
    "1e3",
    "1:30",
    "2026-01-31",
    "true",
    "$(HOME)",
    "$$(HOME)",
    "$",
    "{{ .Values.env }}",
    "a: b",
    "# no comment",
    "- item",
    "'",
    '"',
    "\\",
    "%s",
    "line\nline\n",
    "\ttab\r\n",
    " padded ",
    "é 漢字 🚀",
    "\u202egnirts",
    "x" * 300,
    "x" * 5000,
    "#",
    "NAME#",
    "#PROPERTY",
    "name#a#b",
    "../../etc/passwd",
    "postgres://u:p@db/app",
    "A" * 64,
    "10.0.0.0/8",
    "[docs: x#y]",
    "values.yaml a: b. c [docs: docs/reference/chart-messages.md#x]",
]
KEYS = [
    "DATABASE_URL",
    "LOG_LEVEL",
    "PORT",
    "ENVIRONMENT",
    "log_level",
    "DATABASE_URI",
    "A.B",
    "a/b",
    "app.kubernetes.io/name",
    "with space",
    "ключ",
    "key: value",
    "x" * 100,
    "helm.sh/hook",
    "hostwright/x",
    "objects",
    "project",
]


def texts() -> SearchStrategy[str]:
    """Texts; Helm 3 takes no DEL, no C1 control character but NEL, and no U+FFFE."""
    drawn = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co"))
    return st.sampled_from(TEXTS) | st.text(drawn, max_size=12)


def _odd() -> SearchStrategy[Json]:
    """Anything, anywhere: nulls, other types, names that there are not."""
    thing = st.one_of(
        st.none(),
        st.just({}),
        st.just([]),
        st.just(""),
        st.booleans(),
        st.integers(-1, 70_000),
        st.sampled_from([0.5, 1e21, -1.0, 1_000_000.0, 10_000_000]),
        texts(),
        st.sampled_from([{"a": None}, [None], ["a", 1], {"": ""}, [[]]]),
    )
    blocks = sorted({path.rpartition(".")[0] for path in LEAVES if "." in path})
    maps = [
        path for path, item in LEAVES.items() if isinstance(item.get("additionalProperties"), dict)
    ]
    # JSON is read as YAML, whose keys in braces end at 1,024 characters.
    keys = st.sampled_from(KEYS) | texts().map(lambda text: text[:1000])
    keyed = st.dictionaries(keys, thing, min_size=1, max_size=2)
    return st.one_of(
        st.builds(at, st.sampled_from([*LEAVES, *blocks]), thing),
        st.builds(at, st.sampled_from(maps), keyed),
        st.builds(at, st.sampled_from(RENAMED), thing),
    )
