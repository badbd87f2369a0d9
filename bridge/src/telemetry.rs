//! Metrics: what the program counts about itself, for Prometheus.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The media type of [`Metrics::text`].
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Stands for "no event yet" in [`Metrics::last_event_ms`].
const NEVER: i64 = i64::MIN;

/// All that is counted. A clone shares the same counts.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    /// Events committed.
    pub(crate) events: Counter,
    /// Events that had been committed before.
    pub(crate) duplicates: Counter,
    /// Messages kept as dead letters, by the code of the reason.
    pub(crate) dead_letters: Family<DeadLetterLabels, Counter>,
    /// Events that a rule could not judge, by rule.
    pub(crate) rule_failures: Family<RuleLabels, Counter>,
    /// Tasks made.
    pub(crate) tasks_created: Counter,
    /// Transactions committed.
    pub(crate) commits: Counter,
    /// Times a broker had forgotten our session, and what it held for us.
    pub(crate) sessions_lost: Counter,
    /// 1 while this process works, 0 while it stands by.
    pub(crate) active: Gauge,
    last_event_age: Gauge,
    last_event_ms: Arc<AtomicI64>,
    lag: Gauge,
    last_occurrence_ms: Arc<AtomicI64>,
    registry: Arc<Registry>,
}

/// What dead letters are counted by.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct DeadLetterLabels {
    /// The code of the reason: `not-json`.
    pub(crate) code: &'static str,
}

/// What failures of rules are counted by.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct RuleLabels {
    /// The rule's id.
    pub(crate) rule: String,
}

impl Metrics {
    /// Returns metrics that have counted nothing.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("upturn");
        let events = Counter::default();
        registry.register("events", "Events committed", events.clone());
        let duplicates = Counter::default();
        registry.register(
            "duplicates",
            "Events received again after they were committed",
            duplicates.clone(),
        );
        let dead_letters = Family::default();
        registry.register(
            "dead_letters",
            "Messages that could not be read, by reason",
            dead_letters.clone(),
        );
        let rule_failures = Family::default();
        registry.register(
            "rule_failures",
            "Events that a rule could not judge, by rule",
            rule_failures.clone(),
        );
        let tasks_created = Counter::default();
        registry.register("tasks_created", "Tasks made", tasks_created.clone());
        let commits = Counter::default();
        registry.register("commits", "Transactions committed", commits.clone());
        let sessions_lost = Counter::default();
        registry.register(
            "session_lost",
            "Times a broker had forgotten our session",
            sessions_lost.clone(),
        );
        let last_event_age = Gauge::default();
        registry.register(
            "last_event_age_seconds",
            "Time since an event was last committed; -1 before the first",
            last_event_age.clone(),
        );
        let lag = Gauge::default();
        registry.register(
            "event_lag_seconds",
            "Time since the newest event happened that is committed; -1 before the first",
            lag.clone(),
        );
        let active = Gauge::default();
        registry.register("active", "1 while this process works, 0 on standby", active.clone());
        Self {
            events,
            duplicates,
            dead_letters,
            rule_failures,
            tasks_created,
            commits,
            sessions_lost,
            active,
            last_event_age,
            last_event_ms: Arc::new(AtomicI64::new(NEVER)),
            lag,
            last_occurrence_ms: Arc::new(AtomicI64::new(NEVER)),
            registry: Arc::new(registry),
        }
    }

    /// Counts a message that could not be read.
    pub(crate) fn count_dead_letter(&self, code: &'static str) {
        self.dead_letters.get_or_create(&DeadLetterLabels { code }).inc();
    }

    /// Counts events that a rule could not judge.
    pub(crate) fn count_rule_failures(&self, rule: &str, count: u64) {
        self.rule_failures.get_or_create(&RuleLabels { rule: rule.to_owned() }).inc_by(count);
    }

    /// Records that an event was committed at `at`.
    pub(crate) fn saw_event(&self, at: DateTime<Utc>) {
        self.last_event_ms.fetch_max(at.timestamp_millis(), Ordering::Relaxed);
    }

    /// Records that an event that happened at `at` is committed.
    pub(crate) fn saw_occurrence(&self, at: DateTime<Utc>) {
        self.last_occurrence_ms.fetch_max(at.timestamp_millis(), Ordering::Relaxed);
    }

    /// Returns all metrics as OpenMetrics text.
    pub(crate) fn text(&self, now: DateTime<Utc>) -> Result<String, fmt::Error> {
        self.last_event_age.set(age_s(&self.last_event_ms, now));
        self.lag.set(age_s(&self.last_occurrence_ms, now));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Returns how many seconds ago `last_ms` was; -1 for never.
fn age_s(last_ms: &AtomicI64, now: DateTime<Utc>) -> i64 {
    match last_ms.load(Ordering::Relaxed) {
        NEVER => -1,
        last_ms => now.timestamp_millis().saturating_sub(last_ms).max(0) / 1000,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn shows_every_count_under_its_name() {
        let metrics = Metrics::new();
        let now = DateTime::UNIX_EPOCH;
        let before = metrics.text(now).unwrap();
        assert!(before.contains("\nupturn_last_event_age_seconds -1\n"), "{before}");

        metrics.events.inc_by(3);
        metrics.duplicates.inc();
        metrics.count_dead_letter("not-json");
        metrics.count_rule_failures("care", 2);
        metrics.tasks_created.inc();
        metrics.commits.inc();
        metrics.saw_event(now + TimeDelta::seconds(5));
        metrics.saw_event(now);
        metrics.saw_occurrence(now - TimeDelta::seconds(10));
        metrics.active.set(1);

        let text = metrics.text(now + TimeDelta::seconds(65)).unwrap();
        let expected = [
            "upturn_events_total 3",
            "upturn_duplicates_total 1",
            "upturn_dead_letters_total{code=\"not-json\"} 1",
            "upturn_rule_failures_total{rule=\"care\"} 2",
            "upturn_tasks_created_total 1",
            "upturn_commits_total 1",
            "upturn_last_event_age_seconds 60",
            "upturn_event_lag_seconds 75",
            "upturn_active 1",
        ];
        for line in expected {
            assert!(text.lines().any(|found| found == line), "{line} is missing in:\n{text}");
        }
    }
}
