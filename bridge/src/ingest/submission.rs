//! What a program hands in over HTTP, and how it learns that the commit is durable.

use tokio::sync::oneshot;
use upturn_core::event::Event;

/// The name that events of submissions are stored under, beside those of sources.
pub(crate) const SOURCE: &str = "api";

/// Events that one request brought.
///
/// The handler has decoded them with [`upturn_core::decode::subject::decode`], so that it could
/// refuse those that are wrong. The writer takes them in at its own time with
/// [`upturn_core::decode::subject::receive`], which cannot fail: log time is the commit's.
#[derive(Debug)]
pub(crate) struct Submission {
    /// All of them, or none, are in one commit.
    pub(crate) events: Vec<Event>,
    /// Is told after the commit; dropped without a word if there is none, and then sending the
    /// same events again is safe.
    pub(crate) reply: oneshot::Sender<Taken>,
}

/// What became of a submission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Events that were new.
    pub(crate) accepted: u64,
    /// Events that had been committed before, or stood twice.
    pub(crate) repeated: u64,
}

impl Submission {
    /// Returns whether anybody still waits for the answer. Whoever stopped waiting was told to send
    /// it again, so nothing is lost by leaving it out.
    pub(crate) fn is_awaited(&self) -> bool {
        !self.reply.is_closed()
    }

    /// Tells the sender that its events are kept for good.
    pub(crate) fn answer(self, taken: Taken) {
        // The sender may have gone in the meantime; what was committed stays.
        self.reply.send(taken).ok();
    }
}
