{{/*
What is wrong with the values: every check writes a line for each problem that it finds, and all lines
are told at once (validations.yaml). A line never repeats a value, which may be a secret.
*/}}

{{/* One line. Takes id (its section in the docs), path in the values, what is wrong, and the remedy. */}}
{{- define "hostwright.problem" -}}
{{ index . 1 | replace "\n" " " | trunc 120 }}: {{ index . 2 }}. {{ index . 3 }} [docs: docs/reference/chart-messages.md#{{ index . 0 }}]
{{ end }}

{{/* Every line. Takes the root context. */}}
{{- define "hostwright.problems" -}}
{{- $app := include "hostwright.app" . | fromJson }}
{{- include "hostwright.check-renamed" . }}
{{- include "hostwright.check-choices" $app }}
{{- include "hostwright.check-numbers" $app }}
{{- include "hostwright.check-names" $app }}
{{- include "hostwright.check-images" $app }}
{{- include "hostwright.check-addresses" $app }}
{{- include "hostwright.check-objects" $app }}
{{- include "hostwright.check-maps" $app }}
{{- include "hostwright.check-variables" $app }}
{{- include "hostwright.check-texts" $app }}
{{- include "hostwright.check-secrets" $app }}
{{- include "hostwright.check-identities" $app }}
{{- include "hostwright.check-routing" $app }}
{{- include "hostwright.check-network" $app }}
{{- include "hostwright.check-instances" $app }}
{{- include "hostwright.check-connections" $app }}
{{- include "hostwright.check-labels" $app }}
{{- end }}

{{/*
Of every line, the first for each value: a value that is wrong in one way is often so in others, which
follow from it. Takes the lines.
*/}}
{{- define "hostwright.firsts" -}}
{{- $paths := dict }}
{{- range splitList "\n" . | compact }}
{{-   $path := splitList ": " . | first }}
{{-   if not (hasKey $paths $path) }}
{{-     $_ := set $paths $path true }}
{{ . }}
{{-   end }}
{{- end }}
{{- end }}

{{/* Text at a path of the values, such as api.image. Takes the app and the path. */}}
{{- define "hostwright.at" -}}
{{- $found := (index . 0).values }}
{{- range splitList "." (index . 1) }}
{{-   $found = get $found . }}
{{- end }}
{{- $found }}
{{- end }}

{{/*
The known name that shares most pairs of letters with another, or nothing where none is like it. Takes
the name and the known names.
*/}}
{{- define "hostwright.nearest" -}}
{{- $pairs := include "hostwright.letters" (index . 0 | upper | trunc 80) | fromJson }}
{{- $best := 0.5 }}
{{- $nearest := "" }}
{{- range $known := index . 1 | sortAlpha }}
{{-   $others := include "hostwright.letters" $known | fromJson }}
{{-   $shared := 0 }}
{{-   range $pair, $_ := $pairs }}
{{-     $shared = ternary (add $shared 1) $shared (hasKey $others $pair) }}
{{-   end }}
{{-   $likeness := divf (mul 2 $shared) (add 1 (len $pairs) (len $others)) }}
{{-   if gt $likeness $best }}
{{-     $best = $likeness }}
{{-     $nearest = $known }}
{{-   end }}
{{- end }}
{{- $nearest }}
{{- end }}

{{/* The pairs of neighbouring letters in a word, as the keys of a JSON object. */}}
{{- define "hostwright.letters" -}}
{{- $word := . }}
{{- $pairs := dict }}
{{- range $at := until (len $word) }}
{{-   $_ := set $pairs (substr $at (min (add $at 2) (len $word) | int) $word) true }}
{{- end }}
{{- toJson $pairs }}
{{- end }}

{{/* A list of words as English has it: a, b and c. */}}
{{- define "hostwright.listed" -}}
{{- if gt (len .) 1 }}{{ initial . | join ", " }} and {{ end }}{{ last . }}
{{- end }}
