"""A request to the API server as those see it who count requests, note writes or trace them."""

from dataclasses import dataclass
from typing import Protocol

from resilience_operator.core.resources import Resource

READS = frozenset({"get", "list", "watch"})

_API_VERBS = {
    "replace": "update",
    **dict.fromkeys(("apply", "apply_status"), "patch"),
}


@dataclass(frozen=True, slots=True)
class Call:
    """What was asked, and what came of it. No body and no header is in it."""

    # get, list, watch; create, replace, apply, apply_status, patch, delete
    verb: str
    resource: Resource
    namespace: str | None = None
    name: str = ""
    subresource: str = ""
    field_manager: str = ""
    code: int = 0  # of the answer; 0: none came, or nobody waited for it
    seconds: float = 0.0

    @property
    def writes(self) -> bool:
        """Whether it was to change something."""
        return self.verb not in READS

    @property
    def api_verb(self) -> str:
        """The verb as roles and the API server's own audit log have it."""
        return _API_VERBS.get(self.verb, self.verb)

    @property
    def ok(self) -> bool:
        """Whether it was answered, and without an error."""
        return 200 <= self.code < 300

    @property
    def outcome(self) -> str:
        """What came of it, in one word."""
        if self.ok:
            return "ok"
        if self.code == 409:
            return "conflict"
        return "error" if self.code else "none"

    @property
    def path(self) -> str:
        """The path of the object."""
        return self.resource.path(self.namespace, self.name, self.subresource or None)


class RequestObserver(Protocol):
    """Hears of every request, once it is over. Must not raise."""

    def __call__(self, call: Call) -> None:
        """A request was answered, or will not be."""
        ...
