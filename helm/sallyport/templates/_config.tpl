{{/* The gateway's configuration: what the chart knows over what `config` says. */}}
{{- define "sallyport.config" -}}
{{- include "sallyport.mistakes" . -}}
{{- $v := .Values -}}
{{- $config := deepCopy ($v.config | default dict) -}}
{{- $agents := dict "listen" (printf "%s:%d" (ternary "127.0.0.1" $v.bindAddress (eq $v.mode "sidecar")) (int $v.port)) -}}
{{- if $v.tls.existingSecret -}}
{{- $tls := dict "certificate" "/etc/sallyport/tls/tls.crt" "key" "/etc/sallyport/tls/tls.key" -}}
{{- if $v.tls.clientCA.name -}}{{- $_ := set $tls "client_ca" "/etc/sallyport/tls/clients/ca.crt" -}}{{- end -}}
{{- $_ := set $agents "tls" $tls -}}
{{- end -}}
{{- $_ := set $config "agents" $agents -}}
{{- $operators := dict "listen" (printf "%s:%d" $v.bindAddress (int $v.operators.port)) -}}
{{- $hosts := $v.operators.hosts -}}
{{- if include "sallyport.operatorsService" . -}}
{{- $service := printf "%s-operators" (include "sallyport.fullname" .) -}}
{{- $hosts = concat (list $service (printf "%s.%s" $service .Release.Namespace) (printf "%s.%s.svc" $service .Release.Namespace) (printf "%s.%s.svc.cluster.local" $service .Release.Namespace)) $hosts -}}
{{- end -}}
{{- if $hosts -}}{{- $_ := set $operators "hosts" $hosts -}}{{- end -}}
{{- if $v.operators.tokenSecret.name -}}{{- $_ := set $operators "token" "${SALLYPORT_OPERATORS_TOKEN}" -}}{{- end -}}
{{- $_ := set $config "operators" $operators -}}
{{- $_ := set $config "policies" (include "sallyport.policyFolder" .) -}}
{{- $_ := set $config "keys_file" "/etc/sallyport/keys/keys.yaml" -}}
{{- if $v.redactionKeySecret.name -}}{{- $_ := set $config "redaction_key" "${SALLYPORT_REDACTION_KEY}" -}}{{- end -}}
{{- $timeouts := $config.timeouts | default dict -}}
{{- $_ := set $timeouts "grace" (printf "%ds" (int $v.graceSeconds)) -}}
{{- $_ := set $config "timeouts" $timeouts -}}
{{- if $v.upstreams -}}{{- $_ := set $config "upstreams" (include "sallyport.config.keyed" (dict "all" $v.upstreams "folder" "upstreams") | fromYaml) -}}{{- end -}}
{{- if $v.toolServers -}}{{- $_ := set $config "tool_servers" (include "sallyport.config.keyed" (dict "all" $v.toolServers "folder" "tool-servers") | fromYaml) -}}{{- end -}}
{{- if $v.audit.enabled -}}{{- $_ := set $config "audit" (include "sallyport.config.audit" . | fromYaml) -}}{{- end -}}
{{- toYaml $config -}}
{{- end }}

{{/* Upstreams or tool servers, with the file that a key stands in instead of the Secret's name. */}}
{{- define "sallyport.config.keyed" -}}
{{- $out := dict -}}
{{- range $name, $one := .all -}}
{{- $typed := omit $one "keySecret" -}}
{{- if $one.keySecret -}}{{- $_ := set $typed "key_file" (printf "/etc/sallyport/secrets/%s/%s" $.folder $name) -}}{{- end -}}
{{- $_ := set $out $name $typed -}}
{{- end -}}
{{- toYaml $out -}}
{{- end }}

{{- define "sallyport.config.audit" -}}
{{- $a := .Values.audit -}}
folder: /var/lib/sallyport/audit
mode: {{ $a.mode }}
on_failure: {{ $a.onFailure }}
origin: "{{ $a.origin }}/${POD_NAME}"
inputs: {{ $a.inputs }}
{{- if $a.keySecret.name }}
key_file: /etc/sallyport/secrets/audit/key.pem
{{- end }}
{{- with $a.segmentSize }}
segment_size: {{ . | quote }}
{{- end }}
{{- with $a.keep }}
keep: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "sallyport.policyFolder" -}}
{{- $p := .Values.policies -}}
{{- $folder := "/etc/sallyport/policies" -}}
{{- if $p.gitSync.enabled -}}{{- $folder = printf "%s/current" $folder -}}{{- end -}}
{{- if $p.folder -}}{{- $folder = printf "%s/%s" $folder (trimAll "/" $p.folder) -}}{{- end -}}
{{- $folder -}}
{{- end }}
