//! Metrics of what is kept, and what is deleted for its age.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// What is kept, and what is deleted. A clone shares the same counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct RetentionMetrics {
    /// Events taken in that are older than what is judged.
    pub(crate) events_too_late: Counter,
    /// Events deleted for their age.
    pub(crate) events_deleted: Counter,
    /// Dead letters deleted for their age.
    pub(crate) dead_letters_deleted: Counter,
    /// Letters to other systems deleted for their age.
    pub(crate) letters_deleted: Counter,
    /// Pieces of advice deleted for their age.
    pub(crate) advice_deleted: Counter,
    /// How much longer events are kept for an open episode, in seconds.
    pub(crate) held_seconds: Gauge,
    /// How large the database is.
    pub(crate) database_bytes: Gauge,
    /// Above which size it is an alarm.
    pub(crate) database_alarm_bytes: Gauge,
}

impl RetentionMetrics {
    /// Returns metrics that have counted nothing, shown in `registry`.
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let counters = [
            (
                "events_too_late",
                "Events committed that are older than what is judged",
                &metrics.events_too_late,
            ),
            ("events_deleted", "Events deleted for their age", &metrics.events_deleted),
            (
                "dead_letters_deleted",
                "Dead letters deleted for their age",
                &metrics.dead_letters_deleted,
            ),
            (
                "letters_deleted",
                "Letters to other systems deleted for their age",
                &metrics.letters_deleted,
            ),
            ("advice_deleted", "Pieces of advice deleted for their age", &metrics.advice_deleted),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        let gauges = [
            (
                "retention_held_seconds",
                "How much longer events are kept because an episode is still open",
                &metrics.held_seconds,
            ),
            ("database_bytes", "Bytes in use in the database", &metrics.database_bytes),
            (
                "database_alarm_bytes",
                "Size of the database above which a person should look",
                &metrics.database_alarm_bytes,
            ),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
        metrics
    }
}
