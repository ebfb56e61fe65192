{{/*
Which traffic is let through. Everything is denied to every pod of the release; a role is then let do
what its variables are for, so that no policy can cut off a database that the contract gives it.
*/}}

{{/* Takes the app. */}}
{{- define "hostwright.deny" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
{{ include "hostwright.metadata" (dict "role" (dict "app" .) "name" (printf "%s-deny" .name)) }}
spec:
  podSelector:
    matchLabels:
      {{- include "hostwright.everyone" . | nindent 6 }}
  policyTypes:
    - Ingress
    - Egress
{{- end }}

{{/* A role's policy, or nothing. Takes the role. */}}
{{- define "hostwright.network" -}}
{{- if eq .app.values.networkPolicy.enabled "true" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
{{ include "hostwright.metadata" (dict "role" . "annotations" .hook) }}
spec:
  podSelector:
    matchLabels:
      {{- include "hostwright.selector" . | nindent 6 }}
  policyTypes:
    - Ingress
    - Egress
  {{- if .serves }}
  ingress:
    - ports:
        - port: {{ int .port }}
          protocol: TCP
      {{- with include "hostwright.callers" . | trim }}
      from:
        {{- . | nindent 8 }}
      {{- end }}
  {{- end }}
  egress:
    {{- include "hostwright.egress" . | nindent 4 }}
{{- end }}
{{- end }}

{{/* Who may call a role; nothing where everybody may. Takes the role. */}}
{{- define "hostwright.callers" -}}
{{- $values := .app.values }}
{{- $public := or .host (eq .role "web") }}
{{- if not (and $public (empty $values.networkPolicy.ingressFrom)) }}
{{-   $pods := list "test" }}
{{-   if and (eq .role "api") (hasKey .app.contract.roles "web") }}
{{-     $pods = list "web" "test" }}
{{-   end }}
{{-   range $pods }}
- podSelector:
    matchLabels:
      {{- include "hostwright.selector" (dict "app" $.app "role" .) | nindent 6 }}
{{-   end }}
{{-   if $public }}
{{ toYaml $values.networkPolicy.ingressFrom }}
{{-   end }}
{{- end }}
{{- end }}

{{/* Where a role may connect to. Takes the role. */}}
{{- define "hostwright.egress" -}}
{{- $policy := .app.values.networkPolicy }}
{{- $connections := .app.contract.connections -}}
# Names: the cluster's DNS, and node-local caches, which answer at link-local addresses.
- to:
    - namespaceSelector: {}
    - ipBlock:
        cidr: 169.254.0.0/16
  ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- if hasKey .references "DATABASE_URL" }}
{{ include "hostwright.way" (dict "ports" (list ($policy.databasePort | int | default $connections.postgres.port)) "ranges" $policy.databaseRanges) }}
{{- end }}
{{- if hasKey .references "REDIS_URL" }}
{{ include "hostwright.way" (dict "ports" (list ($policy.redisPort | int | default $connections.redis.port)) "ranges" $policy.redisRanges) }}
{{- end }}
{{- range .calls }}
- to:
    - podSelector:
        matchLabels:
          {{- include "hostwright.selector" (dict "app" $.app "role" .) | nindent 10 }}
  ports:
    - port: {{ int (get $.app.contract.roles .).port }}
      protocol: TCP
{{- end }}
{{- with include "hostwright.outside" . | fromJsonArray }}
{{ include "hostwright.way" (dict "ports" . "ranges" list) }}
{{- end }}
{{- if and .identity (eq .app.values.identity.type "gcp") }}
# The metadata server, by itself and through GKE's own proxy of it.
- to:
    - ipBlock:
        cidr: 169.254.169.254/32
  ports:
    - port: 80
      protocol: TCP
- to:
    - ipBlock:
        cidr: 169.254.169.252/32
  ports:
    - port: 988
      protocol: TCP
{{- end }}
{{- end }}

{{/* A rule for TCP ports. Takes {ports, ranges}; no ranges are every address. */}}
{{- define "hostwright.way" -}}
- ports:
    {{- range .ports }}
    - port: {{ int . }}
      protocol: TCP
    {{- end }}
  {{- with .ranges }}
  to:
    {{- range . }}
    - ipBlock:
        cidr: {{ toString . | quote }}
    {{- end }}
  {{- end }}
{{- end }}

{{/*
Ports that a role reaches anywhere, as a JSON list: HTTPS where it uses a provider of secrets or
storage or has an identity, those of the addresses in its variables, and yours. Takes the role.
*/}}
{{- define "hostwright.outside" -}}
{{- $values := .app.values }}
{{- $ports := list }}
{{- if .identity }}
{{-   $ports = append $ports "443" }}
{{- end }}
{{- range $name, $text := .plain }}
{{-   $variable := get $.app.contract.variables $name }}
{{-   $called := or (eq $variable.source "operator") (and (eq ($variable.composed | default "") "api_base_url") $values.apiBaseUrl) }}
{{-   if has $variable.input (list "secrets_provider" "auth_key_storage_provider" "storage_provider") }}
{{-     $ports = append $ports "443" }}
{{-   else if and $called (eq $variable.type "url") }}
{{-     $ports = append $ports (include "hostwright.port-of" $text) }}
{{-   else if and $called (hasSuffix "_ENDPOINT" $name) }}
{{-     $ports = append $ports (regexFind ":[0-9]+$" $text | trimPrefix ":" | default "443") }}
{{-   end }}
{{- end }}
{{- if has .role (list "api" "worker") }}
{{-   range $values.networkPolicy.egressPorts }}
{{-     $ports = append $ports (int . | toString) }}
{{-   end }}
{{- end }}
{{- $known := list }}
{{- range uniq $ports | sortAlpha }}
{{-   if and (gt (int .) 0) (lt (int .) 65536) }}
{{-     $known = append $known (int .) }}
{{-   end }}
{{- end }}
{{- toJson $known }}
{{- end }}

{{/* The port of a URL; nothing where it has none that is known. */}}
{{- define "hostwright.port-of" -}}
{{- $port := regexFind "^[a-z]+://([^/?#@]*@)?(\\[[^\\]]*\\]|[^/?#:]*)(:[0-9]{1,5})?" . | regexFind ":[0-9]+$" | trimPrefix ":" }}
{{- $port | default (get (dict "http" "80" "https" "443") (splitList ":" . | first)) }}
{{- end }}
