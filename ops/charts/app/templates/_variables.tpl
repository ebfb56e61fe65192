{{/*
The variables of each role, by contract.json: names that are not in it are not emitted, and nothing
that a user writes can shadow one that is.
*/}}

{{/*
What a role gets, as JSON: `applying` (names whose condition holds), `plain` (name to text),
`references` (name to {name, property}) and `composed` (name to what the chart makes). Takes app,
role, and the role's block of the values.
*/}}
{{- define "hostwright.variables" -}}
{{- $app := index . 0 }}
{{- $role := index . 1 }}
{{- $block := index . 2 }}
{{- $variables := dict }}
{{- range $name, $variable := $app.contract.variables }}
{{-   if has $role $variable.roles }}
{{-     $_ := set $variables $name $variable }}
{{-   end }}
{{- end }}
{{- $composed := include "hostwright.composed" (list $app $role) | fromJson }}
{{- $sources := dict "app" $app "role" $role "block" $block "composed" $composed }}
{{- /* Conditions ask for other variables, so every value is looked up before any is asked for. */}}
{{- $texts := dict }}
{{- range $name, $variable := $variables }}
{{-   $_ := set $texts $name (include "hostwright.source" (merge (dict "name" $name "variable" $variable) $sources)) }}
{{- end }}
{{- $got := dict "applying" list "plain" dict "references" dict "composed" dict }}
{{- range $name, $variable := $variables }}
{{-   $text := get $texts $name }}
{{-   if include "hostwright.applies" (list $variable $texts) }}
{{-     $_ := set $got "applying" (append $got.applying $name) }}
{{-     if and $text $variable.secret }}
{{-       $parts := splitn "#" 2 $text }}
{{-       $_ := set $got.references $name (dict "name" $parts._0 "property" ($parts._1 | default "")) }}
{{-     else if $text }}
{{-       $_ := set $got.plain $name $text }}
{{-       if eq $variable.source "composed" }}
{{-         $_ := set $got.composed $variable.composed $text }}
{{-       end }}
{{-     end }}
{{-   end }}
{{- end }}
{{- toJson $got }}
{{- end }}

{{/* Text of a variable, or a secret's reference, or nothing. Takes {app, role, block, composed, name, variable}. */}}
{{- define "hostwright.source" -}}
{{- $values := .app.values }}
{{- if .variable.secret }}
{{-   get .block.secrets .name | default (get $values.secrets.references .name) }}
{{- else if eq .variable.source "input" }}
{{-   include "hostwright.input" (list .app .variable.input) }}
{{- else if eq .variable.source "composed" }}
{{-   get .composed .variable.composed }}
{{- else if eq .variable.source "literal" }}
{{-   if kindIs "map" .variable.literal }}{{ get .variable.literal .role }}{{ else }}{{ .variable.literal }}{{ end }}
{{- else }}
{{-   get .block.env .name | default (get $values.env .name) | default (.variable.default | default "") }}
{{- end }}
{{- end }}

{{/* Something where one of a variable's conditions holds, or it has none. Takes it and the role's texts. */}}
{{- define "hostwright.applies" -}}
{{- $variable := index . 0 }}
{{- $texts := index . 1 }}
{{- $applies := not $variable.when }}
{{- range $variable.when }}
{{-   $holds := true }}
{{-   range $name, $values := . }}
{{-     $holds = and $holds (has (get $texts $name) $values) }}
{{-   end }}
{{-   $applies = or $applies $holds }}
{{- end }}
{{- if $applies }}true{{ end }}
{{- end }}

{{/* Text of a canonical input. Takes the app and the input's name. */}}
{{- define "hostwright.input" -}}
{{- $found := (index . 0).values }}
{{- range splitList "." (include "hostwright.path" .) }}
{{-   $found = get $found . }}
{{- end }}
{{- if eq (index . 1) "project_name" }}
{{-   $found = (index . 0).name }}
{{- end }}
{{- $found }}
{{- end }}

{{/*
Where the values have a canonical input: app_domain is appDomain, api_memory_mib is api.memoryMib.
Takes the app and the input's name.
*/}}
{{- define "hostwright.path" -}}
{{- $values := (index . 0).values }}
{{- $words := splitList "_" (index . 1) }}
{{- $path := camelcase (index . 1) | untitle }}
{{- $inBlock := camelcase (rest $words | join "_") | untitle }}
{{- if and (eq $path "authKeyStorageProvider") (not $values.authKeyStorageProvider) }}
{{-   $path = "secretsProvider" }}
{{- else if and (has (first $words) (list "api" "web" "worker")) (not (hasKey $values $path)) }}
{{-   $path = printf "%s.%s" (first $words) $inBlock }}
{{- end }}
{{- $path }}
{{- end }}

{{/* What the chart makes itself for a role: name to text, as JSON. Takes the app and the role's name. */}}
{{- define "hostwright.composed" -}}
{{- $app := index . 0 }}
{{- $spec := get $app.contract.roles (index . 1) }}
{{- $own := "" }}
{{- $service := "" }}
{{- with get $app.contract.roles "api" }}
{{-   $service = printf "%s-api" $app.name }}
{{-   $own = printf "http://%s:%d" $service (int .port) }}
{{- end }}
{{- $url := $app.values.apiBaseUrl | default $own }}
{{- /* A host that web's server calls is answered even when no browser may use it. */}}
{{- $called := regexFind "^https?://(\\[[^\\]]+\\]|[^/:?#@]+)" $url | trimPrefix "https://" | trimPrefix "http://" }}
{{- toJson (dict
  "port" (ternary (int ($spec.port | default 0) | toString) "" (hasKey $spec "port"))
  "pool_size" (int ($spec.pool_size | default 1) | toString)
  "api_base_url" $url
  "allowed_hosts" (list $app.values.apiDomain $called $service | compact | uniq | join ",")
  "allowed_origins" (regexFind "^https?://[^/?#]+" $app.values.appPublicUrl)
) }}
{{- end }}

{{/* The list `env` of a container, sorted. Takes the role. */}}
{{- define "hostwright.env" -}}
{{- $role := . }}
{{- range $name := concat (keys .plain) (keys .references) | sortAlpha }}
- name: {{ $name }}
{{-   if hasKey $role.plain $name }}
  value: {{ include "hostwright.literal" (get $role.plain $name) }}
{{-   else }}
  valueFrom:
    secretKeyRef:
      {{- include "hostwright.key" (list $role $name) | nindent 6 }}
{{-   end }}
{{- end }}
{{- end }}

{{/* A text that the kubelet passes on as it is: it would read $(NAME), and $$ as one $. */}}
{{- define "hostwright.literal" -}}
{{- replace "$" "$$" . | quote }}
{{- end }}
