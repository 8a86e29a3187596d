//! The whole policy: what a caller must be allowed for each operation. The service says the same in the first
//! line of each of its functions; a test walks all of them with every scope to see that it does.

use podlane_service::Scope::{
    self, AuditRead, ContainersRead, ContainersWrite, EventsRead, ExecRead, ExecRun, FilesRead,
    FilesWrite, ImagesRead, ImagesWrite, NetworksRead, NetworksWrite, PodsRead, PodsWrite,
    RecordingsRead, RecordingsWrite, SecretsRead, SecretsWrite, SystemRead, TokensRead,
    TokensWrite, UsersRead, UsersWrite, VolumesRead, VolumesWrite, WebhooksRead, WebhooksWrite,
};
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::security::SecurityRequirement;

/// The names of the ways to present a token, in the document.
pub(super) const SCHEMES: [&str; 2] = ["token", "key"];

/// Method and path, and the scope; `None` for any caller who is known.
#[rustfmt::skip]
pub(crate) const POLICY: &[(&str, &str, Option<Scope>)] = &[
    ("POST", "/api/v1/containers", Some(ContainersWrite)),
    ("GET", "/api/v1/containers", Some(ContainersRead)),
    ("GET", "/api/v1/containers/{name}", Some(ContainersRead)),
    ("POST", "/api/v1/containers/{name}/start", Some(ContainersWrite)),
    ("POST", "/api/v1/containers/{name}/stop", Some(ContainersWrite)),
    ("POST", "/api/v1/containers/{name}/restart", Some(ContainersWrite)),
    ("POST", "/api/v1/containers/{name}/kill", Some(ContainersWrite)),
    ("POST", "/api/v1/containers/{name}/pause", Some(ContainersWrite)),
    ("POST", "/api/v1/containers/{name}/unpause", Some(ContainersWrite)),
    ("POST", "/api/v1/containers/{name}/rename", Some(ContainersWrite)),
    ("POST", "/api/v1/containers/{name}/wait", Some(ContainersRead)),
    ("POST", "/api/v1/containers/{name}/update", Some(ContainersWrite)),
    ("POST", "/api/v1/containers/{name}/extend", Some(ContainersWrite)),
    ("GET", "/api/v1/containers/{name}/top", Some(ContainersRead)),
    ("GET", "/api/v1/containers/{name}/changes", Some(ContainersRead)),
    ("GET", "/api/v1/containers/{name}/stats", Some(ContainersRead)),
    ("GET", "/api/v1/stats", Some(ContainersRead)),
    ("GET", "/api/v1/containers/{name}/export", Some(FilesRead)),
    ("POST", "/api/v1/bulk/containers", Some(ContainersWrite)),
    ("POST", "/api/v1/prune/containers", Some(ContainersWrite)),
    ("DELETE", "/api/v1/containers/{name}", Some(ContainersWrite)),
    ("GET", "/api/v1/containers/{name}/logs", Some(ContainersRead)),
    ("POST", "/api/v1/containers/{name}/exec", Some(ExecRun)),
    ("POST", "/api/v1/containers/{name}/tickets", Some(ExecRun)),
    ("GET", "/api/v1/containers/{name}/exec/ws", Some(ExecRun)),
    ("GET", "/api/v1/containers/{name}/attach/ws", Some(ExecRun)),
    ("GET", "/api/v1/execs", Some(ExecRead)),
    ("GET", "/api/v1/execs/{id}", Some(ExecRead)),
    ("GET", "/api/v1/execs/{id}/output", Some(ExecRead)),
    ("POST", "/api/v1/execs/{id}/stdin", Some(ExecRun)),
    ("POST", "/api/v1/execs/{id}/signal", Some(ExecRun)),
    ("POST", "/api/v1/execs/{id}/resize", Some(ExecRun)),
    ("POST", "/api/v1/execs/{id}/wait", Some(ExecRead)),
    ("DELETE", "/api/v1/execs/{id}", Some(ExecRun)),
    ("POST", "/api/v1/containers/{name}/users", Some(UsersWrite)),
    ("GET", "/api/v1/containers/{name}/users", Some(UsersRead)),
    ("GET", "/api/v1/containers/{name}/users/{username}", Some(UsersRead)),
    ("PATCH", "/api/v1/containers/{name}/users/{username}", Some(UsersWrite)),
    ("DELETE", "/api/v1/containers/{name}/users/{username}", Some(UsersWrite)),
    ("POST", "/api/v1/containers/{name}/files", Some(FilesWrite)),
    ("GET", "/api/v1/containers/{name}/files/{path}", Some(FilesRead)),
    ("PUT", "/api/v1/containers/{name}/files/{path}", Some(FilesWrite)),
    ("DELETE", "/api/v1/containers/{name}/files/{path}", Some(FilesWrite)),
    ("GET", "/api/v1/containers/{name}/file-info", Some(FilesRead)),
    ("GET", "/api/v1/containers/{name}/file-list", Some(FilesRead)),
    ("GET", "/api/v1/containers/{name}/file-search", Some(FilesRead)),
    ("GET", "/api/v1/containers/{name}/file-events", Some(FilesRead)),
    ("POST", "/api/v1/containers/{name}/file-operations", Some(FilesWrite)),
    ("GET", "/api/v1/containers/{name}/archive", Some(FilesRead)),
    ("PUT", "/api/v1/containers/{name}/archive", Some(FilesWrite)),
    ("GET", "/api/v1/files", Some(FilesRead)),
    ("GET", "/api/v1/images", Some(ImagesRead)),
    ("GET", "/api/v1/images/{image}", Some(ImagesRead)),
    ("DELETE", "/api/v1/images/{image}", Some(ImagesWrite)),
    ("POST", "/api/v1/pull", Some(ImagesWrite)),
    ("POST", "/api/v1/build", Some(ImagesWrite)),
    ("POST", "/api/v1/load", Some(ImagesWrite)),
    ("GET", "/api/v1/save", Some(ImagesRead)),
    ("POST", "/api/v1/tag", Some(ImagesWrite)),
    ("POST", "/api/v1/containers/{name}/commit", Some(ImagesWrite)),
    ("POST", "/api/v1/prune/images", Some(ImagesWrite)),
    ("POST", "/api/v1/volumes", Some(VolumesWrite)),
    ("GET", "/api/v1/volumes", Some(VolumesRead)),
    ("GET", "/api/v1/volumes/{volume}", Some(VolumesRead)),
    ("DELETE", "/api/v1/volumes/{volume}", Some(VolumesWrite)),
    ("POST", "/api/v1/networks", Some(NetworksWrite)),
    ("GET", "/api/v1/networks", Some(NetworksRead)),
    ("GET", "/api/v1/networks/{network}", Some(NetworksRead)),
    ("DELETE", "/api/v1/networks/{network}", Some(NetworksWrite)),
    ("POST", "/api/v1/secrets", Some(SecretsWrite)),
    ("GET", "/api/v1/secrets", Some(SecretsRead)),
    ("GET", "/api/v1/secrets/{secret}", Some(SecretsRead)),
    ("DELETE", "/api/v1/secrets/{secret}", Some(SecretsWrite)),
    ("POST", "/api/v1/networks/{network}/connect", Some(NetworksWrite)),
    ("POST", "/api/v1/networks/{network}/disconnect", Some(NetworksWrite)),
    ("POST", "/api/v1/prune/volumes", Some(VolumesWrite)),
    ("POST", "/api/v1/prune/networks", Some(NetworksWrite)),
    ("POST", "/api/v1/pods", Some(PodsWrite)),
    ("GET", "/api/v1/pods", Some(PodsRead)),
    ("GET", "/api/v1/pods/{pod}", Some(PodsRead)),
    ("DELETE", "/api/v1/pods/{pod}", Some(PodsWrite)),
    ("POST", "/api/v1/pods/{pod}/start", Some(PodsWrite)),
    ("POST", "/api/v1/pods/{pod}/stop", Some(PodsWrite)),
    ("POST", "/api/v1/pods/{pod}/restart", Some(PodsWrite)),
    ("POST", "/api/v1/pods/{pod}/kill", Some(PodsWrite)),
    ("POST", "/api/v1/pods/{pod}/pause", Some(PodsWrite)),
    ("POST", "/api/v1/pods/{pod}/unpause", Some(PodsWrite)),
    ("POST", "/api/v1/prune/pods", Some(PodsWrite)),
    ("POST", "/api/v1/kube/up", Some(PodsWrite)),
    ("POST", "/api/v1/kube/down", Some(PodsWrite)),
    ("GET", "/api/v1/kube/generate", Some(PodsRead)),
    ("GET", "/api/v1/events", Some(EventsRead)),
    ("POST", "/api/v1/webhooks", Some(WebhooksWrite)),
    ("GET", "/api/v1/webhooks", Some(WebhooksRead)),
    ("GET", "/api/v1/webhooks/{id}", Some(WebhooksRead)),
    ("PATCH", "/api/v1/webhooks/{id}", Some(WebhooksWrite)),
    ("DELETE", "/api/v1/webhooks/{id}", Some(WebhooksWrite)),
    ("POST", "/api/v1/webhooks/{id}/test", Some(WebhooksWrite)),
    ("GET", "/api/v1/webhooks/{id}/deliveries", Some(WebhooksRead)),
    ("POST", "/api/v1/webhooks/{id}/redeliver", Some(WebhooksWrite)),
    ("POST", "/api/v1/webhooks/{id}/deliveries/{delivery}/redeliver", Some(WebhooksWrite)),
    ("GET", "/api/v1/audit", Some(AuditRead)),
    ("GET", "/api/v1/audit/verify", Some(AuditRead)),
    ("GET", "/api/v1/recordings", Some(RecordingsRead)),
    ("GET", "/api/v1/recordings/{id}", Some(RecordingsRead)),
    ("DELETE", "/api/v1/recordings/{id}", Some(RecordingsWrite)),
    ("GET", "/api/v1/recordings/{id}/replay", Some(RecordingsRead)),
    ("POST", "/api/v1/tokens", Some(TokensWrite)),
    ("GET", "/api/v1/tokens", Some(TokensRead)),
    ("DELETE", "/api/v1/tokens/{id}", Some(TokensWrite)),
    ("POST", "/api/v1/tokens/{id}/rotate", Some(TokensWrite)),
    ("GET", "/api/v1/health", None),
    ("GET", "/api/v1/version", Some(SystemRead)),
    ("GET", "/api/v1/capabilities", Some(SystemRead)),
    ("GET", "/api/v1/disk-usage", Some(SystemRead)),
    ("GET", "/api/v1/metrics", Some(SystemRead)),
    ("GET", "/metrics", Some(SystemRead)),
];

/// The scope of an operation; `None` if there is none, or any caller will do.
pub(crate) fn scope(method: &str, path: &str) -> Option<Scope> {
    let found = POLICY.iter().find(|row| (row.0, row.1) == (method, path));
    found?.2
}

/// What the document says of an operation: it can be used without a token where the server wants none, and
/// with a token that has the scope.
pub(super) fn security(path: &str, method: &HttpMethod) -> Option<Vec<SecurityRequirement>> {
    let method = match method {
        HttpMethod::Get => "GET",
        HttpMethod::Post => "POST",
        HttpMethod::Put => "PUT",
        HttpMethod::Patch => "PATCH",
        _ => "DELETE",
    };
    let found = POLICY.iter().find(|row| (row.0, row.1) == (method, path));
    let scope = found?.2.map(Scope::as_str);
    let with = |scheme: &&str| SecurityRequirement::new(*scheme, scope);
    let ways = SCHEMES.iter().map(with);
    Some(ways.chain([SecurityRequirement::default()]).collect())
}
