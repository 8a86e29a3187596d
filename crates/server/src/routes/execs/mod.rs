//! `/api/v1/execs`: commands in the background.

pub(crate) mod convert;
mod id;
pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod output;
mod part;
pub(crate) mod remove;
pub(crate) mod resize;
pub(crate) mod signal;
pub(crate) mod stdin;
pub(crate) mod wait;

use id::Id;
