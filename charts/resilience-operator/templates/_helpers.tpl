{{- define "resilience-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "resilience-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "resilience-operator.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "resilience-operator.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "resilience-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "resilience-operator.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- /* Everything that the shards have of their own: a name that ends in theirs, a Lease, a label. Without
shards there is one Deployment, which takes every policy. Given as (list root shard). */}}
{{- define "resilience-operator.shardName" -}}
{{- $shard := index . 1 }}
{{- include "resilience-operator.fullname" (index . 0) }}{{ with $shard.name }}-{{ . }}{{ end }}
{{- end }}

{{- define "resilience-operator.shardLease" -}}
{{- $root := index . 0 }}
{{- $shard := index . 1 }}
{{- default (include "resilience-operator.fullname" $root) $root.Values.settings.leaseName }}
{{- with $shard.name }}-{{ . }}{{ end }}
{{- end }}

{{- /* PromQL: the leases of this release of which no replica is scraped. */}}
{{- define "resilience-operator.leasesGone" -}}
{{- $gone := list }}
{{- range default (list dict) .Values.shards }}
{{- $gone = append $gone (printf "absent(resilience_leader{lease=%q})" (include "resilience-operator.shardLease" (list $ .))) }}
{{- end }}
{{- join " or " $gone }}
{{- end }}

{{- define "resilience-operator.shardSelectorLabels" -}}
{{- $shard := index . 1 }}
{{- include "resilience-operator.selectorLabels" (index . 0) }}
{{- with $shard.name }}
resilience.aidrive.dev/shard: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "resilience-operator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: resilience-operator
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{ include "resilience-operator.selectorLabels" . }}
{{- end }}

{{- /* The same with an object's own, which count where both have one. Given as (list root labels). */}}
{{- define "resilience-operator.labelsWith" -}}
{{- merge (deepCopy (index . 1)) (include "resilience-operator.labels" (index . 0) | fromYaml) | toYaml }}
{{- end }}

{{- define "resilience-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "resilience-operator.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "resilience-operator.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- /* The settings as environment variables. Numbers as JSON has them: never with an exponent.
Given as (list root shard). */}}
{{- define "resilience-operator.settings" -}}
{{- $root := index . 0 }}
{{- $shard := index . 1 }}
{{- $settings := deepCopy $root.Values.settings }}
{{- $_ := set $settings "leaseName" (include "resilience-operator.shardLease" .) }}
{{- $_ = set $settings "watchNamespaces" $root.Values.watchNamespaces }}
{{- $_ = set $settings "policySelector" $shard.selector }}
{{- with $root.Values.tracing }}
{{- if .endpoint }}
{{- $_ = set $settings "otlpEndpoint" .endpoint }}
{{- $_ = set $settings "traceRatio" .ratio }}
{{- end }}
{{- end }}
{{- range $key, $value := $settings }}
{{- $text := "" }}
{{- if kindIs "slice" $value }}
{{- $text = join "," $value }}
{{- else if kindIs "string" $value }}
{{- $text = $value }}
{{- else if not (kindIs "invalid" $value) }}
{{- $text = toJson $value }}
{{- end }}
{{- if $text }}
- name: RESILIENCE_{{ $key | snakecase | upper }}
  value: {{ $text | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- /* What a schema cannot say. Fails with a sentence. */}}
{{- define "resilience-operator.validate" -}}
{{- with .Values.settings }}
{{- if not (lt (float64 .leaseRetrySeconds) (float64 .leaseRenewSeconds)) }}
{{- fail "settings.leaseRetrySeconds must be less than settings.leaseRenewSeconds" }}
{{- end }}
{{- if not (lt (float64 .leaseRenewSeconds) (float64 .leaseDurationSeconds)) }}
{{- fail "settings.leaseRenewSeconds must be less than settings.leaseDurationSeconds" }}
{{- end }}
{{- end }}
{{- $names := dict }}
{{- range .Values.shards }}
{{- if hasKey $names .name }}
{{- fail (printf "shards: the name %s is given twice" .name) }}
{{- end }}
{{- $_ := set $names .name true }}
{{- end }}
{{- if and .Values.watchNamespaces (or .Values.rbac.clusterSecrets .Values.rbac.secretNamespaces) }}
{{- fail "rbac.clusterSecrets and rbac.secretNamespaces are of cluster mode: with watchNamespaces, Secrets may be read in exactly those namespaces" }}
{{- end }}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.service.enabled) }}
{{- fail "metrics.serviceMonitor.enabled needs service.enabled: a ServiceMonitor finds pods through a Service" }}
{{- end }}
{{- if and (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) .Values.rbac.create }}
{{- fail "serviceAccount.name must be set when serviceAccount.create is false: the roles would be bound to the namespace's default account, and so to all its pods" }}
{{- end }}
{{- end }}
