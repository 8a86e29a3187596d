//! Lines of files that hold something.

use super::answer::{Answer, At, Failed};
use super::entry::{kind, size};
use super::resolve::{self, Link};
use super::walk::{Met, Step, Visit, walk};
use fast_glob::glob_match;
use podlane_inside::{Found, Kind, Match, Occurrence, Pattern};
use regex_lite::{Regex, RegexBuilder};
use rustix::fs::{FileType, OFlags};
use rustix::io::Errno;
use std::borrow::Cow;
use std::os::fd::OwnedFd;

/// How much of a file is looked at at once, and so how long a line may be to be searched as one.
const PIECE: usize = 256 << 10;
/// How much of a line is shown.
const SHOWN: usize = 1024;
/// How large an expression may become, in bytes.
const EXPRESSION: usize = 1 << 20;

pub(super) struct Wanted {
    pub(super) pattern: String,
    pub(super) expression: bool,
    pub(super) ignore_case: bool,
    pub(super) names: Option<Pattern>,
    pub(super) limit: u32,
    pub(super) file_limit: u64,
}

pub(super) fn search(answer: &mut Answer, path: &[u8], wanted: &Wanted) -> Result<(), Failed> {
    let pattern = What::new(wanted)?;
    let spot = resolve::spot(path, Link::Followed, None)?;
    let mut search = Search {
        answer,
        pattern,
        left: wanted.limit,
        wanted,
        found: Found {
            files: 0,
            skipped: 0,
            more: false,
        },
    };
    if kind(spot.found()?.st_mode) == Kind::Directory {
        let directory = spot.open_directory()?;
        walk(&directory, &spot.path, &mut search)?;
    } else {
        let (file, _) = spot.open_file()?;
        search.file(&file, &[], &spot.path)?;
    }
    let found = search.found;
    answer.end()?;
    answer.only(&found)
}

/// What is searched.
enum What {
    Text(String),
    Expression(Regex),
}

impl What {
    fn new(wanted: &Wanted) -> Result<Self, Failed> {
        if wanted.pattern.is_empty() {
            return Err(Failed::invalid("there must be something to search", &[]));
        }
        let expression = match (wanted.expression, wanted.ignore_case) {
            (false, false) => return Ok(Self::Text(wanted.pattern.clone())),
            (false, true) => Cow::Owned(regex_lite::escape(&wanted.pattern)),
            (true, _) => Cow::Borrowed(&wanted.pattern[..]),
        };
        let built = RegexBuilder::new(&expression)
            .case_insensitive(wanted.ignore_case)
            .size_limit(EXPRESSION)
            .build();
        let invalid = |error| Failed::invalid(&format!("the expression: {error}"), &[]);
        built.map(Self::Expression).map_err(invalid)
    }

    /// Where in a line it is first.
    fn find(&self, line: &str) -> Option<(usize, usize)> {
        match self {
            Self::Text(text) => line
                .find(&text[..])
                .map(|start| (start, start + text.len())),
            Self::Expression(expression) => {
                let found = expression.find(line)?;
                Some((found.start(), found.end()))
            }
        }
    }
}

struct Search<'a> {
    answer: &'a mut Answer,
    pattern: What,
    left: u32,
    wanted: &'a Wanted,
    found: Found,
}

/// What has come of a file.
enum Read {
    Whole,
    /// It was not searched to its end.
    Part,
}

impl Search<'_> {
    fn file(&mut self, file: &OwnedFd, path: &[u8], whole: &[u8]) -> Result<(), Failed> {
        let found = rustix::fs::fstat(file).at(whole)?;
        if kind(found.st_mode) != Kind::File {
            return Ok(());
        }
        if size(&found) > self.wanted.file_limit {
            self.found.skipped += 1;
            return Ok(());
        }
        match self.lines(file, path)? {
            Read::Whole => self.found.files += 1,
            Read::Part => self.found.skipped += 1,
        }
        Ok(())
    }

    fn lines(&mut self, file: &OwnedFd, path: &[u8]) -> Result<Read, Failed> {
        let mut buffer = vec![0; PIECE];
        let (mut filled, mut line, mut read) = (0, 0, 0);
        loop {
            let more = loop {
                match rustix::io::read(file, &mut buffer[filled..]) {
                    Err(Errno::INTR) => {}
                    Ok(more) => break more,
                    Err(_) => return Ok(Read::Part),
                }
            };
            // What grows meanwhile has an end all the same.
            if read + more as u64 > self.wanted.file_limit {
                return Ok(Read::Part);
            }
            if read == 0 && buffer[..more].contains(&0) {
                return Ok(Read::Part);
            }
            read += more as u64;
            filled += more;
            let mut begin = 0;
            while begin < filled {
                let end = buffer[begin..filled].iter().position(|byte| *byte == b'\n');
                let end = match end {
                    Some(end) => begin + end,
                    // The last line, or one that is cut there.
                    None if more == 0 || (begin == 0 && filled == buffer.len()) => filled,
                    None => break,
                };
                line += 1;
                if !self.line(path, line, &buffer[begin..end])? {
                    return Ok(Read::Whole);
                }
                begin = (end + 1).min(filled);
            }
            if more == 0 {
                return Ok(Read::Whole);
            }
            buffer.copy_within(begin..filled, 0);
            filled -= begin;
        }
    }

    /// Whether there is room for another match.
    fn line(&mut self, path: &[u8], line: u64, text: &[u8]) -> Result<bool, Failed> {
        let text = String::from_utf8_lossy(text);
        let Some((start, end)) = self.pattern.find(&text) else {
            return Ok(true);
        };
        if self.left == 0 {
            self.found.more = true;
            return Ok(false);
        }
        self.left -= 1;
        let mut shown = text.len().min(SHOWN);
        while !text.is_char_boundary(shown) {
            shown -= 1;
        }
        let at = |at| u32::try_from(at).unwrap_or(u32::MAX);
        self.answer.record(&Match {
            path: path.to_vec(),
            line,
            text: text[..shown].to_owned(),
            occurrence: Occurrence {
                start: at(start),
                end: at(end),
            },
        })?;
        Ok(true)
    }
}

impl Visit for Search<'_> {
    fn meet(&mut self, met: &Met<'_>) -> Result<Step, Failed> {
        if met.kind != FileType::RegularFile {
            return Ok(Step::Enter);
        }
        let names = self.wanted.names.as_ref();
        if names.is_some_and(|names| !glob_match(names, met.name)) {
            return Ok(Step::Pass);
        }
        match met.open(OFlags::RDONLY) {
            Ok(file) => self.file(&file, met.path, met.whole)?,
            Err(Errno::NOENT) => {}
            Err(_) => self.found.skipped += 1,
        }
        Ok(if self.found.more {
            Step::Stop
        } else {
            Step::Enter
        })
    }

    fn barred(&mut self, _met: &Met<'_>, _error: Errno) -> Result<(), Failed> {
        self.found.skipped += 1;
        Ok(())
    }
}
