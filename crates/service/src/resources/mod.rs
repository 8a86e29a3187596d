//! What the engine keeps beside containers and images: volumes, networks, secrets and pods.

mod borrowed;
mod kube;
mod networks;
mod pods;
mod secrets;
mod volumes;

pub use kube::{KubeVolume, MadeKube, NewKube, RemovedKube};

use crate::containers::{OWN_LABELS, TENANT_LABEL, is_own};
use crate::{Call, Error, Result, Service};
use podlane_engine::{Engine, Error as EngineError, Result as EngineResult};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Labels that a thing must have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WithLabels(Vec<(String, Option<String>)>);

impl WithLabels {
    /// Each is a label's name, or `name=value`. What is Podlane's own, nobody asks for.
    pub fn parse<'a>(labels: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let label = |text: &str| {
            let (name, value) = match text.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (text, None),
            };
            if name.is_empty() || (is_own(name) && name != TENANT_LABEL) {
                let message = "`label` must be a label's name, or name=value";
                return Err(Error::invalid("label", message));
            }
            Ok((name.to_owned(), value))
        };
        labels
            .into_iter()
            .map(label)
            .collect::<Result<_>>()
            .map(Self)
    }

    /// Each as it is written: a name, or `name=value`.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(name, value)| match value {
            Some(value) => format!("{name}={value}"),
            None => name.clone(),
        })
    }

    /// Whether these are among `labels`.
    pub fn are_among(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|(name, value)| match value {
            Some(value) => labels.get(name) == Some(value),
            None => labels.contains_key(name),
        })
    }
}

/// Refuses labels that only Podlane sets.
pub(crate) fn check_labels(labels: &BTreeMap<String, String>) -> Result<()> {
    match labels.keys().find(|label| is_own(label)) {
        None => Ok(()),
        Some(label) => {
            let message = format!("labels that begin with {OWN_LABELS} are Podlane's own: {label}");
            Err(Error::invalid("labels", message))
        }
    }
}

impl Service {
    /// Waits for a worker and drives a change at the engine to its end, even if the caller goes away.
    pub(crate) async fn change<F, W, T>(&self, call: &Call, work: F) -> Result<T>
    where
        F: FnOnce(Arc<dyn Engine>, Call) -> W,
        W: Future<Output = Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        let worker = self.0.gate.enter(call).await?;
        let changing = self.0.view.changing();
        let work = work(Arc::clone(&self.0.engine), call.clone());
        self.to_the_end(async move {
            let (_worker, _changing) = (worker, changing);
            work.await
        })
        .await
    }
}

/// Whether a removal took place; what is in use, kept by the engine or gone already is left out.
fn pruned(removal: EngineResult<()>) -> Result<bool> {
    match removal {
        Ok(()) => Ok(true),
        Err(
            EngineError::InUse { .. }
            | EngineError::WrongState { .. }
            | EngineError::NotFound { .. },
        ) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_told_by_name_or_value() {
        let labels = [("course", "net-101"), ("team", "")];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let labels = BTreeMap::from(labels);
        for (wanted, among) in [
            (&[][..], true),
            (&["course"], true),
            (&["course=net-101", "team"], true),
            (&["team="], true),
            (&["course="], false),
            (&["course=net-101", "other"], false),
        ] {
            let wanted = WithLabels::parse(wanted.iter().copied()).expect("labels");
            assert_eq!(wanted.are_among(&labels), among, "{wanted:?}");
        }
        for wrong in ["", "=x", "io.podlane.made-by"] {
            assert!(WithLabels::parse([wrong]).is_err(), "{wrong}");
        }
    }
}
