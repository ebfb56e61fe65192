{{/*
What runs a role's pods, reaches them, and keeps enough of them. Each helper takes the role.
*/}}

{{- define "hostwright.deployment" -}}
apiVersion: apps/v1
kind: Deployment
{{ include "hostwright.metadata" (dict "role" .) }}
spec:
  {{- if not .scales }}
  replicas: {{ int .min }}
  {{- end }}
  revisionHistoryLimit: 3
  {{- with .app.contract.roles.migrate }}
  # Waiting for a migration is progress.
  progressDeadlineSeconds: {{ add (int .timeout_seconds) (int $.spec.start_seconds) 300 }}
  {{- end }}
  strategy:
    {{- if .surges }}
    type: RollingUpdate
    rollingUpdate:
      # What does not get ready takes nothing away from what is.
      maxUnavailable: 0
      maxSurge: 1
    {{- else }}
    # Two versions never take jobs at once.
    type: Recreate
    {{- end }}
  selector:
    matchLabels:
      {{- include "hostwright.selector" . | nindent 6 }}
  template:
    {{- include "hostwright.pod" . | nindent 4 }}
{{- end }}

{{- define "hostwright.service" -}}
apiVersion: v1
kind: Service
{{ include "hostwright.metadata" (dict "role" .) }}
spec:
  type: ClusterIP
  selector:
    {{- include "hostwright.selector" . | nindent 4 }}
  ports:
    - name: http
      port: {{ int .port }}
      targetPort: http
      protocol: TCP
{{- end }}

{{/* Who the pods are. Takes the role; `hook` (annotations) where they come before the release. */}}
{{- define "hostwright.account" -}}
{{- $keys := dict
  "aws" "eks.amazonaws.com/role-arn"
  "azure" "azure.workload.identity/client-id"
  "gcp" "iam.gke.io/gcp-service-account"
}}
{{- $annotations := deepCopy (.hook | default dict) }}
{{- $key := get $keys .app.values.identity.type }}
{{- if and $key .identity }}
{{-   $_ := set $annotations $key .identity }}
{{- end -}}
apiVersion: v1
kind: ServiceAccount
{{ include "hostwright.metadata" (dict "role" . "annotations" $annotations) }}
automountServiceAccountToken: false
{{- end }}

{{/* What adds and removes pods, or nothing. */}}
{{- define "hostwright.autoscaler" -}}
{{- if and .scales (eq .app.values.autoscaling.type "hpa") }}
{{-   include "hostwright.hpa" . }}
{{- else if and .scales (eq .app.values.autoscaling.type "keda") }}
{{-   include "hostwright.scaled-object" . }}
{{- end }}
{{- end }}

{{- define "hostwright.hpa" -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
{{ include "hostwright.metadata" (dict "role" .) }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ .object | quote }}
  minReplicas: {{ int .min }}
  maxReplicas: {{ int .max }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ int .app.values.autoscaling.targetCpu }}
{{- end }}

{{- define "hostwright.scaled-object" -}}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
{{ include "hostwright.metadata" (dict "role" .) }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ .object | quote }}
  minReplicaCount: {{ int .min }}
  maxReplicaCount: {{ int .max }}
  triggers:
    {{- if .triggers }}
    {{- toYaml .triggers | nindent 4 }}
    {{- else }}
    - type: cpu
      metricType: Utilization
      metadata:
        value: {{ .app.values.autoscaling.targetCpu | quote }}
    {{- end }}
{{- end }}

{{/* How many may be moved at once, where there are several: of one alone, none could ever be. */}}
{{- define "hostwright.disruption" -}}
{{- if gt (int .min) 1 -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
{{ include "hostwright.metadata" (dict "role" .) }}
spec:
  maxUnavailable: 1
  # A pod that is not ready serves nobody: it must not keep a node from being emptied.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "hostwright.selector" . | nindent 6 }}
{{- end }}
{{- end }}
