"""The shell of the workflows, really run by bash: what it starts is written down, not done."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import yaml

from hostwright import paths
from hostwright.run import Completed, run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DIGEST = f"sha256:{'ab' * 32}"
API = f"api=ghcr.io/acme/shop/api@{DIGEST}"
WEB = f"web=ghcr.io/acme/shop/web@{DIGEST}"
#: Writes down its words and its input, and gives a list of images where that is asked for.
STUB = f"""#!/bin/sh
echo "${{0##*/}} $*" >> "$SEEN"
case "$1 $2" in
  'ci.images '*) printf '{API}\\n{WEB}\\n' > images.txt ;;
  'login '*) cat >> "$SEEN" ;;
  'ecr '*) echo password-of-ecr ;;
  'auth '*) echo token-of-google ;;
  *) echo "said by $1" ;;
esac
"""
GOOGLE = "europe-west3-docker.pkg.dev"
PROGRAMS = ("az", "aws", "docker", "gcloud", "gh", "invoke")


class Job:
    """A job's scripts in an empty directory, with GitHub's own variables."""

    def __init__(self, place: Path, file: str, job: str) -> None:
        text = (paths.ROOT / ".github" / "workflows" / file).read_text(encoding="utf-8")
        self.steps = yaml.safe_load(text)["jobs"][job]["steps"]
        self.place = place
        for name in PROGRAMS:
            program = place / "bin" / name
            program.parent.mkdir(exist_ok=True)
            program.write_text(STUB)
            program.chmod(0o755)
        self.env = {
            "PATH": f"{place / 'bin'}:{os.environ['PATH']}",
            "SEEN": str(place / "seen"),
            "GITHUB_REPOSITORY": "Acme/Shop",
            "GITHUB_ACTOR": "somebody",
            "GITHUB_SHA": "0123456789abcdef0123",
            "GITHUB_REF_TYPE": "tag",
            "GITHUB_REF_NAME": "v1",
            "GITHUB_RUN_ID": "7",
            "GITHUB_OUTPUT": str(place / "output"),
            "GITHUB_STEP_SUMMARY": str(place / "summary"),
        }

    def run(self, name: str, env: Mapping[str, str], *, check: bool = True) -> Completed:
        """The script of the step called *name*, as GitHub runs it."""
        [script] = [step["run"] for step in self.steps if step.get("name") == name]
        shell = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script]
        return run(shell, cwd=self.place, env={**self.env, **env}, check=check)

    def seen(self) -> list[str]:
        return (self.place / "seen").read_text().splitlines()

    def summary(self) -> str:
        return (self.place / "summary").read_text()


@pytest.mark.parametrize(
    ("given", "started"),
    [
        (
            {"BUILD_RUN": "7", "IMAGES": ""},
            [
                "gh api repos/Acme/Shop/actions/runs/7",
                "invoke ci.images --list build/images.txt --run run.json --repository Acme/Shop",
            ],
        ),
        (
            {"BUILD_RUN": "", "IMAGES": "api=$(id) web=`id`"},
            ["invoke ci.images --image api=$(id) web=`id`"],
        ),
    ],
)
@pytest.mark.parametrize("file", ["deploy-vps.yml", "deploy-cloud.yml"])
def test_images_are_settled_from_a_run_or_from_what_was_typed(
    file: str, given: Mapping[str, str], started: list[str], tmp_path: Path
) -> None:
    job = Job(tmp_path, file, "plan")
    job.run("Settle the images", given)
    assert job.seen() == started


def test_a_server_is_planned_with_every_image_and_the_plan_is_shown(tmp_path: Path) -> None:
    job = Job(tmp_path, "deploy-vps.yml", "plan")
    job.run("Settle the images", {"BUILD_RUN": "", "IMAGES": "x"})
    job.run("Plan", {"HOST": "shop; id"})
    assert job.seen()[-1] == (
        "invoke vps.plan --host shop; id --identity .hostwright/ssh_key --out vps.plan "
        f"--image {API} --image {WEB}"
    )
    assert "said by vps.plan" in job.summary()
    assert "said by vps.plan" in (tmp_path / "plan.txt").read_text()


def test_a_plan_that_fails_fails_the_job(tmp_path: Path) -> None:
    job = Job(tmp_path, "deploy-vps.yml", "plan")
    job.run("Settle the images", {"BUILD_RUN": "", "IMAGES": "x"})
    (tmp_path / "bin" / "invoke").write_text("#!/bin/sh\nexit 5\n")
    assert job.run("Plan", {"HOST": "shop"}, check=False).exit_code == 5


def test_a_cloud_is_planned_and_the_apply_is_only_told(tmp_path: Path) -> None:
    job = Job(tmp_path, "deploy-cloud.yml", "plan")
    job.run("Settle the images", {"BUILD_RUN": "", "IMAGES": "x"})
    job.run("Plan", {"TARGET": "gcp"})
    flags = f"--var-file gcp.tfvars --env-file .env.gcp --image {API} --image {WEB}"
    assert job.seen()[-1] == f"invoke gcp.plan {flags}"
    assert not [line for line in job.seen() if "apply" in line]
    assert f"invoke gcp.apply {flags}\n" in job.summary()


@pytest.mark.parametrize(
    ("registry", "image", "started"),
    [
        (
            "ghcr",
            "ghcr.io/acme/shop/api",
            ["docker login ghcr.io --username somebody --password-stdin", "secret-token"],
        ),
        (
            "ecr",
            "1.dkr.ecr.eu-central-1.amazonaws.com/shop/api",
            [
                "docker login 1.dkr.ecr.eu-central-1.amazonaws.com --username AWS --password-stdin",
                "aws ecr get-login-password",
                "password-of-ecr",
            ],
        ),
        ("acr", "shop.azurecr.io/shop/api", ["az acr login --name shop"]),
        (
            "artifact-registry",
            f"{GOOGLE}/p/r/api",
            [
                f"docker login {GOOGLE} --username oauth2accesstoken --password-stdin",
                "gcloud auth print-access-token",
                "token-of-google",
            ],
        ),
    ],
)
def test_each_registry_is_logged_in_to_without_a_password_among_the_words(
    registry: str, image: str, started: list[str], tmp_path: Path
) -> None:
    job = Job(tmp_path, "build-images.yml", "build")
    given = {"REGISTRY": registry, "IMAGE": image, "TOKEN": "secret-token"}
    done = job.run("Log in to the registry", given)
    assert sorted(job.seen()) == sorted(started)  # both ends of a pipe start at once
    assert "secret-token" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("registry", "prefix", "image"),
    [
        ("ghcr", "", "ghcr.io/acme/shop/api"),
        ("ghcr", "ghcr.io/other", "ghcr.io/other/api"),
        ("acr", "shop.azurecr.io/shop", "shop.azurecr.io/shop/api"),
    ],
)
def test_an_image_is_named_after_its_role(
    registry: str, prefix: str, image: str, tmp_path: Path
) -> None:
    job = Job(tmp_path, "build-images.yml", "build")
    job.run("Name it", {"REGISTRY": registry, "PREFIX": prefix, "ROLE": "api"})
    assert (tmp_path / "output").read_text() == f"image={image}\n"


def test_a_registry_of_a_cloud_needs_its_prefix(tmp_path: Path) -> None:
    job = Job(tmp_path, "build-images.yml", "build")
    given = {"REGISTRY": "ecr", "PREFIX": "", "ROLE": "api"}
    done = job.run("Name it", given, check=False)
    assert (done.exit_code, done.stdout) == (1, "::error::IMAGE_PREFIX is not set\n")


@pytest.mark.parametrize(
    ("kind", "tags"),
    [("tag", "--tag i:git-0123456789ab --tag i:v1"), ("branch", "--tag i:git-0123456789ab")],
)
def test_what_was_scanned_is_tagged_and_its_digest_written_down(
    kind: str, tags: str, tmp_path: Path
) -> None:
    job = Job(tmp_path, "build-images.yml", "build")
    given = {"IMAGE": "i", "DIGEST": DIGEST, "ROLE": "api", "GITHUB_REF_TYPE": kind}
    job.run("Tag it", given)
    assert job.seen() == [f"docker buildx imagetools create {tags} i@{DIGEST}"]
    assert (tmp_path / "image-api.txt").read_text() == f"api=i@{DIGEST}\n"
