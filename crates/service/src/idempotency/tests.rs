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

/// A request, and the pieces in which its content comes.
type Request = (Keyed, &'static [&'static str]);

fn request(key: &str, pieces: &'static [&'static str]) -> Request {
    let keyed = Keyed {
        key: IdempotencyKey::parse(key).expect("a key"),
        operation: "POST /api/v1/containers".into(),
        forms: vec![Bytes::from_static(b"application/json")],
    };
    (keyed, pieces)
}

/// Claims a request whose content is read to its end then.
fn claim(opened: &Arc<Opened>, caller: &str, (keyed, pieces): &Request) -> Claim {
    let claim = begun(opened, caller, keyed);
    for piece in *pieces {
        claim.seen().piece(piece.as_bytes());
    }
    claim.seen().end();
    claim
}

fn begun(opened: &Arc<Opened>, caller: &str, keyed: &Keyed) -> Claim {
    match opened.claim(caller, keyed, RULES).expect("claimed") {
        Claimed::Now(claim) => claim,
        Claimed::Before(before) => panic!("it was done: {before:?}"),
    }
}

/// Asks again, with as much of the content as is wanted.
fn again(opened: &Arc<Opened>, caller: &str, (keyed, pieces): &Request) -> Result<KeptAnswer> {
    let mut before = match opened.claim(caller, keyed, RULES)? {
        Claimed::Before(before) => before,
        Claimed::Now(_) => panic!("it was not done"),
    };
    let mut pieces = pieces.iter();
    while before.wants_more() {
        match pieces.next() {
            Some(piece) => before.piece(piece.as_bytes()),
            None => before.end(),
        }
    }
    before.answer()
}

fn refused(opened: &Arc<Opened>, caller: &str, request: &Request) -> Repetition {
    match again(opened, caller, request) {
        Err(Error::Repeated(repetition)) => repetition,
        other => panic!("{other:?}"),
    }
}

fn answer(body: &'static str) -> KeptAnswer {
    KeptAnswer {
        status: 201,
        failure: false,
        headers: vec![("location".into(), "/there".into())],
        trailers: vec![("x-exit-code".into(), "3".into())],
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
    let (first, other) = (request("k", &["{", "}"]), request("k", &["{ }"]));
    let claimed = claim(&keys, "a", &first);
    assert_eq!(refused(&keys, "a", &first), Repetition::UnderWay);
    assert_eq!(refused(&keys, "a", &other), Repetition::UnderWay);
    claim(&keys, "b", &other).release().await;
    let mut elsewhere = request("k", &["{ }"]);
    elsewhere.0.operation.push_str("/x");
    claim(&keys, "a", &elsewhere).release().await;
    claimed.keep(answer("made")).await;
    assert_eq!(refused(&keys, "a", &other), Repetition::Other);
    let mut typed = request("k", &["{}"]);
    typed.0.forms.push(Bytes::new());
    assert_eq!(refused(&keys, "a", &typed), Repetition::Other);
    drop(keys);
    let keys = opened(directory.path());
    for same in [&["{}"][..], &["{", "}"], &["", "{}", ""]] {
        let kept = again(&keys, "a", &request("k", same)).expect("kept");
        assert_eq!(kept, answer("made"), "{same:?}");
    }
    for other in [
        &[][..],
        &["{"],
        &["}{"],
        &["{}", "x"],
        &["{}x"],
        &["{}", "", "x"],
    ] {
        let said = refused(&keys, "a", &request("k", other));
        assert_eq!(said, Repetition::Other, "{other:?}");
    }
    claim(&keys, "b", &first).release().await;
    claim(&keys, "b", &other).release().await;
}

#[tokio::test]
async fn what_was_read_of_a_request_is_compared_and_no_more() {
    let directory = tempfile::tempdir().expect("a directory");
    let keys = opened(directory.path());
    let (keyed, _) = request("part", &[]);
    let claim = begun(&keys, "a", &keyed);
    claim.seen().piece(b"abc");
    claim.keep(answer("refused")).await;
    for (content, is_same) in [
        (&["abc"][..], true),
        (&["ab", "cdef"], true),
        (&["abcdef"], true),
        (&["ab"], false),
        (&["abd"], false),
        (&[], false),
    ] {
        let said = again(&keys, "a", &request("part", content));
        assert_eq!(said.is_ok(), is_same, "{content:?}");
    }
    // Nothing was read.
    let (keyed, _) = request("none", &[]);
    begun(&keys, "a", &keyed).keep(answer("refused")).await;
    for content in [&[][..], &["x"]] {
        let same = again(&keys, "a", &request("none", content));
        assert_eq!(same.expect("kept"), answer("refused"));
    }
}

#[tokio::test]
async fn what_nobody_said_the_end_of_is_not_done_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let keys = opened(directory.path());
    let (lost, streamed) = (request("lost", &["{}"]), request("streamed", &["{}"]));
    drop(claim(&keys, "a", &lost));
    assert_eq!(refused(&keys, "a", &lost), Repetition::Unknown);
    let stream = KeptAnswer {
        body: None,
        ..answer("")
    };
    claim(&keys, "a", &streamed).keep(stream).await;
    assert_eq!(refused(&keys, "a", &streamed), Repetition::Unkept(201));
    let large = request("large", &["{}"]);
    let body = KeptAnswer {
        body: Some(vec![b'x'; 201].into()),
        ..answer("")
    };
    claim(&keys, "a", &large).keep(body).await;
    assert_eq!(refused(&keys, "a", &large), Repetition::Unkept(201));
    let full = keys.claim("a", &request("another", &["{}"]).0, RULES);
    assert!(
        matches!(full, Err(Error::Full { limit: 3, .. })),
        "{full:?}"
    );
}

#[tokio::test]
async fn nothing_of_a_request_can_be_read_in_the_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let keys = opened(directory.path());
    let secret = request("the-key", &["a password"]);
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

#[tokio::test]
async fn no_more_is_held_than_may_be_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let keys = opened(directory.path());
    let claim = |caller: &str, key: &str| begun(&keys, caller, &request(key, &[]).0);
    let (mut first, mut second) = (claim("a", "1"), claim("a", "2"));
    assert!(first.may_hold(150) && !first.may_hold(51));
    assert!(second.may_hold(50) && !second.may_hold(1));
    first.keep(answer("made")).await;
    assert!(second.may_hold(150) && !second.may_hold(1));
    second.hold_nothing();
    assert!(second.may_hold(200));
    let mut others: Vec<_> = (0..9)
        .map(|caller| claim(&format!("other {caller}"), "1"))
        .collect();
    assert!(others.iter_mut().all(|other| other.may_hold(200)));
    let mut one_more = claim("b", "1");
    assert!(!one_more.may_hold(1), "ten times as much of all");
    drop(others.pop());
    assert!(one_more.may_hold(200) && !one_more.may_hold(1));
}
