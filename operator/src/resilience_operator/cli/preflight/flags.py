"""The flags' ConfigMap: whose it is, and whether the targets' pods read it."""

from collections.abc import Iterator, Mapping, Sequence

from resilience_operator.actuators.ownership import reason_to_refuse
from resilience_operator.actuators.workloads import Reading, reading
from resilience_operator.api.v1alpha1.policy import Mode, Propagation, ResiliencePolicy, Target
from resilience_operator.cli.preflight.model import (
    Check,
    Denied,
    Found,
    Listed,
    Object,
    failed,
    listed,
    passed,
    unseen,
    warned,
)
from resilience_operator.core.flags import config_map_name
from resilience_operator.core.model import Problem

_MOUNT = (
    "Mount it as a volume, without subPath: volumes: [{{name: flags, configMap: {{name: {name}, "
    "optional: true}}}}]."
)


def judge_config_map(
    policy: ResiliencePolicy, live: Found, others: Mapping[str, str | None]
) -> Check:
    """`others` are the namespace's other policies with the names of their ConfigMaps."""
    name = config_map_name(policy)
    title = f"ConfigMap {name}"
    rivals = [f"{other}" for other, theirs in others.items() if theirs == name]
    if rivals:
        return failed(
            title,
            f"The policy {listed(rivals)} writes its flags into it as well.",
            "Give each policy a flags.configMapName of its own.",
        )
    if isinstance(live, Denied):
        return unseen(
            title, live, f"Ask somebody who may: kubectl -n {policy.namespace} get configmap {name}"
        )
    if live is None:
        observing = policy.spec.mode is Mode.OBSERVE
        later = "once the mode is Enforce" if observing else "with the first level"
        return passed(title, f"Not there yet; the operator makes it {later}.")
    problem = reason_to_refuse(live, policy.name)
    if problem is None:
        return passed(title, "There, and this policy's.")
    finding, remedy = split(problem)
    return failed(title, finding, remedy)


def judge_targets(
    policy: ResiliencePolicy, found: Sequence[tuple[Target, Listed]]
) -> Iterator[Check]:
    """A check for each target's Deployments, or one that says that there are no targets."""
    spec = policy.spec
    if not spec.targets and spec.features and spec.flags.propagation is not Propagation.KUBELET:
        yield warned(
            "targets",
            "None are listed: pods see a change of flags a minute later, when their kubelet looks.",
            "List the Deployments that read the flags in spec.targets.",
        )
    for target, deployments in found:
        title = f"target {_label(target)}"
        if isinstance(deployments, Denied):
            yield unseen(title, deployments, "Ask somebody who may get deployments there.")
        elif not deployments:
            yield failed(
                title,
                f"There is no Deployment {_label(target)} in namespace {policy.namespace}.",
                "Deploy it, or correct spec.targets.",
            )
        else:
            for each in deployments:
                yield judge_target(policy, each)


def judge_target(policy: ResiliencePolicy, deployment: Object) -> Check:
    """Whether its pods see a change of flags, and how soon."""
    config_map, how = config_map_name(policy), policy.spec.flags.propagation
    title = f"target {deployment['metadata']['name']}"
    match reading(deployment, config_map):
        case Reading.LIVE if how is Propagation.RESTART:
            return warned(
                title,
                f"It mounts {config_map} and would see a change; it is restarted all the same.",
                "Set flags.propagation to Refresh: no pod has to restart.",
            )
        case Reading.LIVE:
            soon = "within a second" if how is Propagation.REFRESH else "within a minute"
            return passed(title, f"It mounts {config_map}; its pods see a change {soon}.")
        case Reading.AT_START if how is Propagation.RESTART:
            return passed(title, f"It reads {config_map} when it starts, and is restarted for it.")
        case Reading.AT_START:
            return warned(
                title,
                f"It reads {config_map} from its environment or a subPath only: running pods "
                "never see a change.",
                f"{_MOUNT.format(name=config_map)} Or set flags.propagation to Restart.",
            )
        case _:
            return failed(
                title,
                f"Its pod template does not mention ConfigMap {config_map}.",
                _MOUNT.format(name=config_map),
            )


def split(problem: Problem) -> tuple[str, str]:
    """A problem's first sentence, and the rest of it, which says what to do."""
    finding, _, remedy = problem.message.partition(". ")
    return finding.rstrip(".") + ".", remedy


def _label(target: Target) -> str:
    if target.selector is None:
        return target.name or ""
    return ",".join(f"{key}={value}" for key, value in target.selector.match_labels.items())
