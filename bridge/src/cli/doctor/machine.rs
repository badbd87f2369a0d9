//! Checks of the machine: its clock, its limits.

use async_trait::async_trait;
use chrono::{DateTime, Datelike as _, Utc};
use rustix::process::{Resource, getrlimit};

use super::{Check, Outcome};

/// The year of this release: no clock that is right is before it.
const RELEASE_YEAR: i32 = 2026;
/// A clock that is right is not this far ahead.
const YEARS_AHEAD_MAX: i32 = 50;
/// Connections, files and sockets that a small installation has open at once.
const DESCRIPTORS_MIN: u64 = 256;
/// What the embedded broker needs for a fleet of a few thousand devices.
const DESCRIPTORS_GOOD: u64 = 4_096;

/// Whether the machine's clock can be right.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClockCheck {
    /// What the clock says.
    pub(super) now: DateTime<Utc>,
}

#[async_trait]
impl Check for ClockCheck {
    fn name(&self) -> &'static str {
        "clock"
    }

    async fn run(&self) -> Outcome {
        let shown = self.now.format("%Y-%m-%d %H:%M:%S UTC").to_string();
        let year = self.now.year();
        if !(RELEASE_YEAR..=RELEASE_YEAR + YEARS_AHEAD_MAX).contains(&year) {
            let advice = "set the clock, best by NTP; events are judged and ordered by it";
            return Outcome::fail(format!("it says {shown}, which cannot be"), advice);
        }
        Outcome::ok(shown)
    }
}

/// Whether the process may have enough files and sockets open.
#[derive(Clone, Copy, Debug)]
pub(super) struct DescriptorsCheck;

#[async_trait]
impl Check for DescriptorsCheck {
    fn name(&self) -> &'static str {
        "open files"
    }

    async fn run(&self) -> Outcome {
        judge_descriptors(getrlimit(Resource::Nofile).current)
    }
}

fn judge_descriptors(limit: Option<u64>) -> Outcome {
    let advice = "raise it: 'ulimit -n 65536', or LimitNOFILE=65536 in the systemd unit";
    match limit {
        None => Outcome::ok("no limit"),
        Some(limit) if limit < DESCRIPTORS_MIN => {
            Outcome::fail(format!("at most {limit}, too few to work with"), advice)
        }
        Some(limit) if limit < DESCRIPTORS_GOOD => {
            let found = format!("at most {limit}, enough for some hundred devices here");
            Outcome::warn(found, advice)
        }
        Some(limit) => Outcome::ok(format!("at most {limit}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[tokio::test]
    async fn a_clock_that_lost_its_battery_fails() {
        let cases = [
            ("1970-01-01T00:00:10Z", Verdict::Fail),
            ("2025-12-31T23:59:59Z", Verdict::Fail),
            ("2026-01-01T00:00:00Z", Verdict::Ok),
            ("2077-01-01T00:00:00Z", Verdict::Fail),
        ];
        for (text, expected) in cases {
            let now = DateTime::parse_from_rfc3339(text).unwrap().to_utc();
            assert_eq!(ClockCheck { now }.run().await.verdict, expected, "case: {text}");
        }
    }

    #[test]
    fn few_descriptors_are_a_warning_and_hardly_any_a_failure() {
        let cases = [
            (Some(64), Verdict::Fail),
            (Some(1_024), Verdict::Warn),
            (Some(65_536), Verdict::Ok),
            (None, Verdict::Ok),
        ];
        for (limit, expected) in cases {
            assert_eq!(judge_descriptors(limit).verdict, expected, "case: {limit:?}");
        }
    }
}
