"""Label selectors as Kubernetes writes them: whether a text is one. The API server applies them."""

import re

_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_DOMAIN = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*"
_KEY = rf"(?:(?=[^/]{{1,253}}/){_DOMAIN}/)?{_NAME}"
_VALUE = rf"(?:{_NAME})?"
_REQUIREMENT = re.compile(
    rf"!\s*{_KEY}"
    rf"|{_KEY}(?:\s*(?:==|=|!=)\s*{_VALUE}|\s+(?:in|notin)\s*\(\s*{_VALUE}(?:\s*,\s*{_VALUE})*\s*\))?"
)
_COMMA_OUTSIDE_BRACKETS = re.compile(r",(?![^()]*\))")


def check_selector(text: str) -> str:
    """The selector itself; raises ValueError with a sentence on the part that is none."""
    for part in _COMMA_OUTSIDE_BRACKETS.split(text) if text.strip() else ():
        if not _REQUIREMENT.fullmatch(part.strip()):
            raise ValueError(
                f"{part.strip()!r} is no requirement of a label selector; these are: "
                "key=value, key!=value, key in (a,b), key notin (a,b), key, !key"
            )
    return text.strip()
