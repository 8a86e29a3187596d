//! Pods: every version tells the same.

use super::{VERSIONS, recorded};
use crate::answers::{InspectedPod, ListedPod};
use crate::failure::Failure;
use crate::requests;
use podlane_engine::{Call, Error, PodId, PodStatus, Protocol, RequestId, Status};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

#[test]
fn a_pod_is_the_same_in_all_versions() {
    for version in VERSIONS {
        let pod: InspectedPod = recorded(version, "pod_inspect").parse();
        assert!(pod.is_live());
        let pod = pod.pod().expect("a pod");
        let listed: Vec<ListedPod> = recorded(version, "pods_list").parse();
        let listed = listed.into_iter().map(ListedPod::summary);
        let listed: Vec<_> = listed.collect::<Result<_, _>>().expect("pods");
        assert_eq!(
            listed.as_slice(),
            std::slice::from_ref(&pod.summary),
            "{version}"
        );
        let summary = pod.summary;
        assert_eq!(
            (summary.name.as_str(), summary.status),
            ("p1", PodStatus::Running)
        );
        assert_eq!(summary.labels, BTreeMap::from([("a".into(), "b".into())]));
        assert_eq!(summary.networks, ["podman"]);
        let members = summary.containers.iter();
        let members: Vec<_> = members
            .map(|member| (member.name.as_str(), member.status))
            .collect();
        assert_eq!(members, [("c1", Status::Running)]);
        assert!(summary.infra.is_some() && !pod.own);
        assert_eq!(pod.hostname.as_deref(), Some("ph"));
        assert_eq!(pod.dns, [IpAddr::from([9, 9, 9, 9])]);
        let host = ("x".to_owned(), IpAddr::from([1, 2, 3, 4]));
        assert_eq!(pod.hosts, BTreeMap::from([host]));
        let ports: Vec<_> = pod
            .ports
            .iter()
            .map(|port| (port.host_ip, port.container, port.protocol))
            .collect();
        let tcp = |port| (None, port, Protocol::Tcp);
        assert_eq!(ports, [tcp(80), tcp(81)]);
        assert_eq!(pod.ports[0].host, 8099);
    }
}

#[test]
fn what_only_some_containers_say_is_understood() {
    let id = PodId::parse(&"a".repeat(64)).expect("an ID");
    let request = requests::start_pod(&id);
    let call = RequestId::parse("test").expect("valid");
    let call = Call::new(call, Duration::from_secs(1));
    for version in VERSIONS {
        let answer = recorded(version, "pod_start_port_taken");
        let failure = Failure::parse(answer.status(), &answer.body());
        let error = failure.meaning(&call, &request);
        assert!(
            matches!(
                error,
                Error::Invalid {
                    field: "ports",
                    conflict: true,
                    ..
                }
            ),
            "{version}: {error:?}"
        );
    }
}
