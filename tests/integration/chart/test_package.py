"""The chart as an archive, as a release makes it: it installs the very image it was made with."""

from pathlib import Path

import pytest
import yaml

from tests.integration.chart.helm import RELEASE, Helm, the
from tools.chartpackage import CHART, package, with_image

REPOSITORY = "registry.example.com/team/resilience-operator"
RUNBOOKS = "https://git.example.com/team/operator/blob/v1.2.3/docs/runbooks"
DIGEST = f"sha256:{'0123456789abcdef' * 4}"


def image(helm: Helm, archive: Path) -> str:
    """What a pod of the packaged chart runs."""
    rendered = helm.run("template", RELEASE, str(archive))
    objects = [one for one in yaml.safe_load_all(rendered) if one]
    spec = the(objects, "Deployment")["spec"]["template"]["spec"]
    return str(spec["containers"][0]["image"])


def test_a_released_chart_names_its_image_by_digest(helm: Helm, tmp_path: Path) -> None:
    archive = package(tmp_path, REPOSITORY, DIGEST, RUNBOOKS)
    assert image(helm, archive) == f"{REPOSITORY}@{DIGEST}"
    said = helm.run("show", "values", str(archive))
    assert "# -- Digest such as" in said  # the comments are the documentation
    assert yaml.safe_load(said)["metrics"]["prometheusRule"]["runbookUrl"] == RUNBOOKS


def test_without_one_it_is_the_chart_of_the_repository(helm: Helm, tmp_path: Path) -> None:
    archive = package(tmp_path, "", "")
    assert image(helm, archive) == image(helm, CHART)
    assert yaml.safe_load(helm.run("show", "chart", str(archive))) == yaml.safe_load(
        (CHART / "Chart.yaml").read_text()
    )


def test_only_the_image_changes() -> None:
    before = (CHART / "values.yaml").read_text()
    after = with_image(before, REPOSITORY, DIGEST)
    lines = zip(before.splitlines(), after.splitlines(), strict=True)
    assert [new.split(":")[0].strip() for old, new in lines if old != new] == [
        "repository", "tag", "digest",
    ]  # fmt: skip


@pytest.mark.parametrize("digest", ["", "sha256:abc", "latest"])
def test_what_is_no_digest_is_refused(digest: str) -> None:
    with pytest.raises(ValueError, match="is no digest"):
        with_image((CHART / "values.yaml").read_text(), REPOSITORY, digest)
