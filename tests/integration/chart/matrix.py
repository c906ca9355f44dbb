"""Every option of the chart, away from its default: what is rendered, linted and applied."""

from typing import Any

Body = dict[str, Any]

MONITORED: Body = {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}}
GROUP: Body = {
    "name": "ours",
    "rules": [{"alert": "NoLeader", "expr": "max(resilience_leader) < 1", "for": "5m"}],
}
SECRET: Body = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "extra", "namespace": "{{ .Release.Namespace }}"},
    "stringData": {"release": "{{ .Release.Name }}"},
}

# Namespaces named here exist where the objects are applied.
OPTIONS: dict[str, Body] = {
    "defaults": {},
    "names": {"nameOverride": "rop", "commonLabels": {"team": "platform"}},
    "full name": {"fullnameOverride": "levels"},
    "namespaced": {"watchNamespaces": ["shop", "retail"]},
    "Secrets of two namespaces": {"rbac": {"secretNamespaces": ["shop", "retail"]}},
    "Secrets of all": {"rbac": {"clusterSecrets": True}},
    "no aggregation": {"rbac": {"aggregate": False}},
    "no RBAC": {"rbac": {"create": False}},
    "no CRDs": {"crds": {"enabled": False}},
    "CRDs that go": {"crds": {"keep": False}},
    "released image": {"image": {"tag": "", "pullPolicy": "Always"}},
    "image by digest": {"image": {"repository": "example/op", "digest": f"sha256:{'a' * 64}"}},
    "pull secrets": {"imagePullSecrets": [{"name": "registry"}]},
    "settings": {
        "settings": {
            "logLevel": "DEBUG",
            "logFormat": "plain",
            "guardAllow": ["10.0.0.0/8", "fd00::/8"],
            "guardDeny": ["192.0.2.0/24"],
            "controlProbe": "dns.example:53",
            "maxProbesInFlight": 100000,
            "workers": 16,
            "writeQps": 12.5,
            "writeBurst": 10000,
            "resyncSeconds": 86400,
            "leaseName": "levels",
            "leaseDurationSeconds": 30,
            "leaseRenewSeconds": 20.5,
            "leaseRetrySeconds": 0.5,
            "httpHost": "::",
            "httpPort": 9090,
            "kubeconfig": "/etc/operator/kubeconfig",
        }
    },
    "tracing": {"tracing": {"endpoint": "http://collector.tracing.svc:4318", "ratio": 0.25}},
    "shards": {
        "shards": [{"name": "a", "selector": "shard=a"}, {"name": "b", "selector": "shard!=a"}]
    },
    "names that look like numbers": {
        "watchNamespaces": ["123"],
        "serviceAccount": {"name": "2000"},
        "shards": [{"name": "0", "selector": "shard=0"}, {"name": "no", "selector": "shard!=0"}],
    },
    "one replica": {"replicas": 1},
    "three replicas": {
        "replicas": 3,
        "maxUnavailable": "34%",
        "podDisruptionBudget": {"minAvailable": "50%"},
        "terminationGracePeriodSeconds": 40,
        "revisionHistoryLimit": 2,
    },
    "no budget": {"podDisruptionBudget": {"enabled": False}},
    "resources": {"resources": {"requests": {"cpu": 0.5}, "limits": {"cpu": 1, "memory": "1Gi"}}},
    "no resources": {"resources": {"requests": None, "limits": None}},
    "scheduling": {
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {"topologyKey": "kubernetes.io/hostname", "labelSelector": {}}
                ]
            }
        },
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchLabels": {"app": "x"}},
            },
            {
                "maxSkew": 2,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "matchLabelKeys": ["pod-template-hash"],
            },
        ],
    },
    "no spread": {"topologySpreadConstraints": []},
    "probes": {"livenessProbe": {"periodSeconds": 30}, "readinessProbe": {"failureThreshold": 5}},
    "no ids": {"podSecurityContext": {"runAsUser": None, "runAsGroup": None}},
    "labels and annotations": {
        "podLabels": {"a": "b"},
        "podAnnotations": {"c": "d"},
        "deploymentAnnotations": {"e": "f"},
    },
    "extras": {
        "extraEnv": [
            {"name": "HTTPS_PROXY", "value": "http://proxy:3128"},
            {
                "name": "NODE_NAME",
                "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}},
            },
        ],
        "extraVolumes": [{"name": "ca", "configMap": {"name": "ca", "optional": True}}],
        "extraVolumeMounts": [{"name": "ca", "mountPath": "/etc/ca", "readOnly": True}],
        "extraObjects": [
            SECRET,
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-more\n"
            "  namespace: {{ .Release.Namespace }}\n",
        ],
    },
    "service account of somebody else": {"serviceAccount": {"create": False, "name": "other"}},
    "service account": {"serviceAccount": {"name": "named", "annotations": {"a": "b"}}},
    "service": {"service": {"port": 80, "annotations": {"a": "b"}, "labels": {"c": "d"}}},
    "no service": {"service": {"enabled": False}},
    "network policy": {"networkPolicy": {"enabled": True}},
    "strict network policy": {
        "networkPolicy": {
            "enabled": True,
            "ingressFrom": [
                {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "m"}}}
            ],
            "egress": [
                {"to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}], "ports": [{"port": 443}]},
            ],
        }
    },
    "monitoring": {
        "metrics": {**MONITORED, "prometheusRule": {"enabled": True, "extraGroups": [GROUP]}}
    },
    "dashboards": {"dashboards": {"enabled": True, "annotations": {"folder": "Resilience"}}},
    "monitoring with all": {
        "metrics": {
            "serviceMonitor": {
                "enabled": True,
                "interval": "",
                "scrapeTimeout": "10s",
                "labels": {"release": "prometheus"},
                "relabelings": [{"action": "labeldrop", "regex": "endpoint"}],
                "metricRelabelings": [
                    {"action": "drop", "sourceLabels": ["__name__"], "regex": "python_.*"}
                ],
            },
            "prometheusRule": {"enabled": True, "labels": {"a": "b"}, "extraGroups": [GROUP]},
        }
    },
}


def merged(*layers: Body) -> Body:
    """One set of values of several, deep; the last one counts."""
    result: Body = {}
    for layer in layers:
        for key, value in layer.items():
            there = result.get(key)
            both = isinstance(there, dict) and isinstance(value, dict)
            result[key] = merged(there, value) if both else value
    return result


# Those that go together, all at once.
TOGETHER = (
    "names",
    "Secrets of two namespaces",
    "CRDs that go",
    "image by digest",
    "pull secrets",
    "settings",
    "tracing",
    "shards",
    "three replicas",
    "resources",
    "scheduling",
    "probes",
    "labels and annotations",
    "extras",
    "service account",
    "service",
    "strict network policy",
    "monitoring with all",
    "dashboards",
)
OPTIONS["everything"] = merged(*(OPTIONS[name] for name in TOGETHER))
OPTIONS["everything, namespaced"] = merged(
    *(OPTIONS[name] for name in TOGETHER if not name.startswith("Secrets")), OPTIONS["namespaced"]
)
OPTIONS["nothing"] = merged(
    *(OPTIONS[name] for name in OPTIONS if name.startswith("no ") and name != "no ids")
)
