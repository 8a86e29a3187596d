//! What handlers take: bodies, names and parameters, each refused in the contract's form.

pub(crate) mod body;
mod form;
mod json;
pub(crate) mod media;
pub(crate) mod mistakes;
mod name;
mod nearest;
mod query;

pub(crate) use body::Upload;
#[cfg(feature = "fuzzing")]
pub use form::fuzzing::form as fuzz_form;
pub(crate) use form::{Form, Part};
pub(crate) use json::{Document, Json, NoBody};
pub(crate) use name::{FilePath, Image, Name, Network, Pod, Registry, Secret, Volume};
pub(crate) use nearest::shown;
pub(crate) use query::{Parameters, Query, QueryShape, Timeout};
