{{/*
The gateway in anyone's pod. From a parent chart that depends on this one with `mode: sidecar`, each with `.Subcharts.sallyport`:

  metadata.labels           sallyport.sidecar.labels
  metadata.annotations      sallyport.sidecar.annotations
  spec.initContainers       sallyport.sidecar.initContainers
  spec.containers           sallyport.sidecar.containers
  spec.volumes              sallyport.sidecar.volumes
  the agent's env           sallyport.sidecar.env
  spec.terminationGrace…    sallyport.sidecar.graceSeconds

helm/examples/agent shows them in use. Templates may be empty: guard them with `with`.
*/}}

{{- define "sallyport.sidecar.selector" -}}
{{- if .Values.sidecar.podSelector -}}
{{- toYaml .Values.sidecar.podSelector -}}
{{- else -}}
sallyport/sidecar: {{ include "sallyport.fullname" . }}
{{- end -}}
{{- end }}

{{- define "sallyport.sidecar.labels" -}}
sallyport/sidecar: {{ include "sallyport.fullname" . }}
{{- end }}

{{/* A changed configuration starts the pods anew; changed policies and keys need not. */}}
{{- define "sallyport.sidecar.annotations" -}}
sallyport/config: {{ include "sallyport.checksum" . }}
{{- end }}

{{/* How long the pod must be given to stop. */}}
{{- define "sallyport.sidecar.graceSeconds" -}}
{{- include "sallyport.graceSeconds" . -}}
{{- end }}

{{- define "sallyport.sidecar.probes" -}}
{{- include "sallyport.probes" . -}}
{{- end }}

{{/* The gateway alone, for pods that are put together otherwise. */}}
{{- define "sallyport.sidecar.container" -}}
{{- include "sallyport.container" . -}}
{{- end }}

{{- define "sallyport.sidecar.initContainers" -}}
{{- $v := .Values -}}
{{- if $v.sidecar.lock.enabled }}
{{ include "sallyport.sidecar.lock" . }}
{{- end }}
{{- if $v.policies.gitSync.enabled }}
{{ include "sallyport.gitSync" (dict "root" . "once" true "native" false) }}
{{- end }}
{{- if $v.sidecar.native }}
{{ include "sallyport.container" . }}
{{- if $v.policies.gitSync.enabled }}
{{ include "sallyport.gitSync" (dict "root" . "once" false "native" true) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "sallyport.sidecar.containers" -}}
{{- if not .Values.sidecar.native }}
{{ include "sallyport.container" . }}
{{- if .Values.policies.gitSync.enabled }}
{{ include "sallyport.gitSync" (dict "root" . "once" false "native" false) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "sallyport.sidecar.volumes" -}}
{{- include "sallyport.volumes" . }}
{{- if .Values.sidecar.lock.enabled }}
- name: sallyport-lock
  configMap:
    name: {{ include "sallyport.fullname" . }}-lock
{{- end }}
{{- end }}

{{/* What the agent is told. Never a provider's key. */}}
{{- define "sallyport.sidecar.env" -}}
{{- $address := printf "%s://127.0.0.1:%d" (ternary "https" "http" (not (empty .Values.tls.existingSecret))) (int .Values.port) -}}
- name: OPENAI_BASE_URL
  value: {{ $address }}/v1
- name: ANTHROPIC_BASE_URL
  value: {{ $address }}
- name: SALLYPORT_MCP_URL
  value: {{ $address }}/mcp
{{- with .Values.sidecar.agentKeySecret }}
{{- if .name }}
- name: OPENAI_API_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .name }}
      key: {{ .key }}
- name: ANTHROPIC_API_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .name }}
      key: {{ .key }}
{{- end }}
{{- end }}
{{- end }}

{{/* Root with NET_ADMIN and nothing else, for as long as it takes to load the rules. */}}
{{- define "sallyport.sidecar.lock" -}}
- name: sallyport-lock
  image: {{ .Values.sidecar.lock.image | quote }}
  command: [nft, -f, /etc/sallyport/lock/lock.nft]
  securityContext:
    runAsUser: 0
    runAsGroup: 0
    runAsNonRoot: false
    privileged: false
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities:
      drop: [ALL]
      add: [NET_ADMIN]
    seccompProfile:
      type: RuntimeDefault
  resources:
    requests: {cpu: 10m, memory: 16Mi}
    limits: {memory: 64Mi}
  volumeMounts:
    - name: sallyport-lock
      mountPath: /etc/sallyport/lock
      readOnly: true
{{- end }}

{{/* Rules by the user that a packet's socket belongs to. */}}
{{- define "sallyport.sidecar.lock.rules" -}}
{{- $v := .Values -}}
{{- $lock := $v.sidecar.lock -}}
# Only the gateway leaves this pod. Everyone else reaches it over loopback, and nothing outside.
table inet sallyport
delete table inet sallyport
table inet sallyport {
	chain output {
		type filter hook output priority filter; policy drop;

		# The gateway{{ if $v.policies.gitSync.enabled }}, and what keeps its policies up to date{{ end }}.
		meta skuid {{ if $v.policies.gitSync.enabled }}{ {{ $v.runAsUser }}, {{ $v.policies.gitSync.runAsUser }} }{{ else }}{{ $v.runAsUser }}{{ end }} accept

		# The operators' listener is for operators, not for the agent.
		oifname "lo" tcp dport {{ $v.operators.port }} reject with tcp reset
		oifname "lo" accept

		# Answers to whoever asked the agent. What the agent begins itself is new, and not covered.
		ct state established,related accept

		# How IPv6 finds its neighbours. The kernel asks, nobody's socket.
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld-listener-report, mld2-listener-report } accept
{{- if $lock.dns }}

		# Names. They carry data out, too.
		udp dport 53 accept
		tcp dport 53 accept
{{- end }}
{{- range $lock.allow }}

		{{ ternary "ip6" "ip" (contains ":" .cidr) }} daddr {{ .cidr }} {{ .protocol | default "TCP" | lower }} dport {{ .port }} accept
{{- end }}

		reject with icmpx admin-prohibited
	}
}
{{- end }}
