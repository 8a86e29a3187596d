//! Faults: what a real Podman can't be made to do on demand.

use super::Route;
use super::answer::{Answer, Refusal};
use bytes::Bytes;
use http::StatusCode;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What goes wrong.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The request is read and never answered, and nothing is done about it.
    Hang,
    /// The answer comes so much later; then all is well.
    Delay(Duration),
    /// The connection is closed instead of an answer; nothing is done about the request.
    DropConnection,
    /// This answer instead of the right one; nothing is done about the request.
    Status {
        /// The status code.
        code: u16,
        /// The body, of any form: HTML, garbage, half a JSON document.
        body: Bytes,
        /// Its content type.
        content_type: String,
    },
    /// 500 with this message in libpod's form; nothing is done, but a start notes it as
    /// `State.Error` where the version keeps that.
    Fails(String),
    /// 500 "database is locked", as Podman answers under a storm of creates.
    Locked,
    /// The right head, then silence.
    HangBody,
    /// Every piece of a stream comes so much later: a line of a log, a step of a pull.
    SlowBody(Duration),
    /// The right head and half of the body, or of its first piece; then the connection is closed.
    DieMidBody,
    /// A `Content-Length` a hundred bytes above what follows; then the connection is closed.
    WrongLength,
    /// All is done, then the connection is closed instead of an answer.
    LoseAnswer,
    /// All is done, then there is never an answer.
    HangAfterEffect,
    /// Where an upgrade is due: 101 to another protocol, then HTML. Elsewhere: an unasked 101.
    WrongUpgrade,
    /// Where an upgrade is due: 200 and an empty body, as from a proxy that knows no upgrade.
    NoUpgrade,
    /// A stream that breaks the 8-byte framing.
    GarbageFrames(Garbage),
    /// A stream of one line that never ends.
    HugeLine,
}

/// How a multiplexed stream is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Garbage {
    /// A good frame, then one of a stream that does not exist.
    StreamByte,
    /// A good frame, then a header that announces 4 GiB - 1, and a few bytes.
    HugeLength,
    /// A good frame, then half a header.
    CutHeader,
    /// Text without any frames.
    Text,
}

impl Garbage {
    /// The bytes to send.
    pub(super) fn bytes(self) -> Bytes {
        let mut bytes = super::answer::frame(1, b"good\n").to_vec();
        match self {
            Self::StreamByte => bytes.extend_from_slice(b"\x09\0\0\0\0\0\0\x04evil"),
            Self::HugeLength => bytes.extend_from_slice(b"\x01\0\0\0\xff\xff\xff\xffevil"),
            Self::CutHeader => bytes.extend_from_slice(b"\x01\0\0\0"),
            Self::Text => bytes = b"<html>this is no frame at all</html>".to_vec(),
        }
        bytes.into()
    }
}

/// How often a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// At the next matching request only.
    Once,
    /// At the next so many matching requests.
    Count(usize),
    /// Until the faults are cleared.
    Always,
}

/// What a fault means before the handler runs.
#[derive(Debug)]
pub(super) enum Before {
    /// Let it run; the fault strikes later, or never.
    Run,
    /// Wait so long, then let it run.
    Wait(Duration),
    /// Never answer.
    Hang,
    /// Close the connection.
    Close,
    /// Answer this.
    Answer(Answer),
}

impl Fault {
    pub(super) fn before(&self) -> Before {
        let locked = || {
            let message = "beginning transaction: database is locked";
            Before::Answer(Refusal::new(500, "database is locked", message).into())
        };
        match self {
            Self::Hang => Before::Hang,
            Self::Delay(time) => Before::Wait(*time),
            Self::DropConnection => Before::Close,
            Self::Status {
                code,
                body,
                content_type,
            } => {
                let status = StatusCode::from_u16(*code).unwrap_or(StatusCode::IM_A_TEAPOT);
                Before::Answer(Answer::typed(status, content_type, body.clone()))
            }
            Self::Fails(message) => Before::Answer(Refusal::wrapped(500, message).into()),
            Self::Locked => locked(),
            _ => Before::Run,
        }
    }
}

/// The faults that wait for their request.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<(Route, Fault, Times)>>);

impl Faults {
    pub(super) fn add(&self, route: Route, fault: Fault, times: Times) {
        if times != Times::Count(0) {
            self.lock().push((route, fault, times));
        }
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// The oldest fault for a route, used up by this.
    pub(super) fn take(&self, route: Route) -> Option<Fault> {
        let mut all = self.lock();
        let at = all
            .iter()
            .position(|(on, ..)| *on == route || *on == Route::Any)?;
        let fault = all[at].1.clone();
        match &mut all[at].2 {
            Times::Always => {}
            Times::Count(left) if *left > 1 => *left -= 1,
            Times::Once | Times::Count(_) => {
                all.remove(at);
            }
        }
        Some(fault)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Route, Fault, Times)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_used_up_in_order() {
        let faults = Faults::default();
        faults.add(Route::Ping, Fault::Hang, Times::Count(2));
        faults.add(Route::Any, Fault::Locked, Times::Always);
        faults.add(Route::Ping, Fault::HugeLine, Times::Once);
        assert!(matches!(faults.take(Route::Info), Some(Fault::Locked)));
        assert!(matches!(faults.take(Route::Ping), Some(Fault::Hang)));
        assert!(matches!(faults.take(Route::Ping), Some(Fault::Hang)));
        assert!(matches!(faults.take(Route::Ping), Some(Fault::Locked)));
        faults.clear();
        assert!(faults.take(Route::Ping).is_none());
    }
}
