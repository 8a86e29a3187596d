use super::*;
use std::fs;
use tempfile::TempDir;

const ROOM: RegistryRoom = RegistryRoom { own: 2, all: 3 };

fn opened(directory: &TempDir) -> RegistryStore {
    let vault = Arc::new(Vault::new(directory.path(), None));
    RegistryStore::open(directory.path(), vault).expect("opened")
}

fn registry(tenant: Option<&str>, name: &str) -> RegistryRecord {
    RegistryRecord {
        tenant: tenant.map(str::to_owned),
        name: name.into(),
        host: "registry.example.org:5000".into(),
        username: Some("me".into()),
        created: 5,
        changed: 5,
    }
}

fn secret(text: &str) -> Secret {
    text.as_bytes().to_vec().into()
}

/// All bytes of all files.
fn bytes(directory: &TempDir) -> Vec<u8> {
    let entries = fs::read_dir(directory.path()).expect("a directory");
    let read = |entry: std::io::Result<fs::DirEntry>| fs::read(entry.expect("an entry").path());
    entries
        .flat_map(|entry| read(entry).expect("a file"))
        .collect()
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

#[test]
fn registries_are_each_tenants_own() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = opened(&directory);
    let (own, foreign) = (registry(Some("a"), "hub"), registry(Some("b"), "hub"));
    for one in [&own, &foreign] {
        let added = store.add(one, &secret("first-password"), ROOM);
        assert_eq!(added.expect("kept"), AddedRegistry::Added);
    }
    let again = store.add(&own, &secret("x"), ROOM).expect("asked");
    assert_eq!(again, AddedRegistry::There);
    assert_eq!(store.registry(None, "hub").expect("asked"), None);
    assert_eq!(
        store.registry(Some("a"), "hub").expect("asked"),
        Some(own.clone())
    );
    let list = store.registries(Some("a")).expect("a list");
    assert_eq!(list, std::slice::from_ref(&own));
    assert_eq!(
        store.registries(None).expect("a list"),
        [own.clone(), foreign.clone()]
    );

    let changed = store.alter(Some("a"), "hub", None, &secret("second-password"), 9);
    let changed = changed.expect("asked").expect("there");
    assert_eq!((changed.username.as_deref(), changed.changed), (None, 9));
    let nobodys = store.alter(None, "hub", None, &secret("x"), 9);
    assert_eq!(nobodys.expect("asked"), None);
    drop(store);
    let store = opened(&directory);
    let kept = |tenant| {
        let found = store.with_secret(Some(tenant), "hub").expect("asked");
        found.expect("there").1.expect("readable")
    };
    assert_eq!(kept("a"), secret("second-password"));
    assert_eq!(kept("b"), secret("first-password"));
    let all = bytes(&directory);
    assert!(
        has(&all, "registry.example.org"),
        "the right files are looked at"
    );
    assert!(!has(&all, "first-password") && !has(&all, "second-password"));

    assert!(!store.remove(None, "hub").expect("asked"));
    assert!(store.remove(Some("a"), "hub").expect("removed"));
    assert_eq!(store.registries(None).expect("a list"), [foreign]);
}

#[test]
fn there_is_room_for_so_many() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = opened(&directory);
    let add = |tenant, name| {
        let added = store.add(&registry(tenant, name), &secret("x"), ROOM);
        added.expect("asked")
    };
    assert_eq!(add(Some("a"), "1"), AddedRegistry::Added);
    assert_eq!(add(Some("a"), "2"), AddedRegistry::Added);
    assert_eq!(add(Some("a"), "3"), AddedRegistry::Full);
    assert_eq!(add(None, "3"), AddedRegistry::Added);
    assert_eq!(add(Some("b"), "4"), AddedRegistry::Full);
    assert_eq!(add(Some("a"), "1"), AddedRegistry::There);
}

#[test]
fn a_row_that_was_moved_can_not_be_read_and_the_others_can() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = opened(&directory);
    for name in ["moved", "renamed", "given", "good"] {
        let added = store.add(
            &registry(Some("a"), name),
            &secret("x"),
            RegistryRoom { own: 9, all: 9 },
        );
        assert_eq!(added.expect("kept"), AddedRegistry::Added);
    }
    let raw = Connection::open(RegistryStore::file(directory.path())).expect("opened");
    for change in [
        "UPDATE registry SET host = 'evil.example.org' WHERE name = 'moved'",
        "UPDATE registry SET name = 'other' WHERE name = 'renamed'",
        "UPDATE registry SET tenant = 'b' WHERE name = 'given'",
    ] {
        assert_eq!(raw.execute(change, []).expect("written"), 1);
    }
    for (tenant, name) in [("a", "moved"), ("a", "other"), ("b", "given")] {
        let found = store.with_secret(Some(tenant), name).expect("asked");
        let refused = found.expect("there").1.expect_err("unreadable");
        assert!(matches!(refused, Error::Broken { .. }), "{refused}");
    }
    let good = store.with_secret(Some("a"), "good").expect("asked");
    assert_eq!(good.expect("there").1.expect("readable"), secret("x"));
    assert_eq!(store.registries(None).expect("a list").len(), 4);
    // It can be set anew.
    let set = store.alter(Some("a"), "moved", None, &secret("y"), 9);
    assert!(set.expect("written").is_some());
    let again = store.with_secret(Some("a"), "moved").expect("asked");
    assert_eq!(again.expect("there").1.expect("readable"), secret("y"));
}

#[test]
fn without_the_key_all_but_the_secret_is_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = opened(&directory);
    let added = store.add(&registry(None, "hub"), &secret("x"), ROOM);
    assert_eq!(added.expect("kept"), AddedRegistry::Added);
    fs::remove_file(Vault::file(directory.path())).expect("removed");
    let store = opened(&directory);
    assert_eq!(store.registries(None).expect("a list").len(), 1);
    let found = store
        .with_secret(None, "hub")
        .expect("asked")
        .expect("there");
    assert!(matches!(found.1, Err(Error::Key { .. })), "{:?}", found.1);
    let refused = store.add(&registry(None, "other"), &secret("x"), ROOM);
    assert!(matches!(refused, Err(Error::Key { .. })), "{refused:?}");
    assert!(store.remove(None, "hub").expect("removed"));
    let added = store.add(&registry(None, "hub"), &secret("x"), ROOM);
    assert_eq!(added.expect("kept"), AddedRegistry::Added, "with a new key");
}
