{{/* What both shapes share: the gateway's container and its volumes. */}}

{{- define "sallyport.checksum" -}}
{{- include "sallyport.config" . | sha256sum -}}
{{- end }}

{{/* The safe ground of every container here; `uid` and `gid` are numbers or nothing. */}}
{{- define "sallyport.securityContext" -}}
runAsNonRoot: true
{{- if not (kindIs "invalid" .uid) }}
runAsUser: {{ .uid }}
{{- end }}
{{- if not (kindIs "invalid" .gid) }}
runAsGroup: {{ .gid }}
{{- end }}
privileged: false
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* Starting may take a minute; a stopped one is not ready; only a dead one is started anew. */}}
{{- define "sallyport.probes" -}}
startupProbe:
  httpGet:
    path: {{ ternary "/readyz" "/healthz" (eq .Values.mode "sidecar") }}
    port: operators
  periodSeconds: 1
  timeoutSeconds: 2
  failureThreshold: 60
readinessProbe:
  httpGet:
    path: /readyz
    port: operators
  periodSeconds: 5
  timeoutSeconds: 2
  failureThreshold: 2
livenessProbe:
  httpGet:
    path: /healthz
    port: operators
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end }}

{{/* Out of the Service first, then exchanges in flight end, then logs are written to their end. */}}
{{- define "sallyport.graceSeconds" -}}
{{- add (int .Values.preStopSeconds) (int .Values.graceSeconds) 10 -}}
{{- end }}

{{- define "sallyport.env" -}}
{{- $v := .Values -}}
{{- if $v.audit.enabled }}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- end }}
{{- if $v.redactionKeySecret.name }}
- name: SALLYPORT_REDACTION_KEY
  valueFrom:
    secretKeyRef:
      name: {{ $v.redactionKeySecret.name }}
      key: {{ $v.redactionKeySecret.key }}
{{- end }}
{{- if $v.operators.tokenSecret.name }}
- name: SALLYPORT_OPERATORS_TOKEN
  valueFrom:
    secretKeyRef:
      name: {{ $v.operators.tokenSecret.name }}
      key: {{ $v.operators.tokenSecret.key }}
{{- end }}
{{- with $v.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Whether any Secret is mounted as a file. */}}
{{- define "sallyport.hasSecrets" -}}
{{- if and .Values.audit.enabled .Values.audit.keySecret.name -}}true{{- end -}}
{{- range .Values.upstreams -}}{{- if .keySecret -}}true{{- end -}}{{- end -}}
{{- range .Values.toolServers -}}{{- if .keySecret -}}true{{- end -}}{{- end -}}
{{- end }}

{{- define "sallyport.hasState" -}}
{{- if or .Values.persistence.enabled .Values.persistence.volume -}}true{{- end -}}
{{- end }}

{{- define "sallyport.mounts" -}}
{{- $v := .Values -}}
- name: sallyport-config
  mountPath: /etc/sallyport/config
  readOnly: true
- name: sallyport-policies
  mountPath: /etc/sallyport/policies
  readOnly: true
- name: sallyport-keys
  mountPath: /etc/sallyport/keys
  readOnly: true
{{- if include "sallyport.hasSecrets" . }}
- name: sallyport-secrets
  mountPath: /etc/sallyport/secrets
  readOnly: true
{{- end }}
{{- if $v.tls.existingSecret }}
- name: sallyport-tls
  mountPath: /etc/sallyport/tls
  readOnly: true
{{- end }}
{{- if include "sallyport.hasState" . }}
- name: sallyport-state
  mountPath: /var/lib/sallyport
{{- end }}
- name: sallyport-tmp
  mountPath: /tmp
{{- with $v.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The gateway's container. */}}
{{- define "sallyport.container" -}}
{{- $v := .Values -}}
{{- $sidecar := eq $v.mode "sidecar" -}}
- name: sallyport
  image: {{ include "sallyport.image" . | quote }}
  imagePullPolicy: {{ $v.image.pullPolicy }}
  {{- if and $sidecar $v.sidecar.native }}
  restartPolicy: Always
  {{- end }}
  args: [run, --config, /etc/sallyport/config/sallyport.yaml, --log, {{ $v.logFormat }}]
  {{- with include "sallyport.env" . | trim }}
  env:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with $v.extraEnvFrom }}
  envFrom:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  ports:
    {{- if not $sidecar }}
    - name: agents
      containerPort: {{ $v.port }}
      protocol: TCP
    {{- end }}
    - name: operators
      containerPort: {{ $v.operators.port }}
      protocol: TCP
  {{- include "sallyport.probes" . | nindent 2 }}
  {{- if and (gt (int $v.preStopSeconds) 0) (not (and $sidecar $v.sidecar.native)) (semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version) }}
  lifecycle:
    preStop:
      sleep:
        seconds: {{ $v.preStopSeconds }}
  {{- end }}
  securityContext:
    {{- include "sallyport.securityContext" (dict "uid" $v.runAsUser "gid" $v.runAsGroup) | nindent 4 }}
  {{- with $v.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumeMounts:
    {{- include "sallyport.mounts" . | nindent 4 }}
{{- end }}

{{/* The gateway's volumes. In a sidecar the pod has no fsGroup of ours, so that files must be readable by their mode; no other
     container mounts them. */}}
{{- define "sallyport.volumes" -}}
{{- $v := .Values -}}
{{- $name := include "sallyport.fullname" . -}}
{{- $mode := ternary "0444" "0440" (eq $v.mode "sidecar") -}}
- name: sallyport-config
  configMap:
    name: {{ $name }}-config
- name: sallyport-policies
  {{- if $v.policies.gitSync.enabled }}
  emptyDir:
    sizeLimit: 256Mi
  {{- else if $v.policies.volume }}
  {{- toYaml $v.policies.volume | nindent 2 }}
  {{- else }}
  configMap:
    name: {{ $v.policies.existingConfigMap | default (printf "%s-policies" $name) }}
  {{- end }}
- name: sallyport-keys
  {{- if $v.keys.existingSecret.name }}
  secret:
    secretName: {{ $v.keys.existingSecret.name }}
    defaultMode: {{ $mode }}
    items:
      - key: {{ $v.keys.existingSecret.key }}
        path: keys.yaml
  {{- else }}
  configMap:
    name: {{ $v.keys.existingConfigMap | default (printf "%s-keys" $name) }}
  {{- end }}
{{- if include "sallyport.hasSecrets" . }}
- name: sallyport-secrets
  projected:
    defaultMode: {{ $mode }}
    sources:
      {{- with include "sallyport.volumes.keys" (dict "all" $v.upstreams "folder" "upstreams") | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- with include "sallyport.volumes.keys" (dict "all" $v.toolServers "folder" "tool-servers") | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- if and $v.audit.enabled $v.audit.keySecret.name }}
      - secret:
          name: {{ $v.audit.keySecret.name }}
          items:
            - key: {{ $v.audit.keySecret.key }}
              path: audit/key.pem
      {{- end }}
{{- end }}
{{- if $v.tls.existingSecret }}
- name: sallyport-tls
  projected:
    defaultMode: {{ $mode }}
    sources:
      - secret:
          name: {{ $v.tls.existingSecret }}
          items:
            - key: tls.crt
              path: tls.crt
            - key: tls.key
              path: tls.key
      {{- if $v.tls.clientCA.name }}
      - secret:
          name: {{ $v.tls.clientCA.name }}
          items:
            - key: {{ $v.tls.clientCA.key }}
              path: clients/ca.crt
      {{- end }}
{{- end }}
{{- with $v.persistence.volume }}
- name: sallyport-state
  {{- toYaml . | nindent 2 }}
{{- end }}
- name: sallyport-tmp
  emptyDir:
    sizeLimit: {{ $v.tmpSize }}
{{- if $v.policies.gitSync.enabled }}
- name: sallyport-git-tmp
  emptyDir:
    sizeLimit: 64Mi
{{- with $v.policies.gitSync.sshSecret }}
- name: sallyport-git-ssh
  secret:
    secretName: {{ . }}
    defaultMode: {{ $mode }}
{{- end }}
{{- end }}
{{- with $v.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "sallyport.volumes.keys" -}}
{{- range $name, $one := .all }}
{{- with $one.keySecret }}
- secret:
    name: {{ .name }}
    items:
      - key: {{ .key }}
        path: {{ $.folder }}/{{ $name }}
{{- end }}
{{- end }}
{{- end }}

{{/* git-sync: `once` before the gateway starts, so that there are policies; then beside it. */}}
{{- define "sallyport.gitSync" -}}
{{- $git := .root.Values.policies.gitSync -}}
- name: {{ ternary "sallyport-policies-first" "sallyport-policies" .once }}
  image: {{ $git.image | quote }}
  {{- if .native }}
  restartPolicy: Always
  {{- end }}
  args:
    - --repo={{ $git.repo }}
    - --ref={{ $git.ref }}
    - --root=/policies
    - --link=current
    - --depth=1
    {{- if .once }}
    - --one-time
    {{- else }}
    - --period={{ $git.period }}
    {{- end }}
    {{- if $git.sshSecret }}
    - --ssh-key-file=/etc/git-ssh/ssh-privatekey
    - --ssh-known-hosts-file=/etc/git-ssh/known_hosts
    {{- end }}
  env:
    - name: HOME
      value: /tmp
    {{- with $git.credentialsSecret }}
    - name: GITSYNC_USERNAME
      valueFrom:
        secretKeyRef: {name: {{ . }}, key: username}
    - name: GITSYNC_PASSWORD
      valueFrom:
        secretKeyRef: {name: {{ . }}, key: password}
    {{- end }}
  securityContext:
    {{- include "sallyport.securityContext" (dict "uid" $git.runAsUser "gid" $git.runAsUser) | nindent 4 }}
  {{- with $git.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumeMounts:
    - name: sallyport-policies
      mountPath: /policies
    - name: sallyport-git-tmp
      mountPath: /tmp
    {{- if $git.sshSecret }}
    - name: sallyport-git-ssh
      mountPath: /etc/git-ssh
      readOnly: true
    {{- end }}
{{- end }}
