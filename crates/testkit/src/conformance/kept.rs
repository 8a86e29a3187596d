//! Volumes, networks and secrets.

use super::assert_fails;
use super::subject::{Subject, call};
use bytes::Bytes;
use podlane_engine::{
    Error, InnerPath, Membership, Mount, MountSource, NetworkName, NewNetwork, NewSecret,
    NewVolume, Resource, SecretFile, SecretName, Subnet, VolumeName,
};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

fn labels() -> BTreeMap<String, String> {
    BTreeMap::from([("course".to_owned(), "net-101".to_owned())])
}

/// A volume outlives its container, and nobody takes it from one.
pub async fn a_volume_is_kept(subject: &Subject) {
    let engine = &subject.engine;
    let name = crate::unique("volume");
    let new = NewVolume {
        name: VolumeName::parse(&name).expect("a name"),
        labels: labels(),
    };
    let made = engine.create_volume(&call(), &new).await.expect("made");
    assert_eq!((&made.name, &made.labels), (&name, &labels()));
    assert!(!made.created.is_empty());
    assert_eq!(engine.volume(&call(), &new.name).await.expect("it"), made);
    let all = engine.volumes(&call()).await.expect("a list");
    assert!(all.contains(&made), "{all:?}");
    assert_fails!(
        engine.create_volume(&call(), &new).await,
        Error::NameInUse { resource: Resource::Volume, name: taken } if taken == name
    );
    let mut spec = subject.spec(&["sleep", "1000"]);
    spec.mounts = vec![Mount {
        source: MountSource::Volume(name.clone()),
        destination: InnerPath::parse("/kept").expect("a path"),
        read_only: false,
    }];
    let id = subject.run(&spec).await;
    assert_fails!(
        engine.remove_volume(&call(), &new.name).await,
        Error::InUse { resource: Resource::Volume, name: used } if used == name
    );
    engine.remove(&call(), &id, true).await.expect("a removal");
    engine
        .remove_volume(&call(), &new.name)
        .await
        .expect("it goes");
    for gone in [
        engine.remove_volume(&call(), &new.name).await,
        engine.volume(&call(), &new.name).await.map(drop),
    ] {
        assert_fails!(
            gone,
            Error::NotFound { resource: Resource::Volume, name: missing } if missing == name
        );
    }
}

/// A subnet of this process alone, out of 10.128.0.0/9.
fn subnet() -> Subnet {
    let number = crate::unique("net").bytes().fold(5381_u32, |hash, byte| {
        hash.wrapping_mul(33) ^ u32::from(byte)
    });
    let base = (10 << 24) | (1 << 23) | ((number & 0x7fff) << 8);
    Subnet {
        address: Ipv4Addr::from(base).into(),
        prefix: 24,
        gateway: Some(Ipv4Addr::from(base + 7).into()),
    }
}

fn network(subnets: Vec<Subnet>) -> NewNetwork {
    NewNetwork {
        isolated: true,
        name: NetworkName::parse(&crate::unique("network")).expect("a name"),
        internal: true,
        ipv6: false,
        dns: false,
        subnets,
        labels: labels(),
    }
}

/// A network is what was asked for; one that is wrong is not made.
pub async fn a_network_is_kept(subject: &Subject) {
    let engine = &subject.engine;
    let subnet = subnet();
    let new = network(vec![subnet]);
    let name = new.name.to_string();
    let made = engine.create_network(&call(), &new).await.expect("made");
    assert_eq!((&made.name, &made.labels), (&name, &labels()));
    assert_eq!((made.internal, made.dns, made.ipv6), (true, false, false));
    assert!(made.isolated, "{made:?}");
    assert_eq!(made.subnets, [subnet]);
    assert_eq!(engine.network(&call(), &new.name).await.expect("it"), made);
    let all = engine.networks(&call()).await.expect("a list");
    assert!(all.contains(&made), "{all:?}");
    assert_fails!(
        engine.create_network(&call(), &new).await,
        Error::NameInUse { resource: Resource::Network, name: taken } if taken == name
    );
    assert_fails!(
        engine.create_network(&call(), &network(vec![subnet])).await,
        Error::Invalid {
            field: "subnets",
            conflict: true,
            ..
        }
    );
    let outside = Subnet {
        gateway: Some(Ipv4Addr::new(192, 0, 2, 1).into()),
        ..self::subnet()
    };
    assert_fails!(
        engine
            .create_network(&call(), &network(vec![outside]))
            .await,
        Error::Invalid {
            field: "subnets",
            conflict: false,
            ..
        }
    );
    engine
        .remove_network(&call(), &new.name)
        .await
        .expect("it goes");
    for gone in [
        engine.remove_network(&call(), &new.name).await,
        engine.network(&call(), &new.name).await.map(drop),
    ] {
        assert_fails!(
            gone,
            Error::NotFound { resource: Resource::Network, name: missing } if missing == name
        );
    }
    let default = NetworkName::parse("podman").expect("a name");
    let refused = engine.remove_network(&call(), &default).await;
    assert!(
        matches!(refused, Err(Error::WrongState { .. } | Error::InUse { .. })),
        "{refused:?}"
    );
}

/// In, at its address, and out again; a place that can't be leaves none.
pub async fn a_container_joins_and_leaves_a_network(subject: &Subject) {
    let engine = &subject.engine;
    let subnet = subnet();
    let new = network(vec![subnet]);
    let id = subject.idle().await;
    let place = Membership {
        ip: match subnet.address {
            std::net::IpAddr::V4(first) => Some(Ipv4Addr::from(u32::from(first) + 9).into()),
            std::net::IpAddr::V6(_) => None,
        },
        aliases: vec!["web".into()],
    };
    assert_fails!(
        engine.connect(&call(), &new.name, &id, &place).await,
        Error::NotFound {
            resource: Resource::Network,
            ..
        }
    );
    engine.create_network(&call(), &new).await.expect("made");
    let elsewhere = Membership {
        ip: Some(Ipv4Addr::new(192, 0, 2, 9).into()),
        aliases: Vec::new(),
    };
    assert_fails!(
        engine.connect(&call(), &new.name, &id, &elsewhere).await,
        Error::Invalid { field: "ip", .. }
    );
    let joined = async || {
        let container = engine.inspect(&call(), &(&id).into()).await.expect("it");
        let networks = container.settings.networks.unwrap_or_default();
        networks.get(new.name.as_str()).cloned()
    };
    assert_eq!(joined().await, None);
    engine
        .connect(&call(), &new.name, &id, &place)
        .await
        .expect("in");
    assert_eq!(joined().await, Some(place.clone()));
    assert_fails!(
        engine.connect(&call(), &new.name, &id, &place).await,
        Error::WrongState { message } if message.contains("already")
    );
    assert_fails!(
        engine.remove_network(&call(), &new.name).await,
        Error::InUse {
            resource: Resource::Network,
            ..
        }
    );
    engine
        .disconnect(&call(), &new.name, &id)
        .await
        .expect("out");
    assert_eq!(joined().await, None);
    assert_fails!(
        engine.disconnect(&call(), &new.name, &id).await,
        Error::WrongState { message } if message.contains("not in the network")
    );
    engine
        .remove_network(&call(), &new.name)
        .await
        .expect("it goes");
}

/// A secret can be used, and nobody is told what it is.
pub async fn a_secret_is_kept(subject: &Subject) {
    let engine = &subject.engine;
    let name = crate::unique("secret");
    let new = NewSecret {
        name: SecretName::parse(&name).expect("a name"),
        value: Bytes::from_static(b"correct horse\0battery"),
        labels: labels(),
    };
    let made = engine.create_secret(&call(), &new).await.expect("kept");
    assert_eq!((&made.name, &made.labels), (&name, &labels()));
    assert_eq!(engine.secret(&call(), &new.name).await.expect("it"), made);
    let all = engine.secrets(&call()).await.expect("a list");
    assert!(all.contains(&made), "{all:?}");
    assert_fails!(
        engine.create_secret(&call(), &new).await,
        Error::NameInUse { resource: Resource::Secret, name: taken } if taken == name
    );
    let mut spec = subject.spec(&["sleep", "1000"]);
    spec.settings.secrets = vec![SecretFile {
        name: name.clone(),
        file: None,
        uid: 0,
        gid: 0,
        mode: 0o400,
    }];
    let id = subject.run(&spec).await;
    let told = engine.inspect(&call(), &(&id).into()).await.expect("it");
    assert!(
        told.settings
            .secrets
            .iter()
            .any(|secret| secret.name == name)
    );
    engine
        .remove_secret(&call(), &new.name)
        .await
        .expect("it goes");
    for gone in [
        engine.remove_secret(&call(), &new.name).await,
        engine.secret(&call(), &new.name).await.map(drop),
    ] {
        assert_fails!(
            gone,
            Error::NotFound { resource: Resource::Secret, name: missing } if missing == name
        );
    }
}
