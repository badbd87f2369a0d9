//! How much one client may publish: a bucket for each, which outlives its connections.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How long a client may be ahead of its rate: what a device sends that was away for a while.
const BURST: Duration = Duration::from_mins(1);

/// Buckets kept before those are dropped that are full and not in use.
const BUCKETS_MAX: usize = 20_000;

/// The buckets of all clients of a listener.
#[derive(Debug)]
pub(super) struct Rates {
    spacing: Duration,
    buckets: Mutex<HashMap<String, Arc<Bucket>>>,
}

/// What one client may still publish.
#[derive(Debug)]
pub(super) struct Bucket {
    spacing: Duration,
    level: Mutex<Level>,
}

#[derive(Debug)]
struct Level {
    /// When the bucket is full again: everything published is paid for.
    full_at: Instant,
    /// It published too much and has to wait.
    is_cut: bool,
}

impl Rates {
    /// Lets each client publish `rate_max` messages a second for long.
    pub(super) fn new(rate_max: NonZeroU32) -> Self {
        Self { spacing: Duration::from_secs(1) / rate_max.get(), buckets: Mutex::default() }
    }

    /// Returns the bucket of `client`.
    pub(super) fn bucket(&self, client: &str, now: Instant) -> Arc<Bucket> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get(client) {
            return Arc::clone(bucket);
        }
        if BUCKETS_MAX <= buckets.len() {
            buckets.retain(|_, bucket| 1 < Arc::strong_count(bucket) || bucket.is_wanted(now));
        }
        let level = Level { full_at: now, is_cut: false };
        let bucket = Arc::new(Bucket { spacing: self.spacing, level: Mutex::new(level) });
        // Who comes beyond the bound is measured by connection.
        if buckets.len() < BUCKETS_MAX {
            buckets.insert(client.to_owned(), Arc::clone(&bucket));
        }
        bucket
    }
}

impl Bucket {
    /// Returns whether the client may come in: one that published too much waits until half of
    /// its bucket is full again.
    pub(super) fn lets_in(&self, now: Instant) -> bool {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        if level.full_at.saturating_duration_since(now) <= BURST / 2 {
            level.is_cut = false;
        }
        !level.is_cut
    }

    /// Takes `publishes` out of the bucket; returns whether there were as many in it.
    pub(super) fn take(&self, publishes: usize, now: Instant) -> bool {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let cost = self.spacing.saturating_mul(u32::try_from(publishes).unwrap_or(u32::MAX));
        let full_at = level.full_at.max(now) + cost;
        if BURST < full_at.saturating_duration_since(now) {
            level.is_cut = true;
            return false;
        }
        level.full_at = full_at;
        true
    }

    /// Whether something would be forgotten with it.
    fn is_wanted(&self, now: Instant) -> bool {
        now < self.level.lock().unwrap_or_else(PoisonError::into_inner).full_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_may_publish_a_burst_and_then_its_rate() {
        let rates = Rates::new(NonZeroU32::new(10).unwrap());
        let now = Instant::now();
        let after = |seconds| now + Duration::from_secs(seconds);
        let bucket = rates.bucket("a", now);
        assert!(bucket.take(600, now), "a minute's worth at once");
        assert!(bucket.take(10, after(1)), "and then what the rate allows");
        assert!(!bucket.take(1, after(1)), "and no more");
        let again = rates.bucket("a", after(2));
        assert!(!again.lets_in(after(2)), "coming again does not help");
        assert!(again.lets_in(after(31)), "waiting does");
        assert!(rates.bucket("b", now).take(600, now), "each has its own");
    }

    #[test]
    fn buckets_that_are_full_make_room() {
        let rates = Rates::new(NonZeroU32::new(1).unwrap());
        let now = Instant::now();
        let kept = rates.bucket("kept", now);
        assert!(kept.take(1, now));
        drop(kept);
        for number in 0..2 * BUCKETS_MAX {
            rates.bucket(&number.to_string(), now);
        }
        let buckets = rates.buckets.lock().unwrap();
        assert!(buckets.len() <= BUCKETS_MAX && buckets.contains_key("kept"));
    }
}
