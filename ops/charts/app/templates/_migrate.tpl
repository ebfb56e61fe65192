{{/*
The migration. A plain Job whose name holds the hash of its pod: what it runs cannot change under its
name (a Job's pod cannot be changed), and nothing waits for it but the pods that need it (`migrated`).
*/}}

{{/* The Job. Takes the role. */}}
{{- define "hostwright.job" -}}
{{- $migrate := .app.values.migrate }}
{{- $role := set (deepCopy .) "command" (include "hostwright.migration" . | fromJsonArray) }}
{{- $pod := include "hostwright.pod" $role }}
{{- $hash := printf "%s\n%s" $pod $migrate.attempt | sha256sum | trunc 10 -}}
apiVersion: batch/v1
kind: Job
{{ include "hostwright.metadata" (dict "role" $role "name" (printf "%s-%s" .object $hash) "annotations" .hook) }}
spec:
  backoffLimit: 2
  activeDeadlineSeconds: {{ int .spec.timeout_seconds }}
  # The next try begins when the last one has ended, not while it is being stopped.
  podReplacementPolicy: Failed
  ttlSecondsAfterFinished: {{ int64 $migrate.ttlSeconds }}
  template:
    {{- $pod | nindent 4 }}
{{- end }}

{{/*
Annotations of what a Job as hook needs, or none. Takes the role and the weight: what has a lower one
is made first. The rest goes when it has succeeded; the Job stays, and with it its log.
*/}}
{{- define "hostwright.hooks" -}}
{{- $role := index . 0 }}
{{- $weight := index . 1 }}
{{- $hook := dict }}
{{- if eq $role.app.values.migrate.type "hook" }}
{{-   $hook = dict
  "helm.sh/hook" "pre-install,pre-upgrade"
  "helm.sh/hook-weight" (toString $weight)
  "helm.sh/hook-delete-policy" (ternary "before-hook-creation" "before-hook-creation,hook-succeeded" (eq (int $weight) 0))
}}
{{- end }}
{{- toJson $hook }}
{{- end }}

{{/* The migration's command as a JSON list. Takes the role. */}}
{{- define "hostwright.migration" -}}
{{- $status := .spec.commands.status }}
{{- toJson (concat (list "sh" "-c" .app.scripts.migrate "migrate" (len $status | toString)) $status .spec.commands.up) }}
{{- end }}

{{/* The command that waits for the migration, as a JSON list. Takes a role. */}}
{{- define "hostwright.gate" -}}
{{- $migrate := .app.contract.roles.migrate }}
{{- toJson (concat (list "sh" "-c" .app.scripts.gate "gate" (int $migrate.timeout_seconds | toString)) $migrate.commands.status) }}
{{- end }}
