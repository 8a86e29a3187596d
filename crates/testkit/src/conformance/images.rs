//! Images beside the looking up of one.

use super::assert_fails;
use super::subject::{Subject, call};
use podlane_engine::{Error, ImageRef, Resource};

fn reference(text: &str) -> ImageRef {
    ImageRef::parse(text).expect("a reference")
}

/// A name more, and one after the other away again.
pub async fn an_image_gets_names_and_loses_them(subject: &Subject) {
    let engine = &subject.engine;
    let base = &subject.images.entrypoint;
    let image = engine.image(&call(), base).await.expect("an image");
    assert_eq!(image.names, [base.as_str()]);
    assert!(image.size > 0 && !image.architecture.is_empty() && image.created.is_some());
    let name = reference(&format!("localhost/{}:1", crate::unique("tagged")));
    engine.tag(&call(), base, &name).await.expect("a name");
    let tagged = engine.image(&call(), &name).await.expect("the image");
    assert_eq!(tagged.id, image.id);
    let all = engine.images(&call()).await.expect("a list");
    let row = all.iter().find(|row| row.id == image.id).expect("its row");
    for name in [base, &name] {
        assert!(
            row.names.iter().any(|known| known == name.as_str()),
            "{row:?}"
        );
    }
    let by_id = reference(&image.id);
    assert_fails!(
        engine.remove_image(&call(), &by_id, false).await,
        Error::WrongState { message } if message.contains("several names")
    );
    let removed = engine.remove_image(&call(), &name, false).await;
    let removed = removed.expect("one name less");
    assert_eq!(removed.untagged, [name.as_str()]);
    assert!(removed.deleted.is_empty(), "{removed:?}");
    assert_fails!(
        engine.remove_image(&call(), &name, false).await,
        Error::NotFound { resource: Resource::Image, name: gone } if gone == name.as_str()
    );
    assert_fails!(
        engine.tag(&call(), &name, base).await,
        Error::NotFound {
            resource: Resource::Image,
            ..
        }
    );
    assert_eq!(
        engine.image(&call(), base).await.expect("the image").id,
        image.id
    );
}

/// Nobody takes the image from a container.
pub async fn an_image_in_use_stays(subject: &Subject) {
    let engine = &subject.engine;
    let id = subject.created().await;
    let container = engine.inspect(&call(), &(&id).into()).await.expect("it");
    let image = reference(&container.image_id);
    assert_fails!(
        engine.remove_image(&call(), &image, false).await,
        Error::InUse {
            resource: Resource::Image,
            ..
        } | Error::WrongState { .. }
    );
    let all = engine.images(&call()).await.expect("a list");
    let row = all.iter().find(|row| row.id == container.image_id);
    assert!(row.expect("its row").containers >= 1);
}
