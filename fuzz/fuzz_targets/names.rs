//! Names, image references, paths and users: what is accepted can stand where it will be put.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podlane_engine::{
    ContainerId, ContainerName, ContainerRef, ImageRef, InnerPath, RequestId, UserName, UserSpec,
};

fuzz_target!(|text: &str| {
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    if let Ok(name) = ContainerName::parse(text) {
        assert!(plain(name.as_str()) && !name.as_str().contains(['/', '?', '#', '%']));
        assert!(ContainerRef::parse(text).is_ok());
    }
    if let Ok(image) = ImageRef::parse(text) {
        let image = image.as_str();
        assert!(plain(image) && !image.contains(['?', '#', '%', '\\']));
        assert!(!image.starts_with(['/', '.', '-']) && !image.contains("//") && !image.contains("/../"));
    }
    if let Ok(path) = InnerPath::parse(text) {
        let path = path.as_str();
        assert!(path.starts_with('/') && !path.contains("//") && !path.contains('\0'));
        assert!(path.split('/').all(|part| part != ".." && part != "."));
        assert_eq!(InnerPath::parse(path).map(|path| path.to_string()).as_deref(), Ok(path));
    }
    if let Ok(user) = UserSpec::parse(text) {
        assert!(plain(user.as_str()) && !user.as_str().starts_with('-'));
    }
    if let Ok(user) = UserName::parse(text) {
        assert!(UserSpec::parse(user.as_str()).is_ok());
    }
    if let Ok(id) = ContainerId::parse(text) {
        assert_eq!(id.short().len(), 12);
    }
    if let Some(id) = RequestId::parse(text) {
        assert!(plain(id.as_str()) && id.as_str().len() <= RequestId::MAX);
    }
});
