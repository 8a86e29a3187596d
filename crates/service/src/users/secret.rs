//! Passwords, hashes and keys. They are shown nowhere.

use crate::{Error, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha_crypt::{PasswordHasher, ShaCrypt};
use std::fmt;
use yescrypt::Yescrypt;

macro_rules! hidden {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("(secret)")
            }
        }
    };
}

/// A password.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);
hidden!(Password);

impl Password {
    /// The longest password, in bytes.
    pub const MAX: usize = 1024;

    /// Checks a password: 1 to 1024 bytes, no line break and no NUL. `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=Self::MAX).contains(&text.len()) && !text.contains(['\n', '\r', '\0']);
        fits.then(|| Self(text.to_owned()))
    }

    /// Its hash with a fresh salt, as /etc/shadow holds it: of the method that login.defs says, if that is
    /// yescrypt, else sha512-crypt, which every libc verifies. Takes some milliseconds.
    pub(super) fn hash(&self, yescrypt: bool) -> Result<PasswordHash> {
        let failed = |reason: String| Error::Internal {
            step: "hashing a password",
            reason,
        };
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|error| failed(error.to_string()))?;
        let password = self.0.as_bytes();
        let hash = if yescrypt {
            Yescrypt::default()
                .hash_password_with_salt(password, &salt)
                .map(|hash| hash.to_string())
        } else {
            ShaCrypt::SHA512
                .hash_password_with_salt(password, &salt[..12])
                .map(|hash| hash.to_string())
        };
        hash.map(PasswordHash)
            .map_err(|error| failed(error.to_string()))
    }
}

/// A password's hash, as crypt(5) writes it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);
hidden!(PasswordHash);

impl PasswordHash {
    /// The longest hash, in bytes.
    pub const MAX: usize = 384;

    /// Checks the form: `$`, a method, `$`, and what the method writes. `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let is_part =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/' | b'$' | b'=' | b',');
        let (method, rest) = text.strip_prefix('$')?.split_once('$')?;
        let known = matches!(
            method,
            "1" | "2a" | "2b" | "2y" | "5" | "6" | "7" | "y" | "gy"
        );
        let fits = text.len() <= Self::MAX && rest.len() >= 20 && rest.bytes().all(is_part);
        (known && fits).then(|| Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A public key that may log in.
#[derive(Clone, PartialEq, Eq)]
pub struct SshKey(String);
hidden!(SshKey);

const KEY_TYPES: [&str; 7] = [
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

impl SshKey {
    /// The longest key, in bytes.
    pub const MAX: usize = 8192;

    /// Checks a key: its type, its Base64 and, if there is one, a comment. No options, no line break.
    /// `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > Self::MAX || text.chars().any(char::is_control) {
            return None;
        }
        let mut words = text.splitn(3, ' ');
        let kind = words.next().filter(|kind| KEY_TYPES.contains(kind))?;
        let key = BASE64_STANDARD.decode(words.next()?).ok()?;
        // It says its type itself, behind that one's length.
        let (length, rest) = key.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        let named = rest.get(..length)? == kind.as_bytes() && rest.len() > length;
        named.then(|| Self(text.to_owned()))
    }
}

/// The content of a file with keys.
pub(super) fn key_file(keys: &[SshKey]) -> Vec<u8> {
    let lines: Vec<String> = keys.iter().map(|key| format!("{}\n", key.0)).collect();
    lines.concat().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hashed_as_crypt_does() {
        // `openssl passwd -6 -salt ...` of the same password verifies alike; the format is crypt(5)'s.
        let password = Password::parse("it's $1 \"a:b\"").expect("a password");
        for (yescrypt, begin) in [(false, "$6$"), (true, "$y$j9T$")] {
            let hash = || password.hash(yescrypt).expect("hash");
            let (one, two) = (hash(), hash());
            assert!(one.0.starts_with(begin) && !one.0.contains([':', '\n']));
            assert_ne!(one.0, two.0, "each has its own salt");
            assert!(PasswordHash::parse(&one.0).is_some());
            assert_eq!(format!("{password:?}{one:?}"), "(secret)(secret)");
        }
    }

    #[test]
    fn what_files_or_tools_would_misread_is_refused() {
        for bad in ["", "a\nb", "a\r", "a\0", &"x".repeat(1025)] {
            assert!(Password::parse(bad).is_none(), "{bad:?}");
        }
        for bad in [
            "",
            "!",
            "*",
            "x",
            "$6$",
            "$6$salt$short",
            "plain",
            "$6$salt$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:0",
            "$6$salt$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
            "$9$salt$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert!(PasswordHash::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_key_is_its_type_its_base64_and_a_comment() {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDx7Zm9vYmFyYmF6cXV4cXV1eGNvcmdlZ3JhdWx0Z2E";
        for good in [key.to_owned() + "=", key.to_owned() + "= ann@home \"x\""] {
            assert!(SshKey::parse(&good).is_some(), "{good}");
        }
        for bad in [
            String::new(),
            format!("command=\"id\" {key}="),
            format!("{key}=\n{key}="),
            format!(" {key}="),
            key.replace("ssh-ed25519", "ssh-rsa") + "=",
            "ssh-ed25519 AAAA".to_owned(),
            "ssh-ed25519".to_owned(),
            "ssh-ed25519 !!!!".to_owned(),
        ] {
            assert!(SshKey::parse(&bad).is_none(), "{bad}");
        }
    }
}
