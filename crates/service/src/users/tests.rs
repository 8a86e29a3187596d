//! Accounts of files that nobody would write, and those that everybody has.

use super::account::{Expiry, NewUser, Sudo, UserChanges};
use super::accounts::{Accounts, Row};
use bytes::Bytes;
use podlane_engine::UserName;
use podlane_engine::inside::{AccountFile, AccountStep};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn files(contents: &[(AccountFile, &str)]) -> Accounts {
    let contents = contents
        .iter()
        .map(|(file, content)| (*file, Bytes::copy_from_slice(content.as_bytes())));
    Accounts::new(contents.collect(), &[])
}

fn named(name: &str) -> NewUser {
    NewUser::named(UserName::parse(name).expect("a name"))
}

fn row(user: &NewUser) -> Row<'_> {
    Row {
        user,
        shell: "/bin/sh",
        hash: Some("$6$salt$hash"),
        day: 20_000,
    }
}

fn text(accounts: &Accounts, file: AccountFile) -> String {
    let lines = accounts.file(file).expect("the file");
    String::from_utf8(lines.bytes()).expect("text")
}

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000::/:/bin/sh";
const GROUP: &str = "root:x:0:\nstaff:x:1001:bob\nsudo:x:27:\n";

fn usual() -> Accounts {
    files(&[
        (AccountFile::Passwd, PASSWD),
        (AccountFile::Group, GROUP),
        (AccountFile::Shadow, "root:*:1::::::\nbob:!:1::::::\n"),
        (AccountFile::Gshadow, "root:*::\nstaff:!::bob\nsudo:*::\n"),
        (AccountFile::Subuid, "bob:100000:65536\n"),
        (AccountFile::Subgid, ""),
    ])
}

#[test]
fn takes_the_place_of_what_a_removed_account_has_left() {
    let mut accounts = files(&[
        (AccountFile::Passwd, PASSWD),
        (AccountFile::Group, GROUP),
        (
            AccountFile::Shadow,
            "ann:$6$old$old:1::::::\nroot:*:1::::::\n",
        ),
        (AccountFile::Gshadow, "ann:!::bob\nroot:*::\n"),
    ]);
    accounts.add(&[row(&named("ann"))]).expect("added");
    let shadow = text(&accounts, AccountFile::Shadow);
    assert!(shadow.starts_with("root:") && shadow.contains("\nann:$6$salt$hash:"));
    assert_eq!(text(&accounts, AccountFile::Gshadow), "root:*::\nann:!::\n");
}

#[test]
fn adds_behind_what_is_there() {
    let mut accounts = usual();
    let mut ann = named("ann");
    ann.groups = vec!["sudo".into(), "staff".into()];
    ann.comment = "Ann".into();
    ann.expires = Expiry(Some(21_945));
    ann.locked = true;
    let placed = accounts.add(&[row(&ann)]).expect("added");
    // 1000 is a user's and 1001 a group's.
    assert_eq!((placed[0].uid, placed[0].gid), (1002, 1002));
    let of = |file| text(&accounts, file);
    assert_eq!(
        of(AccountFile::Passwd),
        format!("{PASSWD}\nann:x:1002:1002:Ann:/home/ann:/bin/sh\n")
    );
    assert_eq!(
        of(AccountFile::Group),
        "root:x:0:\nstaff:x:1001:bob,ann\nsudo:x:27:ann\nann:x:1002:\n"
    );
    assert!(of(AccountFile::Shadow).ends_with("\nann:!$6$salt$hash:20000:0:99999:7::21945:\n"));
    assert_eq!(
        of(AccountFile::Gshadow),
        "root:*::\nstaff:!::bob,ann\nsudo:*::ann\nann:!::\n"
    );
    assert!(of(AccountFile::Subuid).ends_with("\nann:165536:65536\n"));
    assert_eq!(of(AccountFile::Subgid), "ann:100000:65536\n");
    let user = accounts.get("ann").expect("there");
    assert_eq!(user.groups, ["staff", "sudo"]);
    assert!(user.locked && user.has_password);
}

#[test]
fn each_row_says_what_is_wrong_with_it() {
    let mut accounts = usual();
    let (good, twice, taken) = (named("ann"), named("ann"), named("staff"));
    let (mut uid, mut group, mut groups) = (named("a"), named("b"), named("c"));
    uid.uid = Some(1000);
    group.group = Some("nosuch".into());
    groups.groups = vec!["no\nsuch".into()];
    let rows = [&good, &twice, &taken, &uid, &group, &groups].map(row);
    let wrong = accounts.add(&rows).expect_err("wrong");
    let said: Vec<_> = wrong
        .iter()
        .map(|(row, wrong)| (*row, wrong.field, wrong.conflict))
        .collect();
    assert_eq!(
        said,
        [
            (1, "username", true),
            (2, "username", true),
            (3, "uid", true),
            (4, "group", false),
            (5, "groups", false)
        ]
    );
    assert!(accounts.steps().is_empty(), "nothing was changed");
}

#[test]
fn numbers_that_rows_name_are_given_to_no_other() {
    let mut accounts = files(&[]);
    let (one, mut two, mut system) = (named("one"), named("two"), named("service"));
    two.uid = Some(1000);
    two.gid = Some(50);
    system.system = true;
    let placed = accounts
        .add(&[row(&one), row(&two), row(&system)])
        .expect("added");
    let ids: Vec<_> = placed.iter().map(|place| (place.uid, place.gid)).collect();
    assert_eq!(ids, [(1001, 1001), (1000, 50), (101, 101)]);
    let steps = accounts.steps();
    assert_eq!(
        steps.len(),
        3,
        "passwd, group and shadow are made: {steps:?}"
    );
}

#[test]
fn a_lock_is_one_character() {
    let mut accounts = usual();
    accounts.add(&[row(&named("ann"))]).expect("added");
    let before = text(&accounts, AccountFile::Shadow);
    let mut lock = |locked| {
        let user = accounts.get("ann").expect("there");
        let changes = UserChanges {
            locked: Some(locked),
            ..UserChanges::default()
        };
        accounts.modify(&user, &changes, None, 1).expect("changed");
        text(&accounts, AccountFile::Shadow)
    };
    assert_eq!(lock(true), before.replace("$6$", "!$6$"));
    assert_eq!(lock(true), before.replace("$6$", "!$6$"));
    assert_eq!(lock(false), before);
    let bob = accounts.get("bob").expect("there");
    let changes = UserChanges {
        locked: Some(false),
        ..UserChanges::default()
    };
    let wrong = accounts.modify(&bob, &changes, None, 1);
    assert_eq!(wrong.expect_err("no password").field, "locked");
}

#[test]
fn a_home_that_others_need_is_not_removable() {
    let passwd = "ann:x:5:5::/home/ann:/\nbob:x:6:6::/home/ann/sub/:/\ncid:x:7:7::/home:/\ndan:x:8:8::/home/../etc:/\neve:x:9:9::/home/eve/:/\nfay:x:10:10::/:/\n";
    let accounts = files(&[(AccountFile::Passwd, passwd)]);
    let removable = |name| {
        let user = accounts.get(name).expect("there");
        accounts.removable_home(&user).ok().map(|home| home.path)
    };
    assert_eq!(removable("eve").as_deref(), Some(&b"/home/eve"[..]));
    assert_eq!(removable("bob").as_deref(), Some(&b"/home/ann/sub"[..]));
    for name in ["ann", "cid", "dan", "fay"] {
        assert_eq!(removable(name), None, "{name}");
    }
}

#[test]
fn rules_for_sudo_are_those_of_ours() {
    let rule = Sudo::NoPassword.rule("bob").expect("a rule");
    let mut contents = BTreeMap::new();
    contents.insert(AccountFile::Passwd, PASSWD.into());
    let rules = [
        (b"bob".to_vec(), rule.into_bytes()),
        (b"root".to_vec(), b"x".to_vec()),
    ];
    let accounts = Accounts::new(contents, &rules);
    let sudo = |name| accounts.get(name).map(|user| user.sudo);
    assert_eq!(sudo("bob"), Some(Sudo::NoPassword));
    assert_eq!(sudo("root"), Some(Sudo::None));
}

fn lines(line: &'static str) -> impl Strategy<Value = String> {
    let lines = prop_oneof![
        line,
        "[#+\\-][a-z:,]{0,9}",
        "[ -~]{0,9}",
        Just(String::new())
    ];
    let ends = prop_oneof![Just("\n"), Just("\r\n")];
    proptest::collection::vec((lines, ends), 0..6).prop_map(|lines| {
        let lines = lines.into_iter().map(|(line, end)| line + end);
        lines.collect()
    })
}

proptest! {
    #[test]
    fn what_is_added_and_removed_leaves_nothing(
        passwd in lines("[a-z]{1,3}:x:(100[0-5]|0):(100[0-5]|0)::/[a-z]{0,3}:/"),
        group in lines("[a-z]{1,3}:x:(100[0-5]|0):[a-z,]{0,6}"),
        shadow in lines("[a-z]{1,3}:[!*x]?:1:::::"),
        gshadow in lines("[a-z]{1,3}:!::[a-z,]{0,6}"),
        subuid in lines("[a-z]{1,3}:1[0-9]{5}:65536"),
        count in 1usize..5,
    ) {
        let mut accounts = files(&[
            (AccountFile::Passwd, &passwd),
            (AccountFile::Group, &group),
            (AccountFile::Shadow, &shadow),
            (AccountFile::Gshadow, &gshadow),
            (AccountFile::Subuid, &subuid),
            (AccountFile::Subgid, &subuid),
        ]);
        prop_assert!(accounts.steps().is_empty(), "reading changes nothing");
        let known: Vec<String> = accounts
            .names(AccountFile::Group)
            .into_iter()
            .filter_map(|name| String::from_utf8(name.to_vec()).ok())
            .collect();
        let mut users: Vec<NewUser> = (0..count).map(|number| named(&format!("user{number}"))).collect();
        for user in &mut users {
            user.groups.clone_from(&known);
        }
        let rows: Vec<Row> = users.iter().map(row).collect();
        let placed = accounts.add(&rows).expect("added");
        let ids: std::collections::HashSet<u32> = placed.iter().map(|place| place.uid).collect();
        prop_assert_eq!(ids.len(), count, "an ID was given twice");
        for user in &users {
            let user = accounts.get(user.name.as_str()).expect("there");
            accounts.remove(&user).expect("removed");
        }
        // Lists of members are written without empty names.
        let steps = accounts.steps();
        let foreign = steps.iter().any(|(step, _)| {
            !matches!(step, AccountStep::File(AccountFile::Group | AccountFile::Gshadow))
        });
        prop_assert!(!foreign, "{steps:?}");
    }
}
