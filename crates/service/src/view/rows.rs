//! Rows of the list of containers, shared by all who read them.

use super::state::Found;
use crate::containers::{is_own, shown_labels};
use crate::lifetime::LIFE_LABEL;
use bytes::Bytes;
use podlane_engine::{ContainerId, ContainerSummary, Status};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A container as its users see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    container: ContainerSummary,
    /// Labels of ours, which they do not see.
    own: BTreeMap<String, String>,
    made: Option<SystemTime>,
    place: String,
}

impl Row {
    pub(crate) fn new(mut container: ContainerSummary) -> Self {
        let own = container.labels.iter().filter(|(label, _)| is_own(label));
        let own = own.map(|(label, value)| (label.clone(), value.clone()));
        let own = own.collect();
        shown_labels(&mut container.labels);
        let made = OffsetDateTime::parse(&container.created, &Rfc3339).ok();
        let made: Option<SystemTime> = made.map(Into::into);
        let nanos = made
            .and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok())
            .map_or(0, |at| at.as_nanos());
        Self {
            place: format!("{nanos:024x}{}", container.id),
            made,
            own,
            container,
        }
    }

    /// Labels of ours.
    pub(crate) fn own_labels(&self) -> &BTreeMap<String, String> {
        &self.own
    }

    /// Whether it does not live for ever.
    pub(crate) fn ends(&self) -> bool {
        self.own.contains_key(LIFE_LABEL)
    }

    /// When it was made.
    pub(crate) fn made(&self) -> Option<SystemTime> {
        self.made
    }

    /// Where it stands among others: by the time at which it was made, then by ID.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }
}

impl Deref for Row {
    type Target = ContainerSummary;

    fn deref(&self) -> &ContainerSummary {
        &self.container
    }
}

/// Containers in the order in which they were made, and what is told of them.
#[derive(Debug, Default)]
pub struct Rows {
    rows: Vec<Arc<Row>>,
    told: OnceLock<Told>,
}

/// What is told of rows.
#[derive(Debug)]
pub struct Told {
    /// As it is sent.
    pub body: Bytes,
    /// The same for the same body, and hardly for another: 16 hexadecimal digits.
    pub tag: String,
}

impl Rows {
    pub(crate) fn new(mut rows: Vec<Arc<Row>>) -> Self {
        rows.sort_by(|one, other| one.place.cmp(&other.place));
        Self {
            rows,
            told: OnceLock::new(),
        }
    }

    /// Those that the engine has listed.
    pub(crate) fn listed(containers: Vec<ContainerSummary>) -> Self {
        let rows = containers.into_iter();
        Self::new(rows.map(|row| Arc::new(Row::new(row))).collect())
    }

    /// What `write` makes of them: it is asked once for all who read the same rows.
    pub fn told(&self, write: impl FnOnce(&[Arc<Row>]) -> Bytes) -> &Told {
        self.told.get_or_init(|| {
            let body = write(&self.rows);
            let mut hasher = DefaultHasher::new();
            body.hash(&mut hasher);
            let tag = format!("{:016x}", hasher.finish());
            Told { body, tag }
        })
    }

    /// These rows as they are after what was found; `None` if they are the same.
    pub(super) fn with(&self, found: Found) -> Option<Self> {
        let known: HashMap<&ContainerId, &Arc<Row>> =
            self.rows.iter().map(|row| (&row.id, row)).collect();
        // A row that has not changed stays the same one, with those who hold it.
        let keep = |row: Row| match known.get(&row.id) {
            Some(known) if ***known == row => Arc::clone(known),
            _ => Arc::new(row),
        };
        let mut rows = match found.all {
            Some(all) => all.into_iter().map(keep).collect(),
            None => self.rows.clone(),
        };
        let single: HashSet<&ContainerId> = found.some.iter().map(|(id, _)| id).collect();
        rows.retain(|row: &Arc<Row>| !single.contains(&row.id));
        rows.extend(found.some.into_iter().filter_map(|(_, row)| row).map(keep));
        let rows = Self::new(rows);
        let same = rows.len() == self.len()
            && rows
                .iter()
                .zip(self.iter())
                .all(|(one, other)| Arc::ptr_eq(one, other));
        (!same).then_some(rows)
    }

    /// These rows after a list of all, but for `kept`, which stay as they are; `None` if they are the same.
    pub(super) fn listed_anew(&self, all: Vec<Row>, kept: &HashSet<ContainerId>) -> Option<Self> {
        let known = self.iter().map(|row| (row.id.clone(), row));
        let known: HashMap<_, _> = known.filter(|(id, _)| kept.contains(id)).collect();
        let some = kept.iter().map(|id| {
            let row = known.get(id).map(|row| (***row).clone());
            (id.clone(), row)
        });
        self.with(Found {
            some: some.collect(),
            all: Some(all),
        })
    }

    /// Containers that are not the same in both. Of those on their way to an end nothing is told.
    pub(super) fn differing<'a>(
        &'a self,
        other: &'a Self,
    ) -> impl Iterator<Item = &'a ContainerId> {
        let kept: HashSet<*const Row> = self.iter().map(Arc::as_ptr).collect();
        let there: HashSet<&ContainerId> = other.iter().map(|row| &row.id).collect();
        let gone = self.iter().map(|row| &row.id);
        let gone: Vec<_> = gone.filter(|id| !there.contains(id)).collect();
        let new = other
            .iter()
            .filter(move |row| !kept.contains(&Arc::as_ptr(row)))
            .filter(|row| !matches!(row.status, Status::Stopping | Status::Removing));
        new.map(|row| &row.id).chain(gone)
    }
}

impl Deref for Rows {
    type Target = [Arc<Row>];

    fn deref(&self) -> &[Arc<Row>] {
        &self.rows
    }
}
