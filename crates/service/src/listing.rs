//! The list of containers: which of them, and how many at once.

use crate::{Call, Error, Lifetime, Result, Row, Rows, Scope, Service, WithLabels};
use podlane_engine::{ContainerId, Error as EngineError, Status};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

/// Which containers are wanted; all, if nothing is said.
#[derive(Debug, Clone, Default)]
pub struct ListFilter {
    /// With all of these labels.
    pub labels: WithLabels,
    /// In one of these states; in any if empty.
    pub statuses: Vec<Status>,
    /// With this in the name.
    pub name: Option<String>,
    /// Of this image: its reference, with or without its tag.
    pub image: Option<String>,
    /// Made after this time.
    pub since: Option<SystemTime>,
}

/// Which part of the list is wanted.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// So many rows at most; all if `None`.
    pub limit: Option<usize>,
    /// Behind the row that this names.
    pub cursor: Option<String>,
}

/// A part of the list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The containers, in the order in which they were made.
    pub containers: Arc<Rows>,
    /// How long those of them live that don't for ever.
    pub lifetimes: HashMap<ContainerId, Lifetime>,
    /// What the next part begins behind; `None` if nothing comes behind this one.
    pub next: Option<String>,
}

impl ListFilter {
    fn wants_all(&self) -> bool {
        let Self {
            labels,
            statuses,
            name,
            image,
            since,
        } = self;
        *labels == WithLabels::default()
            && statuses.is_empty()
            && (name, image, since) == (&None, &None, &None)
    }

    fn wants(&self, container: &Row) -> bool {
        self.labels.are_among(&container.labels)
            && (self.statuses.is_empty() || self.statuses.contains(&container.status))
            && self
                .name
                .as_ref()
                .is_none_or(|name| container.name.contains(name))
            && self
                .image
                .as_ref()
                .is_none_or(|image| is_of(&container.image, image))
            && self
                .since
                .is_none_or(|since| container.made().is_some_and(|at| at > since))
    }
}

impl Page {
    fn is_all(&self) -> bool {
        self.limit.is_none() && self.cursor.is_none()
    }
}

/// Whether a container's image is that one, or has that name and some tag.
fn is_of(image: &str, wanted: &str) -> bool {
    let rest = image.strip_prefix(wanted);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '@']))
}

fn is_place(text: &str) -> bool {
    text.len() == 24 + 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// A part of the list. What is made or removed between two parts moves no other row from one to the other.
fn page(mut rows: Vec<Arc<Row>>, page: &Page) -> Result<(Arc<Rows>, Option<String>)> {
    if page.cursor.as_ref().is_some_and(|cursor| !is_place(cursor)) {
        let message = "`cursor` must be the `next_cursor` of an earlier answer";
        return Err(Error::invalid("cursor", message));
    }
    if let Some(cursor) = &page.cursor {
        rows.retain(|row| row.place() > cursor.as_str());
    }
    let limit = page.limit.unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more);
    let next = next.map(|row| row.place().to_owned());
    Ok((Arc::new(Rows::new(rows)), next))
}

impl Service {
    /// The containers, running or not, that a filter wants, or a part of them.
    pub async fn list_containers(
        &self,
        call: &Call,
        filter: &ListFilter,
        part: &Page,
    ) -> Result<Listed> {
        call.may(Scope::ContainersRead)?;
        let all = self.rows(call).await?;
        let (mut containers, next) =
            if call.sees_all("all containers").is_ok() && filter.wants_all() && part.is_all() {
                (all, None)
            } else {
                let wanted = all
                    .iter()
                    .filter(|row| call.owns_container(&row.name, &row.labels) && filter.wants(row));
                page(wanted.cloned().collect(), part)?
            };
        let lifetimes = self.lifetimes(call, &containers).await?;
        if !lifetimes.is_empty() {
            // What is told of these changes without them.
            containers = Arc::new(Rows::new(containers.to_vec()));
        }
        Ok(Listed {
            containers,
            lifetimes,
            next,
        })
    }

    /// How long those of the containers live that don't for ever.
    async fn lifetimes(&self, call: &Call, rows: &Rows) -> Result<HashMap<ContainerId, Lifetime>> {
        let mut lifetimes = HashMap::new();
        let ending: Vec<_> = rows.iter().filter(|row| row.ends()).collect();
        // Only of one that was not seen before the engine is asked.
        let known = ending.iter().all(|row| self.0.lives.is_known(&row.id));
        let _worker = if known {
            None
        } else {
            Some(self.0.gate.enter(call).await?)
        };
        for row in ending {
            match self.lifetime(call, &row.id, row.own_labels()).await {
                Ok(lifetime) => lifetimes.extend(lifetime.map(|life| (row.id.clone(), life))),
                // Gone meanwhile.
                Err(Error::Engine(EngineError::NotFound { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(lifetimes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlane_engine::{ContainerId, ContainerSummary};
    use std::collections::BTreeMap;

    fn row(number: u8) -> Arc<Row> {
        Arc::new(Row::new(ContainerSummary {
            id: ContainerId::parse(&format!("{number:064x}")).expect("an ID"),
            name: format!("lab-{number}"),
            status: Status::Running,
            image: "alpine:latest".into(),
            // Two and two at the same time.
            created: format!("2026-11-24T10:00:0{}Z", 9 - number / 2),
            ports: Vec::new(),
            labels: BTreeMap::new(),
            pod: None,
            infra: false,
        }))
    }

    #[test]
    fn parts_make_up_the_whole_whatever_comes_and_goes() {
        let mut rows = Rows::new((0..9).map(row).collect()).to_vec();
        let mut cursor = None;
        let mut seen = Vec::new();
        loop {
            let part = Page {
                limit: Some(2),
                cursor: cursor.take(),
            };
            let (listed, next) = page(rows.clone(), &part).expect("a part");
            assert!(listed.len() <= 2);
            seen.extend(listed.iter().map(|row| row.name.clone()));
            // The last one that was told goes.
            rows.retain(|row| Some(&row.name) != seen.last());
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        let expected = [8, 6, 7, 4, 5, 2, 3, 0, 1].map(|number| format!("lab-{number}"));
        assert_eq!(seen, expected);
        let wrong = Page {
            limit: None,
            cursor: Some("x".into()),
        };
        assert!(page(rows, &wrong).is_err());
    }

    #[test]
    fn images_with_and_without_their_tag() {
        for (image, wanted, is) in [
            ("alpine:latest", "alpine", true),
            ("alpine:latest", "alpine:latest", true),
            ("alpine:latest", "alp", false),
            ("localhost:5000/app:1", "localhost:5000/app", true),
            ("alpine:3.20", "alpine:3.2", false),
        ] {
            assert_eq!(is_of(image, wanted), is, "{image} {wanted}");
        }
    }
}
