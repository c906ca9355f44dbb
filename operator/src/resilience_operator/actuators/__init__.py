"""What the operator changes: flag ConfigMaps and the pods that read them."""

from resilience_operator.actuators.base import Api, Applied, FlagsOutcome, RefreshOutcome
from resilience_operator.actuators.flags_configmap import FlagsConfigMap
from resilience_operator.actuators.pod_refresh import PodRefresh

__all__ = ["Api", "Applied", "FlagsConfigMap", "FlagsOutcome", "PodRefresh", "RefreshOutcome"]
