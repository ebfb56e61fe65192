{{/*
Where a secret lies: in a Secret of yours, or in one that External Secrets or the CSI driver makes for
the role. Neither is ever a hook: deleting the hook would take the Secret with it.
*/}}

{{/* Name and key of the Secret that a variable comes from. Takes the role and the variable's name. */}}
{{- define "hostwright.key" -}}
{{- $role := index . 0 }}
{{- $reference := get $role.references (index . 1) }}
{{- if eq $role.app.values.secrets.type "existing" -}}
name: {{ $reference.name | quote }}
key: {{ $reference.property | default (index . 1) | quote }}
{{- else -}}
name: {{ $role.object | quote }}
key: {{ index . 1 }}
{{- end }}
{{- end }}

{{/* What makes a role's Secret, or nothing. Takes the role. */}}
{{- define "hostwright.secrets" -}}
{{- if .references }}
{{-   if eq .app.values.secrets.type "external" }}
{{-     include "hostwright.external-secret" . }}
{{-   else if eq .app.values.secrets.type "csi" }}
{{-     include "hostwright.secret-provider-class" . }}
{{-   end }}
{{- end }}
{{- end }}

{{- define "hostwright.external-secret" -}}
{{- $external := .app.values.secrets.external }}
{{- $annotations := dict }}
{{- /* The operator looks into the store at once when an annotation changes, not at its next turn. */}}
{{- with .app.values.secrets.revision }}
{{-   $_ := set $annotations "hostwright/secrets-revision" . }}
{{- end -}}
apiVersion: external-secrets.io/v1
kind: ExternalSecret
{{ include "hostwright.metadata" (dict "role" . "annotations" $annotations) }}
spec:
  refreshPolicy: Periodic
  refreshInterval: {{ $external.refreshInterval | quote }}
  secretStoreRef:
    kind: {{ $external.storeKind }}
    name: {{ $external.storeName | quote }}
  target:
    name: {{ .object | quote }}
    creationPolicy: Owner
    # What the store no longer has stays here: running pods outlive a mistake in the store.
    deletionPolicy: Retain
  data:
    {{- range $name, $reference := .references }}
    - secretKey: {{ $name }}
      remoteRef:
        key: {{ $reference.name | quote }}
        {{- with $reference.property }}
        property: {{ . | quote }}
        {{- end }}
        # The operator's defaults, written out, else Argo CD sees a difference for ever.
        conversionStrategy: Default
        decodingStrategy: None
        metadataPolicy: None
    {{- end }}
{{- end }}

{{- define "hostwright.secret-provider-class" -}}
{{- $csi := .app.values.secrets.csi -}}
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
{{ include "hostwright.metadata" (dict "role" .) }}
spec:
  provider: {{ $csi.provider }}
  parameters:
    {{- include "hostwright.csi-parameters" . | nindent 4 }}
  # The driver copies what it mounted into this Secret while a pod mounts it.
  secretObjects:
    - secretName: {{ .object | quote }}
      type: Opaque
      data:
        {{- $files := include "hostwright.csi-files" . | fromJson }}
        {{- range $name, $reference := .references }}
        - objectName: {{ get $files (toJson $reference) | quote }}
          key: {{ $name }}
        {{- end }}
{{- end }}

{{/*
Each reference as JSON, to the file it is mounted as: named after the first variable that has it, with
a dot so that no secret of the store has the name, which the AWS provider refuses. Takes the role.
*/}}
{{- define "hostwright.csi-files" -}}
{{- $files := dict }}
{{- range $name, $reference := .references }}
{{-   if not (hasKey $files (toJson $reference)) }}
{{-     $_ := set $files (toJson $reference) (printf "env.%s" $name) }}
{{-   end }}
{{- end }}
{{- toJson $files }}
{{- end }}

{{/* Parameters in the provider's own form: yours, and the list of what to mount. Takes the role. */}}
{{- define "hostwright.csi-parameters" -}}
{{- $csi := .app.values.secrets.csi }}
{{- $objects := list }}
{{- range $reference, $file := include "hostwright.csi-files" . | fromJson }}
{{-   $objects = append $objects (set (fromJson $reference) "file" $file) }}
{{- end }}
{{- $parameters := deepCopy $csi.parameters }}
{{- if eq $csi.provider "aws" }}
{{-   $_ := set $parameters "objects" (include "hostwright.csi-aws" $objects) }}
{{- else if eq $csi.provider "azure" }}
{{-   $_ := set $parameters "objects" (include "hostwright.csi-azure" $objects) }}
{{-   if and .identity (eq .app.values.identity.type "azure") }}
{{-     $_ := set $parameters "clientID" .identity }}
{{-   end }}
{{- else if eq $csi.provider "gcp" }}
{{-   $_ := set $parameters "secrets" (include "hostwright.csi-gcp" (list $objects (get $parameters "project"))) }}
{{-   $_ := unset $parameters "project" }}
{{- else if eq $csi.provider "vault" }}
{{-   $_ := set $parameters "objects" (include "hostwright.csi-vault" $objects) }}
{{- end }}
{{- toYaml $parameters }}
{{- end }}

{{/* AWS takes each secret once, with the keys of its JSON. Takes a list of {name, property, file}. */}}
{{- define "hostwright.csi-aws" -}}
{{- $secrets := dict }}
{{- range . }}
{{-   $secret := get $secrets .name | default (dict "objectName" .name "objectType" "secretsmanager") }}
{{-   if .property }}
{{-     $path := dict "path" (quote .property) "objectAlias" .file }}
{{-     $_ := set $secret "jmesPath" (append ($secret.jmesPath | default list) $path) }}
{{-   else }}
{{-     $_ := set $secret "objectAlias" .file }}
{{-   end }}
{{-   $_ := set $secrets .name $secret }}
{{- end }}
{{- $objects := list }}
{{- range $name, $secret := $secrets }}
{{-   $objects = append $objects $secret }}
{{- end }}
{{- toYaml $objects }}
{{- end }}

{{/* Azure takes a list of texts, each of them YAML again. */}}
{{- define "hostwright.csi-azure" -}}
{{- $objects := list }}
{{- range . }}
{{-   $objects = append $objects (dict "objectName" .name "objectType" "secret" "objectAlias" .file | toYaml) }}
{{- end }}
{{- toYaml (dict "array" $objects) }}
{{- end }}

{{/* Google Cloud takes whole names of versions. Takes the list and the project. */}}
{{- define "hostwright.csi-gcp" -}}
{{- $project := index . 1 }}
{{- $objects := list }}
{{- range index . 0 }}
{{-   $name := ternary .name (printf "projects/%s/secrets/%s" $project .name) (hasPrefix "projects/" .name) }}
{{-   $name = ternary $name (printf "%s/versions/latest" $name) (contains "/versions/" $name) }}
{{-   $objects = append $objects (dict "resourceName" $name "path" .file) }}
{{- end }}
{{- toYaml $objects }}
{{- end }}

{{/* Vault takes the path of a secret and one key of it. */}}
{{- define "hostwright.csi-vault" -}}
{{- $objects := list }}
{{- range . }}
{{-   $objects = append $objects (dict "objectName" .file "secretPath" .name "secretKey" .property) }}
{{- end }}
{{- toYaml $objects }}
{{- end }}
