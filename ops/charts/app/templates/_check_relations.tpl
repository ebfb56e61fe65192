{{/* Checks of values against each other. Each takes the app. */}}

{{- define "hostwright.check-routing" -}}
{{- $routing := .values.routing }}
{{- if and (eq $routing.type "gateway") (not $routing.gateway.name) }}
{{-   include "hostwright.problem" (list "gateway" "routing.gateway.name"
        "is missing"
        "Name the Gateway that takes the routes."
      ) }}
{{- end }}
{{- if has $routing.type (list "gateway" "ingress") }}
{{-   $public := dict "web" "appDomain" "api" "apiDomain" }}
{{-   $role := ternary "web" "api" (hasKey .roles "web") }}
{{-   $hosted := get .roles $role }}
{{-   if and $hosted (not $hosted.host) }}
{{-     include "hostwright.problem" (list "routing" (get $public $role)
          (printf "is missing, and routing.type is %s" $routing.type)
          "Set it: requests are told apart by host name."
        ) }}
{{-   else if not $hosted }}
{{-     include "hostwright.problem" (list "routing" "routing.type"
          "is set, and the contract has no role that answers requests"
          "Choose none."
        ) }}
{{-   end }}
{{- end }}
{{- end }}

{{- define "hostwright.check-network" -}}
{{- $policy := .values.networkPolicy }}
{{- range $key := list "databaseRanges" "redisRanges" }}
{{-   range $index, $range := get $policy $key }}
{{-     if not (regexMatch "^(([0-9]{1,3}\\.){3}[0-9]{1,3}/[0-9]{1,2}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*/[0-9]{1,3})$" (include "hostwright.text" $range)) }}
{{-       include "hostwright.problem" (list "range" (printf "networkPolicy.%s[%d]" $key $index)
            "is not an address range"
            "Write it as 10.20.0.0/16."
          ) }}
{{-     end }}
{{-   end }}
{{- end }}
{{- range $index, $port := $policy.egressPorts }}
{{-   $text := include "hostwright.text" $port }}
{{-   if or (not (regexMatch "^[1-9][0-9]{0,4}$" $text)) (gt (int $text) 65535) }}
{{-     include "hostwright.problem" (list "number" (printf "networkPolicy.egressPorts[%d]" $index)
          "is not a whole number from 1 to 65535"
          "Correct it."
        ) }}
{{-   end }}
{{- end }}
{{- end }}

{{- define "hostwright.check-instances" -}}
{{- $values := .values }}
{{- range .roles }}
{{-   if .stays }}
{{-     $block := get $values .role }}
{{-     if and (int $block.maxInstances) (lt (int $block.maxInstances) (int .min)) (le (int .min) 1000) }}
{{-       include "hostwright.problem" (list "instances" (printf "%s.maxInstances" .role)
            (printf "is less than %s.minInstances (%d%s)" .role (int .min) (ternary "" ", by default" (ne $block.minInstances "")))
            "Raise it, or lower the other."
          ) }}
{{-     end }}
{{-   end }}
{{- end }}
{{- range list "api" "web" "worker" }}
{{-   if and (get (get $values .) "triggers") (or (ne . "worker") (has $values.autoscaling.type (list "none" "hpa"))) }}
{{-     include "hostwright.problem" (list "triggers" (printf "%s.triggers" .)
          "has triggers, which KEDA alone reads, and for the worker alone"
          "Set autoscaling.type to keda, or remove them."
        ) }}
{{-   end }}
{{- end }}
{{- end }}

{{/* All pods of all roles at once, and those of the next release beside them. */}}
{{- define "hostwright.check-connections" -}}
{{- $most := int .values.databaseMaxConnections }}
{{- $sum := 0 }}
{{- $parts := list }}
{{- range .roles }}
{{-   if hasKey .references "DATABASE_URL" }}
{{-     $pods := ternary (int (add .max (ternary 1 0 .surges))) 1 .stays }}
{{-     $pool := ternary (int (.spec.pool_size | default 1)) 1 .stays }}
{{-     $sum = add $sum (mul $pods $pool) }}
{{-     $parts = append $parts (printf "%s %d x %d" .role $pods $pool) }}
{{-   end }}
{{- end }}
{{- if and $most (gt (int $sum) $most) }}
{{-   include "hostwright.problem" (list "connections" "databaseMaxConnections"
        (printf "is less than the %d connections that the roles may open (%s)" (int $sum) (join ", " $parts))
        "Lower maxInstances, a pool_size in ops/contract/contract.yaml, or give the database more."
      ) }}
{{- end }}
{{- end }}

{{/* Labels and annotations of the pods and of the Ingress. */}}
{{- define "hostwright.check-labels" -}}
{{- $app := . }}
{{- range $path := list "pods.labels" "pods.annotations" "pods.nodeSelector" "routing.ingress.annotations" }}
{{-   $map := $app.values }}
{{-   range splitList "." $path }}
{{-     $map = get $map . }}
{{-   end }}
{{-   range $key, $text := $map }}
{{-     include "hostwright.check-label" (dict "path" (printf "%s.%s" $path $key) "key" $key "text" $text "label" (not (hasSuffix "annotations" $path)) "pods" (has $path (list "pods.labels" "pods.annotations"))) }}
{{-   end }}
{{- end }}
{{- end }}

{{/* One of them. Takes {path, key, text, label: whether it is one, pods: whether it is theirs}. */}}
{{- define "hostwright.check-label" -}}
{{- $ours := or (hasPrefix "app.kubernetes.io/" .key) (hasPrefix "helm.sh/" .key) (hasPrefix "hostwright/" .key) (eq .key "azure.workload.identity/use") }}
{{- if and .pods $ours }}
{{-   include "hostwright.problem" (list "reserved" .path "is set by the chart" "Remove it.") }}
{{- else if not (regexMatch "^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$" .key) }}
{{-   include "hostwright.problem" (list "label" .path
        "is not a name that Kubernetes takes"
        "Write it as team or example.org/team, with letters, digits, dots, dashes and underscores."
      ) }}
{{- else if and .label (not (regexMatch "^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$" .text)) }}
{{-   include "hostwright.problem" (list "label" .path
        "has a value that Kubernetes does not take"
        "Use at most 63 letters, digits, dots, dashes and underscores."
      ) }}
{{- end }}
{{- end }}
