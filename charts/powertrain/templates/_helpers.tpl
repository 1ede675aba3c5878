{{/*
Names are fixed: a cluster holds one Powertrain, because two would both act on every TrainingJob
and both bind every pod that names the scheduler `powertrain`. A second release is refused by Helm,
which finds the ClusterRoles in another release's hands.
*/}}

{{/* Labels of every object. Call with (list $ "operator"), or (list $ "") for shared objects. */}}
{{- define "powertrain.labels" -}}
{{- $root := index . 0 -}}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
{{ include "powertrain.podLabels" . }}
{{- end }}

{{/* Labels of the pods: none that changes with the chart alone, which would restart them. */}}
{{- define "powertrain.podLabels" -}}
{{ include "powertrain.selector" . }}
app.kubernetes.io/part-of: powertrain
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
{{- end }}

{{/* What selects the pods of one component; never changes between versions. */}}
{{- define "powertrain.selector" -}}
app.kubernetes.io/name: powertrain
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
{{- with index . 1 }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{/* A digest, where given, decides alone: a tag beside it would only be read by people. */}}
{{- define "powertrain.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end }}
{{- end }}
{{- end }}

{{/*
The pod of one component, whole. Call with a dict: root, component ("operator"), args and env (lists).
It passes Pod Security `restricted` and writes nothing to its file system.
*/}}
{{- define "powertrain.podTemplate" -}}
{{- $root := .root -}}
{{- $component := .component -}}
{{- $values := index $root.Values $component -}}
metadata:
  labels:
    {{- include "powertrain.podLabels" (list $root $component) | nindent 4 }}
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- $scrape := dict "prometheus.io/scrape" "true" "prometheus.io/path" "/metrics" }}
  {{- $_ := set $scrape "prometheus.io/port" (toString $root.Values.metrics.port) }}
  {{- $own := ternary $scrape dict $root.Values.metrics.annotations }}
  {{- with merge dict $values.podAnnotations $own }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: powertrain-{{ $component }}
  automountServiceAccountToken: true
  enableServiceLinks: false
  terminationGracePeriodSeconds: 30
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    seccompProfile: {type: RuntimeDefault}
  containers:
    - name: {{ $component }}
      image: {{ include "powertrain.image" $root | quote }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args:
        - {{ $component }}
        - --listen=:{{ $root.Values.metrics.port }}
        - --log-format={{ $root.Values.logs.format }}
        - --log-level={{ $root.Values.logs.level }}
        {{- range .args }}
        - {{ . }}
        {{- end }}
      {{- with .env }}
      env:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - {name: metrics, containerPort: {{ $root.Values.metrics.port }}}
      livenessProbe:
        httpGet: {path: /healthz, port: metrics}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: {path: /readyz, port: metrics}
        periodSeconds: 5
        timeoutSeconds: 5
      resources:
        {{- toYaml $values.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
  {{- with $values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if $values.affinity }}
  affinity:
    {{- toYaml $values.affinity | nindent 4 }}
  {{- else if gt (int $values.replicas) 1 }}
  affinity:
    podAntiAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 100
          podAffinityTerm:
            topologyKey: kubernetes.io/hostname
            labelSelector:
              matchLabels:
                {{- include "powertrain.selector" (list $root $component) | nindent 16 }}
  {{- end }}
{{- end }}
