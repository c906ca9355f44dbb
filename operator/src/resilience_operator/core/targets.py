"""What a probe is, as a key: the same key, the same probe, however many policies ask for it."""

import hashlib
import json

from resilience_operator.api.v1alpha1.probes import PROBE_TYPES, AnyProbe, ProbeSpec
from resilience_operator.core.model import ProbeKey


def typed(spec: ProbeSpec) -> tuple[str, AnyProbe]:
    """The type of a probe and its options. ValueError if none is set, which the CRD refuses."""
    for name in PROBE_TYPES:
        options: AnyProbe | None = getattr(spec, name)
        if options is not None:
            return name, options
    raise ValueError("a probe needs exactly one type")


def probe_key(namespace: str, spec: ProbeSpec) -> ProbeKey:
    """The probe's identity: namespace, type, and all that changes what is asked or answered.

    Secrets are told apart by reference, not by content: a rotated one is the same probe. The
    intervals are left out: policies that ask at different paces share the faster one.
    """
    name, options = typed(spec)
    identity = {"options": options.model_dump(mode="json"), "timeout": spec.timeout_seconds}
    canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return ProbeKey(namespace=namespace, type=name, digest=digest[:32])
