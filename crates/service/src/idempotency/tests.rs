use super::*;
use crate::Error;
use podlane_store::Vault;
use std::path::Path;

const RULES: KeyRules = KeyRules {
    retention: Duration::from_secs(60),
    keys: 3,
    bytes: 200,
};

fn opened(directory: &Path) -> Arc<Opened> {
    let vault = Arc::new(Vault::new(directory, None));
    Arc::new(Opened::open(directory, vault).expect("opened"))
}

fn request(key: &str, content: &'static str) -> Keyed {
    Keyed {
        key: IdempotencyKey::parse(key).expect("a key"),
        operation: "POST /api/v1/containers".into(),
        forms: vec![Bytes::from_static(b"application/json")],
        content: Bytes::from_static(content.as_bytes()),
    }
}

fn claim(opened: &Arc<Opened>, caller: &str, request: &Keyed) -> Claim {
    match opened.claim(caller, request, RULES).expect("claimed") {
        Claimed::Now(claim) => claim,
        Claimed::Before(answer) => panic!("it was done: {answer:?}"),
    }
}

fn refused(opened: &Arc<Opened>, caller: &str, request: &Keyed) -> Repetition {
    match opened.claim(caller, request, RULES) {
        Err(Error::Repeated(repetition)) => repetition,
        other => panic!("{other:?}"),
    }
}

fn answer(body: &'static str) -> KeptAnswer {
    KeptAnswer {
        status: 201,
        failure: false,
        headers: vec![("location".into(), "/there".into())],
        body: Some(body.into()),
    }
}

#[test]
fn a_key_is_visible_ascii_and_bounded() {
    let longest = "x".repeat(255);
    for good in [
        "a",
        "8e03978e-40d5-43dd-bc93-6894a57f9324",
        "\"quoted\"",
        &longest,
    ] {
        assert!(IdempotencyKey::parse(good).is_some(), "{good}");
    }
    for bad in ["", " ", "a b", "a\tb", "ä", "a\u{7f}", &"x".repeat(256)] {
        assert!(IdempotencyKey::parse(bad).is_none(), "{bad:?}");
    }
}

#[tokio::test]
async fn one_claim_then_its_answer_for_the_same_caller_and_content() {
    let directory = tempfile::tempdir().expect("a directory");
    let keys = opened(directory.path());
    let (first, other) = (request("k", "{}"), request("k", "{ }"));
    let claimed = claim(&keys, "a", &first);
    assert_eq!(refused(&keys, "a", &first), Repetition::UnderWay);
    assert_eq!(refused(&keys, "a", &other), Repetition::Other);
    claim(&keys, "b", &other).release().await;
    let mut elsewhere = request("k", "{ }");
    elsewhere.operation.push_str("/x");
    claim(&keys, "a", &elsewhere).release().await;
    claimed.keep(answer("made")).await;
    assert_eq!(refused(&keys, "a", &other), Repetition::Other);
    let mut typed = request("k", "{}");
    typed.forms.push(Bytes::new());
    assert_eq!(refused(&keys, "a", &typed), Repetition::Other);
    drop(keys);
    let keys = opened(directory.path());
    let kept = keys.claim("a", &first, RULES).expect("kept");
    assert!(matches!(kept, Claimed::Before(kept) if kept == answer("made")));
    claim(&keys, "b", &first).release().await;
    claim(&keys, "b", &other).release().await;
}

#[tokio::test]
async fn what_nobody_said_the_end_of_is_not_done_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let keys = opened(directory.path());
    let (lost, streamed) = (request("lost", "{}"), request("streamed", "{}"));
    drop(claim(&keys, "a", &lost));
    assert_eq!(refused(&keys, "a", &lost), Repetition::Unknown);
    let stream = KeptAnswer {
        body: None,
        ..answer("")
    };
    claim(&keys, "a", &streamed).keep(stream).await;
    assert_eq!(refused(&keys, "a", &streamed), Repetition::Unkept(201));
    let large = request("large", "{}");
    let body = KeptAnswer {
        body: Some(vec![b'x'; 201].into()),
        ..answer("")
    };
    claim(&keys, "a", &large).keep(body).await;
    assert_eq!(refused(&keys, "a", &large), Repetition::Unkept(201));
    let full = keys.claim("a", &request("another", "{}"), RULES);
    assert!(
        matches!(full, Err(Error::Full { limit: 3, .. })),
        "{full:?}"
    );
}

#[tokio::test]
async fn nothing_of_a_request_can_be_read_in_the_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let keys = opened(directory.path());
    let secret = request("the-key", "a password");
    claim(&keys, "a", &secret)
        .keep(answer("a shown token"))
        .await;
    for entry in std::fs::read_dir(directory.path()).expect("a directory") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        for text in ["the-key", "a password", "shown", "location"] {
            let found = bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes());
            assert!(!found, "{text}");
        }
    }
}
