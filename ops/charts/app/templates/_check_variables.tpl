{{/*
Checks of variables: what the maps name, what is missing, and what values look like. Each takes the app
unless it says otherwise.
*/}}

{{/* The maps that a user writes: name by name against the contract. */}}
{{- define "hostwright.check-maps" -}}
{{- $app := . }}
{{- $hosted := keys .roles | sortAlpha }}
{{- include "hostwright.check-map" (dict "app" . "path" "env" "map" .values.env "readers" $hosted) }}
{{- include "hostwright.check-map" (dict "app" . "path" "secrets.references" "map" .values.secrets.references "readers" $hosted) }}
{{- range $block := list "api" "web" "worker" }}
{{-   $readers := list }}
{{-   range $hosted }}
{{-     if eq $block (include "hostwright.block" .) }}
{{-       $readers = append $readers . }}
{{-     end }}
{{-   end }}
{{-   $values := get $app.values $block }}
{{-   include "hostwright.check-map" (dict "app" $app "path" (printf "%s.env" $block) "map" $values.env "readers" $readers) }}
{{-   include "hostwright.check-map" (dict "app" $app "path" (printf "%s.secrets" $block) "map" $values.secrets "readers" $readers) }}
{{- end }}
{{- end }}

{{/* One map. Takes {app, path, map, readers: the roles that it is for}. */}}
{{- define "hostwright.check-map" -}}
{{- $ := . }}
{{- $ofSecrets := ne (splitList "." .path | last) "env" }}
{{- range $name, $text := .map }}
{{-   $path := printf "%s.%s" $.path $name }}
{{-   $variable := get $.app.contract.variables $name }}
{{-   $readers := list }}
{{-   if $variable }}
{{-     range $.readers }}
{{-       if has . $variable.roles }}{{ $readers = append $readers . }}{{ end }}
{{-     end }}
{{-   end }}
{{-   if not $variable }}
{{-     $nearest := include "hostwright.nearest" (list $name (keys $.app.contract.variables)) }}
{{-     include "hostwright.problem" (list "unknown-variable" $path
          "is not a variable of the contract"
          (ternary (printf "Did you mean %s?" $nearest) "Remove it, or declare it in ops/contract/contract.yaml." (ne $nearest ""))
        ) }}
{{-   else if and $variable.secret (not $ofSecrets) }}
{{-     include "hostwright.problem" (list "secret-in-env" $path
          "is a secret, and would stand in the manifest as plain text"
          (printf "Remove it, and say where it lies in secrets.references.%s (NAME or NAME#PROPERTY)." $name)
        ) }}
{{-   else if and (not $variable.secret) (ne $variable.source "operator") }}
{{-     include "hostwright.problem" (list "not-yours" $path
          (include "hostwright.maker" $variable)
          (include "hostwright.instead" (list $.app $variable))
        ) }}
{{-   else if and (not $variable.secret) $ofSecrets }}
{{-     include "hostwright.problem" (list "plain-in-secrets" $path
          "is no secret"
          (printf "Set its value in %s." (ternary (printf "env.%s" $name) (printf "%s.env.%s" (splitList "." $.path | first) $name) (hasPrefix "secrets." $path)))
        ) }}
{{-   else if not $readers }}
{{-     include "hostwright.problem" (list "not-of-role" $path
          (printf "is a variable of %s, which this map is not for" (include "hostwright.listed" ($variable.roles | default (list "no role here"))))
          "Remove it, or move it to a role that has it."
        ) }}
{{-   else if not (trim $text) }}
{{-     include "hostwright.problem" (list "blank" $path
          "is blank, or no text"
          "Give it a value, or remove the line."
        ) }}
{{-   else if $variable.secret }}
{{-     include "hostwright.check-reference" (list $.app $path $text) }}
{{-   end }}
{{- end }}
{{- end }}

{{/* Who gives a variable that the operator does not. Takes the variable. */}}
{{- define "hostwright.maker" -}}
{{- if eq .source "input" }}is set by a value of its own{{ else if eq .source "literal" }}is fixed by the contract{{ else }}is made by the chart{{ end }}
{{- end }}

{{/* What to do instead. Takes the app and the variable. */}}
{{- define "hostwright.instead" -}}
{{- $variable := index . 1 }}
{{- $made := dict
  "api_base_url" "Set apiBaseUrl instead."
  "allowed_hosts" "Set apiDomain or apiBaseUrl instead: it is made of them."
  "allowed_origins" "Set appPublicUrl instead: it is made of it."
  "port" "Remove it: the port is in ops/contract/contract.yaml."
  "pool_size" "Remove it: the size is in ops/contract/contract.yaml."
}}
{{- if eq $variable.source "input" }}
{{- printf "Set %s instead." (include "hostwright.path" (list (index . 0) $variable.input)) }}
{{- else }}
{{- get $made ($variable.composed | default "") | default "Remove it." }}
{{- end }}
{{- end }}

{{/* What is required and not there: one line for each value, whichever roles need it. */}}
{{- define "hostwright.check-variables" -}}
{{- $app := . }}
{{- $values := dict }}
{{- range $name, $variable := .contract.variables }}
{{-   $lacking := list }}
{{-   range $role := $app.roles }}
{{- /* What stands in the wrong map is told there, with where it belongs. */}}
{{-     $block := get $app.values (include "hostwright.block" $role.role) }}
{{-     $misplaced := and (ne $variable.source "operator") (or (hasKey $block.env $name) (hasKey $app.values.env $name)) }}
{{-     if $variable.secret }}
{{-       $misplaced = or (hasKey $block.env $name) (hasKey $app.values.env $name) }}
{{-     else if not $misplaced }}
{{-       $misplaced = or (hasKey $block.secrets $name) (hasKey $app.values.secrets.references $name) }}
{{-     end }}
{{-     $needs := and (not $misplaced) (has $app.values.environment $variable.required) (hasKey $app.roles ($variable.needs_role | default .role)) }}
{{-     if and $needs (has $name .applying) (not (hasKey .plain $name)) (not (hasKey .references $name)) }}
{{-       $lacking = append $lacking .role }}
{{-     end }}
{{-   end }}
{{-   $path := "" }}
{{-   if eq $variable.source "input" }}
{{-     $path = include "hostwright.path" (list $app $variable.input) }}
{{-   else if eq ($variable.composed | default "") "allowed_origins" }}
{{-     $path = "appPublicUrl" }}
{{-   end }}
{{-   if and $lacking $path }}
{{-     $_ := set $values $path (concat (get $values $path | default list) $lacking) }}
{{-   else if $lacking }}
{{-     include "hostwright.missing" (dict "app" $app "name" $name "variable" $variable "roles" $lacking) }}
{{-   end }}
{{- end }}
{{- range $path, $roles := $values }}
{{-   include "hostwright.problem" (list "value-missing" $path
        (printf "is missing: %s needs it for %s" $app.values.environment (include "hostwright.listed" (uniq $roles | sortAlpha)))
        "Set it."
      ) }}
{{- end }}
{{- end }}

{{/* A variable without a value or a reference. Takes {app, name, variable, roles}. */}}
{{- define "hostwright.missing" -}}
{{- $blocks := list }}
{{- range .roles }}
{{-   $blocks = append $blocks (include "hostwright.block" .) }}
{{- end }}
{{- /* Where one block alone lacks it, it belongs there; else above all of them. */}}
{{- $block := ternary (first $blocks) "" (eq (uniq $blocks | len) 1) }}
{{- $what := printf "is missing: %s needs it for %s%s" .app.values.environment (include "hostwright.listed" .roles) (include "hostwright.because" .variable) }}
{{- if .variable.secret }}
{{-   $map := ternary "secrets.references" (printf "%s.secrets" $block) (empty $block) }}
{{-   include "hostwright.problem" (list "secret-missing" (printf "%s.%s" $map .name)
        $what
        "Say where it lies, as NAME or NAME#PROPERTY."
      ) }}
{{- else if eq .variable.source "operator" }}
{{-   $map := ternary "env" (printf "%s.env" $block) (empty $block) }}
{{-   include "hostwright.problem" (list "variable-missing" (printf "%s.%s" $map .name) $what "Set it.") }}
{{- else }}
{{-   include "hostwright.problem" (list "not-made" (printf "contract.json.variables.%s" .name)
        $what
        "The chart cannot make it: write `kubernetes: operator` in its sources in ops/contract/contract.yaml."
      ) }}
{{- end }}
{{- end }}

{{/* The condition of a variable, in parentheses, or nothing. Takes it. */}}
{{- define "hostwright.because" -}}
{{- $conditions := list }}
{{- range .when }}
{{-   $parts := list }}
{{-   range $name, $values := . }}
{{-     $parts = append $parts (printf "%s is %s" $name (join " or " $values)) }}
{{-   end }}
{{-   $conditions = append $conditions (join " and " $parts) }}
{{- end }}
{{- with $conditions }} (as {{ join ", or " . }}){{ end }}
{{- end }}

{{/* Whether values look like what they are to be. */}}
{{- define "hostwright.check-texts" -}}
{{- $app := . }}
{{- range $role := .roles }}
{{-   range $name, $text := .plain }}
{{-     $variable := get $app.contract.variables $name }}
{{-     $env := get (get $app.values (include "hostwright.block" $role.role)) "env" }}
{{-     $path := "" }}
{{-     if eq $variable.source "input" }}
{{-       $path = include "hostwright.path" (list $app $variable.input) }}
{{-     else if and (eq $variable.source "operator") (get $env $name) }}
{{-       $path = printf "%s.env.%s" (include "hostwright.block" $role.role) $name }}
{{-     else if and (eq $variable.source "operator") (get $app.values.env $name) }}
{{-       $path = printf "env.%s" $name }}
{{-     end }}
{{-     if $path }}
{{-       include "hostwright.check-text" (list $variable $path $text) }}
{{-     end }}
{{-   end }}
{{- end }}
{{- end }}

{{/* Takes the variable, the value's path, and its text. */}}
{{- define "hostwright.check-text" -}}
{{- $variable := index . 0 }}
{{- $path := index . 1 }}
{{- $text := index . 2 }}
{{- $forms := dict
  "int" (list "^[+-]?[0-9]{1,18}$" "a whole number")
  "port" (list "^[1-9][0-9]{0,4}$" "a port")
  "bool" (list "^(true|false)$" "true or false")
  "url" (list "^[A-Za-z][A-Za-z0-9+.-]*://[^/?#\\s]+\\S*$" "a URL with scheme and host")
  "url_list" (list "^[A-Za-z][A-Za-z0-9+.-]*://[^/?#\\s]+[^\\s]*(,\\s*[A-Za-z][A-Za-z0-9+.-]*://[^/?#\\s]+[^\\s]*)*$" "a comma-separated list of URLs")
  "host_list" (list "^[A-Za-z0-9.*-]+(,\\s*[A-Za-z0-9.*-]+)*$" "a comma-separated list of host names")
  "pem" (list "-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----" "a PEM certificate")
  "path" (list "^/" "an absolute path")
}}
{{- $form := get $forms $variable.type }}
{{- if not (trim $text) }}
{{-   include "hostwright.problem" (list "blank" $path
        "is blank, or no text"
        "Give it a value, or remove the line."
      ) }}
{{- else if and $variable.allowed (not (has $text $variable.allowed)) }}
{{-   include "hostwright.problem" (list "not-allowed" $path
        (printf "is not one of %s" (include "hostwright.listed" $variable.allowed))
        "Choose one of them: on Kubernetes there is no other."
      ) }}
{{- else if and $form (not (regexMatch (first $form) $text)) }}
{{-   include "hostwright.problem" (list "not-of-type" $path
        (printf "is not %s" (last $form))
        "Correct it."
      ) }}
{{- end }}
{{- end }}
