"""What Debian gives a machine without a registry: an engine's packages and a base image.

The mirror is read from this machine's own apt sources at the time of use. It is written into no
file of the repository and into no image.
"""

import os
import platform
import shutil
from pathlib import Path

from e2e.cluster.debian import services_stay_off
from e2e.images import mounts
from e2e.images.process import BuildError, output, progress, run

RELEASE = "bookworm"
PACKAGES = {"dockerd": "docker.io", "debootstrap": "debootstrap"}
NO_ENGINE = "no Docker engine answers, and a private one can be run only"
BASE_PACKAGES = "python3,ca-certificates"
BASE_RECIPE = "1"  # raise it when the steps below change what the base image contains
UNWANTED = (
    "etc/apt/sources.list", "etc/hostname", "etc/resolv.conf", "usr/share/doc", "usr/share/info",
    "usr/share/locale", "usr/share/man", "var/cache/apt", "var/cache/debconf", "var/lib/apt/lists",
    "var/log",
)  # fmt: skip
EMPTY_FOLDERS = ("var/cache/apt/archives/partial", "var/lib/apt/lists/partial", "var/log")
NOT_IN_ARCHIVE = ("./dev/*", "./proc/*", "./sys/*", "./run/*", "./tmp/*")


def install_tools() -> None:
    """Make sure that dockerd and debootstrap are on this machine."""
    if os.geteuid() != 0:
        raise BuildError(f"{NO_ENGINE} as root: start Docker, or run this as root on Debian")
    missing = [package for program, package in PACKAGES.items() if not shutil.which(program)]
    if not missing:
        return
    if not Path("/etc/debian_version").exists():
        raise BuildError(f"{NO_ENGINE} on Debian: start Docker, or install {' and '.join(missing)}")
    progress(f"installing {' and '.join(missing)}")
    apt = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"]
    run([*apt, "update"])
    options = ["install", "--yes", "--no-install-recommends"]
    with services_stay_off():
        run([*apt, *options, *missing], env={"DEBIAN_FRONTEND": "noninteractive"})


def apt_sources() -> str:
    """This machine's sources for the release of the base image, in apt's one-line format."""
    fields = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    listing = output(["apt-get", "indextargets", "--format", fields, "Created-By: Packages"])
    entries = {tuple(line.split()) for line in (listing or "").splitlines()}
    wanted = sorted(
        entry for entry in entries if entry[1].startswith(RELEASE) and entry[2] == "main"
    )
    if not any(entry[1] == RELEASE for entry in wanted):
        raise BuildError(f"this machine's apt sources have no {RELEASE}: run `apt-get update` or"
                         " start a Docker engine that can pull images")  # fmt: skip
    return "".join(f"deb {' '.join(entry)}\n" for entry in wanted)


def base_archive(state: Path) -> Path:
    """The root file system of the base image as a tar file, made once per machine."""
    archive = state / f"base-{RELEASE}-{platform.machine()}-{BASE_RECIPE}.tar"
    if archive.exists():
        return archive
    root = state / "base-root"
    mounts.remove_tree(root)
    progress(f"making the base image with debootstrap ({RELEASE}; about a minute)")
    mirror = next(line.split()[1] for line in apt_sources().splitlines() if f" {RELEASE} " in line)
    options = ["--variant=minbase", f"--include={BASE_PACKAGES}"]
    run(["debootstrap", *options, RELEASE, root, mirror])
    _strip(root)
    unfinished = archive.with_suffix(".part")
    excluded = [f"--exclude={pattern}" for pattern in NOT_IN_ARCHIVE]
    run(["tar", "--create", "--numeric-owner", *excluded, "--file", unfinished, "-C", root, "."])
    mounts.remove_tree(root)
    unfinished.rename(archive)
    return archive


def _strip(root: Path) -> None:
    """Take away what no container needs, and every trace of the mirror."""
    for path in (root / name for name in UNWANTED):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for name in EMPTY_FOLDERS:
        (root / name).mkdir(parents=True)
