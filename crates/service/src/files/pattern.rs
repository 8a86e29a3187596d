//! Shell patterns of paths: `*` and `?` match no slash, `**` any number of directories.

use crate::{Error, Result};
use globset::{GlobBuilder, GlobMatcher};

pub(super) fn compile(pattern: &str) -> Result<GlobMatcher> {
    let glob = GlobBuilder::new(pattern)
        .literal_separator(true)
        .backslash_escape(true)
        .build();
    match glob {
        Ok(glob) => Ok(glob.compile_matcher()),
        Err(error) => Err(Error::invalid(
            "pattern",
            format!("it is no shell pattern: {}", error.kind()),
        )),
    }
}
