//! The part of Kubernetes' documents that is understood. What is not here is refused by name.
//!
//! Source: the Kubernetes API reference, `core/v1` and `apps/v1`. None shows its values in `Debug`: people put
//! secrets into environments.

use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

type Map = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Pod {
    #[serde(rename = "apiVersion")]
    _version: IgnoredAny,
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    pub(super) metadata: Metadata,
    pub(super) spec: PodSpec,
    #[serde(rename = "status", default)]
    _status: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Deployment {
    #[serde(rename = "apiVersion")]
    _version: IgnoredAny,
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    pub(super) metadata: Metadata,
    pub(super) spec: DeploymentSpec,
    #[serde(rename = "status", default)]
    _status: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct DeploymentSpec {
    #[serde(default)]
    pub(super) replicas: Option<u64>,
    /// Which pods it has; there is one, that of the template.
    #[serde(rename = "selector", default)]
    _selector: Option<IgnoredAny>,
    pub(super) template: Template,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Template {
    #[serde(default)]
    pub(super) metadata: Option<Metadata>,
    pub(super) spec: PodSpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Claim {
    #[serde(rename = "apiVersion")]
    _version: IgnoredAny,
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    pub(super) metadata: Metadata,
    /// Sizes and ways of access are a cluster's; a volume here has none.
    #[serde(rename = "spec", default)]
    _spec: Option<IgnoredAny>,
    #[serde(rename = "status", default)]
    _status: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ConfigMap {
    #[serde(rename = "apiVersion")]
    _version: IgnoredAny,
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    pub(super) metadata: Metadata,
    #[serde(default)]
    pub(super) data: Map,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Metadata {
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) labels: Map,
    #[serde(default)]
    pub(super) annotations: Map,
    #[serde(rename = "creationTimestamp", default)]
    _created: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "Kubernetes has one for each")]
pub(super) struct PodSpec {
    pub(super) containers: Vec<Container>,
    #[serde(default)]
    pub(super) volumes: Vec<Volume>,
    #[serde(default)]
    pub(super) restart_policy: RestartPolicy,
    #[serde(default)]
    pub(super) hostname: Option<String>,
    /// Names of registries that are known.
    #[serde(default)]
    pub(super) image_pull_secrets: Vec<PullSecret>,
    #[serde(default)]
    pub(super) host_aliases: Vec<HostAlias>,
    #[serde(default)]
    pub(super) dns_config: DnsConfig,
    #[serde(default)]
    pub(super) termination_grace_period_seconds: Option<u64>,
    #[serde(default)]
    pub(super) security_context: PodSecurity,
    #[serde(default)]
    pub(super) host_network: bool,
    #[serde(rename = "hostPID", default)]
    pub(super) host_pid: bool,
    #[serde(rename = "hostIPC", default)]
    pub(super) host_ipc: bool,
    #[serde(default)]
    pub(super) share_process_namespace: bool,
    /// There are no accounts of services and no services to link.
    #[serde(rename = "automountServiceAccountToken", default)]
    _token: Option<bool>,
    #[serde(rename = "enableServiceLinks", default)]
    _links: Option<bool>,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum RestartPolicy {
    #[default]
    Always,
    OnFailure,
    Never,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PullSecret {
    pub(super) name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HostAlias {
    pub(super) ip: String,
    pub(super) hostnames: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct DnsConfig {
    #[serde(default)]
    pub(super) nameservers: Vec<String>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct PodSecurity {
    #[serde(default)]
    pub(super) run_as_user: Option<u32>,
    #[serde(default)]
    pub(super) run_as_group: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Volume {
    pub(super) name: String,
    #[serde(default)]
    pub(super) persistent_volume_claim: Option<ClaimSource>,
    #[serde(default)]
    pub(super) host_path: Option<HostPath>,
    #[serde(default)]
    pub(super) empty_dir: Option<EmptyDir>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ClaimSource {
    pub(super) claim_name: String,
    #[serde(default)]
    pub(super) read_only: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HostPath {
    pub(super) path: String,
    #[serde(rename = "type", default)]
    pub(super) kind: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EmptyDir {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Container {
    pub(super) name: String,
    pub(super) image: String,
    #[serde(default)]
    pub(super) image_pull_policy: Option<PullPolicy>,
    #[serde(default)]
    pub(super) command: Vec<String>,
    #[serde(default)]
    pub(super) args: Vec<String>,
    #[serde(default)]
    pub(super) working_dir: Option<String>,
    #[serde(default)]
    pub(super) env: Vec<Variable>,
    #[serde(default)]
    pub(super) env_from: Vec<VariablesFrom>,
    #[serde(default)]
    pub(super) ports: Vec<Port>,
    #[serde(default)]
    pub(super) resources: Resources,
    #[serde(default)]
    pub(super) volume_mounts: Vec<VolumeMount>,
    #[serde(default)]
    pub(super) security_context: Security,
    #[serde(default)]
    pub(super) liveness_probe: Option<Probe>,
    #[serde(default)]
    pub(super) stdin: Option<bool>,
    #[serde(default)]
    pub(super) tty: Option<bool>,
}

#[derive(Deserialize, Clone, Copy)]
pub(super) enum PullPolicy {
    Always,
    IfNotPresent,
    Never,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Variable {
    pub(super) name: String,
    #[serde(default)]
    pub(super) value: Option<String>,
    #[serde(default)]
    pub(super) value_from: Option<ValueFrom>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ValueFrom {
    pub(super) config_map_key_ref: KeyRef,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyRef {
    pub(super) name: String,
    pub(super) key: String,
    #[serde(default)]
    pub(super) optional: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct VariablesFrom {
    pub(super) config_map_ref: MapRef,
    #[serde(default)]
    pub(super) prefix: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MapRef {
    pub(super) name: String,
    #[serde(default)]
    pub(super) optional: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "Kubernetes' own names")]
pub(super) struct Port {
    pub(super) container_port: u16,
    /// Without one the port is told and not published.
    #[serde(default)]
    pub(super) host_port: Option<u16>,
    #[serde(rename = "hostIP", default)]
    pub(super) host_ip: Option<String>,
    #[serde(default)]
    pub(super) protocol: Option<String>,
    #[serde(rename = "name", default)]
    _name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Resources {
    #[serde(default)]
    pub(super) limits: Quantities,
    /// What a cluster looks at when it chooses a machine.
    #[serde(rename = "requests", default)]
    _requests: Option<IgnoredAny>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Quantities {
    #[serde(default)]
    pub(super) cpu: Option<Quantity>,
    #[serde(default)]
    pub(super) memory: Option<Quantity>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Quantity {
    Number(f64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct VolumeMount {
    pub(super) name: String,
    pub(super) mount_path: String,
    #[serde(default)]
    pub(super) read_only: bool,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Security {
    #[serde(default)]
    pub(super) privileged: bool,
    #[serde(default)]
    pub(super) allow_privilege_escalation: Option<bool>,
    #[serde(default)]
    pub(super) read_only_root_filesystem: Option<bool>,
    #[serde(default)]
    pub(super) run_as_user: Option<u32>,
    #[serde(default)]
    pub(super) run_as_group: Option<u32>,
    #[serde(default)]
    pub(super) capabilities: Capabilities,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Capabilities {
    #[serde(default)]
    pub(super) add: Vec<String>,
    #[serde(default)]
    pub(super) drop: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Probe {
    pub(super) exec: Exec,
    #[serde(default)]
    pub(super) initial_delay_seconds: Option<u64>,
    #[serde(default)]
    pub(super) period_seconds: Option<u64>,
    #[serde(default)]
    pub(super) timeout_seconds: Option<u64>,
    #[serde(default)]
    pub(super) failure_threshold: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exec {
    pub(super) command: Vec<String>,
}
