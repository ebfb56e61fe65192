"""Plans of real Terraform, and what a reader of them finds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.unit.terraform.lab import bench, planned, write

from hostwright.terraform.plan import UNDECIDED, Output, Provider, at, reference

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.terraform.plan import Plan
    from hostwright.terraform.provider import Mode

TEXT = """
variable "password" {
  type        = string
  description = "What the database is to ask for."
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = length(var.password) > 2
    error_message = "Too short."
  }
}
variable "region" {
  type     = string
  default  = "here"
  nullable = false
}
variable "nothing" {
  type    = number
  default = null
}

provider "lab" {
  region = var.region
}

data "lab_zones" "there" {
  region = var.region
}

resource "lab_database" "main" {
  name        = "main"
  size        = 5
  password_wo = var.password
  listener {
    name = "app"
  }
}
resource "lab_database" "twin" {
  count = 2
  name  = "twin"
}
resource "lab_database" "named" {
  for_each = toset(slice(data.lab_zones.there.names, 0, 2))
  name     = each.key
}

resource "lab_network" "main" {
  range = "10.0.0.0/8"
  zones = data.lab_zones.there.names
  owner {
    mail = "a@b.test"
    secret {
      text_wo = "lab://u:${urlencode(var.password)}@${lab_database.main.address}:${lab_database.main.port}/x"
    }
  }
  rule {
    name = lab_database.twin[1].id
  }
}

resource "lab_file" "json" {
  content = jsonencode({
    list   = [for key, each in lab_database.named : each.address]
    port   = lab_database.main.port
    inner  = jsonencode({ id = values(lab_database.named)[0].id })
    listen = lab_database.main.listener[0].port
    pem    = lab_database.main.certificates[0].pem
    days   = "${lab_database.main.certificates[0].days} days"
    public = lab_database.main.public
    labels = lab_database.main.labels
  })
}
resource "lab_file" "copy" {
  content  = "a+${urlencode("${lab_database.twin[0].address} & ${lab_database.twin[1].address}")}"
  anything = lab_file.json.id
}

output "address" {
  description = "Where it is."
  value       = lab_database.main.address
}
output "secret" {
  value     = lab_database.twin[0].port
  sensitive = true
}
"""


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return planned(tmp_path_factory.mktemp("plan"), TEXT, password="p%w")


def test_every_resource_and_data_source_has_its_address(plan: Plan) -> None:
    assert {each.address for each in plan.resources} == {
        "data.lab_zones.there",
        "lab_database.main",
        "lab_database.twin[0]",
        "lab_database.twin[1]",
        'lab_database.named["${data.lab_zones.there.names[0]}"]',
        'lab_database.named["${data.lab_zones.there.names[1]}"]',
        "lab_network.main",
        "lab_file.json",
        "lab_file.copy",
    }


def test_lookups_find_by_type_and_by_address(plan: Plan) -> None:
    assert {each.name for each in plan.of_type("lab_database", "lab_network")} == {
        "main",
        "twin",
        "named",
    }
    assert plan.of_type("lab_zones") == ()
    assert plan.at("lab_database.twin[1]").index == 1
    assert plan.at("data.lab_zones.there").mode == "data"
    with pytest.raises(KeyError, match="nowhere"):
        plan.at("nowhere")


def test_what_is_configured_is_there_and_what_is_left_to_the_provider_names_itself(
    plan: Plan,
) -> None:
    main, twin = plan.at("lab_database.main"), plan.at("lab_database.twin[0]")
    assert (main.get("size"), main.decides("size")) == (5, False)
    assert (twin.get("size"), twin.decides("size")) == ("${lab_database.twin[0].size}", True)
    assert main.get("listener.0.port") == "${lab_database.main.listener[0].port}"
    assert main.decides("listener.0.port")
    assert main.get("addresses") == ["${lab_database.main.addresses[0]}"]
    assert main.get("public") is False
    assert main.get("labels") == {}
    assert main.get("timeouts") is None
    assert main.unknown == ()


def test_data_sources_have_three_of_everything(plan: Plan) -> None:
    names = plan.at("data.lab_zones.there").get("names")
    assert names == [f"${{data.lab_zones.there.names[{index}]}}" for index in range(3)]
    assert sorted(plan.at("lab_network.main").get("zones")) == names


def test_marks_of_twins_are_told_apart_within_longer_texts(plan: Plan) -> None:
    assert plan.at("lab_file.copy").get("content") == (
        "a+${lab_database.twin[0].address}+%26+${lab_database.twin[1].address}"
    )
    assert plan.at("lab_network.main").get("rule.0.name") == "${lab_database.twin[1].id}"


def test_a_copied_mark_is_still_its_owners(plan: Plan) -> None:
    copy = plan.at("lab_file.copy")
    assert copy.get("anything") == "${lab_file.json.id}"
    assert copy.get("id") == "${lab_file.copy.id}"


def test_a_mark_that_is_copied_to_its_own_path_does_not_change_its_owner(tmp_path: Path) -> None:
    """Nor for resources that have no other mark, or only as many."""
    text = """
    resource "lab_file" "first" {
      anything = "x"
    }
    resource "lab_file" "a_copy" {
      id = lab_file.first.id
    }
    resource "lab_file" "z_copy" {
      id       = lab_file.a_copy.id
      anything = lab_file.a_copy.anything
    }
    resource "lab_database" "first" {
      name = "x"
      listener {
        name = "y"
      }
    }
    resource "lab_database" "second" {
      id   = lab_database.first.id
      size = lab_database.first.size
      name = lab_database.first.listener[0].port
    }
    """
    network = 'range = "x"\n  owner {\n    mail = "m"\n  }\n'
    text += f"""
    resource "lab_network" "a_copy" {{
      id = lab_network.first.id
      {network}
    }}
    resource "lab_network" "first" {{
      {network}
    }}
    """
    plan = planned(tmp_path, text)
    assert plan.at("lab_network.a_copy").get("id") == "${lab_network.first.id}"
    assert plan.at("lab_file.first").get("id") == "${lab_file.first.id}"
    a_copy, z_copy = plan.at("lab_file.a_copy"), plan.at("lab_file.z_copy")
    assert (a_copy.get("id"), a_copy.decides("anything")) == ("${lab_file.first.id}", True)
    assert z_copy.get("id") == "${lab_file.first.id}"
    assert z_copy.get("anything") == "${lab_file.a_copy.anything}"
    second = plan.at("lab_database.second")
    assert second.get("name") == "${lab_database.first.listener[0].port}"
    assert (second.get("size"), second.decides("address")) == ("${lab_database.first.size}", True)


def test_in_a_module_the_owner_is_who_has_most_of_the_marks(tmp_path: Path) -> None:
    """What a module configures is not looked at."""
    inner = """
    resource "lab_database" "a_copy" {
      id   = lab_database.first.id
      size = lab_database.first.size
      name = "x"
    }
    resource "lab_database" "first" {
      name = "x"
    }
    """
    write(tmp_path / "inner", inner)
    plan = planned(tmp_path, 'module "inner" {\n  source = "./inner"\n}\n')
    copy = plan.at("module.inner.lab_database.a_copy")
    assert copy.get("id") == "${module.inner.lab_database.first.id}"
    assert copy.decides("address")


def test_json_stays_json_whatever_the_marks_in_it(plan: Plan) -> None:
    first, second = (f'lab_database.named["${{data.lab_zones.there.names[{n}]}}"]' for n in (0, 1))
    content = json.loads(plan.at("lab_file.json").get("content"))
    assert json.loads(content.pop("inner")) == {"id": f"${{{first}.id}}"}
    assert content == {
        "list": [f"${{{first}.address}}", f"${{{second}.address}}"],
        "port": "${lab_database.main.port}",
        "listen": "${lab_database.main.listener[0].port}",
        "pem": "${lab_database.main.certificates[0].pem}",
        "days": "${lab_database.main.certificates[0].days} days",
        "public": False,
        "labels": {},
    }


def test_write_only_values_are_put_back_where_they_were_written(plan: Plan) -> None:
    assert plan.at("lab_database.main").get("password_wo") == "p%w"
    assert plan.at("lab_database.twin[0]").get("password_wo") is None
    assert plan.at("lab_network.main").get("owner.0.secret.0.text_wo") == (
        "lab://u:p%25w@${lab_database.main.address}:${lab_database.main.port}/x"
    )


def test_no_mark_is_left_over(plan: Plan) -> None:
    values = [each.values for each in plan.resources]
    assert "~~" not in json.dumps([*values, [each.value for each in plan.outputs.values()]])


def test_outputs_have_values_and_what_they_refer_to(plan: Plan) -> None:
    assert plan.outputs["address"] == Output(
        "address",
        "${lab_database.main.address}",
        sensitive=False,
        references=("lab_database.main.address", "lab_database.main"),
        description="Where it is.",
    )
    secret = plan.outputs["secret"]
    assert (secret.sensitive, secret.value) == (True, "${lab_database.twin[0].port}")


def test_variables_are_as_they_are_declared(plan: Plan) -> None:
    password, region, nothing = (plan.variables[name] for name in ("password", "region", "nothing"))
    assert (password.type, password.description) == ("string", "What the database is to ask for.")
    assert (password.required, password.ephemeral, password.sensitive) == (True, True, True)
    assert password.validations == 1
    assert (region.default, region.required, region.nullable) == ("here", False, False)
    assert (nothing.default, nothing.required, nothing.nullable) == (None, False, True)


def test_providers_have_their_ranges(plan: Plan) -> None:
    assert plan.providers == {"lab": Provider("lab", "hashicorp/lab", ">= 1.2.0, < 2.0.0")}


def test_addresses_lead_to_lines(plan: Plan) -> None:
    place = plan.sources.place('lab_database.named["x"]')
    assert (place.file, TEXT.splitlines()[place.line - 1]) == (
        "main.tf",
        'resource "lab_database" "named" {',
    )


def test_the_same_files_give_the_same_plan(plan: Plan, tmp_path: Path) -> None:
    assert planned(tmp_path, TEXT, password="p%w").resources == plan.resources


def test_a_second_plan_at_the_same_bench_begins_anew(tmp_path: Path) -> None:
    text = 'resource "lab_file" "a" {\n  secret_wo = "s"\n}\n'
    with bench(tmp_path, text) as it:
        first, second = it.plan(), it.plan()
    assert first == second
    assert first.plan
    assert second.plan
    raw, again = (each.document["planned_values"] for each in (first.plan, second.plan))
    assert raw == again


def test_what_even_a_plan_with_marks_does_not_know_is_told(tmp_path: Path) -> None:
    """A data source that waits for a resource is read when that is made."""
    text = """
    resource "lab_file" "first" {}
    data "lab_zones" "late" {
      depends_on = [lab_file.first]
    }
    resource "lab_file" "second" {
      content   = join(" ", data.lab_zones.late.names)
      secret_wo = data.lab_zones.late.id
    }
    """
    second = planned(tmp_path, text).at("lab_file.second")
    assert second.unknown == ("content",)
    assert second.get("content") is None
    assert second.get("secret_wo") == UNDECIDED


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.0.b", 1),
        ("a.1.b", None),
        ("a.x", None),
        ("a.0.b.c", None),
        ("z", None),
        ("a.0", {"b": 1}),
    ],
)
def test_a_path_leads_to_a_value_or_to_none(path: str, found: object) -> None:
    assert at({"a": [{"b": 1}]}, path) == found


def test_references_are_written_as_terraform_writes_them() -> None:
    assert reference("a.b", "c.0.d.12") == "${a.b.c[0].d[12]}"


@pytest.mark.parametrize("mode", ["known", "unknown"])
def test_what_is_set_to_something_not_known_yet_stays_that(tmp_path: Path, mode: Mode) -> None:
    """Terraform's own terraform_data is not ours to answer for: its output is never known."""
    text = """
resource "terraform_data" "made" {
  input = "x"
}
resource "lab_database" "main" {
  name   = "main"
  labels = { made = terraform_data.made.output }
}
"""
    with bench(tmp_path, text) as it:
        plan, said = it.plan(mode=mode)
    assert not said
    assert plan is not None
    assert "labels.made" in plan.at("lab_database.main").unknown
