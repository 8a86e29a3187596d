//! An answer in the form in which it is kept: all but its status, to be encrypted as a whole.

use super::{KeptAnswer, Repetition};
use crate::{Error, Result};
use podlane_store::{AnswerRecord, Secret};

/// What comes before the body: whether it is an error, headers, trailers.
type Head = (bool, Vec<(String, String)>, Vec<(String, String)>);

/// `None` if it is not to be kept.
pub(super) fn written(answer: &KeptAnswer) -> Result<Option<Secret>, postcard::Error> {
    let Some(body) = &answer.body else {
        return Ok(None);
    };
    let mut content = postcard::to_stdvec(&(answer.failure, &answer.headers, &answer.trailers))?;
    content.extend_from_slice(body);
    Ok(Some(content.into()))
}

/// The answer as it was, or why there is none.
pub(super) fn read(answer: &AnswerRecord) -> Result<KeptAnswer> {
    let lost = || Error::Repeated(Repetition::Unkept(answer.status));
    let unreadable = |error: String| {
        tracing::warn!(error, "the answer to a request with a key can't be read");
        lost()
    };
    let content = answer.content.clone().ok_or_else(lost)?;
    let content = content.map_err(unreadable)?;
    let (head, body): (Head, _) = postcard::take_from_bytes(content.bytes())
        .map_err(|error| unreadable(error.to_string()))?;
    Ok(KeptAnswer {
        status: answer.status,
        failure: head.0,
        headers: head.1,
        trailers: head.2,
        body: Some(body.to_vec().into()),
    })
}
