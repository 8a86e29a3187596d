//! Works: what an agent does itself. Where there is none, neither are they: the engine says so.

mod changes;
mod faults;
mod files;
mod trees;
mod watching;

pub use changes::*;
pub use faults::*;
pub use files::*;
pub use trees::*;
pub use watching::*;

use super::subject::{Subject, call};
use podlane_engine::inside::{
    Entry, Expectation, Failure, Kind, Listed, Owner, Place, Reason, Work, blocks,
};
use podlane_engine::{ContainerId, ExecPath, Process, Source, UserSpec};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::AsyncWriteExt;

/// A container whose agent works.
struct Inside<'a> {
    subject: &'a Subject,
    id: ContainerId,
    user: Option<UserSpec>,
}

/// What came of a work.
struct Answered(Vec<u8>);

impl Answered {
    fn block(&mut self) -> Result<Vec<u8>, Failure> {
        assert!(self.0.len() >= 4, "the answer ends too early");
        let header: Vec<u8> = self.0.drain(..4).collect();
        let header = u32::from_le_bytes(header.try_into().expect("four bytes"));
        let length = (header & !blocks::FAILED) as usize;
        let body: Vec<u8> = self.0.drain(..length).collect();
        if header & blocks::FAILED == 0 {
            return Ok(body);
        }
        assert!(self.0.is_empty(), "a failure is the end");
        Err(blocks::parse(&body).expect("a failure"))
    }

    /// The next record; `None` at an end.
    fn record<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Failure> {
        let body = self.block()?;
        Ok((!body.is_empty()).then(|| blocks::parse(&body).expect("a record")))
    }

    fn records<T: DeserializeOwned>(&mut self) -> Result<Vec<T>, Failure> {
        let mut records = Vec::new();
        while let Some(record) = self.record()? {
            records.push(record);
        }
        Ok(records)
    }

    fn content(&mut self) -> Result<Vec<u8>, Failure> {
        let mut content = Vec::new();
        loop {
            let block = self.block()?;
            if block.is_empty() {
                return Ok(content);
            }
            content.extend(block);
        }
    }

    /// The answer of one record.
    fn only<T: DeserializeOwned>(mut self) -> Result<T, Failure> {
        let record = self.record()?.expect("a record");
        self.end();
        Ok(record)
    }

    /// Insists that this is the end.
    fn end(mut self) {
        assert_eq!(self.block(), Ok(Vec::new()));
        assert!(self.0.is_empty(), "more comes after the end");
    }
}

/// Reads an answer to its end.
async fn answered(mut process: Box<dyn Process>) -> Answered {
    let mut answer = Vec::new();
    while let Some(chunk) = process.next().await.expect("an answer") {
        assert_eq!(chunk.source, Source::Stdout, "{:?}", chunk.data);
        answer.extend_from_slice(&chunk.data);
    }
    let exit = process.wait().await.expect("an end");
    assert_eq!(exit.code, 0, "{answer:?}");
    Answered(answer)
}

impl<'a> Inside<'a> {
    /// A container of its own; `None` where no engine of this kind has agents.
    async fn of(subject: &'a Subject) -> Option<Self> {
        let id = subject.idle().await;
        Self::in_container(subject, id).await
    }

    async fn in_container(subject: &'a Subject, id: ContainerId) -> Option<Self> {
        if subject.path() == ExecPath::Engine {
            let look = Work::Stat {
                path: b"/".to_vec(),
                follow: true,
            };
            let work = subject.engine.work(&call(), &id, None, &look).await;
            assert!(work.expect("an answer").is_none());
            return None;
        }
        Some(Self {
            subject,
            id,
            user: None,
        })
    }

    fn by(&self, user: &str) -> Self {
        Self {
            subject: self.subject,
            id: self.id.clone(),
            user: Some(UserSpec::parse(user).expect("a user")),
        }
    }

    async fn sh(&self, script: &str) -> String {
        self.subject.output(&self.id, script).await
    }

    async fn start(&self, work: &Work) -> Box<dyn Process> {
        let (engine, call) = (&self.subject.engine, call());
        let started = engine.work(&call, &self.id, self.user.as_ref(), work);
        let process = started.await.expect("an answer").expect("an agent");
        assert_eq!(process.path(), self.subject.path());
        process
    }

    /// Does a work, with all of its input.
    async fn work(&self, work: &Work, input: &[u8]) -> Answered {
        let mut process = self.start(work).await;
        if let Some(mut stdin) = process.take_stdin() {
            // What was wrong, if it is not taken, the answer says.
            let _ = stdin.write_all(input).await;
            let _ = stdin.flush().await;
        }
        answered(process).await
    }

    async fn stat(&self, path: &str) -> Result<Entry, Failure> {
        let work = Work::Stat {
            path: path.into(),
            follow: false,
        };
        self.work(&work, &[]).await.only()
    }

    async fn write(&self, path: &str, content: &[u8]) -> Result<Entry, Failure> {
        self.write_as(path, content, anyhow(), None).await
    }

    async fn write_as(
        &self,
        path: &str,
        content: &[u8],
        place: Place,
        mode: Option<u32>,
    ) -> Result<Entry, Failure> {
        let work = Work::Write {
            path: path.into(),
            place,
            mode,
        };
        self.work(&work, &given(content)).await.only()
    }

    async fn read(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let work = Work::Read {
            path: path.into(),
            offset: 0,
            length: None,
        };
        let mut answer = self.work(&work, &[]).await;
        let entry: Entry = answer.record()?.expect("an entry");
        assert_eq!(entry.kind, Kind::File);
        let content = answer.content()?;
        assert_eq!(content.len() as u64, entry.size);
        Ok(content)
    }

    /// The paths below a directory.
    async fn list(&self, path: &str) -> Vec<String> {
        let work = Work::List {
            path: path.into(),
            depth: 100,
            pattern: None,
            after: None,
            limit: 100_000,
        };
        let (entries, end) = listed(self.work(&work, &[]).await).expect("a list");
        assert_eq!(end, Listed::Whole);
        entries.iter().map(|entry| text(&entry.path)).collect()
    }

    /// What was left behind under temporary names, anywhere.
    async fn leftovers(&self) -> String {
        // An agent's program may just be going.
        self.sh(
            "find / /dev/shm -xdev -name '.podlane-*' ! -name '.podlane-agent-*' 2>/dev/null; true",
        )
        .await
    }

    /// Insists that nothing is left behind, soon.
    async fn is_clean(&self) {
        for _ in 0..100 {
            if self.leftovers().await.is_empty() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("left behind: {}", self.leftovers().await);
    }
}

fn listed(mut answer: Answered) -> Result<(Vec<Entry>, Listed), Failure> {
    let entries = answer.records()?;
    let end = answer.only()?;
    Ok((entries, end))
}

fn text(path: &[u8]) -> String {
    String::from_utf8(path.to_vec()).expect("text")
}

/// Content as blocks, with its end.
fn given(content: &[u8]) -> Vec<u8> {
    let mut given = Vec::new();
    for block in content.chunks(blocks::MAX) {
        given.extend(blocks::header(block.len()));
        given.extend_from_slice(block);
    }
    given.extend(blocks::END);
    given
}

fn record(record: &impl Serialize) -> Vec<u8> {
    blocks::record(record).expect("a record")
}

/// Whatever is there, by whoever does it, where there is a directory.
fn anyhow() -> Place {
    Place {
        owner: Owner::Keep,
        parents: false,
        expected: Expectation::Any,
    }
}

fn with_parents() -> Place {
    Place {
        parents: true,
        ..anyhow()
    }
}

fn expecting(expected: Expectation) -> Place {
    Place {
        expected,
        ..anyhow()
    }
}

/// Insists that something has failed for this reason.
fn assert_reason<T: std::fmt::Debug>(result: Result<T, Failure>, reason: &Reason) {
    assert_eq!(&result.expect_err("a failure").reason, reason);
}
