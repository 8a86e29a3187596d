//! The list of containers: which of them, and how many at once.

use crate::containers::shown_labels;
use crate::{Call, Error, Lifetime, Result, Scope, Service, WithLabels};
use podlane_engine::{ContainerId, ContainerSummary, Error as EngineError, Status};
use std::collections::HashMap;
use std::time::SystemTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The containers.
    pub containers: Vec<ContainerSummary>,
    /// How long those of them live that don't for ever.
    pub lifetimes: HashMap<ContainerId, Lifetime>,
    /// What the next part begins behind; `None` if nothing comes behind this one.
    pub next: Option<String>,
}

impl ListFilter {
    fn wants(&self, container: &ContainerSummary) -> bool {
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
                .is_none_or(|since| made(container).is_some_and(|at| at > since))
    }
}

fn made(container: &ContainerSummary) -> Option<SystemTime> {
    let time = OffsetDateTime::parse(&container.created, &Rfc3339).ok();
    time.map(Into::into)
}

/// Whether a container's image is that one, or has that name and some tag.
fn is_of(image: &str, wanted: &str) -> bool {
    let rest = image.strip_prefix(wanted);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '@']))
}

/// Where a row stands: by the time at which it was made, then by ID.
fn place(container: &ContainerSummary) -> String {
    let nanos = made(container)
        .and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok())
        .map_or(0, |at| at.as_nanos());
    format!("{nanos:024x}{}", container.id)
}

fn is_place(text: &str) -> bool {
    text.len() == 24 + 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// A part of the list in the order in which containers were made. What is made or removed between two
/// parts moves no other row from one to the other.
fn page(
    mut containers: Vec<ContainerSummary>,
    page: &Page,
) -> Result<(Vec<ContainerSummary>, Option<String>)> {
    if page.limit.is_none() && page.cursor.is_none() {
        return Ok((containers, None));
    }
    if page.cursor.as_ref().is_some_and(|cursor| !is_place(cursor)) {
        let message = "`cursor` must be the `next_cursor` of an earlier answer";
        return Err(Error::invalid("cursor", message));
    }
    containers.sort_by_cached_key(place);
    if let Some(cursor) = &page.cursor {
        containers.retain(|container| place(container) > *cursor);
    }
    let limit = page.limit.unwrap_or(usize::MAX);
    let more = containers.len() > limit;
    containers.truncate(limit);
    let next = containers.last().filter(|_| more).map(place);
    Ok((containers, next))
}

impl Service {
    /// Every container, running or not.
    pub async fn list_containers(&self, call: &Call) -> Result<Vec<ContainerSummary>> {
        let (filter, whole) = (ListFilter::default(), Page::default());
        Ok(self.list_some(call, &filter, &whole).await?.containers)
    }

    /// The containers that a filter wants, or a part of them.
    pub async fn list_some(&self, call: &Call, filter: &ListFilter, part: &Page) -> Result<Listed> {
        call.may(Scope::ContainersRead)?;
        let _worker = self.0.gate.enter(call).await?;
        let mut containers = self.0.engine.list(call).await?;
        containers.retain(|container| {
            call.owns_container(&container.name, &container.labels) && filter.wants(container)
        });
        let (mut containers, next) = page(containers, part)?;
        let mut lifetimes = HashMap::new();
        for container in &mut containers {
            match self.lifetime(call, &container.id, &container.labels).await {
                Ok(lifetime) => lifetimes.extend(lifetime.map(|life| (container.id.clone(), life))),
                // Gone meanwhile.
                Err(Error::Engine(EngineError::NotFound { .. })) => {}
                Err(error) => return Err(error),
            }
            shown_labels(&mut container.labels);
        }
        Ok(Listed {
            containers,
            lifetimes,
            next,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlane_engine::ContainerId;
    use std::collections::BTreeMap;

    fn row(number: u8) -> ContainerSummary {
        ContainerSummary {
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
        }
    }

    #[test]
    fn parts_make_up_the_whole_whatever_comes_and_goes() {
        let mut rows: Vec<_> = (0..9).map(row).collect();
        let mut cursor = None;
        let mut seen = Vec::new();
        loop {
            let part = Page {
                limit: Some(2),
                cursor: cursor.take(),
            };
            let (listed, next) = page(rows.clone(), &part).expect("a part");
            assert!(listed.len() <= 2);
            seen.extend(listed.into_iter().map(|row| row.name));
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
