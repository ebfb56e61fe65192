{{/*
Names and labels. Everything of a role is called <name>-<role>; labels that never change select it.
*/}}

{{/* What selects every pod of the release. Takes the app. */}}
{{- define "hostwright.everyone" -}}
app.kubernetes.io/name: {{ .chartName | quote }}
app.kubernetes.io/instance: {{ .release | quote }}
{{- end }}

{{/* What selects the pods of a role. Takes the role. */}}
{{- define "hostwright.selector" -}}
{{ include "hostwright.everyone" .app }}
app.kubernetes.io/component: {{ .role }}
{{- end }}

{{/*
Name and labels of an object. Takes {role, name, labels, annotations}, of which role is needed; what
belongs to no role has {app} in its place. The
chart's version is a label here and on no pod, so that a new version of the chart restarts nothing.
*/}}
{{- define "hostwright.metadata" -}}
metadata:
  name: {{ .name | default .role.object | quote }}
  namespace: {{ .role.app.namespace | quote }}
  labels:
    {{- if .role.role }}
    {{- include "hostwright.selector" .role | nindent 4 }}
    {{- else }}
    {{- include "hostwright.everyone" .role.app | nindent 4 }}
    {{- end }}
    app.kubernetes.io/managed-by: {{ .role.app.manager | quote }}
    helm.sh/chart: {{ .role.app.chart | quote }}
    {{- with include "hostwright.pairs" .labels }}
    {{- . | nindent 4 }}
    {{- end }}
  {{- with .annotations }}
  annotations:
    {{- include "hostwright.pairs" . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* The lines of a map from text to text. */}}
{{- define "hostwright.pairs" -}}
{{- $lines := list }}
{{- range $key, $value := . }}
{{-   $lines = append $lines (printf "%s: %s" ($key | quote) ($value | quote)) }}
{{- end }}
{{- join "\n" $lines }}
{{- end }}
