"""Every link within the repository leads to a file that is there, and to a heading in it."""

from urllib.parse import unquote

import pytest

from e2e.docs.pages import ROOT, Page, pages, read

PAGES = pages()


def broken(page: Page) -> list[str]:
    return [link for link in page.links if "://" not in link and not leads_somewhere(page, link)]


def leads_somewhere(page: Page, link: str) -> bool:
    path, _, anchor = unquote(link).partition("#")
    target = (page.path.parent / path).resolve() if path else page.path
    if not target.exists() or not target.is_relative_to(ROOT):
        return False
    if not anchor:
        return True
    return target.suffix == ".md" and anchor in read(str(target.relative_to(ROOT))).anchors


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Page) -> None:
    assert broken(page) == []


@pytest.mark.parametrize(
    "link", ["docs/nothing.md", "docs/levels.md#nothing", "../outside.md", "#nothing", "LICENSE#no"]
)
def test_a_broken_link_is_found(link: str) -> None:
    assert not leads_somewhere(read("README.md"), link)


def test_every_page_is_within_reach_of_the_readme() -> None:
    known = {page.path.resolve(): page for page in PAGES}
    seen, ahead = set(), [read("README.md")]
    while ahead:
        page = ahead.pop()
        seen.add(page.path)
        for path in {link.partition("#")[0] for link in page.links} - {""}:
            target = (page.path.parent / path).resolve()
            there = target.glob("*.md") if target.is_dir() else [target]
            ahead += [known[found] for found in there if found in known and found not in seen]

    assert sorted(str(path.relative_to(ROOT)) for path in known.keys() - seen) == []
