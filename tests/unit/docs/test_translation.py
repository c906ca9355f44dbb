"""The Spanish README says what the English one says: its shape, its code and its links."""

import re

from e2e.docs.pages import Block, read

ENGLISH, SPANISH = read("README.md"), read("README.es.md")
TEXTS = {page.name: page.path.read_text() for page in (ENGLISH, SPANISH)}


def without_comments(block: Block) -> str:
    return re.sub(r"(?m) *#.*$", "", block.text)


def test_as_many_headings_of_each_depth() -> None:
    depths = {name: re.findall(r"(?m)^#+(?= )", text) for name, text in TEXTS.items()}

    assert depths["README.md"] == depths["README.es.md"]
    assert len(SPANISH.headings) == len(ENGLISH.headings) >= 5


def test_the_same_code() -> None:
    code = {
        page.name: [(block.language, without_comments(block)) for block in page.blocks]
        for page in (ENGLISH, SPANISH)
    }

    assert code["README.md"] == code["README.es.md"]


def test_the_same_links_in_the_same_order() -> None:
    each_other = {"README.md", "README.es.md"}

    assert [one for one in SPANISH.links if one not in each_other] == [
        one for one in ENGLISH.links if one not in each_other
    ]
    assert each_other <= {*SPANISH.links, *ENGLISH.links}


def test_the_same_names_in_code_within_lines() -> None:
    assert sorted(SPANISH.spans) == sorted(ENGLISH.spans)


def test_it_is_translated() -> None:
    """No paragraph stands there in English."""
    paragraphs = {name: set(text.split("\n\n")) for name, text in TEXTS.items()}
    same = paragraphs["README.md"] & paragraphs["README.es.md"]

    assert {one for one in same if not one.startswith(("#", "```"))} == {"Apache-2.0.\n"}
