"""Label selectors as Kubernetes writes them: whether a text is one, and what it selects.

The operator has the API server apply them. `matches` is for what is not in the cluster yet.
"""

import re
from collections.abc import Mapping

_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_DOMAIN = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*"
_KEY = rf"(?:(?=[^/]{{1,253}}/){_DOMAIN}/)?{_NAME}"
_VALUE = rf"(?:{_NAME})?"
_REQUIREMENT = re.compile(
    rf"!\s*{_KEY}"
    rf"|{_KEY}(?:\s*(?:==|=|!=)\s*{_VALUE}|\s+(?:in|notin)\s*\(\s*{_VALUE}(?:\s*,\s*{_VALUE})*\s*\))?"
)
_AMONG = re.compile(r"(?P<key>\S+)\s+(?P<how>in|notin)\s*\((?P<values>[^()]*)\)")
_EQUALS = re.compile(r"(?P<key>[^\s=!]+)\s*(?P<how>==|=|!=)\s*(?P<value>\S*)")
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


def matches(text: str, labels: Mapping[str, str]) -> bool:
    """Whether an object with these labels is selected, as the API server would have it."""
    parts = _COMMA_OUTSIDE_BRACKETS.split(text) if text.strip() else ()
    return all(_holds(part.strip(), labels) for part in parts)


def _holds(requirement: str, labels: Mapping[str, str]) -> bool:
    if requirement.startswith("!"):
        return requirement[1:].strip() not in labels
    if (found := _AMONG.fullmatch(requirement)) is not None:
        among = {value.strip() for value in found["values"].split(",")}
        inside = labels.get(found["key"]) in among
        return inside if found["how"] == "in" else not inside
    if (found := _EQUALS.fullmatch(requirement)) is not None:
        equal = labels.get(found["key"]) == found["value"]
        return not equal if found["how"] == "!=" else equal
    return requirement in labels
