//! A door for the fuzz target. Panics where a promise is broken.

use super::account::NewUser;
use super::accounts::{Accounts, Row};
use bytes::Bytes;
use podlane_engine::UserName;
use podlane_engine::inside::AccountFile;
use std::collections::BTreeMap;

/// Adds and removes an account in hostile account files: nobody else's is touched, and afterwards all is as
/// it was, but for a last line's missing end and what is said of its name.
pub fn accounts(contents: &[&[u8]; 4]) {
    let files = [
        AccountFile::Passwd,
        AccountFile::Group,
        AccountFile::Shadow,
        AccountFile::LoginDefs,
    ];
    let before: BTreeMap<AccountFile, Bytes> = files
        .into_iter()
        .zip(
            contents
                .iter()
                .map(|content| Bytes::copy_from_slice(content)),
        )
        .collect();
    let mut accounts = Accounts::new(before.clone(), &[]);
    let others = accounts.list();
    let Some(name) = UserName::parse("zz-new").ok() else {
        return;
    };
    let user = NewUser::named(name);
    let row = Row {
        user: &user,
        shell: "/bin/sh",
        hash: Some("$6$salt$hash"),
        day: 20_000,
    };
    let Ok(placed) = accounts.add(&[row]) else {
        assert!(accounts.steps().is_empty());
        return;
    };
    assert!(placed[0].uid != 0 && placed[0].gid != 0);
    let mut now = accounts.list();
    let added = now.iter().position(|user| user.name == "zz-new");
    let added = now.remove(added.unwrap_or_else(|| panic!("the new account is not listed")));
    assert!(added.uid == placed[0].uid && added.gid == placed[0].gid);
    assert!(now == others, "somebody else's account was changed");
    let secret = accounts.file(AccountFile::Shadow);
    let secret = secret.and_then(|lines| lines.entry(b"zz-new"));
    assert!(secret.is_some_and(|entry| entry[1] == b"$6$salt$hash"));
    if accounts.remove(&added).is_err() {
        return;
    }
    let ended = |content: &[u8]| {
        let mut content = content.to_vec();
        if content.last().is_some_and(|last| *last != b'\n') {
            content.push(b'\n');
        }
        content
    };
    for file in [AccountFile::Passwd, AccountFile::Group, AccountFile::Shadow] {
        if before[&file].windows(6).any(|name| name == b"zz-new") {
            continue;
        }
        let after = accounts.file(file).map(|lines| ended(&lines.bytes()));
        let content = &before[&file];
        assert_eq!(after.unwrap_or_default(), ended(content));
    }
}
