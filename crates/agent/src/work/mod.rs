//! Works: what a process forked from a worker does itself, as the user that the agent is.
//!
//! It has no descriptors but its standard streams. It may block: the worker ends it like any command.

mod accounts;
mod answer;
mod change;
mod copy;
mod entry;
mod input;
mod kernel;
mod list;
mod make;
mod note;
mod owner;
mod pack;
mod read;
mod remove;
mod resolve;
mod search;
mod temporary;
mod transfer;
mod unpack;
mod walk;
mod watch;
mod write;

pub(crate) use note::Note;

use answer::{Answer, Failed};
use input::Input;
use podlane_inside::{Reason, Work, blocks};
use rustix::fs::Mode;

/// What a work has to do with the rest of the world.
struct Job<'a> {
    input: Input,
    answer: Answer,
    note: &'a Note,
}

/// Does a work and answers on standard output. The code is 0 also for a failure that was told there.
pub(crate) fn run(work: &[u8], note: &Note) -> libc::c_int {
    // What is made gets the bits that it is to have.
    rustix::process::umask(Mode::empty());
    let mut job = Job {
        input: Input::default(),
        answer: Answer::default(),
        note,
    };
    let told = match blocks::parse(work) {
        Ok(work) => match perform(work, &mut job) {
            Err(Failed::Here(failure)) => job.answer.fail(&failure),
            done => done,
        },
        Err(_) => Err(Failed::There),
    };
    match told.and_then(|()| job.answer.flush()) {
        Ok(()) => libc::EXIT_SUCCESS,
        Err(_) => libc::EXIT_FAILURE,
    }
}

fn perform(work: Work, job: &mut Job<'_>) -> Result<(), Failed> {
    match work {
        Work::Stat { path, follow } => job.answer.only(&entry::stat(&path, follow)?),
        Work::Read {
            path,
            offset,
            length,
        } => read::read(&mut job.answer, &path, offset, length),
        Work::Write { path, place, mode } => {
            let written = write::write(&mut job.input, job.note, &path, &place, mode)?;
            job.answer.only(&written)
        }
        Work::List {
            path,
            depth,
            pattern,
            after,
            limit,
        } => {
            let wanted = list::Wanted {
                depth,
                pattern,
                after,
                limit,
            };
            list::list(&mut job.answer, &path, &wanted)
        }
        Work::MakeDirectory { path, place, mode } => {
            job.answer.only(&make::directory(&path, &place, mode)?)
        }
        Work::Link {
            path,
            target,
            place,
        } => {
            let link = make::link(job.note, &path, &target, &place)?;
            job.answer.only(&link)
        }
        Work::Move { from, to, place } => {
            let moved = transfer::move_to(job.note, &from, &to, &place)?;
            job.answer.only(&moved)
        }
        Work::Copy {
            from,
            to,
            recursive,
            place,
        } => {
            let copied = transfer::copy_to(job.note, &from, &to, recursive, &place)?;
            job.answer.only(&copied)
        }
        Work::Remove {
            path,
            recursive,
            expected,
        } => {
            let removed = remove::remove(&path, recursive, &expected)?;
            job.answer.only(&removed)
        }
        Work::Change {
            path,
            changes,
            recursive,
        } => {
            let changed = change::change(&path, &changes, recursive)?;
            job.answer.only(&changed)
        }
        Work::Search {
            path,
            pattern,
            expression,
            ignore_case,
            names,
            limit,
            file_limit,
        } => {
            let wanted = search::Wanted {
                pattern,
                expression,
                ignore_case,
                names,
                limit,
                file_limit,
            };
            search::search(&mut job.answer, &path, &wanted)
        }
        Work::Pack { paths, limit } => pack::pack(&mut job.answer, &paths, limit),
        Work::Unpack { path, place } => {
            let packed = unpack::unpack(&mut job.input, job.note, &path, &place)?;
            job.answer.only(&packed)
        }
        Work::Watch {
            path,
            recursive,
            limit,
        } => watch::watch(&mut job.answer, &path, recursive, limit),
        Work::Accounts { programs, change } => accounts::accounts(job, &programs, change),
    }
}

/// The failure of what would be more than a work allows.
fn limit(what: &str, path: &[u8]) -> Failed {
    Failed::new(Reason::Limit(what.into()), path)
}
