"""Environment markers of a lock file, decided for the image's Python instead of this program's.

pip evaluates markers for the Python it runs on. The images' Python is some 3.11 release, not known
before the build, so a wheel that any 3.11 release would need is fetched; pip decides again, with
the real version, when it installs inside the image.
"""

import operator
import re

OLDEST, NEWEST = (3, 11, 0), (3, 11, 99)
ALWAYS, NEVER = "python_version >= '3'", "python_version < '3'"
COMPARISON = re.compile(r"python_(?:full_)?version\s*(<=|>=|==|!=|<|>)\s*['\"]([\d.]+)['\"]")
OPERATORS = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def for_images(lock: str) -> str:
    """The lock file's text with every Python version comparison replaced by its answer."""
    return COMPARISON.sub(_decide, lock)


def _decide(match: re.Match[str]) -> str:
    holds = OPERATORS[match[1]]
    bound = tuple(int(part) for part in match[2].split("."))
    precision = max(len(bound), 2)
    possible = holds(OLDEST[:precision], bound) or holds(NEWEST[:precision], bound)
    return ALWAYS if possible else NEVER
