use super::deliveries::{DEAD, DELIVERED, WAITING};
use super::*;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

fn opened(directory: &Path) -> WebhookStore {
    let vault = Arc::new(Vault::new(directory, None));
    WebhookStore::open(directory, vault).expect("opened")
}

fn store() -> (TempDir, WebhookStore) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = opened(directory.path());
    (directory, store)
}

fn webhook(id: &str) -> WebhookRecord {
    WebhookRecord {
        id: id.into(),
        url: "https://example.org/secret-path".into(),
        events: "died oom".into(),
        name_prefix: Some("lab-".into()),
        labels: "course=net\nteam".into(),
        secret: Ok(b"the-secret-in-its-bytes-is-this!".to_vec().into()),
        tenant: Some("class-7".into()),
        prefix: None,
        enabled: true,
        reason: None,
        since: 5,
        created: 6,
    }
}

fn handled(webhook: &str, ids: impl IntoIterator<Item = usize>) -> Handled {
    let delivery = |id: usize| NewDelivery {
        webhook: webhook.into(),
        id: format!("m{id}"),
        body: "{}".into(),
    };
    Handled {
        deliveries: ids.into_iter().map(delivery).collect(),
        health: Vec::new(),
        place: 9,
    }
}

fn attempt(at: i64, state: DeliveryState, next: Option<i64>) -> Attempt {
    Attempt {
        at,
        state,
        next,
        status: Some(500),
        error: Some("it answered 500".into()),
    }
}

#[test]
fn webhooks_are_kept_for_this_account_only_and_show_no_secret() {
    let (directory, store) = store();
    let one = webhook("a");
    store.keep_webhook(&one).expect("kept");
    let changed = WebhookRecord {
        enabled: false,
        ..webhook("b")
    };
    store.keep_webhook(&webhook("b")).expect("kept");
    store.keep_webhook(&changed).expect("kept");
    assert_eq!(store.webhooks().expect("a list"), [one.clone(), changed]);
    assert!(store.disable_webhook("a", "gone").expect("asked"));
    assert!(!store.disable_webhook("a", "again").expect("asked"));
    let kept = &store.webhooks().expect("a list")[0];
    assert_eq!(
        (kept.enabled, kept.reason.as_deref()),
        (false, Some("gone"))
    );
    assert!(!format!("{one:?}").contains("secret"), "{one:?}");
    for entry in std::fs::read_dir(directory.path()).expect("a directory") {
        let entry = entry.expect("an entry");
        let mode = entry.metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{entry:?}");
    }
}

#[test]
fn what_is_handled_is_handled_once() {
    let (directory, store) = store();
    store.keep_webhook(&webhook("a")).expect("kept");
    assert_eq!(store.place().expect("asked"), None);
    let mut first = handled("a", [1, 2]);
    first.health = vec![("c".into(), Some("healthy".into()))];
    assert_eq!(store.handle(&first, 100).expect("handled"), 2);
    assert_eq!(
        store.handle(&handled("a", [2, 3]), 200).expect("handled"),
        1
    );
    drop(store);
    let store = opened(directory.path());
    assert_eq!(store.place().expect("asked"), Some(9));
    let health = store.health().expect("asked");
    assert_eq!(health, [("c".to_owned(), "healthy".to_owned())]);
    let due = |now| {
        let due = store.due("a", now, 10).expect("asked").into_iter();
        due.map(|delivery| delivery.id).collect::<Vec<_>>()
    };
    assert_eq!(due(150), ["m1", "m2"]);
    assert_eq!(due(200), ["m1", "m2", "m3"]);
    assert_eq!(store.next_after(150).expect("asked"), Some(200));
    assert!(store.remove_webhook("a").expect("removed"));
    assert!(!store.remove_webhook("a").expect("asked"));
    assert_eq!(due(200), [""; 0]);
}

#[test]
fn a_delivery_is_tried_until_it_is_delivered_or_dead_and_can_be_tried_anew() {
    let (_directory, store) = store();
    store.handle(&handled("a", [1, 2]), 100).expect("handled");
    let [one, two] = &store.due("a", 100, 9).expect("asked")[..] else {
        panic!("two wait");
    };
    let again = attempt(110, DeliveryState::Waiting, Some(500));
    store.tried(one, &again).expect("written");
    store
        .tried(two, &attempt(120, DeliveryState::Delivered, None))
        .expect("written");
    assert_eq!(store.due("a", 499, 9).expect("asked"), []);
    let first = store.delivery("a", "m1").expect("asked").expect("there");
    assert_eq!(
        (first.attempts, first.next, first.status),
        (1, Some(500), Some(500))
    );
    store
        .tried(one, &attempt(500, DeliveryState::Dead, None))
        .expect("written");
    let counts = |waiting, dead| WebhookCounts { waiting, dead };
    assert_eq!(store.counts("a").expect("asked"), counts(0, 1));
    let dead = |before| store.deliveries("a", Some(DeliveryState::Dead), before, 9);
    assert_eq!(dead(None).expect("asked").len(), 1);
    assert_eq!(dead(Some(one.number)).expect("asked"), []);
    assert_eq!(store.redeliver("b", Some("m1"), 600).expect("asked"), 0);
    assert_eq!(store.redeliver("a", None, 600).expect("asked"), 1);
    assert_eq!(store.redeliver("a", Some("m1"), 600).expect("asked"), 0);
    assert_eq!(store.redeliver("a", Some("m2"), 600).expect("asked"), 1);
    assert_eq!(store.counts("a").expect("asked"), counts(2, 0));
    let anew = store.delivery("a", "m1").expect("asked").expect("there");
    assert_eq!((anew.attempts, anew.error), (0, None));
}

#[test]
fn there_are_bounds_on_all_of_it() {
    let (_directory, store) = store();
    let many = WAITING + DEAD + 10;
    store.handle(&handled("a", 0..many), 100).expect("handled");
    let counts = store.counts("a").expect("asked");
    assert_eq!((counts.waiting, counts.dead), (WAITING, DEAD));
    let newest = &store.deliveries("a", None, None, 1).expect("asked")[0];
    assert_eq!(newest.id, format!("m{}", many - 1));
    assert!(
        newest
            .error
            .as_deref()
            .is_some_and(|why| why.contains("too many"))
    );
    assert_eq!(store.redeliver("a", None, 100).expect("asked"), 0);
    // Others have room of their own.
    store.handle(&handled("b", [1]), 100).expect("handled");
    assert_eq!(store.counts("b").expect("asked").waiting, 1);
    for delivery in store.due("a", 100, DELIVERED + 5).expect("asked") {
        store
            .tried(&delivery, &attempt(200, DeliveryState::Delivered, None))
            .expect("written");
    }
    let delivered = store.deliveries("a", Some(DeliveryState::Delivered), None, 9999);
    assert_eq!(delivered.expect("asked").len(), DELIVERED);
    // After a week nothing is left of what is dead or delivered.
    let late = &store.due("a", 100, 1).expect("asked")[0];
    let week = 7 * 86_400_000 + 101;
    store
        .tried(late, &attempt(week, DeliveryState::Waiting, Some(week)))
        .expect("written");
    for state in [DeliveryState::Dead, DeliveryState::Delivered] {
        assert_eq!(
            store.deliveries("a", Some(state), None, 9).expect("asked"),
            []
        );
    }
}

/// All bytes of all files.
fn bytes(directory: &Path) -> Vec<u8> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| std::fs::read(path).expect("a file"))
        .collect()
}

fn has(directory: &Path, text: &str) -> bool {
    bytes(directory)
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

/// The database of the version before secrets were encrypted, as a crash has left it: with a log of changes, and with
/// what remains of rows that were changed and removed.
fn in_the_clear(directory: &Path) -> [String; 3] {
    let secrets =
        ["kept", "changed", "removed"].map(|what| format!("the-secret-that-was-{what}!!"));
    let live = tempfile::tempdir().expect("a directory");
    let connection = Connection::open(WebhookStore::file(live.path())).expect("made");
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .expect("set");
    connection.execute_batch(schema::WEBHOOKS[0]).expect("made");
    connection
        .pragma_update(None, "user_version", 1)
        .expect("set");
    let write = |id: &str, secret: &str| {
        let sql = "REPLACE INTO webhook VALUES (?1, 'https://example.org/', 'died', NULL, '', ?2, 'class-7', NULL, 1, NULL, 5, 6)";
        connection
            .execute(sql, params![id, secret.as_bytes()])
            .expect("written");
    };
    write("a", &secrets[1]);
    write("b", &secrets[2]);
    connection
        .pragma_update(None, "wal_checkpoint", "PASSIVE")
        .expect("written");
    write("a", &secrets[0]);
    connection
        .execute("DELETE FROM webhook WHERE id = 'b'", [])
        .expect("removed");
    for entry in std::fs::read_dir(live.path()).expect("a directory") {
        let path = entry.expect("an entry").path();
        let to = directory.join(path.file_name().expect("a name"));
        std::fs::copy(path, to).expect("copied");
    }
    for secret in &secrets {
        assert!(has(directory, secret), "{secret} is there at first");
    }
    secrets
}

#[test]
fn secrets_of_an_earlier_version_are_encrypted_and_gone_from_the_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let secrets = in_the_clear(directory.path());
    let store = opened(directory.path());
    for secret in &secrets {
        assert!(!has(directory.path(), secret), "{secret}");
    }
    let kept = &store.webhooks().expect("a list")[0];
    assert_eq!(kept.secret, Ok(secrets[0].clone().into_bytes().into()));
    assert_eq!((kept.url.as_str(), kept.since), ("https://example.org/", 5));
    store.keep_webhook(&webhook("c")).expect("kept");
    drop(store);
    let store = opened(directory.path());
    assert_eq!(store.webhooks().expect("a list").len(), 2);
    assert!(!has(directory.path(), "the-secret-in-its-bytes"));
    assert!(
        has(directory.path(), "class-7"),
        "the right files are looked at"
    );
}

#[test]
fn a_crash_between_goes_on_at_the_next_opening() {
    let directory = tempfile::tempdir().expect("a directory");
    let secrets = in_the_clear(directory.path());
    let path = WebhookStore::file(directory.path());
    // Encrypted, and the file not yet written anew. At its end a connection would tidy up.
    let mut connection = crate::opened(directory.path(), &path, &schema::WEBHOOKS).expect("opened");
    let vault = Vault::new(directory.path(), None);
    clear::encrypt(&mut connection, &path, &vault).expect("encrypted");
    assert!(has(directory.path(), &secrets[1]));
    let store = opened(directory.path());
    assert_eq!(
        store.webhooks().expect("a list")[0].secret,
        Ok(secrets[0].clone().into_bytes().into()),
        "not encrypted twice"
    );
    for secret in &secrets {
        assert!(!has(directory.path(), secret), "{secret}");
    }
}

#[test]
fn without_a_good_key_nothing_of_an_earlier_version_is_touched() {
    let directory = tempfile::tempdir().expect("a directory");
    let secrets = in_the_clear(directory.path());
    let missing = directory.path().join("elsewhere");
    let vault = Arc::new(Vault::new(directory.path(), Some(missing)));
    let refused = WebhookStore::open(directory.path(), vault);
    assert!(matches!(refused, Err(Error::Key { .. })), "{refused:?}");
    let store = opened(directory.path());
    let kept = &store.webhooks().expect("a list")[0];
    assert_eq!(kept.secret, Ok(secrets[0].clone().into_bytes().into()));
}

#[test]
fn a_secret_belongs_to_its_webhook_and_its_address() {
    let (directory, store) = store();
    for id in ["a", "b", "c", "d"] {
        store.keep_webhook(&webhook(id)).expect("kept");
    }
    let raw = Connection::open(WebhookStore::file(directory.path())).expect("opened");
    for change in [
        "UPDATE webhook SET url = 'https://evil.example.org/' WHERE id = 'a'",
        "UPDATE webhook SET tenant = 'class-8' WHERE id = 'b'",
        "UPDATE webhook SET secret = (SELECT secret FROM webhook WHERE id = 'd') WHERE id = 'c'",
    ] {
        assert_eq!(raw.execute(change, []).expect("written"), 1);
    }
    let all = store.webhooks().expect("a list");
    let readable = all.iter().map(|webhook| webhook.secret.is_ok());
    assert_eq!(readable.collect::<Vec<_>>(), [false, false, false, true]);
    let refused = store.keep_webhook(&all[0]);
    assert!(matches!(refused, Err(Error::Broken { .. })), "{refused:?}");
}
