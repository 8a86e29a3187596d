//! `/api/v1/pods`

pub(crate) mod create;
pub(crate) mod inspect;
pub(crate) mod kill;
pub(crate) mod list;
pub(crate) mod pause;
pub(crate) mod remove;
pub(crate) mod restart;
pub(crate) mod start;
pub(crate) mod stop;
pub(crate) mod unpause;

use crate::routes::containers::answers::ports;
use podlane_api::{AlteredPod, Pod, PodMember, PodRow, True};
use podlane_engine::{Change, ContainerId, PodSummary};

pub(crate) fn row(pod: PodSummary) -> PodRow {
    let member = |member: podlane_engine::PodMember| PodMember {
        id: member.id.short().to_owned(),
        name: member.name,
        status: member.status.to_string(),
    };
    PodRow {
        id: pod.id.short().to_owned(),
        name: pod.name,
        status: pod.status.to_string(),
        created: pod.created,
        labels: pod.labels,
        networks: pod.networks,
        infra: pod.infra.as_ref().map(ContainerId::short).map(Into::into),
        containers: pod.containers.into_iter().map(member).collect(),
    }
}

fn answer(pod: podlane_engine::Pod) -> Pod {
    let full_id = pod.summary.id.to_string();
    let row = row(pod.summary);
    let hosts = pod.hosts.into_iter();
    Pod {
        id: row.id,
        full_id,
        name: row.name,
        status: row.status,
        created: row.created,
        labels: row.labels,
        networks: row.networks,
        ports: ports(&pod.ports),
        hostname: pod.hostname,
        dns: pod.dns.iter().map(ToString::to_string).collect(),
        extra_hosts: hosts.map(|(name, ip)| (name, ip.to_string())).collect(),
        infra: row.infra,
        containers: row.containers,
    }
}

fn altered((pod, change): (podlane_engine::Pod, Change)) -> AlteredPod {
    AlteredPod {
        success: True,
        pod: answer(pod),
        changed: change == Change::Done,
    }
}
