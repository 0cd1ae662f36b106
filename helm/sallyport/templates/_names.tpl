{{/* Names and labels. 45 characters leave room for what is added to names, and for the hash of a StatefulSet's pods. */}}

{{- define "sallyport.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 45 | trimSuffix "-" -}}
{{- end }}

{{- define "sallyport.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" -}}
{{- else if contains (include "sallyport.name" .) .Release.Name -}}
{{- .Release.Name | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "sallyport.name" .) | trunc 45 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "sallyport.selector" -}}
app.kubernetes.io/name: {{ include "sallyport.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "sallyport.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "sallyport.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: sallyport
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "sallyport.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "sallyport.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "sallyport.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end }}

{{- define "sallyport.servicePort" -}}
{{- if .Values.service.port -}}{{ .Values.service.port }}{{- else if .Values.tls.existingSecret -}}443{{- else -}}80{{- end -}}
{{- end }}

{{/* One job for the replicas of one release, whatever it is called: the alerts look for `sallyport` in it, and compare within it. */}}
{{- define "sallyport.job" -}}
relabelings:
  - targetLabel: job
    replacement: sallyport/{{ .Release.Namespace }}/{{ include "sallyport.fullname" . }}
{{- end }}

{{/* Whether each replica has a volume, and so an identity. */}}
{{- define "sallyport.stateful" -}}
{{- if and (eq .Values.mode "ingress") .Values.persistence.enabled -}}true{{- end -}}
{{- end }}

{{- define "sallyport.operatorsService" -}}
{{- if and (eq .Values.mode "ingress") (or .Values.operators.service.enabled .Values.serviceMonitor.enabled) -}}true{{- end -}}
{{- end }}

{{/* Whether there will be more than one gateway. */}}
{{- define "sallyport.several" -}}
{{- if or .Values.autoscaling.enabled (gt (int .Values.replicas) 1) -}}true{{- end -}}
{{- end }}
