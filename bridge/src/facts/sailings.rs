//! The next departures from place to place, as carriers' schedules tell them.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use upturn_core::fact::Fact;
use upturn_core::fact::known::Known;
use upturn_core::fact::sailing::{self, Sailing};

use super::lookup::LookupError;
use super::{Facts, Sheet};

/// How many ways are named of those that are known.
const NAMED_MAX: usize = 10;

/// A way that is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SailingAsked<'a> {
    /// The codes of the places where it begins and ends: `CNSHA`, `DEHAM`.
    pub(crate) ends: (&'a str, &'a str),
    /// By this feed alone.
    pub(crate) feed: Option<&'a str>,
    /// After which time goods are handed in.
    pub(crate) after: DateTime<Utc>,
    /// How many departures at most.
    pub(crate) count: usize,
    /// By what was known when.
    pub(crate) now: DateTime<Utc>,
}

/// A departure, and whose word it is.
#[derive(Debug)]
pub(crate) struct SailingFound<'f> {
    /// The feed's facts.
    pub(crate) sheet: &'f Sheet,
    /// What is said of it now.
    pub(crate) sailing: Sailing,
    /// How long that has been known; nothing where the facts were saved in a folder.
    pub(crate) age: Option<TimeDelta>,
    /// When it departed by what was said before, the oldest first, each with the time it was known from.
    pub(crate) before: Vec<(DateTime<Utc>, Sailing)>,
}

impl Facts {
    /// Returns the next departures from place to place, of all feeds or of one, the first to depart
    /// first.
    pub(crate) fn sailings(
        &self,
        asked: &SailingAsked<'_>,
    ) -> Result<Vec<SailingFound<'_>>, LookupError> {
        let mut found = Vec::new();
        let mut ways = BTreeSet::new();
        for sheet in self.of_feed(asked.feed)? {
            let known = sheet.known_sailings(asked.now);
            if known.is_empty() {
                continue;
            }
            ways.extend(known.iter().filter_map(|one| way(&one.said)));
            let times = (asked.after, asked.now);
            let offers = sailing::next(&known, asked.ends, times, asked.count);
            if !offers.is_empty() {
                sheet.require_fresh(asked.now.date_naive())?;
            }
            found.extend(offers.into_iter().map(|offer| SailingFound {
                sheet,
                sailing: offer.sailing.clone(),
                age: sheet.known_at.map(|_| offer.age),
                before: offer.before.iter().map(|(at, one)| (*at, (*one).clone())).collect(),
            }));
        }
        if found.is_empty() {
            let (from, to) = asked.ends;
            let known = ways.into_iter().take(NAMED_MAX).collect();
            let way = format!("{from} to {to}");
            return Err(LookupError::NoSailing { way, after: asked.after, known });
        }
        found.sort_by_key(|one| (one.sailing.departs_at, one.sailing.arrives_at));
        found.truncate(asked.count);
        Ok(found)
    }
}

impl Sheet {
    /// Returns its sailings.
    pub(crate) fn sailings(&self) -> impl Iterator<Item = &Sailing> {
        sailings(&self.facts)
    }

    fn known_sailings(&self, now: DateTime<Utc>) -> Vec<Known<Sailing>> {
        let known = |known_at: DateTime<Utc>| {
            move |said: &Sailing| Known {
                source: (&*self.feed).into(),
                known_at,
                said: said.clone(),
            }
        };
        let earlier = self.earlier.iter();
        let earlier = earlier.flat_map(|one| sailings(&one.facts).map(known(one.known_at)));
        earlier.chain(self.sailings().map(known(self.known_at.unwrap_or(now)))).collect()
    }
}

fn sailings(facts: &[Fact]) -> impl Iterator<Item = &Sailing> {
    facts.iter().filter_map(|fact| if let Fact::Sailing(one) = fact { Some(&**one) } else { None })
}

fn way(sailing: &Sailing) -> Option<String> {
    Some(format!("{} to {}", sailing.from.code.as_ref()?, sailing.to.code.as_ref()?))
}
