//! What a plan reads, gathered from records, facts and the stocking document.
//!
//! A record that is wrong is named and left out, and all others count. Where a wrong record says what
//! stands at a place, there is no advice for that item and place, since it would rest on a guess.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use super::plan::base::Observed;
use super::plan::failures::Failures;
use super::plan::setting::{
    Aim, Coming, Costs, Deal, Holding, Item, ItemIndex, Place, PlaceIndex, PlaceKind, Position,
    Setting,
};
use super::stocking::{AimDocument, Stocking};
use crate::money::exact::Exact;

mod adjusters;
mod demand;
mod failures;
mod fetched;
mod learnt;
mod networks;
mod outside;
mod past;
mod plans;
mod rate;
pub mod row;
mod sailings;
mod told;
pub mod work_orders;

pub use adjusters::{Judged, Subject};
pub use failures::{LOOK_BACK_DAYS, cause};
pub use networks::goal;
pub use outside::{Outside, own_calendar, terms};

use self::past::Past;
use self::row::Rows;

/// How many troubles are told; more are only counted.
pub const TROUBLES_MAX: usize = 200;
/// How many products may replace each other in a row.
const CHAIN_MAX: usize = 64;

/// What a plan reads, and what is wrong with what it was made of.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    /// What a plan reads.
    pub setting: Setting,
    /// The names of the calendars, in the order of the setting.
    pub calendars: Vec<Box<str>>,
    /// What was left out, and why.
    pub troubles: Troubles,
    /// What was found of adjusters, in the order of the document.
    pub verdicts: Vec<Judged>,
    past: Past,
}

/// Something that was left out.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Trouble {
    /// What: a record by kind and key, a lane, a calendar.
    pub of: String,
    /// What is wrong, and what to do.
    pub message: String,
}

/// What was left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Troubles {
    /// As far as a person can read it.
    pub listed: Vec<Trouble>,
    /// How many there are besides.
    pub unlisted: usize,
}

impl Troubles {
    /// Takes one more.
    pub fn report(&mut self, of: impl Into<String>, message: impl Into<String>) {
        if self.listed.len() < TROUBLES_MAX {
            self.listed.push(Trouble { of: of.into(), message: message.into() });
        } else {
            self.unlisted += 1;
        }
    }
}

/// Something that was agreed on and stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firmed {
    /// What is sent.
    pub item: String,
    /// From where; none: nobody was found.
    pub from: Option<String>,
    /// To where.
    pub to: String,
    /// How much.
    pub quantity: u32,
    /// When it arrives.
    pub arrives_on: Option<NaiveDate>,
}

/// A position while it is gathered.
#[derive(Debug, Default)]
struct Draft {
    holdings: Vec<Holding>,
    history: Vec<Observed>,
    deals: Vec<Deal>,
    failures: Failures,
    coming: Vec<Coming>,
    is_blocked: bool,
}

struct Gatherer<'s> {
    stocking: &'s Stocking,
    zone: Tz,
    today: NaiveDate,
    items: BTreeMap<&'s str, ItemIndex>,
    places: BTreeMap<&'s str, PlaceIndex>,
    /// What stands for each item in the positions: itself, or the last of those that replace it.
    successors: Vec<ItemIndex>,
    drafts: BTreeMap<(ItemIndex, PlaceIndex), Draft>,
    made: Gathered,
}

/// Returns what records say, without calendars and lanes, for a plan made at `as_of`.
pub fn records(
    stocking: &Stocking,
    rows: &Rows,
    firmed: &[Firmed],
    as_of: DateTime<Utc>,
) -> Gathered {
    let zone: Tz = stocking.zone.parse().unwrap_or(Tz::UTC);
    let mut gatherer = Gatherer {
        stocking,
        zone,
        today: as_of.with_timezone(&zone).date_naive(),
        items: BTreeMap::new(),
        places: BTreeMap::new(),
        successors: Vec::new(),
        drafts: BTreeMap::new(),
        made: Gathered::default(),
    };
    gatherer.take_places();
    gatherer.take_products(rows);
    gatherer.take_stock(rows);
    gatherer.take_shipments(rows);
    gatherer.take_trips(rows);
    gatherer.take_plans(rows);
    gatherer.take_firmed(firmed);
    gatherer.take_deals(rows);
    gatherer.take_orders(rows);
    gatherer.take_failures(rows);
    gatherer.take_networks();
    gatherer.finish()
}

impl<'s> Gatherer<'s> {
    fn report(&mut self, kind: &str, key: &str, message: impl Into<String>) {
        self.made.troubles.report(format!("{kind} {key}"), message);
    }

    fn take_places(&mut self) {
        for (index, place) in (0..).zip(&self.stocking.place) {
            let calendar = self.stocking.calendar.iter().position(|own| own.id == place.calendar);
            let calendar = calendar.and_then(|found| u32::try_from(found).ok()).unwrap_or_default();
            let kind = if place.supplier { PlaceKind::Supplier } else { PlaceKind::Site };
            self.made.setting.places.push(Place {
                id: (*place.id).into(),
                kind,
                calendar: super::plan::setting::CalendarIndex(calendar),
                review_days: place.review_days.max(1),
            });
            self.places.insert(&place.id, PlaceIndex(index));
        }
    }

    fn take_products(&mut self, rows: &'s Rows) {
        let mut aims: BTreeMap<&str, Aim> = BTreeMap::new();
        for product in &self.stocking.product {
            if let Ok(aim) = aim(&product.aim) {
                aims.insert(&product.of, aim);
            }
        }
        let otherwise = aim(&self.stocking.aim).unwrap_or(Aim::Service(0.95));
        for row in &rows.products {
            let Ok(index) = u32::try_from(self.made.setting.items.len()) else { return };
            let of_family = row.family.as_ref().map(|family| format!("family:{family}"));
            let own = aims.get(&*row.id).or_else(|| aims.get(&**of_family.as_ref()?));
            let (pack, order_min) =
                (row::units(row.pack_size.as_deref()), row::units(row.minimum_order.as_deref()));
            let (pack, order_min) = match (pack, order_min) {
                (Ok(pack), Ok(order_min)) => (pack.unwrap_or(1).max(1), order_min.unwrap_or(0)),
                (Err(why), _) | (_, Err(why)) => {
                    self.report("product", &row.id, format!("{why}; it is not planned"));
                    continue;
                }
            };
            let aim = own.copied().unwrap_or(otherwise);
            self.made.setting.items.push(Item { id: (*row.id).into(), pack, order_min, aim });
            self.items.insert(&row.id, ItemIndex(index));
        }
        let mut next: Vec<Option<ItemIndex>> = Vec::new();
        for row in rows.products.iter().filter(|row| self.items.contains_key(&*row.id)) {
            next.push(row.replaced_by.as_deref().and_then(|name| self.items.get(name).copied()));
        }
        for index in 0..next.len() {
            let (last, is_cycle) = last_of(&next, index);
            if is_cycle {
                let id = self.made.setting.items.get(index).map(|item| item.id.to_string());
                let message = "it is replaced by one that it replaces; it stands for itself";
                self.report("product", id.as_deref().unwrap_or_default(), message);
            }
            self.successors.push(last);
        }
    }

    fn find(&self, product: &str, place: &str) -> Result<(ItemIndex, PlaceIndex), String> {
        let item = self.items.get(product).copied();
        let item = item.ok_or_else(|| format!("there is no product '{product}'; import it"))?;
        let place = self.places.get(place).copied().ok_or_else(|| {
            format!("the stocking document has no place '{place}'; add it or correct the record")
        })?;
        Ok((item, place))
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

    fn take_stock(&mut self, rows: &'s Rows) {
        for row in &rows.stock {
            let key = || format!("{}|{}", row.product, row.place);
            let (item, place) = match self.find(&row.product, &row.place) {
                Ok(found) => found,
                Err(why) => {
                    self.report("stock", &key(), why);
                    continue;
                }
            };
            match row.holding(item, self.zone) {
                Ok(holding) => self.draft(item, place).holdings.push(holding),
                Err(why) => {
                    self.draft(item, place).is_blocked = true;
                    let why = format!("{why}; there is no advice for this product and place");
                    self.report("stock", &key(), why);
                }
            }
        }
    }

    /// Counts what is on its way where the stock itself does not say how much that is.
    fn take_shipments(&mut self, rows: &'s Rows) {
        let said: BTreeSet<(&str, &str)> = rows
            .stock
            .iter()
            .filter(|row| row.on_order.is_some())
            .map(|row| (&*row.product, &*row.place))
            .collect();
        let open = rows.shipments.iter().filter(|row| row.arrived_on.is_none());
        for row in open.filter(|row| !said.contains(&(&*row.product, &*row.to))) {
            let units = row::units(Some(&row.quantity));
            let found = self.find(&row.product, &row.to);
            let (item, place, units) = match (found, units) {
                (Ok((item, place)), Ok(Some(units))) => (item, place, units),
                (Ok(_), Ok(None)) => continue,
                (Err(why), _) | (_, Err(why)) => {
                    let key = format!("{}|{}", row.id, row.product);
                    self.report("shipment", &key, format!("{why}; it is not counted"));
                    continue;
                }
            };
            let holding = self.holding(item, place);
            holding.on_order = holding.on_order.saturating_add(units);
        }
    }

    fn holding(&mut self, item: ItemIndex, place: PlaceIndex) -> &mut Holding {
        let today = self.today;
        let holdings = &mut self.draft(item, place).holdings;
        let found = holdings.iter().position(|known| known.item == item);
        let found = found.unwrap_or_else(|| {
            let counted_on = today;
            holdings.push(Holding { item, on_hand: 0, on_order: 0, reserved: 0, counted_on });
            holdings.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "it was found or pushed just before")]
        &mut holdings[found]
    }

    /// Counts what people agreed on as if it were on its way, until the stock was counted after it came.
    fn take_firmed(&mut self, firmed: &[Firmed]) {
        for one in firmed {
            let Ok((item, to)) = self.find(&one.item, &one.to) else { continue };
            let holding = self.holding(item, to);
            if one.arrives_on.is_some_and(|day| day < holding.counted_on) {
                continue;
            }
            holding.on_order = holding.on_order.saturating_add(one.quantity);
            let Some(from) = one.from.as_deref().and_then(|from| self.places.get(from)).copied()
            else {
                continue;
            };
            let place = usize::try_from(from.0).ok();
            let place = place.and_then(|place| self.made.setting.places.get(place));
            if place.is_some_and(|place| place.kind == PlaceKind::Site) {
                let holding = self.holding(item, from);
                holding.reserved = holding.reserved.saturating_add(one.quantity);
            }
        }
    }

    fn finish(mut self) -> Gathered {
        let drafts: Vec<_> = std::mem::take(&mut self.drafts).into_iter().collect();
        self.take_series(&drafts);
        let mut made = self.made;
        let histories: Vec<&[Observed]> = drafts.iter().map(|(_, draft)| &*draft.history).collect();
        let bases = learnt::bases(&histories, self.stocking.ahead_days);
        let sound = drafts.into_iter().zip(bases).filter(|((_, draft), _)| !draft.is_blocked);
        let positions = sound.map(|(((item, place), mut draft), base)| {
            // Replaced items before those that replace them.
            draft.holdings.sort_by_key(|holding| (holding.item == item, holding.item));
            let failures = Some(draft.failures).filter(|one| !one.is_nothing()).map(Box::new);
            let (holdings, deals) = (draft.holdings, draft.deals);
            draft.coming.sort_unstable();
            Position { item, place, holdings, base, deals, failures, coming: draft.coming }
        });
        made.setting.positions = positions.collect();
        made
    }
}

/// Returns the last of those that replace the item at `index` one after another, and whether they lead
/// back to it; then it stands for itself.
fn last_of(next: &[Option<ItemIndex>], index: usize) -> (ItemIndex, bool) {
    let own = ItemIndex(u32::try_from(index).unwrap_or(u32::MAX));
    let mut last = own;
    for _ in 0..CHAIN_MAX {
        let place = usize::try_from(last.0).unwrap_or(usize::MAX);
        match next.get(place).copied().flatten() {
            Some(following) if following == own => return (own, true),
            Some(following) => last = following,
            None => return (last, false),
        }
    }
    (own, true)
}

/// Returns how much stock is worth having, or what is wrong with what `document` says of it.
pub(super) fn aim(document: &AimDocument) -> Result<Aim, String> {
    let AimDocument { service, shortage_cost, idle_cost, currency } = document;
    match (service, shortage_cost, idle_cost, currency) {
        (Some(Exact(level)), None, None, None) => {
            let number = f64::try_from(*level).unwrap_or_default();
            let is_level = Decimal::ZERO < *level && *level < Decimal::ONE;
            is_level.then_some(Aim::Service(number)).ok_or_else(|| {
                format!("a service level of {level} is none; it is above 0 and below 1")
            })
        }
        (None, Some(Exact(shortage)), Some(Exact(idle)), Some(currency)) => {
            let zero = Decimal::ZERO;
            let costs = Costs { shortage: *shortage, idle: *idle, currency: *currency };
            let is_sound = zero < *shortage && zero < *idle;
            is_sound.then_some(Aim::Costs(costs)).ok_or_else(|| "a cost is not above 0".to_owned())
        }
        (None, None, None, None) => Err("nothing says how much stock is worth having".to_owned()),
        _ => Err("a service level and costs stand together, or a cost is missing".to_owned()),
    }
}

/// Returns the share that `slack` is.
pub(super) fn slack(Exact(slack): Exact) -> Result<Decimal, String> {
    let is_share = Decimal::ZERO < slack && slack <= Decimal::ONE;
    is_share.then_some(slack).ok_or_else(|| format!("slack is {slack}, no share of shipments"))
}

/// Returns the places of `stocking` by every name that feeds know them by.
fn places_by_name(stocking: &Stocking) -> BTreeMap<&str, PlaceIndex> {
    let mut found = BTreeMap::new();
    for (index, place) in (0..).zip(&stocking.place) {
        for name in std::iter::once(&place.id).chain(&place.codes) {
            found.entry(name.as_str()).or_insert(PlaceIndex(index));
        }
    }
    found
}
