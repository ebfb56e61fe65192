{{/*
What is hosted, worked out from values and contract in one place. The other helpers read this and
nothing else, and none of them can meet a null: a role that the contract does not have is not there.
*/}}

{{/*
The app as JSON: names, values, contract, scripts, and its roles by name. Takes the root context, and
keeps the answer there: Helm passes the same one to every template, and this is most of the work.
*/}}
{{- define "hostwright.app" -}}
{{- if not (hasKey . "hostwright") }}
{{-   $_ := set . "hostwright" (include "hostwright.work-out" .) }}
{{- end }}
{{- get . "hostwright" }}
{{- end }}

{{- define "hostwright.work-out" -}}
{{- $values := include "hostwright.values" . | fromJson }}
{{- $scripts := dict }}
{{- range list "gate" "migrate" "ready" }}
{{-   $_ := set $scripts . ($.Files.Get (printf "files/%s.sh" .)) }}
{{- end }}
{{- $app := dict
  "name" ($values.projectName | default .Release.Name)
  "namespace" .Release.Namespace
  "release" .Release.Name
  "manager" .Release.Service
  "chartName" .Chart.Name
  "chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimAll "-._")
  "values" $values
  "contract" (.Files.Get "contract.json" | fromJson)
  "scripts" $scripts
}}
{{- $roles := dict }}
{{- range $role := keys $app.contract.roles }}
{{-   if or (ne $role "migrate") (ne $values.migrate.type "none") }}
{{-     $_ := set $roles $role (include "hostwright.hosted" (list $app $role) | fromJson) }}
{{-   end }}
{{- end }}
{{- toJson (set $app "roles" $roles) }}
{{- end }}

{{/*
A role as JSON, with the app as `app`, of whose variables it has its own; {} where it is not hosted.
Takes root context and name, and keeps the answer there, too.
*/}}
{{- define "hostwright.role" -}}
{{- $root := index . 0 }}
{{- $kept := printf "hostwright.%s" (index . 1) }}
{{- if not (hasKey $root $kept) }}
{{-   $app := include "hostwright.app" $root | fromJson }}
{{-   $role := get $app.roles (index . 1) | default dict }}
{{-   if $role }}
{{-     $own := dict }}
{{-     range $name := $role.applying }}
{{-       $_ := set $own $name (get $app.contract.variables $name) }}
{{-     end }}
{{-     $_ := set $app.contract "variables" $own }}
{{-     $_ := set $role "app" (omit $app "roles") }}
{{-   end }}
{{-   $_ := set $root $kept (toJson $role) }}
{{- end }}
{{- get $root $kept }}
{{- end }}

{{/* Whose block of the values a role reads: migrations are the worker's code, with its values. */}}
{{- define "hostwright.block" -}}
{{- ternary "worker" . (eq . "migrate") }}
{{- end }}

{{/* What one role is, as JSON. Takes the app and the role's name. */}}
{{- define "hostwright.hosted" -}}
{{- $app := index . 0 }}
{{- $role := index . 1 }}
{{- $values := $app.values }}
{{- $spec := get $app.contract.roles $role }}
{{- $block := get $values (include "hostwright.block" $role) }}
{{- $variables := include "hostwright.variables" (list $app $role $block) | fromJson }}
{{- $serves := eq $spec.kind "service" }}
{{- $stays := ne $spec.kind "job" }}
{{- $image := $block.image }}
{{- if not $serves }}
{{-   $image = $image | default $values.api.image }}
{{- end }}
{{- $min := $block.minInstances | default (ternary 2 1 (and $serves (eq $values.environment "production"))) | int }}
{{- $scales := and $stays (has $values.autoscaling.type (list "hpa" "keda")) (gt (int $block.maxInstances) $min) }}
{{- $preStop := ternary (int $block.preStopSeconds) 0 $serves }}
{{- toJson (dict
  "role" $role
  "object" (printf "%s-%s" $app.name $role)
  "kind" $spec.kind
  "spec" $spec
  "serves" $serves
  "stays" $stays
  "port" (int ($spec.port | default 0))
  "host" (get (dict "api" $values.apiDomain "web" $values.appDomain) $role)
  "image" $image
  "identity" (ternary $block.identity $values.migrate.identity $stays)
  "applying" $variables.applying
  "plain" $variables.plain
  "references" $variables.references
  "composed" $variables.composed
  "calls" (ternary (list "api") list (and (hasKey $variables.composed "api_base_url") (not $values.apiBaseUrl)))
  "gated" (and $stays (hasKey $app.contract.roles "migrate") (hasKey $variables.references "DATABASE_URL"))
  "cpu" $block.cpu
  "memory" (printf "%dMi" (int $block.memoryMib))
  "disk" (printf "%dMi" (int $block.diskMib))
  "min" $min
  "max" (ternary (int $block.maxInstances) $min $scales)
  "scales" $scales
  "triggers" $block.triggers
  "surges" (or $serves (eq $spec.handover "overlap"))
  "preStop" $preStop
  "grace" (add $preStop (max (int $spec.stop_seconds) (int $spec.drain_seconds)) 5)
) }}
{{- end }}
