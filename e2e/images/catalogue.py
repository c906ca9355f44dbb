"""The images there are, and what each one is made from."""

from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BOOTSTRAP_LOCK = "e2e/images/pip.lock"
PUBLIC_BASE = "python:3.11-slim-bookworm"


@dataclass(frozen=True)
class Image:
    """One image: its tag and its inputs, as paths in the repository."""

    name: str
    dockerfile: str
    sources: tuple[str, ...]  # files and folders copied into the build context
    lock: str  # pinned Python requirements, fetched as wheels
    project: tuple[str, ...] = ()  # what our own wheel is built from, if the image has one
    sbom_lock: str = ""  # pinned requirements of the stage that lists what is in the image

    @property
    def tag(self) -> str:
        """The tag inside the archive."""
        return f"resilience-operator/{self.name}:dev"

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every path whose content decides what the image is."""
        return (self.dockerfile, BOOTSTRAP_LOCK, *self.locks, *self.sources, *self.project)

    @property
    def locks(self) -> tuple[str, ...]:
        """Its lock files."""
        return tuple(filter(None, (self.lock, self.sbom_lock)))


IMAGES = {
    image.name: image
    for image in (
        Image(
            name="operator",
            dockerfile="Dockerfile",
            sources=(),
            lock="requirements.lock",
            project=("pyproject.toml", "README.md", "operator/src"),
            sbom_lock="e2e/images/sbom.lock",
        ),
        Image(
            name="inventario",
            dockerfile="e2e/demo/app/Dockerfile",
            sources=("e2e/demo/app",),
            lock="e2e/demo/app/requirements.lock",
        ),
        Image(
            name="demo-servers",
            dockerfile="e2e/demo/servers/Dockerfile",
            sources=("e2e/demo/servers", "e2e/demo/openai_stub"),
            lock="e2e/demo/servers/requirements.lock",
        ),
    )
}
