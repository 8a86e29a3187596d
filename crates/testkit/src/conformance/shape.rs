//! What was asked for is what there is, and what inspect tells.

use super::subject::{Subject, call, path, words};
use podlane_engine::{
    HostPort, Init, Mount, MountSource, PortMapping, Protocol, PublishedPort, UserSpec,
};
use std::collections::BTreeMap;

/// Environment, labels, user, working directory and mounts, told by inspect and true inside.
pub async fn what_was_asked_for_comes_back(subject: &Subject) {
    let directory = subject.directory.join(crate::unique("mounted"));
    std::fs::create_dir(&directory).expect("a directory");
    let volume = crate::unique("volume");
    let mut spec = subject.spec(&["sleep", "1000"]);
    spec.environment = BTreeMap::from([
        ("PLAIN".into(), "value".into()),
        ("ODD".into(), " two  words, a = and \"quotes\"".into()),
        ("EMPTY".into(), String::new()),
    ]);
    spec.labels = BTreeMap::from([
        ("org.example.a".into(), "1".into()),
        ("b".into(), "ü = \"x\"".into()),
    ]);
    spec.user = Some(UserSpec::parse("1234:5678").expect("a user"));
    spec.workdir = Some(path("/made/for/this"));
    spec.mounts = vec![
        Mount {
            source: MountSource::Host(directory.display().to_string()),
            destination: path("/host"),
            read_only: true,
        },
        Mount {
            source: MountSource::Volume(volume.clone()),
            destination: path("/volume"),
            read_only: false,
        },
    ];
    let id = subject.run(&spec).await;
    let container = subject
        .engine
        .inspect(&call(), &(&id).into())
        .await
        .expect("it");
    for (name, value) in &spec.environment {
        assert!(
            container
                .environment
                .contains(&(name.clone(), value.clone())),
            "{name}"
        );
        let seen = subject.output(&id, &format!("printf %s \"${name}\"")).await;
        assert_eq!(&seen, value);
    }
    for (name, value) in &spec.labels {
        assert_eq!(container.labels.get(name), Some(value), "{name}");
    }
    assert_eq!(
        (container.user.as_str(), container.workdir.as_str()),
        ("1234:5678", "/made/for/this")
    );
    assert_eq!(
        subject.output(&id, "pwd; id -u; id -g").await,
        "/made/for/this\n1234\n5678\n"
    );
    let mut mounts = container.mounts.clone();
    mounts.sort();
    let mut wanted = vec![
        (directory.display().to_string(), "/host".to_owned(), true),
        (volume, "/volume".to_owned(), false),
    ];
    wanted.sort();
    assert_eq!(mounts, wanted);
    let list = subject.engine.list(&call()).await.expect("a list");
    let row = list.iter().find(|row| row.id == id).expect("its row");
    assert_eq!(
        (&row.labels, &row.ports),
        (&container.labels, &container.ports)
    );
}

/// Fixed ones, chosen ones, on all addresses and on one, of both protocols; list and inspect agree.
pub async fn free_ports_are_chosen_and_told(subject: &Subject) {
    let mut spec = subject.spec(&["sleep", "1000"]);
    let port = |container, protocol, host_ip: Option<&str>| PortMapping {
        host_ip: host_ip.map(|ip| ip.parse().expect("an address")),
        host: HostPort::Free,
        container,
        protocol,
    };
    spec.ports = vec![
        port(80, Protocol::Tcp, None),
        port(81, Protocol::Tcp, Some("127.0.0.1")),
        port(80, Protocol::Udp, None),
    ];
    let id = subject.run(&spec).await;
    let container = subject
        .engine
        .inspect(&call(), &(&id).into())
        .await
        .expect("it");
    let told: Vec<_> = container
        .ports
        .iter()
        .map(|port| (port.container, port.protocol, port.host_ip))
        .collect();
    let loopback = Some("127.0.0.1".parse().expect("an address"));
    assert_eq!(
        told,
        [
            (80, Protocol::Tcp, None),
            (80, Protocol::Udp, None),
            (81, Protocol::Tcp, loopback)
        ]
    );
    assert!(
        container
            .ports
            .iter()
            .all(|PublishedPort { host, .. }| *host > 0)
    );
    let list = subject.engine.list(&call()).await.expect("a list");
    let row = list.iter().find(|row| row.id == id).expect("its row");
    assert_eq!(row.ports, container.ports);
}

/// And the command is told as it was given, whoever is PID 1.
pub async fn the_init_is_as_asked(subject: &Subject) {
    for (init, wanted) in [(Init::Required, true), (Init::Off, false)] {
        let mut spec = subject.spec(&["sleep", "1000"]);
        spec.init = init;
        let id = subject.run(&spec).await;
        let container = subject
            .engine
            .inspect(&call(), &(&id).into())
            .await
            .expect("it");
        assert_eq!(
            (container.init, container.command),
            (wanted, words(&["sleep", "1000"]))
        );
    }
}

/// The command is what comes after the entrypoint; without one it is the image's.
pub async fn an_image_with_an_entrypoint_gets_its_arguments(subject: &Subject) {
    let mut spec = subject.spec(&["echo \"$0\" given", "zero"]);
    spec.image = subject.images.entrypoint.clone();
    let id = subject.run(&spec).await;
    subject.ended(&id).await;
    let log = subject.log(&id, None).await;
    let log: Vec<u8> = log.iter().flat_map(|chunk| chunk.data.to_vec()).collect();
    assert_eq!(String::from_utf8_lossy(&log), "zero given\n");
    let mut spec = subject.spec(&[]);
    spec.image = subject.images.entrypoint.clone();
    let id = subject.run(&spec).await;
    let container = subject
        .engine
        .inspect(&call(), &(&id).into())
        .await
        .expect("it");
    assert_eq!(container.command, ["/bin/sh", "-c", "sleep 1000"]);
}
