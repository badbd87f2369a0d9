//! `[retention]`: how long events, dead letters, letters and old advice are kept.

use serde::{Deserialize, Serialize};

use super::problem::Finding;
use super::time_span::TimeSpan;

/// `[retention]`: how long events, dead letters, letters and old advice are kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetentionConfig {
    /// How long events are kept, at least `1d`, and beyond that for as long as any rule that is not
    /// retired looks back, and while an episode they began is open. Default: none, for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) events: Option<TimeSpan>,
    /// How long dead letters are kept, at least `1d`. Default: none, for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dead_letters: Option<TimeSpan>,
    /// How long letters that arrived or were given up are kept, at least `1d`, and beyond that while
    /// people work on the task they tell of. Default: `400d`.
    pub(crate) letters: TimeSpan,
    /// How long advice is kept that another took the place of, or that nothing had to be sent for any more,
    /// at least `1d`. What people decided about is kept for ever. Default: `90d`.
    pub(crate) advice: TimeSpan,
    /// Above how many MiB the size of the database is an alarm; nothing is deleted for its size.
    /// Default: 10240.
    pub(crate) alarm_above_mib: u64,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self {
            events: None,
            dead_letters: None,
            letters: TimeSpan::days(400),
            advice: TimeSpan::days(90),
            alarm_above_mib: 10_240,
        }
    }
}

impl RetentionConfig {
    /// Returns the size in bytes above which the database is an alarm.
    pub(crate) fn alarm_above_bytes(&self) -> u64 {
        self.alarm_above_mib.saturating_mul(1024 * 1024)
    }

    pub(super) fn check(&self, findings: &mut Vec<Finding>) {
        let spans = [
            ("events", self.events),
            ("dead_letters", self.dead_letters),
            ("letters", Some(self.letters)),
            ("advice", Some(self.advice)),
        ];
        for (key, span) in spans {
            if span.is_some_and(|span| span < TimeSpan::days(1)) {
                let why = "is less than a day, 1d; make it longer, or leave it out";
                findings.push(Finding::new(&["retention", key], why.to_owned()));
            }
        }
    }
}
