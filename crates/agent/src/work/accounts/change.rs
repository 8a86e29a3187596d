//! A change of the accounts: everything written beside first, then named, then what can't fail any more.

use super::super::answer::{Failed, failure};
use super::home::{self, NewHomes};
use super::seen::Versions;
use super::undo::Undo;
use super::{ETC, Step, at, instead, joined, keys, walk};
use podlane_inside::{
    AccountFile, AccountStep, AccountsChanged, Failure, Reason, SUDO_DIRECTORY, SUDO_PREFIX,
};
use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, Uid, fchmod, fchown, fstat, linkat, openat, renameat, statat,
};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::rc::Rc;

/// The permission bits of /etc/sudoers.d and of what is in it.
const SUDO_MODES: (u32, u32) = (0o750, 0o440);

/// Takes all steps, or none.
pub(super) fn perform(
    etc: &Rc<OwnedFd>,
    versions: &Versions,
    steps: Vec<Step>,
) -> Result<AccountsChanged, Failed> {
    let mut undo = Undo::none();
    let mut files = Vec::new();
    let (mut key_files, mut removed) = (Vec::new(), Vec::new());
    let mut homes = None;
    let mut sudo = None;
    for Step { step, .. } in &steps {
        if let AccountStep::RemoveHome(home) = step {
            home::removable(home)?;
        }
    }
    for Step { step, content } in steps {
        match step {
            AccountStep::File(file) => files.push((file, content)),
            AccountStep::Home(made) => {
                let homes = match &mut homes {
                    Some(homes) => homes,
                    none => none.insert(NewHomes::new()?),
                };
                homes.make(&made, &mut undo)?;
            }
            AccountStep::Keys {
                home,
                keys: content,
            } => key_files.push((home, content)),
            AccountStep::Sudo { name, rule } => {
                if sudo.is_none() {
                    let path = SUDO_DIRECTORY.as_bytes();
                    sudo = Some(walk::directory(path, SUDO_MODES.0, &mut undo)?);
                }
                if let Some(directory) = &sudo {
                    place_rule(directory, &name, rule.as_deref(), &mut undo)?;
                }
            }
            AccountStep::RemoveHome(home) => removed.push(home),
        }
    }
    for (home, content) in &key_files {
        keys::stage(home, content, &mut undo)?;
    }
    for (file, content) in &files {
        stage(etc, *file, versions, content, &mut undo)?;
    }
    for (file, _) in &files {
        unchanged(etc, *file, versions)?;
    }
    for file in AccountFile::ALL {
        if files.iter().any(|(changed, _)| *changed == file) {
            let there = versions.contains_key(&file);
            name(etc, ETC, file.name(), there, &mut undo)?;
        }
    }
    for (home, _) in &key_files {
        keys::name(home, &mut undo)?;
    }
    undo.keep();
    let left = removed.iter().filter_map(home::remove);
    Ok(AccountsChanged {
        left: left.collect(),
    })
}

pub(super) fn beside(name: &str) -> String {
    format!(".podlane-{name}")
}

pub(super) fn kept(name: &str) -> String {
    format!(".podlane-{name}.old")
}

/// Writes an account file beside its place, with the owner and the permission bits of the one there.
fn stage(
    etc: &Rc<OwnedFd>,
    file: AccountFile,
    versions: &Versions,
    content: &[u8],
    undo: &mut Undo,
) -> Result<(), Failed> {
    let (mode, owner) = match versions.get(&file) {
        Some(there) => (there.st_mode & 0o7777, (there.st_uid, there.st_gid)),
        None => (file.mode(), (0, 0)),
    };
    write_beside(etc, ETC, file.name(), content, (mode, owner), undo)
}

fn write_beside(
    directory: &Rc<OwnedFd>,
    path: &[u8],
    name: &str,
    content: &[u8],
    (mode, (uid, gid)): (u32, (u32, u32)),
    undo: &mut Undo,
) -> Result<(), Failed> {
    let wrong = at(path, name);
    let beside = beside(name);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let create = || openat(directory, &beside, flags, Mode::RUSR | Mode::WUSR);
    let opened = instead(directory, &beside, create).map_err(&wrong)?;
    undo.file(directory, OsStr::new(&beside));
    let mut file = File::from(opened);
    let written = file.write_all(content);
    written.map_err(|error| failure(&error, &joined(path, name.as_bytes())))?;
    let found = fstat(&file).map_err(&wrong)?;
    if (found.st_uid, found.st_gid) != (uid, gid) {
        let owner = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        fchown(&file, owner.0, owner.1).map_err(&wrong)?;
    }
    fchmod(&file, Mode::from_raw_mode(mode)).map_err(&wrong)
}

/// That nobody who takes no lock has written the file since it was read.
fn unchanged(etc: &OwnedFd, file: AccountFile, versions: &Versions) -> Result<(), Failed> {
    let name = file.name();
    let same = match (
        statat(etc, name, AtFlags::SYMLINK_NOFOLLOW),
        versions.get(&file),
    ) {
        (Ok(now), Some(then)) => {
            (now.st_ino, now.st_size, now.st_mtime, now.st_mtime_nsec)
                == (then.st_ino, then.st_size, then.st_mtime, then.st_mtime_nsec)
        }
        (Err(Errno::NOENT), None) => true,
        (Err(errno), Some(_)) if errno != Errno::NOENT => return Err(at(ETC, name)(errno)),
        _ => false,
    };
    if same {
        return Ok(());
    }
    Err(Failed::Here(Failure {
        reason: Reason::Changed,
        path: joined(ETC, name.as_bytes()),
    }))
}

/// Gives what was written beside its name. What has that name is kept until the end.
fn name(
    directory: &Rc<OwnedFd>,
    path: &[u8],
    name: &str,
    there: bool,
    undo: &mut Undo,
) -> Result<(), Failed> {
    let wrong = at(path, name);
    let kept = kept(name);
    if there {
        let link = || linkat(directory, name, directory, &kept, AtFlags::empty());
        instead(directory, &kept, link).map_err(&wrong)?;
        undo.renamed(directory, OsStr::new(name), OsStr::new(&kept));
    }
    renameat(directory, beside(name), directory, name).map_err(&wrong)?;
    if !there {
        undo.file(directory, OsStr::new(name));
    }
    Ok(())
}

/// Writes or removes an account's rule for sudo, which ignores names with a dot.
fn place_rule(
    directory: &Rc<OwnedFd>,
    account: &str,
    rule: Option<&str>,
    undo: &mut Undo,
) -> Result<(), Failed> {
    let path = SUDO_DIRECTORY.as_bytes();
    let file = format!("{SUDO_PREFIX}{account}");
    let wrong = at(path, &file);
    let there = match statat(directory, &file, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => true,
        Err(Errno::NOENT) => false,
        Err(errno) => return Err(wrong(errno)),
    };
    if let Some(rule) = rule {
        let attributes = (SUDO_MODES.1, (0, 0));
        write_beside(directory, path, &file, rule.as_bytes(), attributes, undo)?;
        return name(directory, path, &file, there, undo);
    }
    if there {
        let kept = kept(&file);
        renameat(directory, &file, directory, &kept).map_err(&wrong)?;
        undo.renamed(directory, OsStr::new(&file), OsStr::new(&kept));
    }
    Ok(())
}
