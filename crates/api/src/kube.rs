//! Pods of Kubernetes documents.

use crate::{PodRow, True};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answer to documents that were brought up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KubeUp {
    /// Always true.
    pub success: True,
    /// The pods, in the documents' order.
    pub pods: Vec<PodRow>,
    /// The names of the volumes that were not there before.
    pub volumes: Vec<String>,
}

/// The answer to documents that were taken down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KubeDown {
    /// Always true.
    pub success: True,
    /// The names of the pods that are gone.
    pub pods: Vec<String>,
    /// The names of the volumes that are gone.
    pub volumes: Vec<String>,
}
