{{/* Lines for what the maps of the values set and no role gets, since its condition does not hold. Takes the app. */}}
{{- define "hostwright.unused" -}}
{{- $app := . }}
{{- $applying := list }}
{{- range .roles }}
{{-   $applying = concat $applying .applying }}
{{- end }}
{{- $given := list }}
{{- range list .values.env .values.secrets.references .values.api.env .values.api.secrets .values.web.env .values.web.secrets .values.worker.env .values.worker.secrets }}
{{-   $given = concat $given (keys .) }}
{{- end }}
{{- range $name := uniq $given | sortAlpha }}
{{-   if not (has $name $applying) }}
  {{ $name }}{{ include "hostwright.because" (get $app.contract.variables $name | default dict) | replace "(as" "(used where" }}
{{-   end }}
{{- end }}
{{- end }}
