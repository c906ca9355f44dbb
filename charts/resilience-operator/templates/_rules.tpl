{{- /* What the operator does with objects of a namespace, but for Secrets. */}}
{{- define "resilience-operator.rules" -}}
- apiGroups: [resilience.aidrive.dev]
  resources: [resiliencepolicies]
  verbs: [get, list, watch, patch]
- apiGroups: [resilience.aidrive.dev]
  resources: [degradationlevels]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [resilience.aidrive.dev]
  resources: [resiliencepolicies/status, degradationlevels/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch, create, patch]
# Annotating a pod is what makes its kubelet look at the changed flags at once.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, patch]
# Patched only by policies with propagation: Restart, and by rollouts that are promoted.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, patch]
# Rollouts: the weights of both Services, on the object that the policy names.
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch]
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [get, list, watch, patch]
- apiGroups: [networking.istio.io]
  resources: [virtualservices]
  verbs: [get, list, watch, patch]
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end }}

{{- /* Credentials of the probes. One Secret at a time, by name; never listed, never watched. */}}
{{- define "resilience-operator.secretRules" -}}
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
{{- end }}

{{- /* The addresses of the API server itself, which probes must not reach. */}}
{{- define "resilience-operator.endpointRules" -}}
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  resourceNames: [kubernetes]
  verbs: [get]
{{- end }}

{{- define "resilience-operator.subjects" -}}
- kind: ServiceAccount
  name: {{ include "resilience-operator.serviceAccountName" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
{{- end }}
