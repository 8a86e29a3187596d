//! What login.defs(5) says of new accounts, with the defaults of shadow-utils.

use std::collections::HashMap;
use std::ops::RangeInclusive;

/// The settings that are there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct LoginDefs(HashMap<String, String>);

impl LoginDefs {
    pub(super) fn parse(content: &[u8]) -> Self {
        let text = String::from_utf8_lossy(content);
        let setting = |line: &str| {
            let mut words = line.split_whitespace();
            let name = words.next().filter(|name| !name.starts_with('#'))?;
            let value = words.next()?.trim_matches('"');
            Some((name.to_owned(), value.to_owned()))
        };
        Self(text.lines().filter_map(setting).collect())
    }

    /// A number: decimal, octal with 0 or hexadecimal with 0x before it.
    fn number(&self, name: &str, default: u32) -> u32 {
        let parse = |text: &String| match text.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None if text.len() > 1 && text.starts_with('0') => u32::from_str_radix(text, 8).ok(),
            None => text.parse().ok(),
        };
        self.0.get(name).and_then(parse).unwrap_or(default)
    }

    /// The numbers of new accounts.
    pub(super) fn ids(&self, system: bool) -> RangeInclusive<u32> {
        if system {
            self.number("SYS_UID_MIN", 101)..=self.number("SYS_UID_MAX", 999)
        } else {
            self.number("UID_MIN", 1000)..=self.number("UID_MAX", 60_000)
        }
    }

    /// Where ranges of subordinate numbers lie, and how long one is.
    pub(super) fn subordinates(&self, kind: &str) -> (RangeInclusive<u32>, u32) {
        let first = self.number(&format!("SUB_{kind}_MIN"), 100_000);
        let last = self.number(&format!("SUB_{kind}_MAX"), 600_100_000);
        let count = self.number(&format!("SUB_{kind}_COUNT"), 65_536);
        (first..=last, count)
    }

    /// The permission bits of a home directory.
    pub(super) fn home_mode(&self) -> u32 {
        let mask = self.number("UMASK", 0o022);
        self.number("HOME_MODE", 0o777 & !mask) & 0o777
    }

    /// What shadow(5) says of a new password: its least and greatest age, and when to warn, in days.
    pub(super) fn ages(&self) -> String {
        let days = |name, default| self.0.get(name).map_or(default, String::as_str);
        let number = |name, default| {
            let text = days(name, default);
            let fits = text.parse::<i32>().is_ok();
            if fits { text } else { default }.to_owned()
        };
        format!(
            "{}:{}:{}",
            number("PASS_MIN_DAYS", "0"),
            number("PASS_MAX_DAYS", "99999"),
            number("PASS_WARN_AGE", "7")
        )
    }

    /// Whether passwords are hashed with yescrypt.
    pub(super) fn yescrypt(&self) -> bool {
        let method = self.0.get("ENCRYPT_METHOD");
        method.is_some_and(|method| method.eq_ignore_ascii_case("YESCRYPT"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_shadow_utils() {
        let defs = LoginDefs::default();
        assert_eq!(defs.ids(false), 1000..=60_000);
        assert_eq!(defs.ids(true), 101..=999);
        assert_eq!(defs.home_mode(), 0o755);
        assert_eq!(defs.ages(), "0:99999:7");
        assert!(!defs.yescrypt());
    }

    #[test]
    fn numbers_are_read_in_each_form() {
        let defs = LoginDefs::parse(
            b"# UID_MIN 5\nUID_MIN\t\t 2000 # first\nUID_MAX 0x1000\nUMASK 077\nPASS_MAX_DAYS x\nENCRYPT_METHOD yescrypt\n",
        );
        assert_eq!(defs.ids(false), 2000..=4096);
        assert_eq!(defs.home_mode(), 0o700);
        assert_eq!(defs.ages(), "0:99999:7");
        assert!(defs.yescrypt());
    }
}
