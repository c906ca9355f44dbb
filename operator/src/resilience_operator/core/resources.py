"""The kinds of object that the operator reads or writes, as the API server addresses them."""

from dataclasses import dataclass

from resilience_operator.api.v1alpha1.base import GROUP, VERSION


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind and its path. The core group is the empty string."""

    group: str
    version: str
    plural: str
    kind: str

    @property
    def api_version(self) -> str:
        """What goes into an object's `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def path(self) -> str:
        """The prefix of the group's URLs."""
        root = f"/apis/{self.group}" if self.group else "/api"
        return f"{root}/{self.version}"


POLICIES = Resource(GROUP, VERSION, "resiliencepolicies", "ResiliencePolicy")
LEVELS = Resource(GROUP, VERSION, "degradationlevels", "DegradationLevel")

CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
SECRETS = Resource("", "v1", "secrets", "Secret")
PODS = Resource("", "v1", "pods", "Pod")
SERVICES = Resource("", "v1", "services", "Service")
EVENTS = Resource("", "v1", "events", "Event")
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
STATEFUL_SETS = Resource("apps", "v1", "statefulsets", "StatefulSet")
REPLICA_SETS = Resource("apps", "v1", "replicasets", "ReplicaSet")
ENDPOINT_SLICES = Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
