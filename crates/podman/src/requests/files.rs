//! Files in containers.

use super::Request;
use base64::Engine as _;
use bytes::Bytes;
use http::Method;
use podlane_engine::{ContainerId, InnerPath, Ownership};

fn archive_request(
    step: &'static str,
    method: Method,
    id: &ContainerId,
    path: &InnerPath,
) -> Request {
    let mut request = Request::new(step, method, &format!("/containers/{id}/archive"));
    let reads = request.method != Method::PUT;
    let asked = if reads {
        literal(path)
    } else {
        path.as_str().into()
    };
    request = request
        .query([("path", asked.as_str())])
        .container(id.short());
    path.as_str().clone_into(&mut request.about.path);
    request
}

/// A path so that Podman, which reads by patterns, finds nothing else by it. Of a star it says that nothing
/// is there, however it is written. Source: buildah's `copier/copier.go`, libpod's `container_stat_common.go`.
fn literal(path: &InnerPath) -> String {
    let mut text = String::with_capacity(path.as_str().len());
    for character in path.as_str().chars() {
        if matches!(character, '?' | '[' | '\\') {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

/// Whether a path would mean more to Podman than it says.
pub(crate) fn is_pattern(path: &InnerPath) -> bool {
    path.as_str().contains(['?', '[', '\\'])
}

pub(crate) fn stat(id: &ContainerId, path: &InnerPath) -> Request {
    archive_request("looking at the path", Method::HEAD, id, path)
}

pub(crate) fn read_archive(id: &ContainerId, path: &InnerPath) -> Request {
    archive_request("reading the file", Method::GET, id, path)
}

/// Libpod has no call that removes a path. But before it makes an entry it clears away what has its
/// name, a whole directory too, and only then finds that a hard link to itself can't be made. A file
/// comes first, because of a symbolic link the copier would link what it leads to. Source: buildah's
/// `copier/copier.go`, `copierHandlerPut`.
pub(crate) fn remove_path(id: &ContainerId, directory: &InnerPath, name: &str) -> Request {
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    header.set_mode(0o600);
    let mut link = header.clone();
    link.set_entry_type(tar::EntryType::Link);
    let mut builder = tar::Builder::new(Vec::new());
    // Into memory nothing fails; and an empty archive would be answered as a failure.
    let appended = builder
        .append_data(&mut header, name, std::io::empty())
        .and_then(|()| builder.append_link(&mut link, name, name));
    let archive = appended.and_then(|()| builder.into_inner());
    let mut request = archive_request("removing the path", Method::PUT, id, directory);
    request.target.push_str("&copyUIDGID=false");
    request.body = archive.map(Bytes::from).unwrap_or_default();
    request.content_type = Some("application/x-tar");
    request
}

/// In libpod `copyUIDGID=false` is what KEEPS the archive's numbers: the name is the wrong way round.
pub(crate) fn write_archive(
    id: &ContainerId,
    directory: &InnerPath,
    ownership: Ownership,
) -> Request {
    let mut request = archive_request("writing the file", Method::PUT, id, directory);
    request.target.push_str("&noOverwriteDirNonDir=true");
    if ownership == Ownership::Archive {
        request.target.push_str("&copyUIDGID=false");
    }
    request.content_type = Some("application/x-tar");
    request
}

/// Decodes the header that describes a path: base64 of a JSON object. Podman writes the alphabet of
/// URLs (`pkg/copy/fileinfo.go`), Docker the standard one.
pub(crate) fn decode_stat_header(value: &[u8]) -> Option<Vec<u8>> {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    URL_SAFE
        .decode(value)
        .or_else(|_| STANDARD.decode(value))
        .ok()
}
