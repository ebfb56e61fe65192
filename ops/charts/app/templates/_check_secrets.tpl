{{/* Checks of where secrets lie, and of who the pods are. Each takes the app unless it says otherwise. */}}

{{/*
What a reference may look like, as JSON: `name` and `property` (patterns; without one there is no
property), `needed` (there must be a property), and `told` (the same in words). Takes the app.
*/}}
{{- define "hostwright.grammar" -}}
{{- $secrets := .values.secrets }}
{{- $grammars := dict
  "external" (dict
    "name" "^[A-Za-z0-9/_+=.@:-]{1,512}$"
    "property" "^\\S+$"
    "told" "what the store calls it, without spaces"
  )
  "existing" (dict
    "name" .contract.secret_name
    "property" "^[A-Za-z0-9._-]{1,253}$"
    "told" "the name of a Secret here, and a key of it"
  )
  "csi-aws" (dict
    "name" "^(arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:)?[A-Za-z0-9/_+=.@-]{1,512}$"
    "property" "^[^\"\\\\]+$"
    "told" "a secret of Secrets Manager, and a key of its JSON"
  )
  "csi-azure" (dict
    "name" "^[A-Za-z0-9-]{1,127}$"
    "told" "a secret of Key Vault: letters, digits and dashes"
  )
  "csi-gcp" (dict
    "name" "^(projects/[A-Za-z0-9:.-]+/secrets/)?[A-Za-z0-9_-]{1,255}(/versions/[A-Za-z0-9_-]+)?$"
    "told" "a secret of Secret Manager"
  )
  "csi-vault" (dict
    "name" "^[A-Za-z0-9/_.-]{1,512}$"
    "property" "^\\S+$"
    "needed" true
    "told" "a path in Vault, and a key of what lies there"
  )
}}
{{- $kind := $secrets.type }}
{{- if eq $kind "csi" }}
{{-   $kind = printf "csi-%s" $secrets.csi.provider }}
{{- end }}
{{- get $grammars $kind | default $grammars.external | toJson }}
{{- end }}

{{/* One reference. Takes the app, the reference's path, and its text. */}}
{{- define "hostwright.check-reference" -}}
{{- $grammar := include "hostwright.grammar" (index . 0) | fromJson }}
{{- $path := index . 1 }}
{{- $parts := splitn "#" 2 (index . 2) }}
{{- $property := $parts._1 | default "" }}
{{- if contains "://" (index . 2) }}
{{-   include "hostwright.problem" (list "reference" $path
        "looks like the secret itself"
        "Put that in the store, change it since it stood here, and write what the store calls it."
      ) }}
{{- else if or (not (regexMatch $grammar.name $parts._0)) (and (contains "#" (index . 2)) (not $property)) }}
{{-   include "hostwright.problem" (list "reference" $path
        "is not a reference, NAME or NAME#PROPERTY"
        (printf "Write %s." $grammar.told)
      ) }}
{{- else if and $property (not $grammar.property) }}
{{-   include "hostwright.problem" (list "property" $path
        "has a #PROPERTY, which this provider of the CSI driver cannot read"
        "Keep each value in a secret of its own, or use secrets.type external."
      ) }}
{{- else if and $property (not (regexMatch $grammar.property $property)) }}
{{-   include "hostwright.problem" (list "reference" $path
        "has a #PROPERTY that cannot be one"
        (printf "Write %s." $grammar.told)
      ) }}
{{- else if and $grammar.needed (not $property) }}
{{-   include "hostwright.problem" (list "property" $path
        "has no #PROPERTY, and this provider would give the whole JSON"
        (printf "Write %s." $grammar.told)
      ) }}
{{- end }}
{{- end }}

{{- define "hostwright.check-secrets" -}}
{{- $secrets := .values.secrets }}
{{- $any := false }}
{{- range .roles }}
{{-   $any = or $any (not (empty .references)) }}
{{- end }}
{{- if and $any (eq $secrets.type "external") (not $secrets.external.storeName) }}
{{-   include "hostwright.problem" (list "store" "secrets.external.storeName"
        "is missing"
        (printf "Name your %s, or set secrets.type." ($secrets.external.storeKind | default "ClusterSecretStore"))
      ) }}
{{- end }}
{{- if and (eq $secrets.type "external") (not $secrets.external.refreshInterval) }}
{{-   include "hostwright.problem" (list "store" "secrets.external.refreshInterval"
        "is missing"
        "Write it as 1h, or remove the line for the default."
      ) }}
{{- end }}
{{- if and $any (eq $secrets.type "csi") }}
{{-   $needed := get (dict "azure" (list "keyvaultName" "tenantId") "gcp" (list "project") "vault" (list "roleName")) $secrets.csi.provider | default list }}
{{-   range $needed }}
{{-     if not (get $secrets.csi.parameters .) }}
{{-       include "hostwright.problem" (list "csi-parameter" (printf "secrets.csi.parameters.%s" .)
            (printf "is missing, and the provider %s needs it" $secrets.csi.provider)
            "Set it."
          ) }}
{{-     end }}
{{-   end }}
{{-   range list "objects" "secrets" }}
{{-     if hasKey $secrets.csi.parameters . }}
{{-       include "hostwright.problem" (list "csi-parameter" (printf "secrets.csi.parameters.%s" .)
            "is made by the chart, from the references"
            "Remove it."
          ) }}
{{-     end }}
{{-   end }}
{{- end }}
{{- if and (hasKey .roles "migrate") (eq .values.migrate.type "hook") (has $secrets.type (list "external" "csi")) }}
{{-   include "hostwright.problem" (list "hook" "migrate.type"
        "is hook, and a hook runs before the release's own secrets are made"
        "Choose job, or set secrets.type to existing."
      ) }}
{{- end }}
{{- end }}

{{- define "hostwright.check-identities" -}}
{{- $type := .values.identity.type }}
{{- $forms := dict
  "aws" (list "^arn:aws[a-z-]*:iam::[0-9]{12}:role/\\S+$" "the ARN of an IAM role")
  "azure" (list "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$" "the client id of a managed identity")
  "gcp" (list "^[a-z0-9-]+@[a-z0-9.:-]+\\.iam\\.gserviceaccount\\.com$" "the e-mail address of a service account")
}}
{{- $form := get $forms $type }}
{{- $any := false }}
{{- range .roles }}
{{-   $path := printf "%s.identity" .role }}
{{-   if .identity }}
{{-     $any = true }}
{{-     if eq $type "none" }}
{{-       include "hostwright.problem" (list "identity" $path
            "is set, and identity.type does not say which cloud it is of"
            "Set identity.type, or remove it."
          ) }}
{{-     else if and $form (not (regexMatch (first $form) .identity)) }}
{{-       include "hostwright.problem" (list "identity" $path
            (printf "is not %s" (last $form))
            "Correct it, or identity.type."
          ) }}
{{-     end }}
{{-   end }}
{{- end }}
{{- if and $form (not $any) }}
{{-   include "hostwright.problem" (list "identity" "identity.type"
        (printf "is %s, and no role has an identity" $type)
        "Set api.identity and worker.identity, or none here."
      ) }}
{{- end }}
{{- end }}
