{{/* Checks of names, images and addresses. Each takes the app. */}}

{{- define "hostwright.check-names" -}}
{{- if not (regexMatch "^[a-z]([a-z0-9-]*[a-z0-9])?$" .name) }}
{{-   include "hostwright.problem" (list "name" "projectName"
        "begins the name of every object (the release's name does, where it is empty), and must be lower-case letters, digits and dashes after a letter"
        "Set another, or install under another name."
      ) }}
{{- else if gt (len .name) 44 }}
{{-   include "hostwright.problem" (list "name-length" "projectName"
        (printf "begins the name of every object (the release's name does, where it is empty), and has %d characters, of which 44 fit: Kubernetes takes 63, and -migrate-<hash> needs the rest" (len .name))
        "Set a shorter one."
      ) }}
{{- end }}
{{- end }}

{{- define "hostwright.check-images" -}}
{{- $app := . }}
{{- $missing := dict }}
{{- range $name, $role := .roles }}
{{-   $path := printf "%s.image" (include "hostwright.block" $name) }}
{{-   if and $role.image (empty (include "hostwright.at" (list $app $path))) }}
{{-     $path = "api.image" }}
{{-   end }}
{{-   $digest := regexMatch "^[^\\s@]+@sha256:[0-9a-f]{64}$" $role.image }}
{{-   $tag := regexFind ":[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$" $role.image }}
{{-   if not $role.image }}
{{-     $_ := set $missing $path (append (get $missing $path | default list) $name) }}
{{-   else if not (or $digest (regexMatch "^[^\\s@]+$" $role.image)) }}
{{-     include "hostwright.problem" (list "image-form" $path
          "is not the name of an image"
          "Write it as ghcr.io/acme/app@sha256:… with all 64 digits, or with a tag."
        ) }}
{{-   else if not (or $digest (and $tag (ne $tag ":latest"))) }}
{{-     include "hostwright.problem" (list "image-moves" $path
          "has neither a digest nor a tag other than latest: what runs could change by itself, and a rollback would not bring back what ran"
          "Name a digest (…@sha256:…) or a version."
        ) }}
{{-   end }}
{{- end }}
{{- range $path, $names := $missing }}
{{-   include "hostwright.problem" (list "image-missing" $path
        (printf "is missing, and the contract has %s" (include "hostwright.listed" $names))
        "Set it, such as ghcr.io/acme/app@sha256:…."
      ) }}
{{- end }}
{{- end }}

{{- define "hostwright.check-addresses" -}}
{{- $values := .values }}
{{- range $path := list "appPublicUrl" "apiBaseUrl" }}
{{-   $url := get $values $path }}
{{-   if and $url (not (regexMatch "^https?://(\\[[0-9a-fA-F:.]+\\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?(/\\S*)?$" $url)) }}
{{-     include "hostwright.problem" (list "url" $path
          "is not an address"
          "Write it as https://app.example.org, without user and password."
        ) }}
{{-   else if and (eq $path "appPublicUrl") (hasPrefix "http://" $url) (ne $values.environment "development") }}
{{-     include "hostwright.problem" (list "https" $path
          "begins with http://, which is for development alone"
          "Write https://: it is where browsers reach the application."
        ) }}
{{-   end }}
{{- end }}
{{- range $path := list "appDomain" "apiDomain" }}
{{-   $host := get $values $path }}
{{-   if and $host (not (regexMatch "^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$" $host)) }}
{{-     include "hostwright.problem" (list "host" $path
          "is not a host name"
          "Write it as app.example.org, in lower case, without scheme, port or path."
        ) }}
{{-   end }}
{{- end }}
{{- if and $values.apiDomain (eq $values.appDomain $values.apiDomain) }}
{{-   include "hostwright.problem" (list "same-host" "apiDomain"
        "is the same as appDomain, and the two roles are told apart by host name"
        "Choose another, or leave apiDomain out: then the api is not public."
      ) }}
{{- end }}
{{- end }}

{{/* Names of objects that are not the chart's. */}}
{{- define "hostwright.check-objects" -}}
{{- $names := dict }}
{{- $app := . }}
{{- range list "routing.gateway.name" "routing.gateway.namespace" "routing.gateway.sectionName" "routing.ingress.className" "routing.ingress.tlsSecret" "secrets.external.storeName" "pods.priorityClassName" }}
{{-   $_ := set $names . (include "hostwright.at" (list $app .)) }}
{{- end }}
{{- range $index, $secret := .values.pods.imagePullSecrets }}
{{-   $_ := set $names (printf "pods.imagePullSecrets[%d]" $index) (include "hostwright.pull-secret" $secret | default "-") }}
{{- end }}
{{- range $path, $name := $names }}
{{-   if and $name (not (regexMatch "^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$" $name)) }}
{{-     include "hostwright.problem" (list "object-name" $path
          "is not the name of an object"
          "Use lower-case letters, digits, dots and dashes."
        ) }}
{{-   end }}
{{- end }}
{{- end }}
