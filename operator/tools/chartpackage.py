"""Packages the chart: `make chart`. A release gives it the image that it was made with, by digest,
and where the runbooks of that version are read.

In the repository the chart names the image that `make image` builds here; a chart that goes out
into the world names the one that went out with it, and nothing that a tag could come to mean.
"""

import argparse
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import yaml

from e2e.cluster import build
from tools import ROOT

CHART = ROOT / "charts" / "resilience-operator"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def with_image(values: str, repository: str, digest: str) -> str:
    """The text of values.yaml with another default image; comments stay, for `helm show values`."""
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"{digest!r} is no digest: sha256 and 64 hexadecimal digits")
    wanted = {"repository": repository, "tag": '""', "digest": f'"{digest}"'}
    start = values.index("\nimage:\n")
    for key, value in wanted.items():
        changed = re.sub(rf"(?m)^(  {key}: ).*$", rf"\g<1>{value}", values[start:], count=1)
        values = values[:start] + changed
    image = yaml.safe_load(values)["image"]
    if (image["repository"], image["tag"], image["digest"]) != (repository, "", digest):
        raise ValueError("values.yaml no longer has its image in the form that is expected here")
    return values


def with_runbooks(values: str, url: str) -> str:
    """The text of values.yaml with another place of the runbooks."""
    changed, count = re.subn(r"(?m)^(    runbookUrl: ).*$", rf"\g<1>{url}", values)
    if count != 1:
        raise ValueError("values.yaml no longer has its runbookUrl in the form expected here")
    return changed


def package(out: Path, repository: str, digest: str, runbooks: str = "") -> Path:
    """The archive, of a chart that `helm lint --strict` has nothing against."""
    helm = build.ensure(["helm"])["helm"]
    with tempfile.TemporaryDirectory() as folder:
        chart = Path(folder) / CHART.name
        shutil.copytree(CHART, chart)
        values = chart / "values.yaml"
        if repository:
            values.write_text(with_image(values.read_text(), repository, digest))
        if runbooks:
            values.write_text(with_runbooks(values.read_text(), runbooks))
        subprocess.run([helm, "lint", "--strict", "--quiet", chart], check=True)
        out.mkdir(parents=True, exist_ok=True)
        subprocess.run([helm, "package", chart, "--destination", out], check=True)
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
    return out / f"{CHART.name}-{version}.tgz"


def main() -> None:
    """The command line; prints where the archive is."""
    parser = argparse.ArgumentParser(description="Package the chart.")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder for the archive")
    parser.add_argument("--repository", default="", help="where the image is, registry included")
    parser.add_argument("--digest", default="", help="the image's digest; with --repository")
    parser.add_argument("--runbooks", default="", help="where alerts find their runbooks")
    options = parser.parse_args()
    if bool(options.repository) != bool(options.digest):
        parser.error("--repository and --digest go together")
    print(package(options.out, options.repository, options.digest, options.runbooks))


if __name__ == "__main__":
    main()
