//! `HEAD`, `GET` and `PUT containers/{name}/archive`.

use super::Request;
use crate::fake::Route;
use crate::fake::answer::{Answer, Handled, Refusal};
use crate::fake::archive;
use crate::fake::node::FsError;
use http::StatusCode;
use std::sync::Arc;

const STAT: &str = "x-docker-container-path-stat";

pub(super) fn get(request: &Request) -> Handled {
    let Some(path) = request.query.get("path").filter(|path| !path.is_empty()) else {
        return Err(Refusal::plain(400, "missing `path` parameter"));
    };
    let inside = Arc::clone(&request.core.state().find(&request.name)?.inside);
    let tree = inside.tree();
    let path = &archive::meant(path);
    let missing = || Refusal::plain(404, "no such file or directory");
    let failed = |error: FsError| match error {
        FsError::NotFound | FsError::NotDirectory => missing(),
        error => {
            let text = format!(
                "copier: stat: error resolving \"{path}\": open {path}: {}",
                error.go_text()
            );
            Refusal::plain(500, text)
        }
    };
    let stat = archive::stat(&tree, path).map_err(failed)?;
    if stat.resolved.is_none() {
        // A link that leads nowhere: 404, and yet the header.
        return Ok(Answer::from(missing()).with(STAT, &stat.header));
    }
    if request.route == Route::ArchiveStat {
        return Ok(Answer::empty(StatusCode::OK).with(STAT, &stat.header));
    }
    let packed = archive::pack(&tree, path, !request.core.version.is_old()).map_err(failed)?;
    Ok(Answer::typed(StatusCode::OK, "application/x-tar", packed).with(STAT, &stat.header))
}

/// `copyUIDGID` is true by default and means the opposite of its name: false keeps the numbers of the
/// archive, true gives everything to the container's user.
pub(super) fn put(request: &Request) -> Handled {
    let path = request.query.get("path").unwrap_or("/");
    let take_over = match request.query.get("copyUIDGID") {
        None => true,
        Some(_) => request.query.flag("copyUIDGID")?,
    };
    let (inside, user) = {
        let mut state = request.core.state();
        let container = state.find(&request.name).map_err(|refusal| {
            let before = request.core.version.archive_nowhere();
            let message = format!("{before}: {}", refusal.message());
            Refusal::new(404, "no such container", message)
        })?;
        (Arc::clone(&container.inside), container.user.clone())
    };
    let owner = if take_over {
        let account = inside.account(&user);
        Some(account.map_err(|text| Refusal::wrapped(500, &text))?.who)
    } else {
        None
    };
    archive::unpack(&mut inside.tree(), path, &request.body, owner)?;
    Ok(Answer::empty(StatusCode::OK))
}
