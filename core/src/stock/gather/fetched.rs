//! How old the schedules are that lanes depart by.

use std::collections::BTreeMap;

use super::sailings::Sailings;
use super::{Gathered, Outside};
use crate::stock::plan::setting::LaneIndex;
use crate::stock::stocking::{SailingsDocument, Stocking};

impl Gathered {
    /// Takes when the schedules of the lanes of `stocking` were fetched, in the place of those before.
    pub(super) fn take_fetched(
        &mut self,
        stocking: &Stocking,
        outside: &Outside,
        sailings: &Sailings<'_>,
    ) {
        let asked: BTreeMap<&str, &SailingsDocument> = stocking
            .lane
            .iter()
            .filter_map(|lane| Some((&*lane.id, lane.sailings.as_ref()?)))
            .collect();
        let lanes = (0..).map(LaneIndex).zip(&self.setting.lanes);
        let scheduled = lanes.filter(|(_, lane)| lane.schedule.is_some());
        let fetched = scheduled.filter_map(|(index, lane)| {
            // The oldest of the sets that tell one.
            let told = sailings.told(asked.get(&*lane.id)?);
            let fetched_at = told.filter_map(|(feed, _)| outside.fetched_at.get(*feed).copied());
            Some((index, fetched_at.min()?))
        });
        self.setting.schedules_fetched_at = fetched.collect();
    }
}
