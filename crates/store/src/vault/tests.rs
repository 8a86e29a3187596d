use super::*;
use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::thread;

const HERE: Place = Place(&["table", "tenant", "name"]);

fn secret(text: &str) -> Secret {
    text.as_bytes().to_vec().into()
}

fn write(path: &Path, bytes: &[u8], mode: u32) {
    let _ = fs::remove_file(path);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    let mut file = options.open(path).expect("a file");
    std::io::Write::write_all(&mut file, bytes).expect("written");
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("its mode");
}

#[test]
fn what_is_sealed_is_read_in_its_own_place_only() {
    let directory = tempfile::tempdir().expect("a directory");
    let vault = Vault::new(directory.path(), None);
    let sealed = vault.seal(HERE, &secret("hunter2"), true).expect("sealed");
    let opened = vault.open(HERE, &sealed).expect("opened");
    assert_eq!(opened, secret("hunter2"));
    assert_eq!(
        format!("{opened:?} {:?}", vault.key),
        "(hidden) Mutex { data: Some((hidden)), poisoned: false, .. }"
    );
    assert!(!sealed.windows(7).any(|part| part == b"hunter2"));
    let again = vault.seal(HERE, &secret("hunter2"), false).expect("sealed");
    assert_ne!(again[..], sealed[..], "each has a nonce of its own");
    for elsewhere in [
        Place(&["table", "tenant", "other"]),
        Place(&["table", "tenantn", "ame"]),
        Place(&["table", "tenant", "name", ""]),
        Place(&["table", "tenant"]),
        Place(&[]),
    ] {
        let refused = vault.open(elsewhere, &sealed);
        assert!(
            matches!(refused, Err(Error::Broken { .. })),
            "{elsewhere:?}"
        );
    }
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        let refused = vault.open(HERE, &changed);
        assert!(matches!(refused, Err(Error::Broken { .. })), "{at}");
        assert!(vault.open(HERE, &sealed[..at]).is_err(), "{at}");
    }
    // Another server, later.
    let later = Vault::new(directory.path(), None);
    assert_eq!(
        later.open(HERE, &sealed).expect("opened"),
        secret("hunter2")
    );
    for text in ["", &"x".repeat(100_000)] {
        let sealed = later.seal(HERE, &secret(text), false).expect("sealed");
        assert_eq!(later.open(HERE, &sealed).expect("opened"), secret(text));
    }
}

#[test]
fn another_key_reads_nothing_and_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let vault = Vault::new(directory.path(), None);
    let sealed = vault.seal(HERE, &secret("hunter2"), true).expect("sealed");
    let file = Vault::file(directory.path());
    write(&file, &[7; 32], 0o600);
    let other = Vault::new(directory.path(), None);
    let refused = other.open(HERE, &sealed).expect_err("another key");
    assert!(refused.to_string().contains("another key"), "{refused}");
    fs::remove_file(&file).expect("removed");
    let without = Vault::new(directory.path(), None);
    for refused in [
        without.open(HERE, &sealed).map(drop),
        without.seal(HERE, &secret("x"), false).map(drop),
    ] {
        let refused = refused.expect_err("no key").to_string();
        assert!(refused.contains("is not there"), "{refused}");
    }
    assert!(
        !file.exists(),
        "no key is made while something is sealed with another"
    );
    // A key that comes back is found, and that of a running server stays.
    without.check().expect("nothing is wrong");
    vault.open(HERE, &sealed).expect("still known");
}

#[test]
fn a_key_is_of_the_servers_account_alone_and_has_its_length() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("given");
    let vault = || Vault::new(directory.path(), Some(file.clone()));
    let said = |vault: Vault| vault.check().expect_err("refused").to_string();
    assert!(
        said(vault()).contains("is not there"),
        "a given key is not made"
    );
    assert!(vault().seal(HERE, &secret("x"), true).is_err());
    assert!(!file.exists());
    for mode in [0o640, 0o604, 0o620, 0o602, 0o610, 0o666] {
        write(&file, &[1; 32], mode);
        assert!(said(vault()).contains("0600"), "{mode:o}");
    }
    for length in [0, 31, 33, 64, 100_000] {
        write(&file, &vec![1; length], 0o600);
        assert!(said(vault()).contains("exactly 32 bytes"), "{length}");
    }
    fs::remove_file(&file).expect("removed");
    fs::create_dir(&file).expect("a directory");
    assert!(vault().check().is_err());
    fs::remove_dir(&file).expect("removed");
    let pipe = rustix::fs::mkfifoat(rustix::fs::CWD, &file, rustix::fs::Mode::RUSR);
    pipe.expect("a pipe");
    assert!(
        said(vault()).contains("plain file"),
        "and nobody waits for it"
    );
    fs::remove_file(&file).expect("removed");
    for mode in [0o600, 0o400] {
        write(&file, &[1; 32], mode);
        vault().check().expect("a good one");
    }
    assert!(!Vault::file(directory.path()).exists());
}

#[test]
fn servers_that_begin_at_once_have_one_key() {
    let directory = tempfile::tempdir().expect("a directory");
    let state = directory.path().join("a/b");
    let sealed: Vec<_> = thread::scope(|scope| {
        let one = || Vault::new(&state, None).seal(HERE, &secret("x"), true);
        let all: Vec<_> = (0..16).map(|_| scope.spawn(one)).collect();
        all.into_iter()
            .map(|one| one.join().expect("no panic"))
            .collect()
    });
    let vault = Vault::new(&state, None);
    for sealed in sealed {
        vault.open(HERE, &sealed.expect("sealed")).expect("one key");
    }
    let mode = fs::metadata(Vault::file(&state))
        .expect("a key")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let left = fs::read_dir(&state).expect("a directory").count();
    assert_eq!(left, 1, "nothing else stays");
    // What a server that died in the middle has left is no key.
    write(&state.join(".secret.key-abc"), &[0; 5], 0o600);
    Vault::new(&state, None).check().expect("a key");
}
