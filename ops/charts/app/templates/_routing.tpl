{{/*
How requests get in: an HTTPRoute for each role that has a host name, or one Ingress for all of them.
*/}}

{{/* A role's route, or nothing. Takes the role. */}}
{{- define "hostwright.route" -}}
{{- $gateway := .app.values.routing.gateway }}
{{- if and .host (eq .app.values.routing.type "gateway") -}}
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
{{ include "hostwright.metadata" (dict "role" .) }}
spec:
  parentRefs:
    - name: {{ $gateway.name | quote }}
      {{- with $gateway.namespace }}
      namespace: {{ . | quote }}
      {{- end }}
      {{- with $gateway.sectionName }}
      sectionName: {{ . | quote }}
      {{- end }}
  hostnames:
    - {{ .host | quote }}
  rules:
    - matches:
        - path:
            type: PathPrefix
            value: /
      backendRefs:
        - name: {{ .object | quote }}
          port: {{ int .port }}
{{- end }}
{{- end }}

{{/* One Ingress, since one certificate is made for it: two would fight for its Secret. Takes the app. */}}
{{- define "hostwright.ingress" -}}
{{- $ingress := .values.routing.ingress }}
{{- $public := list }}
{{- range $role := .roles }}
{{-   if .host }}
{{-     $public = append $public $role }}
{{-   end }}
{{- end }}
{{- if and $public (eq .values.routing.type "ingress") -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
{{ include "hostwright.metadata" (dict "role" (dict "app" .) "name" .name "annotations" $ingress.annotations) }}
spec:
  {{- with $ingress.className }}
  ingressClassName: {{ . | quote }}
  {{- end }}
  tls:
    - secretName: {{ $ingress.tlsSecret | default (printf "%s-tls" .name) | quote }}
      hosts:
        {{- range $public }}
        - {{ .host | quote }}
        {{- end }}
  rules:
    {{- range $public }}
    - host: {{ .host | quote }}
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: {{ .object | quote }}
                port:
                  name: http
    {{- end }}
{{- end }}
{{- end }}
