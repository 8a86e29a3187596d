//! A command's output as events: server-sent events, or one JSON object a line.

use super::accept::Form;
use super::alive::KeptAlive;
use super::{Context, Steps, convert};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, stream};
use podlane_api::{ExecData, ExecEvent, ExecLost, ExecStart, OutputEncoding};
use podlane_engine::{Chunk, Source};
use podlane_service::{Error, LogMark, Step, Texts};
use serde::Serialize;
use std::collections::VecDeque;

/// How far behind all output the last event's ID is: what is left of two characters may come between.
pub(crate) const LAST: u64 = 3;

/// What a stream of events begins with.
pub(crate) struct Beginning {
    pub(crate) start: ExecStart,
    /// How many bytes of output came before.
    pub(crate) at: u64,
    /// Decoders that know how these bytes ended.
    pub(crate) texts: Texts,
}

/// The events of a command, written in a form, with signs of life between them.
pub(super) fn events(
    form: Form,
    encoding: OutputEncoding,
    beginning: Beginning,
    steps: Steps,
    context: Context,
) -> impl Stream<Item = Bytes> + Send {
    let mut writer = Writer {
        form,
        encoding,
        texts: beginning.texts,
        at: beginning.at,
        context,
        written: VecDeque::new(),
    };
    writer.write(beginning.at, &ExecEvent::Start(beginning.start));
    let written = stream::unfold((writer, steps), |(mut writer, mut steps)| async {
        loop {
            if let Some(bytes) = writer.written.pop_front() {
                return Some((bytes, (writer, steps)));
            }
            writer.take(steps.next().await?);
        }
    });
    alive(form, written.boxed())
}

/// Events with a sign of life where there are none.
pub(super) fn alive(
    form: Form,
    events: BoxStream<'static, Bytes>,
) -> KeptAlive<BoxStream<'static, Bytes>> {
    let word = match form {
        Form::EventStream => ":\n\n",
        _ => "{\"event\":\"keep-alive\"}\n",
    };
    KeptAlive::new(events, word)
}

/// What an event is named by.
pub(super) enum EventId {
    None,
    Number(u64),
    Log(LogMark),
}

impl From<Option<u64>> for EventId {
    fn from(id: Option<u64>) -> Self {
        id.map_or(Self::None, Self::Number)
    }
}

impl From<LogMark> for EventId {
    fn from(id: LogMark) -> Self {
        Self::Log(id)
    }
}

/// An event in a form: its ID, if it has one, its name and its fields.
pub(super) fn written(
    form: Form,
    id: impl Into<EventId>,
    name: &str,
    body: &impl Serialize,
) -> Bytes {
    let mut text = match (form, id.into()) {
        (Form::EventStream, EventId::Number(id)) => format!("id: {id}\nevent: {name}\ndata: "),
        (Form::EventStream, EventId::Log(id)) => format!("id: {id}\nevent: {name}\ndata: "),
        (Form::EventStream, EventId::None) => format!("event: {name}\ndata: "),
        (_, EventId::Number(id)) => format!("{{\"id\":{id},\"event\":\"{name}\","),
        (_, EventId::Log(id)) => format!("{{\"id\":\"{id}\",\"event\":\"{name}\","),
        (_, EventId::None) => format!("{{\"event\":\"{name}\","),
    }
    .into_bytes();
    let brace = text.len();
    // Writing our own bodies into memory can't fail.
    let _ = serde_json::to_writer(&mut text, body);
    if form == Form::EventStream {
        text.extend_from_slice(b"\n\n");
    } else {
        // The body's fields go on in the line's object.
        text.remove(brace);
        text.push(b'\n');
    }
    text.into()
}

struct Writer {
    form: Form,
    encoding: OutputEncoding,
    texts: Texts,
    at: u64,
    context: Context,
    written: VecDeque<Bytes>,
}

impl Writer {
    fn take(&mut self, step: Result<Step, Error>) {
        match step {
            Ok(Step::Output { chunk, at }) => {
                self.at = at;
                self.output(&chunk);
            }
            Ok(Step::Lost { bytes, at, rest_of }) => {
                self.at = at;
                if rest_of.is_none() {
                    // What comes does not go on with what went before.
                    self.texts = Texts::default();
                }
                self.write(at, &ExecEvent::Lost(ExecLost { bytes }));
            }
            Ok(Step::Ended(ended)) => {
                self.finish();
                self.write(self.at + LAST, &ExecEvent::End(convert::end(&ended)));
            }
            Err(error) => {
                self.finish();
                let failure = self.context.failure(error);
                self.write(self.at + LAST, &ExecEvent::Error(failure));
            }
        }
    }

    fn output(&mut self, chunk: &Chunk) {
        let data = match self.encoding {
            OutputEncoding::Text => self.texts.push(chunk.source, &chunk.data),
            OutputEncoding::Base64 => STANDARD.encode(&chunk.data),
        };
        self.data(self.at, chunk.source, data);
    }

    /// Characters that never became whole.
    fn finish(&mut self) {
        for (number, source) in [(1, Source::Stdout), (2, Source::Stderr)] {
            let text = self.texts.finish(source);
            self.data(self.at + number, source, text);
        }
    }

    fn data(&mut self, id: u64, source: Source, data: String) {
        if data.is_empty() {
            return;
        }
        let data = ExecData { data };
        self.write(
            id,
            &match source {
                Source::Stdout => ExecEvent::Stdout(data),
                Source::Stderr => ExecEvent::Stderr(data),
            },
        );
    }

    fn write(&mut self, id: u64, event: &ExecEvent) {
        let (form, id, name) = (self.form, Some(id), event.name());
        self.written.push_back(match event {
            ExecEvent::Start(body) => written(form, id, name, body),
            ExecEvent::Stdout(body) | ExecEvent::Stderr(body) => written(form, id, name, body),
            ExecEvent::Lost(body) => written(form, id, name, body),
            ExecEvent::End(body) => written(form, id, name, body),
            ExecEvent::Error(body) => written(form, id, name, body),
            // Written by what keeps a stream alive.
            ExecEvent::KeepAlive => return,
        });
    }
}
