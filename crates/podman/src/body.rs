//! Bodies of answers that are read as they come.

use crate::connection::timed_out;
use crate::failure;
use crate::pool::Answer;
use futures_util::stream::{self, StreamExt};
use http_body_util::BodyExt;
use hyper::Response;
use podlane_engine::{Archive, Call};
use tokio::time::timeout_at;

/// The body of an answer as it comes, bounded by the call's deadline.
pub(crate) fn body(call: &Call, step: &'static str, response: Response<Answer>) -> Archive {
    let call = call.clone();
    stream::try_unfold(response.into_body(), move |mut body| {
        let call = call.clone();
        async move {
            loop {
                let frame = timeout_at(call.deadline, body.frame()).await;
                match frame.map_err(|_elapsed| timed_out(&call, step))? {
                    None => return Ok(None),
                    Some(Err(error)) => return Err(failure::from_body(step, &error)),
                    Some(Ok(frame)) => {
                        if let Ok(data) = frame.into_data() {
                            return Ok(Some((data, body)));
                        }
                    }
                }
            }
        }
    })
    .boxed()
}

/// The longest line that is put together.
const MAX_LINE: usize = 1 << 20;

/// Puts lines together from pieces.
#[derive(Debug, Default)]
pub(crate) struct Lines(Vec<u8>);

impl Lines {
    pub(crate) fn push(&mut self, data: &[u8]) -> Vec<Vec<u8>> {
        self.0.extend_from_slice(data);
        let mut lines = Vec::new();
        while let Some(end) = self.0.iter().position(|byte| *byte == b'\n') {
            let rest = self.0.split_off(end + 1);
            lines.push(std::mem::replace(&mut self.0, rest));
        }
        if self.0.len() > MAX_LINE {
            self.0.clear();
        }
        lines
    }
}
