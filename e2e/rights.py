"""What a service account is allowed, what it has used of that, and how the two differ.

Allowed is what RBAC objects say; used is what an API server's audit log says. Requests without an
object (discovery, /version), and questions about one's own rights, are left out: every account may
make them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

Body = Mapping[str, Any]

CREATED = 201
FORBIDDEN = 403
EVERYBODYS = frozenset({"selfsubjectaccessreviews", "selfsubjectrulesreviews"})


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """A request, as far as RBAC looks at it. Without a namespace it is about the whole cluster."""

    group: str
    resource: str
    verb: str
    namespace: str
    name: str

    def __str__(self) -> str:
        where = f"in {self.namespace}" if self.namespace else "in the whole cluster"
        return f"{self.verb} {_full(self.resource, self.group)} {where}"


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """A verb on a kind of object, or on the one of a name; in a namespace, or everywhere."""

    group: str
    resource: str
    verb: str
    namespace: str
    name: str
    role: str

    def covers(self, use: Use) -> bool:
        """Whether it allows that."""
        return (
            (self.group, self.resource, self.verb) == (use.group, use.resource, use.verb)
            and self.namespace in ("", use.namespace)
            and self.name in ("", use.name)
        )

    def __str__(self) -> str:
        where = f"in {self.namespace}" if self.namespace else "everywhere"
        name = f" {self.name}" if self.name else ""
        return f"{self.verb} {_full(self.resource, self.group)}{name} {where}, by {self.role}"


def granted(objects: Iterable[Body], namespace: str, account: str) -> set[Right]:
    """The rights that roles and bindings among the objects give a service account."""
    everything = list(objects)
    roles = {_identity(one): one for one in everything if one["kind"].endswith("Role")}
    found: set[Right] = set()
    for binding in everything:
        if not binding["kind"].endswith("RoleBinding") or not _binds(binding, namespace, account):
            continue
        place = binding["metadata"].get("namespace", "")
        reference = binding["roleRef"]
        role = reference["kind"], "" if reference["kind"] == "ClusterRole" else place
        rules = roles[(*role, reference["name"])].get("rules") or ()
        for rule in rules:
            found |= _rights(rule, place, f"{reference['kind']} {reference['name']}")
    return found


def used(events: Iterable[Body], namespace: str, account: str) -> set[Use]:
    """What a service account was allowed and did."""
    user = f"system:serviceaccount:{namespace}:{account}"
    found: set[Use] = set()
    for event in events:
        about = event.get("objectRef")
        code = (event.get("responseStatus") or {}).get("code")
        if about is None or event["user"]["username"] != user or code == FORBIDDEN:
            continue
        if about["resource"] in EVERYBODYS:
            continue
        use = _use(event["verb"], about)
        found.add(use)
        if use.verb == "patch" and code == CREATED:  # an apply of what was not there asks for both
            found.add(replace(use, verb="create"))
    return found


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rights and uses side by side. `home` is the namespace that the account is of."""

    rights: frozenset[Right]
    uses: frozenset[Use]
    home: str

    def unused(self) -> list[Right]:
        """Rights that nothing has used."""
        return sorted(each for each in self.rights if not any(map(each.covers, self.uses)))

    def unaccounted(self) -> list[Use]:
        """Uses that no right allows: then this comparison does not see all the rights."""
        allowed = (any(right.covers(use) for right in self.rights) for use in self.uses)
        return sorted(use for use, is_ in zip(self.uses, allowed, strict=True) if not is_)

    def too_wide(self) -> list[Right]:
        """Rights everywhere that were used at home only: a Role there would do."""
        wide = (each for each in self.rights if not each.namespace)
        return sorted(each for each in wide if self._places(each) == {self.home})

    def sentences(self) -> list[str]:
        """Every difference, for a person."""
        return [
            *(f"It may {each}, and nothing uses that." for each in self.unused()),
            *(
                f"It did {each}, which none of the rights here allows."
                for each in self.unaccounted()
            ),
            *(f"It may {each}, and only does so in {self.home}." for each in self.too_wide()),
        ]

    def _places(self, right: Right) -> set[str]:
        return {use.namespace for use in self.uses if right.covers(use)}


def compare(rights: Iterable[Right], uses: Iterable[Use], home: str) -> Comparison:
    """Rights and uses of an account of that namespace, to be asked how they differ."""
    return Comparison(frozenset(rights), frozenset(uses), home)


def _use(verb: str, about: Body) -> Use:
    resource = "/".join(filter(None, (about["resource"], about.get("subresource"))))
    place = about.get("namespace", "")
    return Use(about.get("apiGroup", ""), resource, verb, place, about.get("name", ""))


def _rights(rule: Body, namespace: str, role: str) -> set[Right]:
    parts = (rule.get("apiGroups", ()), rule.get("resources", ()), rule["verbs"])
    if "nonResourceURLs" in rule or any("*" in part for part in parts):
        raise ValueError(f"{role} has a rule that is too general to be compared: {dict(rule)}")
    names = rule.get("resourceNames") or ("",)
    return {
        Right(group, resource, verb, namespace, name, role)
        for group in parts[0]
        for resource in parts[1]
        for verb in parts[2]
        for name in names
    }


def _binds(binding: Body, namespace: str, account: str) -> bool:
    wanted = ("ServiceAccount", namespace, account)
    subjects = binding.get("subjects") or ()
    return wanted in [(each["kind"], each.get("namespace"), each["name"]) for each in subjects]


def _identity(role: Body) -> tuple[str, str, str]:
    place = "" if role["kind"] == "ClusterRole" else role["metadata"].get("namespace", "")
    return role["kind"], place, role["metadata"]["name"]


def _full(resource: str, group: str) -> str:
    return f"{resource}.{group}" if group else resource
