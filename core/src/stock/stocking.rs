//! Stocking: what a plan of stock is told beside records and feeds.
//!
//! **What it does** names the places, the ways between them, the days on which they work, and how much
//! stock is worth having.
//! **When it fires** at each slot of its schedule, and whenever a record or a fact changes that bears on
//! the plan.
//! **Example** `deploy/stock/stocking.toml`.
//! **Settings** [`Stocking`].

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, FixedOffset, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::adjuster::AdjusterDocument;
use crate::calendar::overlay::Wider;
use crate::money::Currency;
use crate::money::exact::Exact;
use crate::rule::finding::Finding;
use crate::task::Title;

pub mod adjuster;
mod check;

/// Most bases of a network.
pub const BASES_MAX: usize = 99;

/// A document that says how stock is planned.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Upturn stocking")]
pub struct Stocking {
    /// Its identity, stable over its versions.
    pub id: String,
    /// `stocking`.
    pub kind: StockingKind,
    /// What it is about, for people.
    pub title: Title,
    /// When a plan is made besides whenever something changes: minute, hour, day, month, weekday.
    #[serde(default = "each_morning")]
    pub schedule: String,
    /// The zone of the schedule, and of the days of records: `Asia/Shanghai`.
    pub zone: String,
    /// Who is told of advice: a person's id, or `pool:TEAM`. Default: `pool:logistics`.
    #[serde(default = "logistics")]
    pub owner: String,
    /// How many days a plan looks ahead. Default: 30.
    #[serde(default = "thirty")]
    #[schemars(range(min = 1, max = 366))]
    pub ahead_days: u16,
    /// An exercise: plans are made for this moment instead of the present one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<DateTime<FixedOffset>>,
    /// How much stock of a product is worth having.
    pub aim: AimDocument,
    /// Products that are worth more or less.
    #[serde(default)]
    pub product: Vec<ProductDocument>,
    /// Days of work.
    pub calendar: Vec<CalendarDocument>,
    /// Where stock is, and who sells it.
    pub place: Vec<PlaceDocument>,
    /// Ways between places, the preferred ones first.
    #[serde(default)]
    pub lane: Vec<LaneDocument>,
    /// How lanes that feeds tell of are used. Default: they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lanes_of_feeds: Option<FeedLanesDocument>,
    /// Depots whose levels of some products are found together with those of their bases.
    #[serde(default)]
    pub network: Vec<NetworkDocument>,
    /// How demand is learnt from orders.
    #[serde(default)]
    pub demand: DemandDocument,
    /// How deals are counted.
    #[serde(default)]
    pub deals: DealsDocument,
    /// Which parts failures of devices need.
    #[serde(default)]
    pub failure: Vec<FailureDocument>,
    /// Facts that make lanes slower, or demand other, where a held-out test says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adjuster: Vec<AdjusterDocument>,
}

/// The kind of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StockingKind {
    /// Stocking.
    Stocking,
}

/// How much stock is worth having: a service level, or what too few and too many cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AimDocument {
    /// The probability with which stock is to be enough, above 0 and below 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Exact>,
    /// What a missing unit costs, above 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shortage_cost: Option<Exact>,
    /// What an idle unit costs, above 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_cost: Option<Exact>,
    /// The currency of both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
}

/// How much stock of one product is worth having.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductDocument {
    /// The product's id, or `family:` and a family's name.
    pub of: String,
    /// How much.
    pub aim: AimDocument,
}

/// Days of work.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CalendarDocument {
    /// Its name in this document.
    pub id: String,
    /// The zone of its days: `Asia/Shanghai`.
    pub zone: String,
    /// The days of the week on which people work.
    #[schemars(length(min = 1))]
    pub week: Vec<Day>,
    /// The region whose holidays and make-up workdays feeds tell: `CN`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Whose closures feeds tell: `region:CN-62`, `port:CNSHA`.
    #[serde(default)]
    pub closures: Vec<String>,
    /// Which revision of its days this is.
    #[serde(default)]
    pub revision: String,
    /// The last day whose holidays stand here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announced_until: Option<NaiveDate>,
    /// Days that differ; they win over what feeds tell.
    #[serde(default)]
    pub days: Vec<DaysDocument>,
    /// Windows that are wider for this site, supplier or carrier than the region's calendar has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub widen: Vec<Wider>,
}

/// Days that are not as the week has them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DaysDocument {
    /// The first of them.
    pub from: NaiveDate,
    /// The last of them. Default: the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
    /// Whether people work. Default: they do not.
    #[serde(default)]
    pub open: bool,
    /// What they are: `Spring Festival`.
    pub name: String,
}

/// A place with stock, or a supplier.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceDocument {
    /// Its id, as records have it.
    pub id: String,
    /// Whether it sells whatever is ordered. Default: it has stock and needs some.
    #[serde(default)]
    pub supplier: bool,
    /// The calendar by which it hands over and receives.
    pub calendar: String,
    /// Days from one decision about its stock to the next. Default: 1.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 366))]
    pub review_days: u16,
    /// By which names feeds know it: `CNLHW`.
    #[serde(default)]
    pub codes: Vec<String>,
}

/// A way from one place to another.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LaneDocument {
    /// Its name.
    pub id: String,
    /// Where it begins.
    pub from: String,
    /// Where it ends.
    pub to: String,
    /// The carrier's calendar.
    pub calendar: String,
    /// Days of transit, `1`, or days with their shares, `2:0.7;3:0.3`.
    pub transit: String,
    /// The share of shipments that the planned transit covers. Default: 0.9.
    #[serde(default = "nine_tenths")]
    pub slack: Exact,
    /// The days of the week on which it departs. Default: all.
    #[serde(default)]
    pub departures: Vec<Day>,
    /// Until when the origin hands over on a day: `16:00`. Default: until midnight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_off: Option<String>,
    /// The longest closure over which goods may wait, in days. Default: 4, a long weekend.
    #[serde(default = "four")]
    pub hold_days: u16,
    /// The last day the carrier picks up before a pause of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_pickup_on: Option<NaiveDate>,
    /// The first day it picks up again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pickup_again_on: Option<NaiveDate>,
    /// The sailings of feeds that are its departures; beyond their end, `transit` and `departures` hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sailings: Option<SailingsDocument>,
}

/// Which sailings of feeds are the departures of a lane. Those whose call is omitted are not.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SailingsDocument {
    /// The code of the place where they begin: `CNSHA`.
    pub from: String,
    /// The code of the place where they end: `DEHAM`.
    pub to: String,
    /// Only those of this carrier: `MAEU`. Default: of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// Only those of this service: `AE7`. Default: of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Only those that this feed tells. Default: those of all feeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed: Option<String>,
    /// How many days before the last time to hand in goods leave the place. Default: 1.
    #[serde(default = "one")]
    #[schemars(range(max = 60))]
    pub before_days: u16,
    /// How many days after the arrival goods are at the place. Default: 1.
    #[serde(default = "one")]
    #[schemars(range(max = 60))]
    pub after_days: u16,
}

/// How lanes that feeds tell of are used: those that begin and end at places of this document.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedLanesDocument {
    /// The carriers' calendar.
    pub calendar: String,
    /// The share of shipments that the planned transit covers. Default: 0.9.
    #[serde(default = "nine_tenths")]
    pub slack: Exact,
    /// The longest closure over which goods may wait, in days. Default: 4.
    #[serde(default = "four")]
    pub hold_days: u16,
}

/// A depot and its bases: what each keeps of some products is found for all of them together, and ordered up
/// to at once. Deals and closures add to it as everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkDocument {
    /// Its name.
    pub id: String,
    /// The place that supplies the bases.
    pub depot: String,
    /// The bases; a lane leads from the depot to each.
    pub bases: Vec<String>,
    /// The products.
    pub products: Vec<String>,
    /// The fewest units are found with which at most so many of a product are missing at all bases on
    /// average (METRIC); above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_max: Option<Exact>,
    /// Instead: the cheapest stock is found with which each place keeps the time it promises (guaranteed
    /// service), with this probability; above 0 and below 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Exact>,
    /// With `service`: what a unit on the depot's shelf costs, above 0. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depot_cost: Option<Exact>,
    /// With `service`: what a unit on a base's shelf costs, in the same unit, above 0. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_cost: Option<Exact>,
}

/// How demand is learnt from orders. Those that came of a deal are no demand apart from deals.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DemandDocument {
    /// Of how many days a period is. Default: 28.
    #[schemars(range(min = 1, max = 92))]
    pub period_days: u16,
    /// How many periods back orders are looked at. Default: 26.
    #[schemars(range(min = 1, max = 400))]
    pub periods: u16,
    /// The place that serves accounts which are not under `accounts`. Default: none, their orders count
    /// nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Which place serves an account.
    pub accounts: BTreeMap<String, String>,
}

impl Default for DemandDocument {
    fn default() -> Self {
        Self { period_days: 28, periods: 26, place: None, accounts: BTreeMap::new() }
    }
}

/// How deals are counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DealsDocument {
    /// For how many days after its expected day a deal's units may be needed; each is as likely.
    /// Default: 0, on that day.
    #[schemars(range(max = 366))]
    pub window_days: u16,
}

/// Which part a failure of a model may need, one for each failure.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailureDocument {
    /// The devices: their model, or the product they are one of.
    pub model: String,
    /// The rule whose tasks are such failures.
    pub fault: String,
    /// The product that is needed.
    pub part: String,
    /// The share of these failures that need it, above 0 and up to 1. Default: as closed work orders
    /// say, of failures of the last 365 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Exact>,
    /// How many days after the failure it is needed. Default: 0, on that day; with a share that work
    /// orders tell, the middle one of those that needed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 366))]
    pub lag_days: Option<u16>,
    /// How often a device fails so in a year. Default: as often as tasks of the last 365
    /// days say, or of those since the rule went live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_year: Option<Exact>,
}

/// A day of the week.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "they are the days of the week")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    const ALL: [Self; 7] =
        [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    /// Returns which days of the week `days` are, from Monday on.
    pub(super) fn week(days: &[Self]) -> [bool; 7] {
        Self::ALL.map(|day| days.contains(&day))
    }
}

impl Stocking {
    /// Tells whether `text` says that it is such a document, sound or not.
    pub fn is_one(text: &str) -> bool {
        let kind = |line: &str| {
            let value = line.trim().strip_prefix("kind")?.trim_start().strip_prefix('=')?;
            Some(value.split('#').next()?.trim().trim_matches(['"', '\'']) == "stocking")
        };
        let head = text.lines().take_while(|line| !line.trim_start().starts_with('['));
        head.filter_map(kind).any(|is_one| is_one)
    }

    /// Returns by which names feeds may call the places whose weather adjusters ask for.
    pub fn weather_places(&self) -> BTreeSet<&str> {
        let asked = self.adjuster.iter().filter_map(|adjuster| adjuster.weather.as_ref());
        asked.flat_map(|weather| self.names_of(&weather.place)).collect()
    }

    /// Returns what feeds may call `place`: that word itself and, of a place of this document, its codes.
    pub(super) fn names_of<'s>(&'s self, place: &'s str) -> BTreeSet<&'s str> {
        let own = self.place.iter().find(|own| own.id == place);
        let codes = own.into_iter().flat_map(|own| own.codes.iter().map(String::as_str));
        codes.chain([place]).collect()
    }

    /// Reads a document; fails with everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Vec<Finding>> {
        check::parse(text)
    }
}

/// Returns the JSON Schema of the document.
pub fn schema() -> String {
    format!("{:#}\n", schemars::schema_for!(Stocking).to_value())
}

fn each_morning() -> String {
    "0 5 * * *".to_owned()
}

fn logistics() -> String {
    "pool:logistics".to_owned()
}

fn one() -> u16 {
    1
}

fn four() -> u16 {
    4
}

fn thirty() -> u16 {
    30
}

fn nine_tenths() -> Exact {
    Exact(rust_decimal::Decimal::new(9, 1))
}
