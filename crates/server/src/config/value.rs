//! From values as written to values as meant. The error is what would be right, for people.

use super::layer::Raw;
use super::policy;
use crate::guard::{HostRule, Origin as WebOrigin};
use podlane_service::{Allowed, Policy};
use std::fmt::{self, Write as _};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Yes or no.
pub(super) fn boolean(raw: &Raw) -> Result<bool, String> {
    match raw {
        Raw::Bool(value) => Ok(*value),
        Raw::Words(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err("it must be true or false (or 1/0, yes/no, on/off)".to_owned()),
        },
        _ => Err("it must be true or false, without quotes".to_owned()),
    }
}

/// A whole number within bounds.
pub(super) fn integer(raw: &Raw, bounds: &RangeInclusive<usize>) -> Result<usize, String> {
    let number = match raw {
        Raw::Integer(number) => usize::try_from(*number).ok(),
        Raw::Words(text) => text.trim().replace('_', "").parse().ok(),
        _ => None,
    };
    number
        .filter(|number| bounds.contains(number))
        .ok_or_else(|| {
            let (least, most) = (bounds.start(), bounds.end());
            format!(
                "it must be a whole number from {least} to {most}{}",
                unquoted(raw)
            )
        })
}

/// A time in seconds within bounds.
pub(super) fn seconds(raw: &Raw, bounds: &RangeInclusive<f64>) -> Result<Duration, String> {
    let number = match raw {
        #[expect(clippy::cast_precision_loss, reason = "no bound comes near 2^53")]
        Raw::Integer(number) => Some(*number as f64),
        Raw::Float(number) => Some(*number),
        Raw::Words(text) => text.trim().parse().ok(),
        _ => None,
    };
    number
        .filter(|number| bounds.contains(number))
        .and_then(|number| Duration::try_from_secs_f64(number).ok())
        .ok_or_else(|| {
            let (least, most) = (bounds.start(), bounds.end());
            let end = unquoted(raw);
            format!("it must be a number of seconds from {least} to {most}, such as 30 or 0.5{end}")
        })
}

/// One of a few words.
pub(super) fn word<T: Copy>(raw: &Raw, words: &[(&str, T)]) -> Result<T, String> {
    let meant = text(raw).unwrap_or_default().to_ascii_lowercase();
    let found = words.iter().find(|(word, _)| *word == meant);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let mut right = "it must be one of".to_owned();
        for (index, (word, _)) in words.iter().enumerate() {
            let separator = if index == 0 { " " } else { ", " };
            let _ = write!(right, "{separator}\"{word}\"");
        }
        right
    })
}

/// Several values of one kind; comma separated where they are words.
pub(super) fn list<T>(
    raw: &Raw,
    item: impl Fn(&str) -> Result<T, String>,
    example: &str,
) -> Result<Vec<T>, String> {
    let texts: Option<Vec<&str>> = match raw {
        Raw::List(items) => items.iter().map(text).collect(),
        Raw::Words(words) => Some(
            words
                .split(',')
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .collect(),
        ),
        _ => None,
    };
    let texts =
        texts.ok_or_else(|| format!("it must be a list of texts, such as [\"{example}\"]"))?;
    texts.into_iter().map(item).collect()
}

/// An address to listen on.
pub(super) fn listener(raw: &Raw) -> Result<SocketAddr, String> {
    let text = text(raw).unwrap_or_default();
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let local = text
        .rsplit_once(':')
        .filter(|(host, _)| host.eq_ignore_ascii_case("localhost"));
    if let Some(port) = local.and_then(|(_, port)| port.parse().ok()) {
        return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    }
    let example = match text.trim_start_matches(':').parse::<u16>() {
        Ok(port) => format!("127.0.0.1:{port}"),
        Err(_) => "127.0.0.1:5000 or [::1]:5000".to_owned(),
    };
    Err(format!(
        "it must be an IP address and a port, such as {example}"
    ))
}

/// A program: a name to be found in PATH, or an absolute path; `None` for none at all.
pub(super) fn program(raw: &Raw) -> Result<Option<PathBuf>, String> {
    const RIGHT: &str = "it must be the name of a program in PATH, an absolute path or empty";
    let name = text(raw).ok_or(RIGHT)?.trim();
    if name.is_empty() {
        return Ok(None);
    }
    if !name.contains('\0') && (name.starts_with('/') || !name.contains('/')) {
        return Ok(Some(PathBuf::from(name)));
    }
    Err(RIGHT.to_owned())
}

/// The socket of an engine; `None` for "search".
pub(super) fn engine(raw: &Raw) -> Result<Option<PathBuf>, String> {
    const RIGHT: &str =
        "it must be unix:///absolute/path/of.sock, such as unix:///run/podman/podman.sock";
    let text = text(raw).ok_or(RIGHT)?;
    if text.is_empty() {
        return Ok(None);
    }
    match text.split_once("://") {
        Some(("unix", path)) if path.starts_with('/') => Ok(Some(PathBuf::from(path))),
        Some((scheme @ ("tcp" | "ssh" | "http" | "https" | "npipe"), _)) => {
            Err(format!("{scheme}:// is not supported; {RIGHT}"))
        }
        _ if text.starts_with('/') => Err(format!("it must be written unix://{text}")),
        _ => Err(RIGHT.to_owned()),
    }
}

/// A directory; `None` for the usual one.
pub(super) fn directory(raw: &Raw) -> Result<Option<PathBuf>, String> {
    const RIGHT: &str = "it must be the absolute path of a directory, such as /var/lib/podlane";
    let text = text(raw).ok_or(RIGHT)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.starts_with('/')
        .then(|| Some(PathBuf::from(text)))
        .ok_or_else(|| RIGHT.to_owned())
}

/// The absolute path of a file; `None` for none.
pub(super) fn file(raw: &Raw) -> Result<Option<PathBuf>, String> {
    const RIGHT: &str = "it must be the absolute path of a file, such as /etc/podlane/server.pem";
    let text = text(raw).ok_or(RIGHT)?;
    if text.is_empty() {
        return Ok(None);
    }
    (text.starts_with('/') && !text.ends_with('/') && !text.contains('\0'))
        .then(|| Some(PathBuf::from(text)))
        .ok_or_else(|| RIGHT.to_owned())
}

/// A file's mode: who may read and write it.
pub(super) fn mode(raw: &Raw) -> Result<u32, String> {
    let mode = text(raw).and_then(|text| u32::from_str_radix(text, 8).ok());
    mode.filter(|mode| mode & !0o666 == 0 && mode & 0o600 == 0o600)
        .ok_or_else(|| {
            "it must be a mode in octal digits within quotes, from \"0600\" (its owner) to \"0666\" (anybody)".to_owned()
        })
}

/// A group, by name or number; `None` for none.
pub(super) fn group(raw: &Raw) -> Result<Option<String>, String> {
    let text = text(raw).ok_or("it must be a group's name or number, within quotes")?;
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// What the file of that absolute path allows; `None` for none.
pub(super) fn policy(raw: &Raw) -> Result<Option<Arc<Policy>>, String> {
    let Some(path) = file(raw)? else {
        return Ok(None);
    };
    let text = fs::read_to_string(path).map_err(|error| format!("it can't be read: {error}"))?;
    policy::parse(&text).map(|policy| Some(Arc::new(policy)))
}

/// A name or address for the Host header.
pub(super) fn host(text: &str) -> Result<HostRule, String> {
    HostRule::parse(text).map_err(|error| error.to_string())
}

/// Somewhere that webhooks' messages may go.
pub(super) fn allowed(text: &str) -> Result<Allowed, String> {
    Allowed::parse(text).ok_or_else(|| {
        format!(
            "{text:?} must be a host name, an address or a network, such as hooks.lan:8080 or 10.0.0.0/8"
        )
    })
}

/// A pause as people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause(pub(super) Duration);

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.0.as_secs_f64())
    }
}

/// A number and s, m or h, up to a day.
pub(super) fn pause(text: &str) -> Result<Pause, String> {
    let right = || format!("{text:?} must be a number and s, m or h, up to 24h, such as 30s");
    let unit = text.chars().last().ok_or_else(right)?;
    let seconds = match unit {
        's' => 1.0,
        'm' => 60.0,
        'h' => 3600.0,
        _ => return Err(right()),
    };
    let number: f64 = text[..text.len() - 1].parse().map_err(|_| right())?;
    let pause = Duration::try_from_secs_f64(number * seconds).map_err(|_| right())?;
    if pause > Duration::from_secs(86_400) {
        return Err(right());
    }
    Ok(Pause(pause))
}

/// A web origin.
pub(super) fn origin(text: &str) -> Result<WebOrigin, String> {
    if text == "*" {
        return Err(
            "\"*\" would let every web page that anybody opens control the containers; list the \
             origins that may"
                .to_owned(),
        );
    }
    WebOrigin::parse(text).map_err(|error| error.to_string())
}

fn text(raw: &Raw) -> Option<&str> {
    match raw {
        Raw::Words(text) | Raw::Text(text) => Some(text.trim()),
        _ => None,
    }
}

fn unquoted(raw: &Raw) -> &'static str {
    match raw {
        Raw::Text(_) => ", without quotes",
        _ => "",
    }
}
