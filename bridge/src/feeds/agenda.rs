//! When which feed runs next: one list for all of them, in the order of time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};

use super::{Feed, Feeds};
use crate::store::feed_run::Cause;

/// How far back the slot of a feed is looked for that never ran.
const FIRST_BACK: TimeDelta = TimeDelta::days(40);

/// When which feed runs next.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    line: BTreeSet<(DateTime<Utc>, String)>,
    entries: BTreeMap<String, Entry>,
}

/// What is known of a feed's runs.
#[derive(Clone, Debug)]
struct Entry {
    feed: Arc<Feed>,
    /// The newest slot that ran, or passed before the feed was.
    ran: DateTime<Utc>,
    /// Before this time the source is left alone; it is tried again then.
    retry_at: Option<DateTime<Utc>>,
}

/// A run that is due.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    /// The feed.
    pub(crate) feed: Arc<Feed>,
    /// The slot, unless it is only tried again.
    pub(crate) slot: Option<DateTime<Utc>>,
    /// How many slots passed before it without a run.
    pub(crate) missed: usize,
    /// Why it runs.
    pub(crate) cause: Cause,
}

impl Agenda {
    /// Returns the agenda of `feeds`, of which each ran last at the slot and is to be tried again at
    /// the time that `known` tells. One that never ran is due at once.
    pub(crate) fn new(
        feeds: &Feeds,
        known: impl Fn(&str) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
        now: DateTime<Utc>,
    ) -> Self {
        let mut agenda = Self::default();
        for feed in feeds.feeds.values().filter(|feed| !feed.is_paused) {
            let (ran, retry_at) = known(&feed.id);
            let is_new = ran.is_none();
            let ran = ran.unwrap_or(now - FIRST_BACK);
            let entry = Entry { feed: Arc::clone(feed), ran, retry_at };
            agenda.entries.insert(feed.id.clone(), entry);
            if is_new {
                agenda.line.insert((now, feed.id.clone()));
            } else {
                agenda.enter(&feed.id);
            }
        }
        agenda
    }

    /// Returns when the next feed is due.
    pub(crate) fn next_at(&self) -> Option<DateTime<Utc>> {
        self.line.first().map(|(at, _)| *at)
    }

    /// Takes the feed that is due at `now`, if one is; it is not due again before [`Agenda::ended`].
    pub(crate) fn take(&mut self, now: DateTime<Utc>) -> Option<Due> {
        let (at, _) = self.line.first()?;
        if now < *at {
            return None;
        }
        let (_, id) = self.line.pop_first()?;
        let entry = self.entries.get_mut(&id)?;
        let feed = Arc::clone(&entry.feed);
        let due = feed.schedule.due(entry.ran, now - delay(&feed));
        entry.ran = due.map_or(entry.ran, |due| due.slot);
        let cause = if entry.retry_at.take().is_some() { Cause::Retry } else { Cause::Schedule };
        Some(Due {
            feed,
            slot: due.map(|due| due.slot),
            missed: due.map_or(0, |due| due.missed),
            cause,
        })
    }

    /// Enters the feed again once its run has ended; it is tried again at `retry_at`, else at its next
    /// slot.
    pub(crate) fn ended(&mut self, id: &str, retry_at: Option<DateTime<Utc>>) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        entry.retry_at = retry_at;
        self.line.retain(|(_, other)| other != id);
        self.enter(id);
    }

    fn enter(&mut self, id: &str) {
        let Some(entry) = self.entries.get(id) else { return };
        let slot = entry.feed.schedule.after(entry.ran).next();
        let at = entry.retry_at.or_else(|| slot.map(|slot| slot + delay(&entry.feed)));
        if let Some(at) = at {
            self.line.insert((at, id.to_owned()));
        }
    }
}

/// Returns when `feed` runs next by itself, if it ran last at the slot `ran`.
pub(crate) fn next_run(
    feed: &Feed,
    ran: DateTime<Utc>,
    retry_at: Option<DateTime<Utc>>,
) -> Option<DateTime<Utc>> {
    if feed.is_paused {
        return None;
    }
    retry_at.or_else(|| feed.schedule.after(ran).next().map(|slot| slot + delay(feed)))
}

/// Returns how much later than its slots the feed runs: always the same, and another than that of most
/// others.
fn delay(feed: &Feed) -> TimeDelta {
    let digest = Sha256::digest(feed.id.as_bytes());
    let number = digest.iter().take(6).fold(0_i64, |number, byte| number << 8 | i64::from(*byte));
    let most = feed.jitter.num_milliseconds();
    TimeDelta::milliseconds(number.checked_rem(most.max(1)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::testing::feed;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn of(documents: &[(&str, &str)]) -> Feeds {
        let feeds = documents.iter().map(|(id, more)| (id.to_string(), Arc::new(feed(id, more))));
        Feeds { feeds: feeds.collect() }
    }

    #[test]
    fn a_feed_runs_at_its_slots_and_makes_up_for_missed_ones_once() {
        let feeds = of(&[("a", "schedule = \"0 * * * *\"\njitter = \"0s\"\n")]);
        let mut agenda = Agenda::new(
            &feeds,
            |_| (Some(at("2026-01-05T10:00:00Z")), None),
            at("2026-01-05T10:30:00Z"),
        );
        assert_eq!(agenda.next_at(), Some(at("2026-01-05T11:00:00Z")));
        assert!(agenda.take(at("2026-01-05T10:59:59Z")).is_none());
        let due = agenda.take(at("2026-01-05T14:10:00Z")).unwrap();
        assert_eq!((due.slot, due.missed), (Some(at("2026-01-05T14:00:00Z")), 3));
        assert_eq!(agenda.next_at(), None, "while it runs");
        agenda.ended("a", Some(at("2026-01-05T14:20:00Z")));
        assert!(agenda.take(at("2026-01-05T14:19:00Z")).is_none());
        let again = agenda.take(at("2026-01-05T14:20:00Z")).unwrap();
        assert_eq!((again.slot, again.cause), (None, Cause::Retry));
        agenda.ended("a", None);
        assert_eq!(agenda.next_at(), Some(at("2026-01-05T15:00:00Z")));
    }

    #[test]
    fn a_pause_that_a_source_asks_for_holds_slots_back() {
        let feeds = of(&[("a", "schedule = \"*/5 * * * *\"\njitter = \"0s\"\n")]);
        let retry = at("2026-01-05T11:02:00Z");
        let mut agenda =
            Agenda::new(&feeds, |_| (Some(at("2026-01-05T10:00:00Z")), Some(retry)), retry);
        assert_eq!(agenda.next_at(), Some(retry));
        let due = agenda.take(retry).unwrap();
        assert_eq!(due.slot, Some(at("2026-01-05T11:00:00Z")), "the slot is used up with it");
    }

    #[test]
    fn a_thousand_feeds_wake_the_one_task_only_for_what_is_due() {
        let names: Vec<String> = (0..1_000).map(|n| format!("f{n}")).collect();
        let documents: Vec<_> = names
            .iter()
            .map(|name| (&**name, "schedule = \"0 6 * * *\"\njitter = \"1h\"\n"))
            .collect();
        let feeds = of(&documents);
        let mut now = at("2026-01-05T07:30:00Z");
        let mut agenda = Agenda::new(&feeds, |_| (Some(at("2026-01-05T06:00:00Z")), None), now);
        let mut wakes = 0;
        let mut minutes = BTreeSet::new();
        // A day: each feed is due once, and the task wakes for nothing else.
        while let Some(next) = agenda.next_at().filter(|next| *next < at("2026-01-06T07:30:00Z")) {
            now = next;
            wakes += 1;
            minutes.insert(now.timestamp() / 60);
            while let Some(due) = agenda.take(now) {
                agenda.ended(&due.feed.id, None);
            }
        }
        assert!((900..=1_000).contains(&wakes), "{wakes}");
        assert!(50 < minutes.len(), "they are spread over the hour: {}", minutes.len());
    }

    #[test]
    fn a_paused_feed_is_not_due_and_one_that_never_ran_is_at_once() {
        let feeds =
            of(&[("a", "paused = true\n"), ("b", ""), ("c", "schedule = \"0 0 30 6 *\"\n")]);
        let now = at("2026-01-05T12:00:00Z");
        let mut agenda = Agenda::new(&feeds, |_| (None, None), now);
        let due = agenda.take(now).unwrap();
        assert_eq!(due.feed.id, "b");
        assert!(due.slot.is_some_and(|slot| slot <= now));
        let of_june = agenda.take(now).unwrap();
        assert_eq!((&*of_june.feed.id, of_june.slot), ("c", None), "its slot is long past");
        agenda.ended("c", None);
        assert_eq!(agenda.next_at(), Some(at("2026-06-29T22:00:00Z") + delay(&of_june.feed)));
    }
}
