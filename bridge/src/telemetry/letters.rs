//! What is counted of letters, by destination.

use chrono::{DateTime, Utc};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::add;
use crate::store::outbox_view::Queue;

/// What letters are counted by.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct DestinationLabels {
    /// The destination's id.
    pub(crate) destination: String,
}

/// What is counted of letters. A clone shares the same counts.
#[derive(Clone, Debug)]
pub(crate) struct LetterMetrics {
    sent: Family<DestinationLabels, Counter>,
    waiting: Family<DestinationLabels, Gauge>,
    parked: Family<DestinationLabels, Gauge>,
    oldest_age: Family<DestinationLabels, Gauge>,
}

impl LetterMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        Self {
            sent: add(registry, "letters_sent", "Letters that arrived, by destination"),
            waiting: add(registry, "letters_waiting", "Letters not sent yet, by destination"),
            parked: add(
                registry,
                "letters_parked",
                "Letters that wait for a person, by destination",
            ),
            oldest_age: add(
                registry,
                "letters_oldest_age_seconds",
                "Age of the oldest letter not sent yet, by destination; 0 where none waits",
            ),
        }
    }

    /// Counts a letter that arrived.
    pub(crate) fn count_sent(&self, destination: &str) {
        self.sent.get_or_create(&labels(destination)).inc();
    }

    /// Shows the queues as they are at `now`; those that are not named are empty.
    pub(crate) fn set_queues(&self, queues: &[(String, Queue)], now: DateTime<Utc>) {
        for family in [&self.waiting, &self.parked, &self.oldest_age] {
            family.clear();
        }
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        for (destination, queue) in queues {
            let labels = labels(destination);
            self.waiting.get_or_create(&labels).set(number(queue.waiting));
            self.parked.get_or_create(&labels).set(number(queue.parked));
            let age = queue.oldest_at.map(|at| (now - at).num_seconds().max(0));
            self.oldest_age.get_or_create(&labels).set(age.unwrap_or_default());
        }
    }
}

fn labels(destination: &str) -> DestinationLabels {
    DestinationLabels { destination: destination.to_owned() }
}
