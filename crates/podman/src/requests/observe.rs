//! What goes on in containers.

use super::Request;
use podlane_engine::{ContainerId, EventQuery};

/// The columns of a process list, in the order in which the answer's parser takes them.
pub(crate) const TOP: &str = "pid,ppid,user,state,pcpu,time,etime,rss,tty,args";

pub(crate) fn top(id: &ContainerId) -> Request {
    Request::get("listing the processes", &format!("/containers/{id}/top"))
        .query([("stream", "false"), ("ps_args", TOP)])
        .container(id.short())
}

pub(crate) fn changes(id: &ContainerId) -> Request {
    Request::get("looking for changes", &format!("/containers/{id}/changes")).container(id.short())
}

pub(crate) fn stats(id: Option<&ContainerId>) -> Request {
    let mut query = vec![("stream", "false")];
    query.extend(id.map(|id| ("containers", id.as_str())));
    Request::get("measuring containers", "/containers/stats")
        .query(query)
        .container(id.map_or("", ContainerId::short))
}

pub(crate) fn export(id: &ContainerId) -> Request {
    Request::get(
        "exporting the container",
        &format!("/containers/{id}/export"),
    )
    .container(id.short())
}

pub(crate) fn events(query: EventQuery) -> Request {
    let since = query.since.max(0);
    let since = format!("{}.{:09}", since / 1_000_000_000, since % 1_000_000_000);
    let stream = query.follow.to_string();
    Request::get("listening to events", "/events").query([("stream", stream), ("since", since)])
}

pub(crate) fn disk_usage() -> Request {
    Request::get("measuring the disk", "/system/df")
}
