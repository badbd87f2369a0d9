//! Keeps clients from filling the log.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The least time between two lines about clients that were kept out.
const PAUSE: Duration = Duration::from_secs(1);

/// Lets one line through each second, and counts the others.
#[derive(Debug, Default)]
pub(super) struct LogLimit {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    left_out: u64,
}

impl LogLimit {
    /// Returns how many lines were left out since the last one, if it is time for a line.
    pub(super) fn lets_through(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.last.is_some_and(|last| now.saturating_duration_since(last) < PAUSE) {
            state.left_out += 1;
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_a_second_says_how_many_were_left_out() {
        let (limit, now) = (LogLimit::default(), Instant::now());
        let at = |ms| limit.lets_through(now + Duration::from_millis(ms));
        let found = [0, 10, 999, 1_000, 1_001, 2_500].map(at);
        assert_eq!(found, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
