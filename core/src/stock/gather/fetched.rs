//! How old the schedules are that lanes depart by.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Gathered, Outside};
use crate::stock::plan::setting::LaneIndex;
use crate::stock::stocking::{SailingsDocument, Stocking};

impl Gathered {
    /// Takes when the schedules of the lanes of `stocking` were fetched, in the place of those before.
    pub(super) fn take_fetched(&mut self, stocking: &Stocking, outside: &Outside) {
        let asked: BTreeMap<&str, &SailingsDocument> = stocking
            .lane
            .iter()
            .filter_map(|lane| Some((&*lane.id, lane.sailings.as_ref()?)))
            .collect();
        let lanes = (0..).map(LaneIndex).zip(&self.setting.lanes);
        let scheduled = lanes.filter(|(_, lane)| lane.schedule.is_some());
        let fetched = scheduled
            .filter_map(|(index, lane)| Some((index, fetched_at(asked.get(&*lane.id)?, outside)?)));
        self.setting.schedules_fetched_at = fetched.collect();
    }
}

/// Returns when the oldest of the sets was fetched that tell sailings between the places of `asked`.
fn fetched_at(asked: &SailingsDocument, outside: &Outside) -> Option<DateTime<Utc>> {
    let telling = outside.sailings.iter().filter(|(feed, sailing)| {
        asked.feed.as_ref().is_none_or(|wanted| wanted == feed)
            && sailing.from.has_code(&asked.from)
            && sailing.to.has_code(&asked.to)
    });
    telling.filter_map(|(feed, _)| outside.fetched_at.get(feed).copied()).min()
}
