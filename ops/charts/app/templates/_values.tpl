{{/*
Values as the other helpers read them: every key is there, scalars are text, maps hold no nulls. A
value may be null wherever it is written (Helm then drops the key), so nothing else reads .Values.
*/}}

{{/* Which values there are, each empty in its own way: "" a scalar, {} a map of any keys, [] a list. */}}
{{- define "hostwright.shape" -}}
environment: ""
projectName: ""
appPublicUrl: ""
apiBaseUrl: ""
appDomain: ""
apiDomain: ""
secretsProvider: ""
authKeyStorageProvider: ""
authKeySecretName: ""
storageProvider: ""
storageBucketName: ""
env: {}
secrets:
  type: ""
  references: {}
  revision: ""
  external: {storeKind: "", storeName: "", refreshInterval: ""}
  csi: {provider: "", parameters: {}}
identity: {type: ""}
routing:
  type: ""
  gateway: {name: "", namespace: "", sectionName: ""}
  ingress: {className: "", annotations: {}, tlsSecret: ""}
autoscaling: {type: "", targetCpu: ""}
migrate: {type: "", attempt: "", ttlSeconds: "", identity: ""}
networkPolicy:
  enabled: ""
  ingressFrom: []
  databaseRanges: []
  redisRanges: []
  databasePort: ""
  redisPort: ""
  egressPorts: []
databaseMaxConnections: ""
pods:
  user: ""
  group: ""
  imagePullSecrets: []
  priorityClassName: ""
  nodeSelector: {}
  tolerations: []
  annotations: {}
  labels: {}
{{- range list "api" "web" "worker" }}
{{ . }}:
  image: ""
  env: {}
  secrets: {}
  identity: ""
  cpu: ""
  memoryMib: ""
  diskMib: ""
  minInstances: ""
  maxInstances: ""
  preStopSeconds: ""
  triggers: []
{{- end }}
{{- end }}

{{/* The values as JSON. Takes the root context. */}}
{{- define "hostwright.values" -}}
{{- include "hostwright.fitted" (list (include "hostwright.shape" . | fromYaml) .Values) }}
{{- end }}

{{/* JSON of what is given, in the shape that is asked for. Takes the shape and what is given. */}}
{{- define "hostwright.fitted" -}}
{{- $given := ternary (index . 1) dict (kindIs "map" (index . 1)) }}
{{- $fitted := dict }}
{{- range $key, $empty := index . 0 }}
{{-   $value := get $given $key }}
{{-   if and (kindIs "map" $empty) $empty }}
{{-     $value = include "hostwright.fitted" (list $empty $value) | fromJson }}
{{-   else if kindIs "map" $empty }}
{{-     $value = include "hostwright.texts" $value | fromJson }}
{{-   else if kindIs "slice" $empty }}
{{-     $value = ternary $value list (kindIs "slice" $value) }}
{{-   else }}
{{-     $value = include "hostwright.text" $value }}
{{-   end }}
{{-   $_ := set $fitted $key $value }}
{{- end }}
{{- toJson $fitted }}
{{- end }}

{{/* JSON of a map with its values as texts, nulls left out. */}}
{{- define "hostwright.texts" -}}
{{- $texts := dict }}
{{- range $key, $value := ternary . dict (kindIs "map" .) }}
{{-   if not (kindIs "invalid" $value) }}
{{-     $_ := set $texts $key (include "hostwright.text" $value) }}
{{-   end }}
{{- end }}
{{- toJson $texts }}
{{- end }}

{{/* A scalar as text. JSON writes 1000000 where Go templates would write 1e+06. */}}
{{- define "hostwright.text" -}}
{{- if kindIs "string" . }}{{ . }}{{ else if not (or (kindIs "invalid" .) (kindIs "map" .) (kindIs "slice" .)) }}{{ toJson . }}{{ end }}
{{- end }}
