//! `/api/v1/kube`: pods out of Kubernetes documents, and back.

pub(crate) mod down;
pub(crate) mod generate;
pub(crate) mod up;
