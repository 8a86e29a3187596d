//! What Podlane's tests share.

pub mod fake;
