//! What is in a directory, and below it.

use super::answer::{Answer, At, Failed};
use super::entry::{entry, target};
use super::resolve::{self, Link};
use super::walk::{Met, Step, Visit, walk};
use fast_glob::glob_match;
use podlane_inside::{Listed, Path, Pattern};
use rustix::io::Errno;
use std::cmp::Ordering;

pub(super) struct Wanted {
    pub(super) depth: u32,
    pub(super) pattern: Option<Pattern>,
    pub(super) after: Option<Path>,
    pub(super) limit: u32,
}

pub(super) fn list(answer: &mut Answer, path: &[u8], wanted: &Wanted) -> Result<(), Failed> {
    let spot = resolve::spot(path, Link::Followed, None)?;
    let directory = spot.open_directory()?;
    let mut list = List {
        answer,
        wanted,
        left: wanted.limit,
        more: false,
    };
    walk(&directory, &spot.path, &mut list)?;
    let end = if list.more {
        Listed::More
    } else {
        Listed::Whole
    };
    answer.end()?;
    answer.only(&end)
}

struct List<'a> {
    answer: &'a mut Answer,
    wanted: &'a Wanted,
    left: u32,
    more: bool,
}

/// The order of a list: a directory, what is in it, then the next name.
fn order(one: &[u8], other: &[u8]) -> Ordering {
    let names = |path| <[u8]>::split(path, |byte: &u8| *byte == b'/');
    names(one).cmp(names(other))
}

/// Whether `path` is below `directory`.
fn is_below(path: &[u8], directory: &[u8]) -> bool {
    let below = path.strip_prefix(directory);
    below.is_some_and(|below| below.first() == Some(&b'/'))
}

impl Visit for List<'_> {
    fn meet(&mut self, met: &Met<'_>) -> Result<Step, Failed> {
        let deeper = met.depth < self.wanted.depth as usize;
        let step = if deeper { Step::Enter } else { Step::Pass };
        if let Some(after) = &self.wanted.after
            && order(met.path, after) != Ordering::Greater
        {
            let on_the_way = after == met.path || is_below(after, met.path);
            return Ok(if on_the_way { step } else { Step::Pass });
        }
        let pattern = self.wanted.pattern.as_ref();
        if pattern.is_some_and(|pattern| !glob_match(pattern, met.path)) {
            return Ok(step);
        }
        if self.left == 0 {
            self.more = true;
            return Ok(Step::Stop);
        }
        let found = met.look().at(met.whole)?;
        let Some(found) = found else {
            return Ok(Step::Pass);
        };
        match target(met.directory, met.name, &found) {
            // Another thing by now, or gone.
            Err(Errno::NOENT | Errno::INVAL) => return Ok(Step::Pass),
            target => {
                let target = target.at(met.whole)?;
                let one = entry(met.path.to_vec(), &found, target);
                self.answer.record(&one)?;
            }
        }
        self.left -= 1;
        Ok(step)
    }

    fn barred(&mut self, _met: &Met<'_>, _error: Errno) -> Result<(), Failed> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_are_those_of_shells() {
        for (pattern, path) in [
            ("*.txt", "a.txt"),
            ("**/*.txt", "a.txt"),
            ("**/*.txt", "a/b/c.txt"),
            ("a/**", "a/b/c"),
            ("a/*/c", "a/b/c"),
            ("[ab]?", "b1"),
            ("{x,y}.rs", "y.rs"),
            ("\\*", "*"),
        ] {
            assert!(glob_match(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("*.txt", "a/b.txt"),
            ("?", "/"),
            ("a/*", "a/b/c"),
            ("*.txt", "a.txt.gz"),
            ("[!a]", "a"),
            ("", "a"),
        ] {
            assert!(!glob_match(pattern, path), "{pattern} {path}");
        }
        assert!(glob_match("*.txt", b"\xff\xfe.txt"));
    }

    #[test]
    fn a_directory_comes_before_what_is_in_it_and_that_before_the_next_name() {
        let mut paths = ["b", "a-b", "a/z", "a", "a/b", "a.c"].map(str::as_bytes);
        paths.sort_by(|a, b| order(a, b));
        assert_eq!(
            paths,
            ["a", "a/b", "a/z", "a-b", "a.c", "b"].map(str::as_bytes)
        );
        assert!(is_below(b"a/b", b"a") && !is_below(b"ab", b"a") && !is_below(b"a", b"a"));
    }

    proptest! {
        #[test]
        fn any_pattern_has_an_answer(pattern in "[a*?\\[\\]{},!/\\\\-]{0,40}", path in "[ab/]{0,60}") {
            let _ = glob_match(&pattern, &path);
        }
    }
}
