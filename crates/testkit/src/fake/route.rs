//! The table of contents: which request is which route, and the query that comes with it.

use super::answer::Refusal;
use http::Method;
use time::OffsetDateTime;

/// A route of the fake, to hang a fault on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// Every route, also unknown paths. Only for faults.
    Any,
    /// `GET _ping`
    Ping,
    /// `GET version`
    Version,
    /// `GET info`
    Info,
    /// `GET system/df`
    DiskUsage,
    /// `GET events`
    Events,
    /// `GET images/{name}/json`
    ImageInspect,
    /// `GET images/{name}/exists`
    ImageExists,
    /// `POST images/pull`, and Docker's `images/create`
    ImagePull,
    /// `GET images/json`
    ImageList,
    /// `POST images/{name}/tag`
    ImageTag,
    /// `DELETE images/{name}`
    ImageRemove,
    /// `POST images/import`
    ImageImport,
    /// `POST volumes/create`
    VolumeCreate,
    /// `GET volumes/json`
    VolumeList,
    /// `GET volumes/{name}/json`
    VolumeInspect,
    /// `DELETE volumes/{name}`
    VolumeRemove,
    /// `POST networks/create`
    NetworkCreate,
    /// `GET networks/json`
    NetworkList,
    /// `GET networks/{name}/json`
    NetworkInspect,
    /// `DELETE networks/{name}`
    NetworkRemove,
    /// `POST networks/{name}/connect`
    NetworkConnect,
    /// `POST networks/{name}/disconnect`
    NetworkDisconnect,
    /// `POST secrets/create`
    SecretCreate,
    /// `GET secrets/json`
    SecretList,
    /// `GET secrets/{name}/json`
    SecretInspect,
    /// `DELETE secrets/{name}`
    SecretRemove,
    /// `GET generate/kube`
    KubeGenerate,
    /// `POST pods/create`
    PodCreate,
    /// `GET pods/json`
    PodList,
    /// `GET pods/{name}/json`
    PodInspect,
    /// `POST pods/{name}/start`
    PodStart,
    /// `POST pods/{name}/stop`
    PodStop,
    /// `POST pods/{name}/kill`
    PodKill,
    /// `POST pods/{name}/pause`
    PodPause,
    /// `POST pods/{name}/unpause`
    PodUnpause,
    /// `DELETE pods/{name}`
    PodRemove,
    /// `POST containers/create`
    ContainerCreate,
    /// `GET containers/json`
    ContainerList,
    /// `GET containers/json` with a filter for health
    ContainersChecked,
    /// `GET containers/{name}/json`
    ContainerInspect,
    /// `GET containers/{name}/exists`
    ContainerExists,
    /// `POST containers/{name}/start`
    ContainerStart,
    /// `POST containers/{name}/stop`
    ContainerStop,
    /// `POST containers/{name}/restart`
    ContainerRestart,
    /// `POST containers/{name}/kill`
    ContainerKill,
    /// `POST containers/{name}/pause`
    ContainerPause,
    /// `POST containers/{name}/unpause`
    ContainerUnpause,
    /// `POST containers/{name}/rename`
    ContainerRename,
    /// `POST containers/{name}/update`
    ContainerUpdate,
    /// `GET containers/{name}/healthcheck`
    ContainerCheck,
    /// `GET containers/{name}/top`
    ContainerTop,
    /// `GET containers/{name}/changes`
    ContainerChanges,
    /// `GET containers/{name}/export`
    ContainerExport,
    /// `GET containers/stats`
    ContainerStats,
    /// `POST containers/{name}/wait`
    ContainerWait,
    /// `DELETE containers/{name}`
    ContainerRemove,
    /// `GET containers/{name}/logs`
    ContainerLogs,
    /// `HEAD containers/{name}/archive`
    ArchiveStat,
    /// `GET containers/{name}/archive`
    ArchiveGet,
    /// `PUT containers/{name}/archive`
    ArchivePut,
    /// `POST containers/{name}/exec`
    ExecCreate,
    /// `POST exec/{id}/start`
    ExecStart,
    /// `GET exec/{id}/json`
    ExecInspect,
    /// `POST exec/{id}/remove`, since 5.0
    ExecRemove,
    /// `POST exec/{id}/resize`
    ExecResize,
}

/// A path taken apart: the route and the name or ID in it.
pub(super) fn find(method: &Method, path: &str) -> Option<(Route, String)> {
    if path == "/_ping" {
        return ping(method);
    }
    let (version, rest) = path.strip_prefix("/v")?.split_once('/')?;
    if !version.split('.').all(|part| part.parse::<u32>().is_ok()) {
        return None;
    }
    let rest = rest.strip_prefix("libpod/").unwrap_or(rest);
    if rest == "_ping" {
        return ping(method);
    }
    let (resource, rest) = rest.split_once('/').unwrap_or((rest, ""));
    match resource {
        "version" if method == Method::GET && rest.is_empty() => {
            Some((Route::Version, String::new()))
        }
        "system" if method == Method::GET && rest == "df" => {
            Some((Route::DiskUsage, String::new()))
        }
        "info" if method == Method::GET && rest.is_empty() => Some((Route::Info, String::new())),
        "events" if method == Method::GET && rest.is_empty() => {
            Some((Route::Events, String::new()))
        }
        "generate" if method == Method::GET && rest == "kube" => {
            Some((Route::KubeGenerate, String::new()))
        }
        "images" => image(method, rest),
        "containers" => container(method, rest),
        "exec" => exec(method, rest),
        "pods" => pod(method, rest),
        "volumes" | "networks" | "secrets" => kept(method, resource, rest),
        _ => None,
    }
}

fn ping(method: &Method) -> Option<(Route, String)> {
    matches!(*method, Method::GET | Method::HEAD).then(|| (Route::Ping, String::new()))
}

fn image(method: &Method, rest: &str) -> Option<(Route, String)> {
    if method == Method::DELETE {
        return Some((Route::ImageRemove, decode(rest, false)));
    }
    let (name, verb) = rest.rsplit_once('/').unwrap_or(("", rest));
    let route = match (method.as_str(), verb) {
        ("POST", "pull" | "create") if name.is_empty() => Route::ImagePull,
        ("POST", "import") if name.is_empty() => Route::ImageImport,
        ("GET", "json") if name.is_empty() => Route::ImageList,
        ("GET", "json") => Route::ImageInspect,
        ("POST", "tag") if !name.is_empty() => Route::ImageTag,
        ("GET", "exists") if !name.is_empty() => Route::ImageExists,
        _ => return None,
    };
    Some((route, decode(name, false)))
}

fn container(method: &Method, rest: &str) -> Option<(Route, String)> {
    let (name, verb) = rest.split_once('/').unwrap_or((rest, ""));
    let route = match (method.as_str(), name, verb) {
        ("POST", "create", "") => Route::ContainerCreate,
        ("GET", "json", "") => Route::ContainerList,
        ("GET", "stats", "") => Route::ContainerStats,
        ("GET", _, "healthcheck") => Route::ContainerCheck,
        ("GET", _, "top") => Route::ContainerTop,
        ("GET", _, "changes") => Route::ContainerChanges,
        ("GET", _, "export") => Route::ContainerExport,
        ("POST", _, "update") => Route::ContainerUpdate,
        ("DELETE", _, "") if !name.is_empty() => Route::ContainerRemove,
        ("GET", _, "json") => Route::ContainerInspect,
        ("GET", _, "exists") => Route::ContainerExists,
        ("POST", _, "start") => Route::ContainerStart,
        ("POST", _, "stop") => Route::ContainerStop,
        ("POST", _, "restart") => Route::ContainerRestart,
        ("POST", _, "kill") => Route::ContainerKill,
        ("POST", _, "pause") => Route::ContainerPause,
        ("POST", _, "unpause") => Route::ContainerUnpause,
        ("POST", _, "rename") => Route::ContainerRename,
        ("POST", _, "wait") => Route::ContainerWait,
        ("GET", _, "logs") => Route::ContainerLogs,
        ("HEAD", _, "archive") => Route::ArchiveStat,
        ("GET", _, "archive") => Route::ArchiveGet,
        ("PUT", _, "archive") => Route::ArchivePut,
        ("POST", _, "exec") => Route::ExecCreate,
        _ => return None,
    };
    Some((route, decode(name, false)))
}

fn kept(method: &Method, resource: &str, rest: &str) -> Option<(Route, String)> {
    let (name, verb) = rest.split_once('/').unwrap_or((rest, ""));
    let route = match (resource, method.as_str(), name, verb) {
        ("volumes", "POST", "create", "") => Route::VolumeCreate,
        ("volumes", "GET", "json", "") => Route::VolumeList,
        ("volumes", "GET", _, "json") => Route::VolumeInspect,
        ("volumes", "DELETE", _, "") => Route::VolumeRemove,
        ("networks", "POST", "create", "") => Route::NetworkCreate,
        ("networks", "GET", "json", "") => Route::NetworkList,
        ("networks", "GET", _, "json") => Route::NetworkInspect,
        ("networks", "DELETE", _, "") => Route::NetworkRemove,
        ("networks", "POST", _, "connect") => Route::NetworkConnect,
        ("networks", "POST", _, "disconnect") => Route::NetworkDisconnect,
        ("secrets", "POST", "create", "") => Route::SecretCreate,
        ("secrets", "GET", "json", "") => Route::SecretList,
        ("secrets", "GET", _, "json") => Route::SecretInspect,
        ("secrets", "DELETE", _, "") => Route::SecretRemove,
        _ => return None,
    };
    Some((route, decode(name, false)))
}

fn pod(method: &Method, rest: &str) -> Option<(Route, String)> {
    let (name, verb) = rest.split_once('/').unwrap_or((rest, ""));
    let route = match (method.as_str(), name, verb) {
        ("POST", "create", "") => Route::PodCreate,
        ("GET", "json", "") => Route::PodList,
        ("GET", _, "json") => Route::PodInspect,
        ("POST", _, "start") => Route::PodStart,
        ("POST", _, "stop") => Route::PodStop,
        ("POST", _, "kill") => Route::PodKill,
        ("POST", _, "pause") => Route::PodPause,
        ("POST", _, "unpause") => Route::PodUnpause,
        ("DELETE", _, "") if !name.is_empty() => Route::PodRemove,
        _ => return None,
    };
    Some((route, decode(name, false)))
}

fn exec(method: &Method, rest: &str) -> Option<(Route, String)> {
    let (id, verb) = rest.split_once('/')?;
    let route = match (method.as_str(), verb) {
        ("POST", "start") => Route::ExecStart,
        ("GET", "json") => Route::ExecInspect,
        ("POST", "remove") => Route::ExecRemove,
        ("POST", "resize") => Route::ExecResize,
        _ => return None,
    };
    Some((route, decode(id, false)))
}

/// A query string, decoded; of a key given twice, Go's decoder takes the first.
#[derive(Debug)]
pub(super) struct Query {
    pairs: Vec<(String, String)>,
    /// The request's target, for error messages.
    target: String,
}

impl Query {
    pub(super) fn parse(target: &str) -> Self {
        let (_, text) = target.split_once('?').unwrap_or_default();
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let split = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key, true), decode(value, true))
        };
        Self {
            pairs: pairs.map(split).collect(),
            target: target.to_owned(),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }

    /// Every value of a key.
    pub(super) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let found = self.pairs.iter().filter(move |(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }

    /// A boolean, by Go's `ParseBool`; false when it is not there.
    pub(super) fn flag(&self, key: &str) -> Result<bool, Refusal> {
        match self.get(key) {
            None | Some("" | "0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
            Some("1" | "t" | "T" | "true" | "TRUE" | "True" | "on") => Ok(true),
            Some(_) => {
                let cause = format!("schema: error converting value for \"{key}\"");
                let message = format!("failed to parse parameters for {}: {cause}", self.target);
                Err(Refusal::new(400, &cause, message))
            }
        }
    }

    /// A time as seconds since 1970 with nine digits of a fraction, one of the forms that Podman takes.
    pub(super) fn time(&self, key: &str) -> Result<Option<OffsetDateTime>, Refusal> {
        let Some(text) = self.get(key) else {
            return Ok(None);
        };
        let digits = text.replacen('.', "", 1);
        let time = digits
            .parse()
            .ok()
            .filter(|_| digits.len() + 1 == text.len());
        let time = time.and_then(|nanos| OffsetDateTime::from_unix_timestamp_nanos(nanos).ok());
        time.map(Some).ok_or_else(|| {
            let message = format!("failed to parse parameter {key}: {text}");
            Refusal::new(400, "invalid syntax", message)
        })
    }

    /// A number; none when it is not there.
    pub(super) fn number(&self, key: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.get(key) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| {
            let message = format!(
                "failed to parse query parameter '{key}': \"{text}\": strconv.ParseInt: parsing \"{text}\": invalid syntax"
            );
            Refusal::new(400, "invalid syntax", message)
        })
    }
}

/// Percent-decoding; in queries `+` is a space.
fn decode(text: &str, query: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = rest.as_slice_hex();
        match (byte, hex) {
            (b'%', Some(value)) => {
                bytes.push(value);
                rest.nth(1);
            }
            (b'+', _) if query => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

trait NextHex {
    /// The value of the next two hexadecimal digits, not consumed.
    fn as_slice_hex(&self) -> Option<u8>;
}

impl NextHex for std::str::Bytes<'_> {
    fn as_slice_hex(&self) -> Option<u8> {
        let mut ahead = self.clone();
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let value = digit(ahead.next()?)? * 16 + digit(ahead.next()?)?;
        u8::try_from(value).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_names_may_be_encoded_or_not() {
        for path in [
            "/v4.0.0/libpod/images/localhost%2Fbb%3A1/json",
            "/v5.8.6/libpod/images/localhost/bb:1/json",
        ] {
            let found = find(&Method::GET, path);
            assert_eq!(found, Some((Route::ImageInspect, "localhost/bb:1".into())));
        }
    }

    #[test]
    fn unversioned_paths_and_other_methods_are_unknown() {
        assert!(find(&Method::GET, "/libpod/info").is_none());
        assert!(find(&Method::GET, "/v4.x/libpod/info").is_none());
        assert!(find(&Method::PUT, "/v4.0.0/libpod/containers/a/start").is_none());
        assert!(find(&Method::GET, "/_ping").is_some());
    }

    #[test]
    fn queries_are_decoded() {
        let query = Query::parse("/x?a=b%20c+d&force=true&x=%zz&a=2");
        assert_eq!(query.get("a"), Some("b c d"));
        assert_eq!(query.get("x"), Some("%zz"));
        assert_eq!(query.all("a").count(), 2);
        assert!(query.flag("force").expect("a boolean"));
        assert!(Query::parse("/x?force=yes").flag("force").is_err());
    }
}
