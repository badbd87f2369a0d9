//! The tables of a folder, as a plan reads them.
//!
//! A row that is wrong is named and left out, and all others count. Where a wrong row says what stands
//! at a place, there is no advice for that item and place, since it would rest on a guess.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use chrono::NaiveDate;
use upturn_core::stock::plan::base::{self, Observed, Summary};
use upturn_core::stock::plan::failures::Failures;
use upturn_core::stock::plan::setting::{
    CalendarIndex, Coming, Deal, Holding, ItemIndex, PlaceIndex, Position, Setting,
};

use crate::registry::problem::Problems;
use crate::registry::table::{Row, Table};

pub(super) mod cell;
mod demand;
pub(super) mod failures;
mod items;
mod networks;
mod places;
mod stock;

/// The tables that have to be there.
const REQUIRED: [&str; 5] = [
    items::ITEMS.file,
    places::PLACES.file,
    places::CALENDARS.file,
    places::LANES.file,
    stock::STOCK.file,
];

/// What a folder holds.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) setting: Setting,
    /// The names of the calendars, in the order of the setting.
    pub(super) calendars: Vec<Box<str>>,
    pub(super) firmed: Vec<Firmed>,
    pub(super) problems: Problems,
}

/// Something that was agreed on and stays as it is.
#[derive(Clone, Debug, serde::Serialize)]
pub(super) struct Firmed {
    pub(super) item: Box<str>,
    pub(super) from: Box<str>,
    pub(super) to: Box<str>,
    pub(super) quantity: u32,
    pub(super) ship_on: NaiveDate,
}

/// Why a folder is not read at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error("there is no {0} in the folder; deploy/stock/README.md says what belongs there")]
    Missing(&'static str),
    #[error("{0}")]
    Tables(Problems),
}

/// A position while it is read.
#[derive(Debug, Default)]
struct Draft {
    holdings: Vec<Holding>,
    /// In order, each with the item it was asked for.
    history: Vec<(ItemIndex, Observed)>,
    deals: Vec<Deal>,
    failures: Failures,
    coming: Vec<Coming>,
    is_blocked: bool,
}

struct Loader<'f> {
    folder: &'f Path,
    as_of: NaiveDate,
    problems: Problems,
    setting: Setting,
    calendars: HashMap<Box<str>, CalendarIndex>,
    items: HashMap<Box<str>, ItemIndex>,
    places: HashMap<Box<str>, PlaceIndex>,
    /// In which line of its table each lane of the setting stands.
    lane_lines: Vec<u64>,
    /// What stands for each item in the positions: itself, or the last of those that replace it.
    successors: Vec<ItemIndex>,
    drafts: HashMap<(ItemIndex, PlaceIndex), Draft>,
    firmed: Vec<Firmed>,
}

/// Reads the tables in `folder`, for a plan made on `as_of`.
pub(super) fn load(folder: &Path, as_of: NaiveDate) -> Result<Loaded, LoadError> {
    if let Some(missing) = REQUIRED.into_iter().find(|file| !folder.join(file).is_file()) {
        return Err(LoadError::Missing(missing));
    }
    let mut loader = Loader {
        folder,
        as_of,
        problems: Problems::default(),
        setting: Setting::default(),
        calendars: HashMap::new(),
        items: HashMap::new(),
        places: HashMap::new(),
        lane_lines: Vec::new(),
        successors: Vec::new(),
        drafts: HashMap::new(),
        firmed: Vec::new(),
    };
    // In this order, since each table names rows of those before it.
    let is_read = loader.read_calendars()
        && loader.read_places()
        && loader.read_lanes()
        && loader.read_items()
        && loader.read_stock()
        && loader.read_firmed()
        && loader.read_coming()
        && loader.read_deals()
        && loader.read_demand()
        && loader.read_failures()
        && loader.read_networks();
    if is_read { Ok(loader.finish()) } else { Err(LoadError::Tables(loader.problems)) }
}

impl Loader<'_> {
    /// Hands each row of a table to `take`, which says what is wrong with it.
    fn rows(
        &mut self,
        table: &Table,
        mut take: impl FnMut(&mut Self, Row<'_>) -> Result<(), String>,
    ) -> bool {
        let folder = self.folder;
        let path = folder.join(table.file);
        let mut problems = std::mem::take(&mut self.problems);
        let is_read = table.read(folder, &mut problems, |row, problems| {
            if let Err(message) = take(self, row) {
                problems.report(&path, Some(row.line), message);
            }
        });
        self.problems = problems;
        is_read
    }

    fn item(&self, row: Row<'_>) -> Result<ItemIndex, String> {
        let name = cell::text(row, "item")?;
        let found = self.items.get(name).copied();
        found.ok_or_else(|| format!("item '{name}' is not in items.csv, or wrong there"))
    }

    fn place(&self, row: Row<'_>, column: &str) -> Result<PlaceIndex, String> {
        let name = cell::text(row, column)?;
        let found = self.places.get(name).copied();
        found.ok_or_else(|| format!("place '{name}' is not in places.csv, or wrong there"))
    }

    /// Returns the last of those that replace `item` one after another.
    fn last(&self, item: ItemIndex) -> ItemIndex {
        let index = usize::try_from(item.0).unwrap_or(usize::MAX);
        self.successors.get(index).copied().unwrap_or(item)
    }

    fn draft(&mut self, item: ItemIndex, place: PlaceIndex) -> &mut Draft {
        let successor = self.last(item);
        self.drafts.entry((successor, place)).or_default()
    }

    /// Notes that what stands at a place is not known, and passes the reason on.
    fn block(&mut self, item: ItemIndex, place: PlaceIndex, reason: &str) -> String {
        self.draft(item, place).is_blocked = true;
        format!("{reason}; there is no advice for this item and place")
    }

    fn finish(mut self) -> Loaded {
        let mut drafts: Vec<_> = std::mem::take(&mut self.drafts).into_iter().collect();
        drafts.sort_unstable_by_key(|(pair, _)| *pair);
        let summaries: Vec<Summary> =
            drafts.iter().map(|(_, draft)| summary(&draft.history)).collect();
        let pooled = base::pooled_spread(summaries.iter());
        let with_summaries = drafts.into_iter().zip(summaries);
        let sound = with_summaries.filter(|((_, draft), _)| !draft.is_blocked);
        let positions = sound.map(|(((item, place), mut draft), summary)| {
            // Replaced items before those that replace them.
            draft.holdings.sort_by_key(|holding| (holding.item == item, holding.item));
            draft.coming.sort_unstable();
            Position {
                item,
                place,
                holdings: draft.holdings,
                base: summary.base(pooled),
                deals: draft.deals,
                failures: Some(draft.failures).filter(|one| !one.is_nothing()).map(Box::new),
                coming: draft.coming,
            }
        });
        self.setting.positions = positions.collect();
        self.report_cycles();
        let mut calendars: Vec<_> = self.calendars.into_iter().collect();
        calendars.sort_unstable_by_key(|(_, index)| *index);
        let calendars = calendars.into_iter().map(|(name, _)| name).collect();
        Loaded { setting: self.setting, calendars, firmed: self.firmed, problems: self.problems }
    }
}

fn summary(history: &[(ItemIndex, Observed)]) -> Summary {
    let periods: Vec<Observed> = history.iter().map(|(_, period)| *period).collect();
    Summary::of(&periods)
}

/// Returns the index of the next entry of a list.
fn next_index(len: usize) -> Result<u32, String> {
    u32::try_from(len).map_err(|_| "there are too many rows".to_owned())
}

/// Returns those of `names` that lead back to themselves by `next`.
fn cycles(next: &[Option<ItemIndex>]) -> BTreeSet<usize> {
    let step = |place: usize| -> Option<usize> { usize::try_from((*next.get(place)?)?.0).ok() };
    // Each round forgets who leads nowhere; what is left leads round and round.
    let mut on_cycle = BTreeSet::new();
    let mut seen = vec![0_usize; next.len()];
    for start in 0..next.len() {
        let mut place = Some(start);
        while let Some(here) = place {
            let Some(mark) = seen.get_mut(here) else { break };
            if *mark == start + 1 {
                // Round once, from here to here.
                let mut member = here;
                while on_cycle.insert(member) {
                    match step(member) {
                        Some(after) => member = after,
                        None => break,
                    }
                }
                break;
            }
            if *mark != 0 {
                break;
            }
            *mark = start + 1;
            place = step(here);
        }
    }
    on_cycle
}
