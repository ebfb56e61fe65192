{{/*
The role that `helm test` plays: no role of the contract, but a pod of the same make, which asks every
service for its readiness through its Service.
*/}}

{{/* It as JSON, as a role; {} where there is no service to ask. Takes the root context. */}}
{{- define "hostwright.tester" -}}
{{- $app := include "hostwright.app" . | fromJson }}
{{- $asked := list }}
{{- range $name, $role := $app.roles }}
{{-   if .serves }}
{{-     $asked = append $asked $role }}
{{-   end }}
{{- end }}
{{- $tester := dict }}
{{- if $asked }}
{{-   $command := list "sh" "-c" $app.scripts.ready "ready" }}
{{-   $calls := list }}
{{-   range $asked }}
{{-     $command = append $command (printf "http://%s:%d%s" .object (int .port) .spec.health.ready) }}
{{-     $calls = append $calls .role }}
{{-   end }}
{{-   $tester = deepCopy (first $asked) }}
{{-   range $key, $value := dict
  "app" (omit $app "roles")
  "role" "test"
  "object" (printf "%s-test" $app.name)
  "serves" false
  "stays" false
  "gated" false
  "identity" ""
  "plain" dict
  "references" dict
  "calls" $calls
  "command" $command
  "grace" 5
}}
{{-     $_ := set $tester $key $value }}
{{-   end }}
{{- end }}
{{- toJson $tester }}
{{- end }}
