{{/* Checks of one value at a time: names of other charts, choices, numbers. */}}

{{/* Takes the root context: these names are not among the values as the other helpers read them. */}}
{{- define "hostwright.check-renamed" -}}
{{- range $old, $new := .Files.Get "renamed.yaml" | fromYaml }}
{{-   $found := $.Values }}
{{-   range splitList "." $old }}
{{-     $found = ternary $found dict (kindIs "map" $found) }}
{{-     $found = ternary (get $found .) nil (hasKey $found .) }}
{{-   end }}
{{-   if not (kindIs "invalid" $found) }}
{{-     include "hostwright.problem" (list "renamed" $old
          "is not a value of this chart"
          (printf "Use %s." $new)
        ) }}
{{-   end }}
{{- end }}
{{- end }}

{{- define "hostwright.check-choices" -}}
{{- $app := . }}
{{- $choices := dict
  "environment" (list "development" "staging" "production")
  "secrets.type" (list "external" "csi" "existing")
  "identity.type" (list "none" "aws" "azure" "gcp")
  "routing.type" (list "none" "gateway" "ingress")
  "autoscaling.type" (list "none" "hpa" "keda")
  "migrate.type" (list "job" "hook" "none")
  "networkPolicy.enabled" (list "true" "false")
}}
{{- if eq .values.secrets.type "external" }}
{{-   $_ := set $choices "secrets.external.storeKind" (list "ClusterSecretStore" "SecretStore") }}
{{- else if eq .values.secrets.type "csi" }}
{{-   $_ := set $choices "secrets.csi.provider" (list "aws" "azure" "gcp" "vault") }}
{{- end }}
{{- range $path, $known := $choices }}
{{-   if not (has (include "hostwright.at" (list $app $path)) $known) }}
{{-     include "hostwright.problem" (list "choice" $path
          (printf "is not one of %s" (include "hostwright.listed" $known))
          "Choose one of them, or remove the line for the default."
        ) }}
{{-   end }}
{{- end }}
{{- end }}

{{- define "hostwright.check-numbers" -}}
{{- $app := . }}
{{- /* Path, least, most; these may not be empty. */}}
{{- $numbers := list
  (list "autoscaling.targetCpu" 1 100)
  (list "migrate.attempt" 1 2147483647)
  (list "migrate.ttlSeconds" 60 2147483647)
  (list "pods.user" 1 2147483647)
  (list "pods.group" 1 2147483647)
}}
{{- $empty := list
  (list "databaseMaxConnections" 0 2147483647)
  (list "networkPolicy.databasePort" 0 65535)
  (list "networkPolicy.redisPort" 0 65535)
}}
{{- range include "hostwright.blocks" . | fromJsonArray }}
{{-   $numbers = append $numbers (list (printf "%s.memoryMib" .) 4 16777216) }}
{{-   $numbers = append $numbers (list (printf "%s.diskMib" .) 1 16777216) }}
{{-   $numbers = append $numbers (list (printf "%s.maxInstances" .) 1 1000) }}
{{-   if ne . "worker" }}
{{-     $numbers = append $numbers (list (printf "%s.preStopSeconds" .) 0 3600) }}
{{-   end }}
{{-   $empty = append $empty (list (printf "%s.minInstances" .) 1 1000) }}
{{-   $cpu := get (get $app.values .) "cpu" }}
{{-   if or (not (regexMatch "^[0-9]{1,4}(\\.[0-9]{1,3})?$" $cpu)) (regexMatch "^[0.]+$" $cpu) }}
{{-     include "hostwright.problem" (list "number" (printf "%s.cpu" .)
          "is not a number of CPUs, of which there are thousandths"
          "Write it as 2 or 0.5, or remove the line for the default."
        ) }}
{{-   end }}
{{- end }}
{{- range concat $numbers $empty }}
{{-   $text := include "hostwright.at" (list $app (index . 0)) }}
{{-   if not (and (empty $text) (has . $empty)) }}
{{-     if not (regexMatch "^[0-9]{1,10}$" $text) }}
{{-       include "hostwright.number-problem" . }}
{{-     else if or (lt (int64 $text) (int64 (index . 1))) (gt (int64 $text) (int64 (index . 2))) }}
{{-       include "hostwright.number-problem" . }}
{{-     end }}
{{-   end }}
{{- end }}
{{- end }}

{{- define "hostwright.number-problem" -}}
{{- include "hostwright.problem" (list "number" (index . 0)
      (printf "is not a whole number from %d to %d" (int64 (index . 1)) (int64 (index . 2)))
      "Correct it, or remove the line for the default."
    ) }}
{{- end }}

{{/* The roles' blocks that are read, as a JSON list. Takes the app. */}}
{{- define "hostwright.blocks" -}}
{{- $blocks := list }}
{{- range $role := keys .roles | sortAlpha }}
{{-   $blocks = append $blocks (include "hostwright.block" $role) }}
{{- end }}
{{- uniq $blocks | toJson }}
{{- end }}
