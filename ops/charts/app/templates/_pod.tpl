{{/*
The pod of every role, of the migration and of `helm test`: one helper, so that its hardening cannot
be forgotten anywhere. Each helper takes the role (_model.tpl) unless it says otherwise.
*/}}

{{/* A pod template. */}}
{{- define "hostwright.pod" -}}
metadata:
  labels:
    {{- include "hostwright.pod-labels" . | nindent 4 }}
  {{- with include "hostwright.pod-annotations" . }}
  annotations:
    {{- . | nindent 4 }}
  {{- end }}
spec:
  {{- include "hostwright.pod-spec" . | nindent 2 }}
{{- end }}

{{- define "hostwright.pod-labels" -}}
{{ include "hostwright.selector" . }}
{{- if and .identity (eq .app.values.identity.type "azure") }}
azure.workload.identity/use: "true"
{{- end }}
{{- with include "hostwright.pairs" .app.values.pods.labels }}
{{ . }}
{{- end }}
{{- end }}

{{- define "hostwright.pod-annotations" -}}
{{- $annotations := deepCopy .app.values.pods.annotations }}
{{- with .app.values.secrets.revision }}
{{-   $_ := set $annotations "hostwright/secrets-revision" . }}
{{- end }}
{{- include "hostwright.pairs" $annotations }}
{{- end }}

{{- define "hostwright.pod-spec" -}}
{{- $pods := .app.values.pods -}}
serviceAccountName: {{ .object | quote }}
automountServiceAccountToken: false
# Service links would set names such as API_PORT, which may be variables of the application.
enableServiceLinks: false
{{- with $pods.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with $pods.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ include "hostwright.pull-secret" . | quote }}
  {{- end }}
{{- end }}
{{- if not .stays }}
restartPolicy: Never
{{- end }}
terminationGracePeriodSeconds: {{ int .grace }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ int64 $pods.user }}
  runAsGroup: {{ int64 $pods.group }}
  fsGroup: {{ int64 $pods.group }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with $pods.nodeSelector }}
nodeSelector:
  {{- include "hostwright.pairs" . | nindent 2 }}
{{- end }}
{{- with $pods.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if .stays }}
{{ include "hostwright.spread" . }}
{{- end }}
{{- if .gated }}
initContainers:
  - name: migrated
    {{- include "hostwright.container" (dict "role" . "command" (include "hostwright.gate" . | fromJsonArray)) | nindent 4 }}
{{- end }}
containers:
  - name: {{ .role }}
    {{- include "hostwright.container" (dict "role" . "command" (.command | default .spec.command)) | nindent 4 }}
    {{- if .serves }}
    {{- include "hostwright.serving" . | nindent 4 }}
    {{- else if .stays }}
    {{- include "hostwright.working" . | nindent 4 }}
    {{- end }}
volumes:
  - name: tmp
    emptyDir:
      sizeLimit: {{ .disk }}
  {{- if include "hostwright.mounts-secrets" . }}
  - name: secrets
    csi:
      driver: secrets-store.csi.k8s.io
      readOnly: true
      volumeAttributes:
        secretProviderClass: {{ .object | quote }}
  {{- end }}
{{- end }}

{{/* The name of one of pods.imagePullSecrets, which may be written as {name: …}. Takes it. */}}
{{- define "hostwright.pull-secret" -}}
{{- if kindIs "map" . }}{{ include "hostwright.text" (get . "name") }}{{ else }}{{ include "hostwright.text" . }}{{ end }}
{{- end }}

{{/* Over zones and nodes, as far as there are any: never a reason to run nowhere. */}}
{{- define "hostwright.spread" -}}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "hostwright.selector" . | nindent 14 }}
topologySpreadConstraints:
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "hostwright.selector" $ | nindent 8 }}
    # Each release is spread on its own, whatever still runs of the last one.
    matchLabelKeys:
      - pod-template-hash
  {{- end }}
{{- end }}

{{/* What every container has, whatever it does. Takes {role, command}. */}}
{{- define "hostwright.container" -}}
image: {{ .role.image | quote }}
imagePullPolicy: IfNotPresent
command:
  {{- include "hostwright.words" .command | trim | nindent 2 }}
{{- with include "hostwright.env" .role | trim }}
env:
  {{- . | nindent 2 }}
{{- end }}
resources:
  requests:
    {{- include "hostwright.sizes" .role | nindent 4 }}
  limits:
    {{- include "hostwright.sizes" .role | nindent 4 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop:
      - ALL
volumeMounts:
  - name: tmp
    mountPath: /tmp
  {{- if include "hostwright.mounts-secrets" .role }}
  # Read by nobody: the driver makes the role's Secret for as long as this is mounted.
  - name: secrets
    mountPath: /run/hostwright/secrets
    readOnly: true
  {{- end }}
{{- end }}

{{- define "hostwright.sizes" -}}
cpu: {{ .cpu | quote }}
memory: {{ .memory }}
ephemeral-storage: {{ .disk }}
{{- end }}

{{/* Something where the CSI driver mounts the role's secrets. */}}
{{- define "hostwright.mounts-secrets" -}}
{{- if and .references (eq .app.values.secrets.type "csi") }}true{{ end }}
{{- end }}

{{/* The words of a command, as a list. Takes them. */}}
{{- define "hostwright.words" -}}
{{- range . }}
{{-   if contains "\n" . }}
- |
  {{- replace "$" "$$" . | trim | nindent 2 }}
{{-   else }}
- {{ include "hostwright.literal" . }}
{{-   end }}
{{- end }}
{{- end }}

{{/* Port, probes and end of what answers requests: live asks nobody else, ready asks everybody. */}}
{{- define "hostwright.serving" -}}
ports:
  - name: http
    containerPort: {{ int .port }}
    protocol: TCP
startupProbe:
  {{- include "hostwright.get" .spec.health.live | nindent 2 }}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: {{ include "hostwright.tries" (list .spec.start_seconds 5) }}
livenessProbe:
  {{- include "hostwright.get" .spec.health.live | nindent 2 }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  {{- include "hostwright.get" .spec.health.ready | nindent 2 }}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 3
{{- with .preStop }}
lifecycle:
  preStop:
    # Meanwhile the pod leaves the Service everywhere: nobody calls one that has begun to stop.
    sleep:
      seconds: {{ int . }}
{{- end }}
{{- end }}

{{- define "hostwright.get" -}}
httpGet:
  path: {{ . | quote }}
  port: http
{{- end }}

{{/* Probes of what has no port. A command is slow to start: no hurry, else it kills what works. */}}
{{- define "hostwright.working" -}}
startupProbe:
  {{- include "hostwright.exec" .spec.health.command | nindent 2 }}
  periodSeconds: 10
  timeoutSeconds: 30
  failureThreshold: {{ include "hostwright.tries" (list .spec.start_seconds 10) }}
livenessProbe:
  {{- include "hostwright.exec" .spec.health.command | nindent 2 }}
  periodSeconds: 30
  timeoutSeconds: 30
  failureThreshold: 3
{{- end }}

{{- define "hostwright.exec" -}}
exec:
  command:
    {{- include "hostwright.words" . | trim | nindent 4 }}
{{- end }}

{{/* How often to ask within so many seconds. Takes them and the period. */}}
{{- define "hostwright.tries" -}}
{{- $seconds := index . 0 | int }}
{{- $period := index . 1 | int }}
{{- max 1 (div (sub (add $seconds $period) 1) $period) }}
{{- end }}
