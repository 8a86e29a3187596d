//! A sign of life while a stream is silent, so that nobody on the way takes it for dead.

use bytes::Bytes;
use futures_util::Stream;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Interval, interval_at};

/// How long a stream is silent at most.
const SILENCE: Duration = Duration::from_secs(15);

/// Adds a word to a stream whenever nothing has come for a while.
pub(crate) struct KeptAlive<S> {
    inner: S,
    word: Bytes,
    timer: Interval,
}

impl<S> KeptAlive<S> {
    pub(crate) fn new(inner: S, word: &'static str) -> Self {
        Self {
            inner,
            word: Bytes::from_static(word.as_bytes()),
            timer: interval_at(Instant::now() + SILENCE, SILENCE),
        }
    }
}

impl<S: Stream<Item = Bytes> + Unpin> Stream for KeptAlive<S> {
    type Item = Bytes;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let this = self.get_mut();
        if let Poll::Ready(item) = Pin::new(&mut this.inner).poll_next(cx) {
            this.timer.reset();
            return Poll::Ready(item);
        }
        this.timer.poll_tick(cx).map(|_| Some(this.word.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;

    #[tokio::test(start_paused = true)]
    async fn silence_is_broken_every_fifteen_seconds() {
        let late = futures_util::stream::once(Box::pin(async {
            tokio::time::sleep(Duration::from_secs(40)).await;
            Bytes::from_static(b"late")
        }));
        let began = Instant::now();
        let seen: Vec<_> = KeptAlive::new(late, "\n")
            .map(|bytes| (bytes, began.elapsed().as_secs()))
            .collect()
            .await;
        let expected = [("\n", 15), ("\n", 30), ("late", 40)];
        assert_eq!(
            seen,
            expected.map(|(word, at)| (Bytes::from_static(word.as_bytes()), at))
        );
    }
}
