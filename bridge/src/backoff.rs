//! Waiting longer after each failure, with jitter, so that many do not come back at once.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// The pause before the next try.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    /// Returns a backoff that has seen no failure.
    pub(crate) fn new() -> Self {
        Self::up_to(LONGEST)
    }

    /// Returns one whose pauses grow no longer than `longest`.
    pub(crate) fn up_to(longest: Duration) -> Self {
        Self { next: FIRST.min(longest), longest }
    }

    /// Forgets the failures: it went well.
    pub(crate) fn reset(&mut self) {
        self.next = FIRST.min(self.longest);
    }

    /// Returns the next pause: between half of it and all of it.
    pub(crate) fn pause(&mut self) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(self.longest);
        let mut random = [0; 1];
        // Without randomness the pause is merely less spread out.
        let share = getrandom::fill(&mut random).map_or(128, |()| u32::from(random[0]));
        whole / 2 + whole / 2 * share / 255
    }

    /// Waits for the next pause.
    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(self.pause()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_start_again_after_success() {
        let mut backoff = Backoff::new();
        let pauses: Vec<Duration> = (0..20).map(|_| backoff.pause()).collect();
        assert!(pauses.iter().all(|pause| *pause <= LONGEST), "{pauses:?}");
        assert!(LONGEST / 2 <= pauses[19], "{pauses:?}");
        assert!(FIRST / 2 <= pauses[0] && pauses[0] <= FIRST, "{pauses:?}");
        backoff.reset();
        assert!(backoff.pause() <= FIRST);
    }
}
