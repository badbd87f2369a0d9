//! What is counted of feeds.

use chrono::{DateTime, Utc};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::add;
use crate::feeds::standing::Standing;
use crate::store::feed_run::Outcome;

/// What ages are told by.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FeedLabels {
    /// The feed's id.
    feed: String,
}

/// What states are told by.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StateLabels {
    /// The feed's id.
    feed: String,
    /// How it does.
    state: &'static str,
}

/// What runs are counted by.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OutcomeLabels {
    /// What became of them.
    outcome: &'static str,
}

/// What is counted of feeds. A clone shares the same counts.
#[derive(Clone, Debug)]
pub(crate) struct FeedMetrics {
    runs: Family<OutcomeLabels, Counter>,
    age: Family<FeedLabels, Gauge>,
    state: Family<StateLabels, Gauge>,
}

impl FeedMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        Self {
            runs: add(registry, "feed_runs", "Runs of feeds that ended, by what became of them"),
            age: add(
                registry,
                "feed_age_seconds",
                "Time since the source of a feed last answered well; absent where it never did",
            ),
            state: add(
                registry,
                "feed_state",
                "1 for the state a feed is in: fine, waiting, late, failing, held, paused",
            ),
        }
    }

    /// Counts a run that ended.
    pub(crate) fn count(&self, outcome: Outcome) {
        self.runs.get_or_create(&OutcomeLabels { outcome: outcome.word() }).inc();
    }

    /// Shows feeds as they are at `now`; those that are not named are none.
    pub(crate) fn set(&self, all: &[Standing], now: DateTime<Utc>) {
        self.age.clear();
        self.state.clear();
        for Standing { feed, health, state, .. } in all {
            let labels = StateLabels { feed: feed.id.clone(), state: health.word() };
            self.state.get_or_create(&labels).set(1);
            if let Some(at) = state.checked_at {
                let labels = FeedLabels { feed: feed.id.clone() };
                self.age.get_or_create(&labels).set((now - at).num_seconds().max(0));
            }
        }
    }
}
