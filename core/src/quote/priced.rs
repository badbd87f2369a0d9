//! A quote as it was priced: every figure with where it comes from. Nothing in it is reckoned again
//! when it is shown.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::charge::{ChargeKind, LevyKind};
use super::destination::{ImportTax, Valuation};
use super::problem::Problem;
use super::stated::StatedRate;
use super::term::Term;
use crate::fact::place::Country;
use crate::money::exact::Exact;
use crate::money::{Currency, Money};

/// A priced quote.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Quote {
    /// The currency of all amounts that do not name another.
    pub currency: Currency,
    /// The lines.
    pub lines: Vec<PricedLine>,
    /// All lines together; none where a rate is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goods: Option<Exact>,
    /// Costs on the way and what the state levies, in the order of the journey.
    pub costs: Vec<Cost>,
    /// How the goods come in, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customs: Option<CustomsView>,
    /// The price by each term.
    pub offers: Vec<Offer>,
    /// What keeps all of it from going out.
    pub problems: Vec<Problem>,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PricedLine {
    /// Before discounts, in the line's currency.
    pub gross: Money,
    /// What is taken off, in the same.
    pub discount: Exact,
    /// What is left; of a gift 0.
    pub net: Exact,
    /// The same in the quote's currency; none where no rate is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Exact>,
    /// The rate between them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<UsedRate>,
}

/// A rate as it was used: one published rate, or two through a third currency.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UsedRate {
    /// What was exchanged.
    pub from: Currency,
    /// Into what.
    pub to: Currency,
    /// One unit of the first in the second, with at most 10 decimals, to be looked at.
    pub value: Exact,
    /// The published rates.
    pub legs: Vec<UsedLeg>,
}

/// A published rate as it was used.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UsedLeg {
    /// The rate.
    pub rate: StatedRate,
    /// Whether it was used the other way round.
    pub is_inverted: bool,
    /// How many publications its source has had since.
    pub missed: u32,
}

/// A cost.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// What for.
    pub kind: CostKind,
    /// As it is printed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// How much, as it is stated or levied.
    pub amount: Money,
    /// The same in the quote's currency; none where no rate is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Exact>,
    /// The rate between them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<UsedRate>,
    /// Whether it is part of the customs value.
    pub in_duty_base: bool,
    /// Whether the tax on imports is levied on it.
    pub in_vat_base: bool,
    /// The rules it follows from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<UsedRule>,
    /// What it is levied on, in its own currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Exact>,
}

/// What a cost is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum CostKind {
    /// A cost on the way, that the request states.
    Charge(ChargeKind),
    /// What the state levies.
    Levy(LevyKind),
}

/// A rule that something is levied by.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UsedRule {
    /// Who says so.
    pub source: String,
    /// The rule.
    pub rule: String,
    /// What it levies, as it is written: `8 %`.
    pub levies: String,
    /// The first day it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NaiveDate>,
    /// The last day it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
}

/// How the goods come in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CustomsView {
    /// The customs territory.
    pub territory: Country,
    /// How it values imports.
    pub valuation: Valuation,
    /// What its tax on imports is levied on.
    pub tax: ImportTax,
    /// The currency of the declaration.
    pub currency: Currency,
    /// The day of the declaration.
    pub declared_on: NaiveDate,
    /// The goods, each with its customs value.
    pub items: Vec<CustomsItem>,
    /// The customs rates it was valued at, never the daily ones.
    pub rates: Vec<UsedRate>,
}

/// Goods of one code and origin.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CustomsItem {
    /// Their code.
    pub commodity: String,
    /// Their origin.
    pub origin: Country,
    /// The lines, counted from 0.
    pub lines: Vec<usize>,
    /// What was paid for them, or what gifts are worth.
    pub goods: Exact,
    /// Their part of the costs that are in the duty base.
    pub carriage: Exact,
    /// Both together.
    pub customs_value: Exact,
}

/// The price by a term.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// The term.
    pub term: Term,
    /// The place that is named with it.
    pub place: String,
    /// What becomes of it.
    pub status: Status,
    /// The costs in it, by their places among the quote's, counted from 0.
    pub costs: Vec<usize>,
    /// The price; none where it cannot be reckoned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Exact>,
    /// The price without the tax on imports, where that is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_without_vat: Option<Exact>,
    /// Who imports, where the seller does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub importer: Option<String>,
    /// What keeps it from going out.
    pub problems: Vec<Problem>,
}

/// What becomes of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It may go out.
    Priced,
    /// Something is missing or beyond authority.
    Blocked,
    /// The term does not go with the transport.
    Refused,
    /// A person has to decide.
    NeedsPerson,
}

impl Quote {
    /// Tells whether every offer may go out.
    pub fn is_clear(&self) -> bool {
        self.offers.iter().all(|offer| offer.status == Status::Priced)
    }
}

impl CostKind {
    /// Returns its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Charge(kind) => kind.as_str(),
            Self::Levy(kind) => kind.as_str(),
        }
    }
}
