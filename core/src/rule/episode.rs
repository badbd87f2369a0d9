//! Episodes: how long an occurrence stands, and what may follow it.

use chrono::TimeDelta;

/// What holds while an occurrence stands, and after. All times are event time.
///
/// A match opens an episode and makes its task. While the episode is open, further matches join
/// it. Where nothing says when it closes, it closes as it opens. Within the cooldown, counted from
/// the match that opened it, a closed episode keeps the next from opening.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EpisodePolicy {
    /// How long from the opening match no second episode opens on the same scope.
    pub cooldown: TimeDelta,
    /// What closes an open episode, whichever comes first.
    pub close: Close,
    /// A match at most so long after the close opens the same episode again; zero for never.
    pub reopen_within: TimeDelta,
}

/// What closes an open episode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Close {
    /// An event of one of these kinds on the same scope.
    pub on: Vec<Box<str>>,
    /// So long a time after the newest event that met a step.
    pub after_quiet: Option<TimeDelta>,
    /// A person says that the task is done, or dismisses it.
    pub on_task_done: bool,
}

impl Close {
    /// Returns whether an episode stays open until something closes it.
    pub fn is_awaited(&self) -> bool {
        !self.on.is_empty() || self.after_quiet.is_some() || self.on_task_done
    }
}
