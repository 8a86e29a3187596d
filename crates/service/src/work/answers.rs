//! What has come of an answer and was not taken yet.

use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;

/// What has come of the answer.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// What came and was not taken yet.
    came: VecDeque<Bytes>,
    pub(super) length: usize,
    /// What is still to come of the block under way.
    pub(super) left: usize,
}

impl Answers {
    pub(super) fn push(&mut self, data: Bytes) {
        self.length += data.len();
        self.came.push_back(data);
    }

    /// The next bytes in one piece, at most so many. Something must be there.
    pub(super) fn piece(&mut self, most: usize) -> Bytes {
        let Some(first) = self.came.front_mut() else {
            return Bytes::new();
        };
        let piece = first.split_to(most.min(first.len()));
        if first.is_empty() {
            self.came.pop_front();
        }
        self.length -= piece.len();
        piece
    }

    /// Exactly so many bytes, which must be there.
    pub(super) fn take(&mut self, length: usize) -> Bytes {
        let first = self.piece(length);
        if first.len() == length {
            return first;
        }
        let mut whole = BytesMut::with_capacity(length);
        whole.extend_from_slice(&first);
        while whole.len() < length {
            let piece = self.piece(length - whole.len());
            whole.extend_from_slice(&piece);
        }
        whole.freeze()
    }
}
