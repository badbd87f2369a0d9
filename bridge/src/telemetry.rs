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
use prometheus_client::registry::{Metric, Registry};

mod feeds;
mod letters;
mod retention;

use self::feeds::FeedMetrics;
use self::letters::LetterMetrics;
use self::retention::RetentionMetrics;

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
    /// What is kept, and what is deleted.
    pub(crate) retention: RetentionMetrics,
    /// Letters to other systems.
    pub(crate) letters: LetterMetrics,
    /// Feeds of facts.
    pub(crate) feeds: FeedMetrics,
    /// Times another program seemed to have logged in at the broker under our name.
    pub(crate) taken_over: Counter,
    /// Retained messages kept as states.
    pub(crate) states: Counter,
    /// Connections to the embedded broker that were not let in or were closed, by reason.
    pub(crate) refusals: Family<RefusalLabels, Counter>,
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

/// What refusals are counted by.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct RefusalLabels {
    /// Why: `identity`.
    pub(crate) reason: &'static str,
}

/// Why the embedded broker's gate does not let a client in, or closes its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No TLS, or no certificate that is trusted and names a device.
    Handshake,
    /// It speaks for another device, or wants to hear what is meant for one.
    Identity,
    /// It publishes more than its rate allows.
    Rate,
    /// It sends what MQTT does not allow, or too much at once.
    Packet,
}

/// Returns a metric that has counted nothing, and is told of under `name`.
fn add<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

impl Metrics {
    /// Returns metrics that have counted nothing.
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("upturn");
        let all = &mut registry;
        let events = add(all, "events", "Events committed");
        let duplicates = add(all, "duplicates", "Events received again after they were committed");
        let tasks_created = add(all, "tasks_created", "Tasks made");
        let commits = add(all, "commits", "Transactions committed");
        let sessions_lost = add(all, "session_lost", "Times a broker had forgotten our session");
        let help = "Times another program seemed to use our client id at the broker";
        let taken_over = add(all, "taken_over", help);
        let states = add(all, "states", "Retained messages kept as states");
        let help = "Messages that could not be read, by reason";
        let dead_letters = add(all, "dead_letters", help);
        let help = "Events that a rule could not judge, by rule";
        let rule_failures = add(all, "rule_failures", help);
        let help = "Connections to the embedded broker that were refused or closed, by reason";
        let refusals = add(all, "door_refusals", help);
        let help = "Time since an event was last committed; -1 before the first";
        let last_event_age = add(all, "last_event_age_seconds", help);
        let help = "Time since the newest event happened that is committed; -1 before the first";
        let lag = add(all, "event_lag_seconds", help);
        let active = add(all, "active", "1 while this process works, 0 on standby");
        let retention = RetentionMetrics::register(all);
        let letters = LetterMetrics::register(all);
        let feeds = FeedMetrics::register(all);
        Self {
            events,
            duplicates,
            dead_letters,
            rule_failures,
            tasks_created,
            commits,
            sessions_lost,
            retention,
            letters,
            feeds,
            taken_over,
            states,
            refusals,
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

    /// Counts a client that was kept out.
    pub(crate) fn count_refusal(&self, refusal: Refusal) {
        let reason = match refusal {
            Refusal::Handshake => "handshake",
            Refusal::Identity => "identity",
            Refusal::Rate => "rate",
            Refusal::Packet => "packet",
        };
        self.refusals.get_or_create(&RefusalLabels { reason }).inc();
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
