//! What handlers take: bodies, names and parameters, each refused in the contract's form.

mod body;
mod json;
mod media;
mod mistakes;
mod name;
mod nearest;
mod query;

pub(crate) use json::{Json, NoBody};
pub(crate) use name::Name;
pub(crate) use nearest::shown;
pub(crate) use query::{Parameters, Query, QueryShape, Timeout};
