{{/* What the schema cannot see: values that do not fit each other, and secrets where they would be read. */}}

{{- define "sallyport.mistakes" -}}
{{- $v := .Values -}}
{{- if not (or $v.upstreams $v.toolServers) -}}
{{- fail "upstreams: name at least one provider, such as upstreams.openai.url=https://api.openai.com and upstreams.openai.speaks=openai (or name a server under toolServers)" -}}
{{- end -}}
{{- range $key, $instead := dict "agents" "port, bindAddress and tls" "operators" "operators" "policies" "policies" "keys" "keys.entries" "keys_file" "keys" "upstreams" "upstreams" "tool_servers" "toolServers" "audit" "audit" "redaction_key" "redactionKeySecret" -}}
{{- if hasKey ($v.config | default dict) $key -}}
{{- fail (printf "config.%s: the chart writes this part itself; set the value `%s` instead" $key $instead) -}}
{{- end -}}
{{- end -}}
{{- if hasKey ($v.config.timeouts | default dict) "grace" -}}
{{- fail "config.timeouts.grace: set graceSeconds instead; the pod's terminationGracePeriodSeconds follows from it" -}}
{{- end -}}
{{- include "sallyport.mistakes.secrets" . -}}
{{- include "sallyport.mistakes.sources" . -}}
{{- include "sallyport.mistakes.state" . -}}
{{- include "sallyport.mistakes.network" . -}}
{{- if eq $v.mode "sidecar" -}}{{- include "sallyport.mistakes.sidecar" . -}}{{- end -}}
{{- end }}

{{/* Headers that carry secrets, in what becomes a ConfigMap: only as variables. */}}
{{- define "sallyport.mistakes.secrets" -}}
{{- $groups := dict -}}
{{- range $name, $one := .Values.upstreams -}}{{- $_ := set $groups (printf "upstreams.%s.headers" $name) ($one.headers | default dict) -}}{{- end -}}
{{- range $name, $one := .Values.toolServers -}}{{- $_ := set $groups (printf "toolServers.%s.headers" $name) ($one.headers | default dict) -}}{{- end -}}
{{- $_ := set $groups "config.telemetry.headers" ((.Values.config.telemetry | default dict).headers | default dict) -}}
{{- range $where, $headers := $groups -}}
{{- range $name, $value := $headers -}}
{{- if and (regexMatch "(?i)(auth|key|token|secret|cookie|password)" $name) (not (contains "${" (toString $value))) -}}
{{- fail (printf "%s.%s: a secret would stand in a ConfigMap; write \"${NAME}\" and give NAME with extraEnv" $where $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name, $one := .Values.toolServers -}}
{{- with $one.oauth -}}
{{- if not (contains "${" (toString .client_secret)) -}}
{{- fail (printf "toolServers.%s.oauth.client_secret: a secret would stand in a ConfigMap; write \"${NAME}\" and give NAME with extraEnv" $name) -}}
{{- end -}}
{{- end -}}
{{- range $variable, $value := $one.env -}}
{{- if and (regexMatch "(?i)(auth|key|token|secret|password)" $variable) (not (contains "${" (toString $value))) -}}
{{- fail (printf "toolServers.%s.env.%s: a secret would stand in a ConfigMap; write \"${NAME}\" and give NAME with extraEnv" $name $variable) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* One source of policies, one of keys. */}}
{{- define "sallyport.mistakes.sources" -}}
{{- $p := .Values.policies -}}
{{- $sources := list -}}
{{- if $p.files -}}{{- $sources = append $sources "policies.files" -}}{{- end -}}
{{- if $p.existingConfigMap -}}{{- $sources = append $sources "policies.existingConfigMap" -}}{{- end -}}
{{- if $p.volume -}}{{- $sources = append $sources "policies.volume" -}}{{- end -}}
{{- if $p.gitSync.enabled -}}{{- $sources = append $sources "policies.gitSync" -}}{{- end -}}
{{- if gt (len $sources) 1 -}}{{- fail (printf "policies: one source only, not %s" (join " and " $sources)) -}}{{- end -}}
{{- if and $p.gitSync.enabled (not $p.gitSync.repo) -}}{{- fail "policies.gitSync.repo: name the repository" -}}{{- end -}}
{{- if and $p.folder (not (or $p.volume $p.gitSync.enabled)) -}}{{- fail "policies.folder: only with policies.volume or policies.gitSync" -}}{{- end -}}
{{- $k := .Values.keys -}}
{{- $sources = list -}}
{{- if $k.entries -}}{{- $sources = append $sources "keys.entries" -}}{{- end -}}
{{- if $k.existingSecret.name -}}{{- $sources = append $sources "keys.existingSecret" -}}{{- end -}}
{{- if $k.existingConfigMap -}}{{- $sources = append $sources "keys.existingConfigMap" -}}{{- end -}}
{{- if gt (len $sources) 1 -}}{{- fail (printf "keys: one source only, not %s" (join " and " $sources)) -}}{{- end -}}
{{- if and .Values.tls.clientCA.name (not .Values.tls.existingSecret) -}}{{- fail "tls.clientCA: needs tls.existingSecret" -}}{{- end -}}
{{- if eq (int .Values.port) (int .Values.operators.port) -}}{{- fail "operators.port: must differ from port" -}}{{- end -}}
{{- end }}

{{- define "sallyport.mistakes.state" -}}
{{- $v := .Values -}}
{{- $ingress := eq $v.mode "ingress" -}}
{{- if and $v.persistence.enabled (not $ingress) -}}
{{- fail "persistence.enabled: only in the mode `ingress`; in a sidecar give persistence.volume" -}}
{{- end -}}
{{- if and $v.persistence.enabled $v.persistence.volume -}}{{- fail "persistence: either enabled or volume" -}}{{- end -}}
{{- if $v.audit.enabled -}}
{{- if not $v.audit.origin -}}{{- fail "audit.origin: name the log, such as gateway.example.com/audit" -}}{{- end -}}
{{- if and $ingress (not $v.persistence.enabled) -}}
{{- fail "audit.enabled: needs persistence.enabled=true; each replica writes a log of its own, on a volume of its own" -}}
{{- end -}}
{{- if and (not $ingress) (not $v.persistence.volume) -}}
{{- fail "audit.enabled: needs persistence.volume in a sidecar: a volume of this one pod, such as a claim of your StatefulSet" -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "sallyport.mistakes.network" -}}
{{- $v := .Values -}}
{{- $ingress := eq $v.mode "ingress" -}}
{{- if and $v.networkPolicy.enabled (not $v.networkPolicy.operatorsFrom) (or (and $ingress $v.serviceMonitor.enabled) (and (not $ingress) $v.podMonitor.enabled)) -}}
{{- fail "networkPolicy.operatorsFrom: say where Prometheus is, or it will be kept out, such as [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]" -}}
{{- end -}}
{{- if and $ingress $v.ingress.enabled (not $v.ingress.hosts) -}}{{- fail "ingress.hosts: name at least one host" -}}{{- end -}}
{{- if and $ingress $v.httpRoute.enabled (not $v.httpRoute.parentRefs) -}}{{- fail "httpRoute.parentRefs: name the Gateway" -}}{{- end -}}
{{- if and $v.autoscaling.enabled (gt (int $v.autoscaling.minReplicas) (int $v.autoscaling.maxReplicas)) -}}
{{- fail "autoscaling.minReplicas: is larger than autoscaling.maxReplicas" -}}
{{- end -}}
{{- end }}

{{- define "sallyport.mistakes.sidecar" -}}
{{- $v := .Values -}}
{{- if and $v.sidecar.native (semverCompare "<1.29-0" .Capabilities.KubeVersion.Version) -}}
{{- fail "sidecar.native: needs Kubernetes 1.29; set it to false" -}}
{{- end -}}
{{- if and $v.sidecar.lock.enabled (not $v.sidecar.lock.image) -}}
{{- fail "sidecar.lock.image: name an image that has `nft`; the chart ships none" -}}
{{- end -}}
{{- if and $v.sidecar.lock.enabled (kindIs "invalid" $v.runAsUser) -}}
{{- fail "runAsUser: sidecar.lock tells the gateway from the agent by it" -}}
{{- end -}}
{{- $agent := $v.sidecar.agentKeySecret -}}
{{- range $group, $all := dict "upstreams" $v.upstreams "toolServers" $v.toolServers -}}
{{- range $name, $one := $all -}}
{{- with $one.keySecret -}}
{{- if and (eq .name $agent.name) (eq .key $agent.key) -}}
{{- fail (printf "sidecar.agentKeySecret: this is the key of %s.%s, which the agent must not have; give it one of `sallyport key new`" $group $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}
