//! What places can give of an item while a plan is made.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::need::{Context, Need, Taken};
use super::network::Levels;
use super::outlook::Outlook;
use super::setting::{ItemIndex, PlaceIndex, Position};

/// What has been given of one item and those it replaces.
#[derive(Debug)]
pub(super) struct Ledger<'s> {
    context: Context<'s>,
    // Invariant: ordered by place.
    positions: &'s [Position],
    short: BTreeSet<PlaceIndex>,
    levels: &'s Levels,
    given: BTreeMap<(PlaceIndex, ItemIndex), u32>,
    /// What depots of networks were asked for and had not.
    owed: BTreeMap<PlaceIndex, u32>,
}

impl<'s> Ledger<'s> {
    pub(super) fn new(
        context: Context<'s>,
        positions: &'s [Position],
        (needs, levels): (&[Need<'_>], &'s Levels),
    ) -> Self {
        // What a depot keeps, it keeps for others.
        let itself = needs.iter().filter(|need| !(need.is_depot() && need.is_covered_apart()));
        let short = itself.map(Need::place).collect();
        Self { context, positions, short, levels, given: BTreeMap::new(), owed: BTreeMap::new() }
    }

    /// Returns what `place` can give `to` of each item on `ship_on`, replaced ones first: what stands on its
    /// shelf, or is made by then, and is more than it needs itself, or keeps for others, on the days before
    /// `until`. Who needs some itself gives none.
    pub(super) fn surplus(
        &self,
        (place, to): (PlaceIndex, PlaceIndex),
        (ship_on, until): (NaiveDate, NaiveDate),
    ) -> Vec<(ItemIndex, u32)> {
        let found = self.positions.binary_search_by_key(&place, |position| position.place);
        let position = found.ok().and_then(|found| self.positions.get(found));
        let Some(position) = position.filter(|_| !self.short.contains(&place)) else {
            return Vec::new();
        };
        let Some(item) = self.context.setting.item(position.item) else { return Vec::new() };
        let outlook = Outlook::new(self.context.setting, position, self.context.today(place));
        // A demand that cannot be reckoned leaves nothing over.
        let Ok(demand) = outlook.demand(until) else { return Vec::new() };
        let mut keeps = i64::try_from(demand.quantile(item.aim.level())).unwrap_or(i64::MAX);
        let level = self.levels.at(place).filter(|_| !self.levels.is_kept_for(place, to));
        if let Some(level) = level {
            let Ok(beside) = level.beside(&outlook, until, item.aim.level()) else {
                return Vec::new();
            };
            keeps = keeps.max(beside.saturating_add(level.units.into()));
        }
        let given: i64 = position.holdings.iter().map(|h| self.given(place, h.item)).sum();
        let made = ship_on.succ_opt().map_or(0, |after| position.coming_before(after));
        let there = position.available().saturating_add(made);
        let spare = there.saturating_sub(keeps).saturating_sub(given);
        let mut spare = u32::try_from(spare.max(0)).unwrap_or(u32::MAX);
        let mut surplus = Vec::new();
        for holding in &position.holdings {
            let made = if holding.item == position.item { made } else { 0 };
            let left = i64::from(holding.on_shelf()) + made - self.given(place, holding.item);
            let units = u32::try_from(left.max(0)).unwrap_or_default().min(spare);
            spare -= units;
            if 0 < units {
                surplus.push((holding.item, units));
            }
        }
        surplus
    }

    /// Notes that `place` gives `units`.
    pub(super) fn give(&mut self, place: PlaceIndex, item: ItemIndex, units: u32) {
        let given = self.given.entry((place, item)).or_default();
        *given = given.saturating_add(units);
    }

    /// Notes that the depot `place` was asked for `units` more than it has.
    pub(super) fn owe(&mut self, place: PlaceIndex, units: u32) {
        let owed = self.owed.entry(place).or_default();
        *owed = owed.saturating_add(units);
    }

    /// Returns what the place of `position` gives, and what it owes.
    pub(super) fn taken(&self, position: &Position) -> Taken {
        let given: i64 = position.holdings.iter().map(|h| self.given(position.place, h.item)).sum();
        let owed = self.owed.get(&position.place).copied().unwrap_or_default();
        Taken { given: u32::try_from(given).unwrap_or(u32::MAX), owed }
    }

    fn given(&self, place: PlaceIndex, item: ItemIndex) -> i64 {
        self.given.get(&(place, item)).copied().unwrap_or_default().into()
    }
}
