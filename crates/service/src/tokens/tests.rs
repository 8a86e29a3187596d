//! Who is let in, and when no more.

use super::{Auth, Presented, Token, TokenText, Tokens};
use crate::{Error, Role, Scope, Who};
use podlane_store::{Store, TokenRecord};
use std::net::IpAddr;
use std::path::Path;
use time::OffsetDateTime;

fn keeper(auth: Auth, directory: &Path) -> Tokens {
    Tokens::new(auth, Some(directory.to_owned()))
}

fn add(directory: &Path, change: impl FnOnce(&mut TokenRecord)) -> TokenText {
    let text = TokenText::make(None).expect("made");
    let mut record = TokenRecord {
        id: text.id().to_owned(),
        hash: text.hash(),
        name: "test".into(),
        role: Some("viewer".into()),
        scopes: "containers:read future:scope".into(),
        networks: String::new(),
        certificate: None,
        tenant: None,
        prefix: None,
        created: OffsetDateTime::now_utc().unix_timestamp(),
        expires: None,
        revoked: None,
    };
    change(&mut record);
    let store = Store::open(directory).expect("opened");
    store.add_token(&record).expect("added");
    text
}

fn reason(keeper: &Tokens, presented: Presented, peer: Option<&str>) -> &'static str {
    let peer = peer.map(|peer| peer.parse::<IpAddr>().expect("an address"));
    match keeper.identify(presented, peer) {
        Ok(caller) if *caller.who() == Who::Anonymous => "anonymous",
        Ok(_) => "known",
        Err(Error::Unidentified { reason }) => reason,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn nobody_is_asked_until_there_is_a_token() {
    let directory = tempfile::tempdir().expect("a directory");
    let (auto, on) = (
        keeper(Auth::Auto, directory.path()),
        keeper(Auth::On, directory.path()),
    );
    let off = keeper(Auth::Off, directory.path());
    assert_eq!(reason(&auto, Presented::Nothing, None), "anonymous");
    assert_eq!(reason(&auto, Presented::Unreadable("x"), None), "anonymous");
    assert!(reason(&on, Presented::Nothing, None).contains("who asks"));
    assert!(!Store::file(directory.path()).exists(), "looking made it");

    let text = add(directory.path(), |record| record.revoked = Some(1));
    for keeper in [&auto, &on] {
        // A revoked one is a token still: revoking the last does not open the door.
        assert!(reason(keeper, Presented::Nothing, None).contains("who asks"));
        let with = Presented::Token(text.reveal());
        assert!(reason(keeper, with, None).contains("revoked"));
        assert_eq!(reason(keeper, Presented::Unreadable("x"), None), "x");
    }
    assert_eq!(reason(&off, Presented::Nothing, None), "anonymous");
}

#[test]
fn a_token_says_who_asks_and_what_they_may_do() {
    let directory = tempfile::tempdir().expect("a directory");
    let keeper = keeper(Auth::Auto, directory.path());
    let text = add(directory.path(), |_| {});
    let caller = keeper
        .identify(Presented::Token(text.reveal()), None)
        .expect("known");
    let (id, name) = (text.id().to_owned(), "test".to_owned());
    assert_eq!(*caller.who(), Who::Token { id, name });
    assert!(caller.may(Scope::ContainersRead) && !caller.may(Scope::ContainersWrite));

    // The same ID with another secret, no token at all, and one of nobody.
    let other = TokenText::make(Some(text.id())).expect("made");
    let foreign = TokenText::make(None).expect("made");
    for wrong in [other.reveal(), foreign.reveal(), "", "pdl_"] {
        let said = reason(&keeper, Presented::Token(wrong), None);
        assert_eq!(said, "this token is not valid");
    }
    let store = Store::open(directory.path()).expect("opened");
    assert!(
        store
            .renew_token(text.id(), &other.hash())
            .expect("renewed")
    );
    let old = reason(&keeper, Presented::Token(text.reveal()), None);
    assert_eq!(old, "this token is not valid");
    let with = Presented::Token(other.reveal());
    assert_eq!(reason(&keeper, with, None), "known");
    assert!(store.revoke_token(text.id(), 1).expect("revoked"));
    assert!(reason(&keeper, with, None).contains("revoked"));
}

#[test]
fn a_token_ends_and_is_good_in_its_networks_only() {
    let directory = tempfile::tempdir().expect("a directory");
    let keeper = keeper(Auth::On, directory.path());
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let ended = add(directory.path(), |record| record.expires = Some(now));
    let with = Presented::Token(ended.reveal());
    assert!(reason(&keeper, with, None).contains("expired"));
    let bound = add(directory.path(), |record| {
        record.expires = Some(now + 1000);
        record.networks = "10.1.0.0/16 2001:db8::/32".into();
    });
    let with = Presented::Token(bound.reveal());
    for peer in ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1"] {
        assert_eq!(reason(&keeper, with, Some(peer)), "known", "{peer}");
    }
    for peer in [Some("10.2.0.1"), Some("::1"), None] {
        assert!(reason(&keeper, with, peer).contains("address"), "{peer:?}");
    }
    let garbled = add(directory.path(), |record| record.networks = "x".into());
    let with = Presented::Token(garbled.reveal());
    assert!(reason(&keeper, with, Some("10.1.2.3")).contains("address"));
}

#[test]
fn a_database_that_can_not_be_read_lets_nobody_in() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(
        Store::file(directory.path()),
        "no database at all, but text",
    )
    .expect("written");
    let keeper = keeper(Auth::Auto, directory.path());
    let refused = keeper.identify(Presented::Nothing, None);
    assert!(matches!(refused, Err(Error::Unkept { .. })), "{refused:?}");
}

#[test]
fn a_stronger_role_permits_more() {
    let [viewer, operator, admin] = Role::ALL.map(Role::scopes);
    for scope in Scope::ALL {
        assert!(admin.contains(*scope));
        assert!(operator.contains(*scope) || !viewer.contains(*scope));
        let writes = !scope.as_str().ends_with(":read");
        assert!(!(writes && viewer.contains(*scope)), "{scope}");
    }
    assert!(!operator.contains(Scope::TokensRead) && !operator.contains(Scope::AuditRead));
    for role in Role::ALL {
        assert_eq!(Role::parse(role.as_str()), Some(role));
    }
}

#[test]
fn what_is_kept_is_read_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = add(directory.path(), |_| {});
    let all = keeper(Auth::Auto, directory.path()).all().expect("a list");
    let [
        Token {
            id, role, networks, ..
        },
    ] = &all[..]
    else {
        panic!("{all:?}");
    };
    assert_eq!((id.as_str(), *role), (text.id(), Some(Role::Viewer)));
    assert!(networks.is_empty());
}
