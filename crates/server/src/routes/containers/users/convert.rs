//! Accounts' bodies to the service's nouns, and back.

use crate::error::Error;
use crate::refusal::Refusal;
use podlane_api::{Account, AddUser, Hidden, ModifyUser};
use podlane_engine::{InnerPath, InvalidName, UserName};
use podlane_service::{
    Expiry, NewUser, Password, PasswordHash, RowProblem, Secret, Service, SshKey, Sudo, User,
    UserChanges,
};
use std::borrow::Cow;

/// The most keys of an account, and the most groups.
const MAX_LIST: usize = 100;

type Result<T> = std::result::Result<T, Refusal>;

/// All rows, or what is wrong with each that is wrong in itself.
pub(super) fn new_users(bodies: &[AddUser]) -> std::result::Result<Vec<NewUser>, Error> {
    if bodies.is_empty() || bodies.len() > Service::MAX_NEW_USERS {
        let message = format!("one call makes 1 to {} accounts", Service::MAX_NEW_USERS);
        return Err(Refusal::field("users", message).into());
    }
    let (mut users, mut problems) = (Vec::with_capacity(bodies.len()), Vec::new());
    for (row, body) in bodies.iter().enumerate() {
        match new_user(body) {
            Ok(user) => users.push(user),
            Err(Refusal::Field {
                field: Cow::Borrowed(field),
                message,
                ..
            }) => problems.push(RowProblem {
                row,
                field,
                message,
                conflict: false,
            }),
            Err(other) => return Err(other.into()),
        }
    }
    if problems.is_empty() {
        return Ok(users);
    }
    Err(podlane_service::Error::Rows(problems).into())
}

pub(super) fn new_user(body: &AddUser) -> Result<NewUser> {
    let name = UserName::parse(&body.username).map_err(Refusal::in_field("username"))?;
    Ok(NewUser {
        secret: secret(body.password.as_ref(), body.password_hash.as_ref())?,
        locked: body.locked.unwrap_or(false),
        uid: number("uid", 1, body.uid)?,
        gid: number("gid", 0, body.gid)?,
        group: body.group.clone(),
        groups: groups(body.groups.as_deref())?.unwrap_or_default(),
        comment: body.comment.clone().unwrap_or_default(),
        expires: expiry(body.expires.as_deref())?.unwrap_or(Expiry(None)),
        shell: path("shell", body.shell.as_deref())?,
        home: path("home", body.home.as_deref())?,
        create_home: body.create_home.unwrap_or(true),
        keys: keys(body.ssh_keys.as_deref())?.unwrap_or_default(),
        sudo: body.sudo.map_or(Sudo::None, sudo),
        system: body.system.unwrap_or(false),
        name,
    })
}

pub(super) fn changes(body: &ModifyUser) -> Result<UserChanges> {
    Ok(UserChanges {
        secret: secret(body.password.as_ref(), body.password_hash.as_ref())?,
        locked: body.locked,
        groups: groups(body.groups.as_deref())?,
        comment: body.comment.clone(),
        expires: expiry(body.expires.as_deref())?,
        shell: path("shell", body.shell.as_deref())?,
        keys: keys(body.ssh_keys.as_deref())?,
        sudo: body.sudo.map(sudo),
    })
}

pub(super) fn account(user: User) -> Account {
    Account {
        username: user.name,
        uid: user.uid,
        gid: user.gid,
        groups: user.groups,
        comment: user.comment,
        home: user.home,
        shell: user.shell,
        has_password: user.has_password,
        locked: user.locked,
        expires: user.expires.date(),
        sudo: match user.sudo {
            Sudo::None => podlane_api::Sudo::None,
            Sudo::Password => podlane_api::Sudo::Password,
            Sudo::NoPassword => podlane_api::Sudo::NoPasswd,
        },
    }
}

fn sudo(sudo: podlane_api::Sudo) -> Sudo {
    match sudo {
        podlane_api::Sudo::None => Sudo::None,
        podlane_api::Sudo::Password => Sudo::Password,
        podlane_api::Sudo::NoPasswd => Sudo::NoPassword,
    }
}

fn secret(password: Option<&Hidden>, hash: Option<&Hidden>) -> Result<Option<Secret>> {
    let wrong = |field: &'static str, message: &str| Refusal::field(field, message);
    match (password, hash) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(wrong(
            "password_hash",
            "give a password or its hash, not both",
        )),
        (Some(text), None) => {
            let password = Password::parse(&text.0).ok_or_else(|| {
                wrong(
                    "password",
                    "a password has 1 to 1024 bytes, no line break and no NUL",
                )
            })?;
            Ok(Some(Secret::Password(password)))
        }
        (None, Some(text)) => {
            let hash = PasswordHash::parse(&text.0).ok_or_else(|| {
                wrong(
                    "password_hash",
                    "a hash is written as crypt(5) has it, beginning with \"$6$\", \"$y$\" or the like",
                )
            })?;
            Ok(Some(Secret::Hash(hash)))
        }
    }
}

fn path(field: &'static str, text: Option<&str>) -> Result<Option<InnerPath>> {
    let path: std::result::Result<_, InvalidName> = text.map(InnerPath::parse).transpose();
    path.map_err(Refusal::in_field(field))
}

/// The kernel's "no one" is nobody's number.
fn number(field: &'static str, least: u32, number: Option<u32>) -> Result<Option<u32>> {
    if number.is_some_and(|number| number < least || number == u32::MAX) {
        let message = format!("a {field} is from {least} to 4294967294");
        return Err(Refusal::field(field, message));
    }
    Ok(number)
}

fn expiry(text: Option<&str>) -> Result<Option<Expiry>> {
    let Some(text) = text else { return Ok(None) };
    let message =
        "a date is written like 2030-01-31, and is after 1970-01-01; an empty text is for never";
    let expiry = Expiry::parse(text).ok_or_else(|| Refusal::field("expires", message))?;
    Ok(Some(expiry))
}

fn groups(groups: Option<&[String]>) -> Result<Option<Vec<String>>> {
    let Some(groups) = groups else {
        return Ok(None);
    };
    if groups.len() > MAX_LIST {
        let message = format!("an account is put into at most {MAX_LIST} groups");
        return Err(Refusal::field("groups", message));
    }
    let mut once: Vec<String> = Vec::new();
    for group in groups {
        if !once.contains(group) {
            once.push(group.clone());
        }
    }
    Ok(Some(once))
}

fn keys(keys: Option<&[Hidden]>) -> Result<Option<Vec<SshKey>>> {
    let Some(keys) = keys else { return Ok(None) };
    if keys.len() > MAX_LIST {
        let message = format!("an account has at most {MAX_LIST} keys");
        return Err(Refusal::field("ssh_keys", message));
    }
    let message = "a key is one line of a type, Base64 and, if wanted, a comment, like \"ssh-ed25519 AAAA... ann@home\", without options";
    let key =
        |text: &Hidden| SshKey::parse(&text.0).ok_or_else(|| Refusal::field("ssh_keys", message));
    keys.iter().map(key).collect::<Result<_>>().map(Some)
}
