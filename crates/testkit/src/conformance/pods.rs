//! Pods.

use super::assert_fails;
use super::subject::{Subject, call};
use podlane_engine::{
    Change, ContainerId, Error, HostPort, KubeOf, Membership, NewPod, Pod, PodId, PodName,
    PodPlace, PodStatus, PortMapping, Protocol, Resource, Signal, Status,
};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

fn new_pod() -> NewPod {
    NewPod {
        name: PodName::parse(&crate::unique("pod")).expect("a name"),
        labels: BTreeMap::from([("course".to_owned(), "net-101".to_owned())]),
        ports: Vec::new(),
        hostname: None,
        networks: None,
        dns: Vec::new(),
        hosts: BTreeMap::new(),
    }
}

fn shown_labels(pod: &Pod) -> BTreeMap<String, String> {
    let mut labels = pod.summary.labels.clone();
    labels.retain(|label, _| !label.starts_with("io.podlane."));
    labels
}

impl Subject {
    async fn make(&self, new: &NewPod) -> Pod {
        let id = self.engine.create_pod(&call(), new).await.expect("made");
        self.pod(&id).await
    }

    async fn pod(&self, id: &PodId) -> Pod {
        self.engine.pod(&call(), &id.into()).await.expect("a pod")
    }

    /// Runs something in a pod.
    async fn join(&self, pod: &Pod, command: &[&str]) -> ContainerId {
        let mut spec = self.spec(command);
        spec.pod = Some(PodPlace {
            id: pod.summary.id.clone(),
            infra: pod.summary.infra.clone(),
        });
        self.run(&spec).await
    }

    async fn gone(&self, pod: &Pod) {
        let id = &pod.summary.id;
        let removed = self.engine.remove_pod(&call(), id, true).await;
        removed.expect("a removal");
    }
}

/// A pod is what was asked for, found by all its names, and gone with all that is in it.
pub async fn a_pod_is_kept(subject: &Subject) {
    let engine = &subject.engine;
    let new = NewPod {
        hostname: Some("front".into()),
        dns: vec![IpAddr::from([192, 0, 2, 53])],
        hosts: BTreeMap::from([("db".to_owned(), IpAddr::from([192, 0, 2, 5]))]),
        ports: vec![PortMapping {
            host_ip: Some(Ipv4Addr::LOCALHOST.into()),
            host: HostPort::Free,
            container: 80,
            protocol: Protocol::Tcp,
        }],
        ..new_pod()
    };
    let pod = subject.make(&new).await;
    let summary = &pod.summary;
    assert_eq!(summary.name, new.name.as_str());
    assert_eq!(summary.status, PodStatus::Created);
    assert_eq!(shown_labels(&pod), new.labels);
    assert_eq!(summary.networks, ["podman"]);
    assert!(summary.infra.is_some() && summary.containers.is_empty());
    assert!(pod.own && !summary.created.is_empty());
    assert_eq!(pod.hostname.as_deref(), Some("front"));
    assert_eq!((&pod.dns, &pod.hosts), (&new.dns, &new.hosts));
    let [port] = pod.ports[..] else {
        panic!("{:?}", pod.ports)
    };
    assert_eq!((port.container, port.host_ip), (80, new.ports[0].host_ip));
    assert!(port.host > 0);
    for name in [summary.id.to_string(), summary.id.short().to_owned()] {
        let name = PodName::parse(&name).expect("a name");
        assert_eq!(engine.pod(&call(), &name).await.expect("it"), pod);
    }
    let all = engine.pods(&call()).await.expect("a list");
    assert!(all.contains(summary), "{all:?}");
    assert_fails!(
        engine.create_pod(&call(), &new).await,
        Error::NameInUse { resource: Resource::Pod, name } if name == new.name.as_str()
    );
    let id = subject.join(&pod, &["sleep", "1000"]).await;
    subject.gone(&pod).await;
    assert_fails!(
        engine.inspect(&call(), &(&id).into()).await,
        Error::NotFound {
            resource: Resource::Container,
            ..
        }
    );
    for gone in [
        engine.pod(&call(), &new.name).await.map(drop),
        engine.remove_pod(&call(), &summary.id, true).await,
        engine.start_pod(&call(), &summary.id).await.map(drop),
        engine.stop_pod(&call(), &summary.id, None).await.map(drop),
        engine.kill_pod(&call(), &summary.id, Signal::KILL).await,
        engine.pause_pod(&call(), &summary.id).await,
        engine.unpause_pod(&call(), &summary.id).await,
    ] {
        assert_fails!(
            gone,
            Error::NotFound {
                resource: Resource::Pod,
                ..
            }
        );
    }
}

/// A pod in a network that is not there is not made.
pub async fn a_pod_is_in_its_networks(subject: &Subject) {
    let engine = &subject.engine;
    let place = || {
        Some(BTreeMap::from([(
            "podman".to_owned(),
            Membership::default(),
        )]))
    };
    let pod = subject
        .make(&NewPod {
            networks: place(),
            ..new_pod()
        })
        .await;
    assert_eq!(pod.summary.networks, ["podman"]);
    subject.gone(&pod).await;
    let alone = NewPod {
        networks: Some(BTreeMap::new()),
        ..new_pod()
    };
    let pod = subject.make(&alone).await;
    assert!(pod.summary.networks.is_empty(), "{:?}", pod.summary);
    subject.gone(&pod).await;
    let nowhere = NewPod {
        networks: Some(BTreeMap::from([(
            crate::unique("nowhere"),
            Membership::default(),
        )])),
        ..new_pod()
    };
    assert_fails!(
        engine.create_pod(&call(), &nowhere).await,
        Error::Invalid {
            field: "networks",
            ..
        }
    );
    assert_fails!(
        engine.pod(&call(), &nowhere.name).await,
        Error::NotFound {
            resource: Resource::Pod,
            ..
        }
    );
}

/// What is in a pod says so, and does with the pod what the pod does.
pub async fn a_pod_lives_and_ends(subject: &Subject) {
    let engine = &subject.engine;
    let pod = subject.make(&new_pod()).await;
    let id = &pod.summary.id;
    let one = subject.join(&pod, &["sleep", "1000"]).await;
    let two = subject.join(&pod, &["sleep", "1000"]).await;
    let status = async || {
        let pod = subject.pod(id).await;
        let mut members = pod.summary.containers.iter();
        assert_eq!(pod.summary.containers.len(), 2);
        let first = members.next().expect("one").status;
        assert!(members.all(|member| member.status == first), "{pod:?}");
        (pod.summary.status, first)
    };
    assert_eq!(status().await, (PodStatus::Running, Status::Running));
    for member in [&one, &two] {
        let member = engine.inspect(&call(), &member.into()).await.expect("it");
        assert_eq!((member.pod.as_ref(), member.infra), (Some(id), false));
    }
    let listed = engine.list(&call()).await.expect("a list");
    let listed: Vec<_> = listed
        .into_iter()
        .filter(|row| row.pod.as_ref() == Some(id))
        .collect();
    assert_eq!(listed.iter().filter(|row| row.infra).count(), 1);
    assert_eq!(listed.len(), 3, "{listed:?}");
    assert_fails!(
        engine.remove_pod(&call(), id, false).await,
        Error::WrongState { message } if message.contains("running")
    );
    assert_eq!(status().await, (PodStatus::Running, Status::Running));
    assert_eq!(
        engine.start_pod(&call(), id).await.expect("it runs"),
        Change::AlreadySo
    );
    engine.pause_pod(&call(), id).await.expect("frozen");
    assert_eq!(status().await, (PodStatus::Paused, Status::Paused));
    engine.unpause_pod(&call(), id).await.expect("it goes on");
    assert_eq!(status().await, (PodStatus::Running, Status::Running));
    let at_once = Some(std::time::Duration::ZERO);
    let stopped = engine.stop_pod(&call(), id, at_once).await;
    assert_eq!(stopped.expect("stopped"), Change::Done);
    assert_eq!(status().await, (PodStatus::Exited, Status::Exited));
    let stopped = engine.stop_pod(&call(), id, at_once).await;
    assert_eq!(stopped.expect("stopped"), Change::AlreadySo);
    assert_fails!(
        engine.kill_pod(&call(), id, Signal::KILL).await,
        Error::WrongState { message } if message.contains("start it first")
    );
    let started = engine.start_pod(&call(), id).await;
    assert_eq!(started.expect("started"), Change::Done);
    assert_eq!(status().await, (PodStatus::Running, Status::Running));
    engine
        .kill_pod(&call(), id, Signal::KILL)
        .await
        .expect("sent");
    subject.ended(&one).await;
    subject.ended(&two).await;
    engine
        .remove_pod(&call(), id, false)
        .await
        .expect("it goes");
}

/// A pod whose containers have ended goes without force, though what holds it together still runs.
pub async fn a_pod_of_what_ended_goes(subject: &Subject) {
    let pod = subject.make(&new_pod()).await;
    let id = subject.join(&pod, &["true"]).await;
    subject.ended(&id).await;
    let found = subject.pod(&pod.summary.id).await;
    assert_eq!(found.summary.status, PodStatus::Degraded);
    let engine = &subject.engine;
    let removed = engine.remove_pod(&call(), &pod.summary.id, false).await;
    removed.expect("it goes");
}

/// What holds a pod together is looked at and no more, and a container in a pod has no networks of its own.
pub async fn what_holds_a_pod_together_is_left_alone(subject: &Subject) {
    let engine = &subject.engine;
    let pod = subject.make(&new_pod()).await;
    let member = subject.join(&pod, &["sleep", "1000"]).await;
    let infra = pod.summary.infra.clone().expect("one");
    let found = engine.inspect(&call(), &(&infra).into()).await.expect("it");
    assert_eq!(
        (found.pod.as_ref(), found.infra),
        (Some(&pod.summary.id), true)
    );
    assert_fails!(
        engine.resolve(&call(), &(&infra).into()).await,
        Error::WrongState { message } if message.contains("use the pod")
    );
    let removed = engine.remove(&call(), &infra, true).await;
    assert!(removed.is_err(), "{removed:?}");
    let network = podlane_engine::NetworkName::parse("podman").expect("a name");
    assert_fails!(
        engine.disconnect(&call(), &network, &member).await,
        Error::WrongState { message } if message.contains("its pod")
    );
    subject.gone(&pod).await;
}

/// A port that is taken is told as that, and the container that wanted it is not left behind.
pub async fn a_pod_on_a_taken_port_says_so(subject: &Subject) {
    let engine = &subject.engine;
    let with_port = |host| NewPod {
        ports: vec![PortMapping {
            host_ip: None,
            host,
            container: 80,
            protocol: Protocol::Tcp,
        }],
        ..new_pod()
    };
    let first = subject.make(&with_port(HostPort::Free)).await;
    subject.join(&first, &["sleep", "1000"]).await;
    let port = first.ports[0].host;
    let second = subject.make(&with_port(HostPort::Fixed(port))).await;
    assert_fails!(
        engine.start_pod(&call(), &second.summary.id).await,
        Error::Invalid {
            field: "ports",
            conflict: true,
            ..
        }
    );
    let mut spec = subject.spec(&["sleep", "1000"]);
    spec.pod = Some(PodPlace {
        id: second.summary.id.clone(),
        infra: second.summary.infra.clone(),
    });
    assert_fails!(
        engine.run(&call(), &spec).await,
        Error::Invalid {
            field: "ports",
            conflict: true,
            ..
        }
    );
    assert!(!subject.exists(&spec.name).await);
    subject.gone(&second).await;
    subject.gone(&first).await;
}

/// A container in a pod that is not there is not made.
pub async fn a_run_in_a_missing_pod_leaves_nothing(subject: &Subject) {
    let mut spec = subject.spec(&["sleep", "1000"]);
    spec.pod = Some(PodPlace {
        id: PodId::parse(&"0123456789abcdef".repeat(4)).expect("an ID"),
        infra: None,
    });
    assert_fails!(
        subject.engine.run(&call(), &spec).await,
        Error::Invalid { field: "pod", .. }
    );
    assert!(!subject.exists(&spec.name).await);
}

/// A pod, and a container alone, are told as a document that names what is in them.
pub async fn a_pod_is_described(subject: &Subject) {
    let engine = &subject.engine;
    let pod = subject.make(&new_pod()).await;
    let member = subject.join(&pod, &["sleep", "1000"]).await;
    let alone = subject.idle().await;
    let of_pod = KubeOf::Pod(pod.summary.id.clone());
    for (of, id) in [
        (of_pod, &member),
        (KubeOf::Container(alone.clone()), &alone),
    ] {
        let text = engine
            .generate_kube(&call(), &of)
            .await
            .expect("a document");
        let container = engine.inspect(&call(), &id.into()).await.expect("it");
        for part in ["Pod", container.name.as_str(), "sleep"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    subject.gone(&pod).await;
}
