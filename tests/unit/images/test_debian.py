"""Debian's part: which apt sources are passed on, and who may run a private engine."""

import pytest

from e2e.images import debian
from e2e.images.process import BuildError

LISTING = """\
http://mirror.test/debian bookworm main
http://mirror.test/debian bookworm main
http://mirror.test/debian bookworm contrib
http://mirror.test/debian bookworm-updates main
http://mirror.test/security bookworm-security main
https://elsewhere.test/apt nodistro main
"""


def test_the_sources_are_the_machines_own_for_the_release(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "output", lambda _: LISTING)
    assert debian.apt_sources() == (
        "deb http://mirror.test/debian bookworm main\n"
        "deb http://mirror.test/debian bookworm-updates main\n"
        "deb http://mirror.test/security bookworm-security main\n"
    )


@pytest.mark.parametrize("listing", [None, "", "http://mirror.test/debian trixie main\n"])
def test_without_the_release_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, listing: str | None
) -> None:
    monkeypatch.setattr(debian, "output", lambda _: listing)
    with pytest.raises(BuildError, match="apt-get update"):
        debian.apt_sources()


def test_a_private_engine_needs_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(BuildError, match="start Docker"):
        debian.install_tools()
