"""Which wheels are fetched: those that any release of the image's Python would need."""

import pytest

from e2e.images.markers import ALWAYS, NEVER, for_images


@pytest.mark.parametrize(
    ("comparison", "needed"),
    [
        ("python_full_version < '3.11.3'", True),
        ("python_full_version >= '3.11.3'", True),
        ("python_version < '3.11'", False),
        ("python_version >= '3.11'", True),
        ("python_full_version < '3.11'", False),
        ("python_full_version >= '3.12'", False),
        ("python_version == '3.11'", True),
        ("python_version != '3.11'", False),
        ('python_version >= "3.8"', True),
        ("python_version < '4'", True),
    ],
)
def test_a_version_comparison_becomes_its_answer(comparison: str, needed: bool) -> None:
    line = f"name==1.0 ; {comparison} and sys_platform != 'win32' \\"
    answer = ALWAYS if needed else NEVER
    assert for_images(line) == f"name==1.0 ; {answer} and sys_platform != 'win32' \\"


def test_other_markers_stay() -> None:
    line = "psycopg-binary==3.3.9 ; implementation_name != 'pypy' \\"
    assert for_images(line) == line
