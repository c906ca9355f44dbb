"""The project's CI does what a developer does: the same make targets, and nothing that can change.

That the workflows are valid is for actionlint to say: `make verify`.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.cluster.kind import NODE_IMAGES

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
MAKE = re.compile(r"\bmake (?:--silent )?([a-z0-9-]+)")


def read(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text()))


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in read(path)["jobs"].values() for step in job.get("steps", ())]


def targets() -> set[str]:
    found = re.findall(r"(?m)^([a-z0-9-]+):(?!=)", (ROOT / "Makefile").read_text())
    return set(found)


def test_there_is_one_for_changes_and_one_for_releases() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yaml", "release.yaml"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_target_that_is_made_exists(path: Path) -> None:
    made = {target for step in steps(path) for target in MAKE.findall(step.get("run", ""))}
    assert made
    assert made <= targets()


def test_the_targets_of_a_developer_are_those_of_ci() -> None:
    made = {target for step in steps(WORKFLOWS[0]) for target in MAKE.findall(step.get("run", ""))}
    assert made >= {"verify", "test", "image", "chart"}
    on_clusters = read(WORKFLOWS[0])["jobs"]["e2e"]
    assert on_clusters["steps"][-1]["run"] == "make ${{ matrix.target }}"
    matrix = on_clusters["strategy"]["matrix"]
    once = [each["target"] for each in matrix["include"]]
    assert [*matrix["target"], *once] == ["e2e", "e2e-rollout", "drill"]
    assert {*matrix["target"], *once} <= targets()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_its_commit_and_says_its_version(path: Path) -> None:
    lines = re.findall(r"(?m)^\s*-? ?uses: (\S+)(.*)$", path.read_text())
    assert lines
    for action, comment in lines:
        if not action.startswith("./"):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action)
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_job_may_read_unless_it_says_what_else(path: Path) -> None:
    assert read(path)["permissions"] == {"contents": "read"}
    for step in steps(path):
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


def test_the_versions_are_those_that_are_supported() -> None:
    jobs = read(WORKFLOWS[0])["jobs"]
    assert jobs["e2e"]["strategy"]["matrix"]["kubernetes"] == list(NODE_IMAGES)
    assert jobs["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]


def test_nothing_is_released_that_has_not_passed() -> None:
    jobs = read(WORKFLOWS[1])["jobs"]
    assert jobs["ci"]["uses"] == "./.github/workflows/ci.yaml"
    assert jobs["release"]["needs"] == "ci"
