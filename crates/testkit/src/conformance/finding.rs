//! Version, images, and containers by name, ID and the beginning of an ID.

use super::assert_fails;
use super::subject::{Subject, argv, call, nobody, path, reference};
use podlane_engine::{Error, ImageRef, LogQuery, Ownership, Resource, Upload};
use std::time::Duration;

/// The engine names itself and its version.
pub async fn the_version_is_told(subject: &Subject) {
    let version = subject.engine.version(&call()).await.expect("a version");
    assert_eq!(version.name, "podman");
    assert!(
        version.version.starts_with(|c: char| c.is_ascii_digit()),
        "{version:?}"
    );
}

/// By its name, by its ID and by the beginning of that; with what it starts with.
pub async fn an_image_is_found_by_name_and_by_id(subject: &Subject) {
    let name = &subject.images.entrypoint;
    let image = subject.engine.image(&call(), name).await.expect("an image");
    assert_eq!(image.id.len(), 64, "{image:?}");
    assert_eq!(image.entrypoint, ["/bin/sh", "-c"]);
    assert_eq!(image.command, ["sleep 1000"]);
    for id in [&image.id[..], &image.id[..12]] {
        let id = ImageRef::parse(id).expect("an ID");
        let same = subject.engine.image(&call(), &id).await.expect("the image");
        assert_eq!(same, image);
    }
}

/// And the answer names it.
pub async fn an_unknown_image_is_not_found(subject: &Subject) {
    for text in [
        "localhost/podlane-nosuch:1",
        "podlane-nosuch",
        "0123456789ab",
    ] {
        let image = ImageRef::parse(text).expect("a reference");
        assert_fails!(
            subject.engine.image(&call(), &image).await,
            Error::NotFound { resource: Resource::Image, name } if name == text
        );
    }
}

/// All of them lead to the same container.
pub async fn a_container_is_found_by_name_id_and_prefix(subject: &Subject) {
    let spec = subject.spec(&["sleep", "1000"]);
    let id = subject.run(&spec).await;
    for text in [spec.name.as_str(), id.as_str(), id.short()] {
        let found = subject.engine.inspect(&call(), &reference(text)).await;
        let found = found.expect("the container");
        assert_eq!((&found.id, found.name.as_str()), (&id, spec.name.as_str()));
    }
}

/// Whatever is asked of it.
pub async fn an_unknown_container_is_not_found_by_any_call(subject: &Subject) {
    let (engine, call, id) = (&subject.engine, call(), nobody());
    macro_rules! missing {
        ($result:expr) => {
            assert_fails!(
                $result,
                Error::NotFound {
                    resource: Resource::Container,
                    ..
                }
            )
        };
    }
    missing!(engine.inspect(&call, &reference("podlane-nosuch")).await);
    missing!(engine.inspect(&call, &(&id).into()).await);
    missing!(engine.start(&call, &id).await);
    missing!(engine.stop(&call, &id, None).await);
    missing!(engine.restart(&call, &id, None).await);
    missing!(engine.restart(&call, &id, Some(Duration::ZERO)).await);
    missing!(engine.remove(&call, &id, false).await);
    missing!(engine.remove(&call, &id, true).await);
    missing!(engine.logs(&call, &id, &LogQuery::default()).await);
    missing!(engine.exec(&call, &id, &argv(&["true"])).await);
    missing!(engine.stat(&call, &id, &path("/etc")).await);
    missing!(engine.read_archive(&call, &id, &path("/etc")).await);
    let archive = super::files::tar(&[]);
    missing!(
        engine
            .write_archive(
                &call,
                &id,
                &path("/tmp"),
                Upload::Whole(archive),
                Ownership::Archive
            )
            .await
    );
}

/// Too short a beginning is the caller's mistake, not the engine's failure.
pub async fn a_prefix_of_several_ids_is_refused(subject: &Subject) {
    let mut made = Vec::new();
    // Of seventeen hexadecimal numbers two begin alike.
    let twins = loop {
        let id = subject.created().await;
        let first = id.as_str()[..1].to_owned();
        if made.contains(&first) {
            break first;
        }
        made.push(first);
    };
    assert_fails!(
        subject.engine.inspect(&call(), &reference(&twins)).await,
        Error::Invalid { field: "name", conflict: false, message } if message.contains(&twins)
    );
}
