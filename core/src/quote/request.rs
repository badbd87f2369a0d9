//! What is asked for: the document that a quote is made from (`upturn schema quote-request`).

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::charge::ChargeKind;
use super::destination::{ImportTax, Valuation};
use super::stated::StatedFacts;
use super::term::{Mode, Term};
use crate::compliance::approval::Approval;
use crate::fact::place::Country;
use crate::money::exact::Exact;
use crate::money::{Currency, Money};

/// A quote as a seller asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Upturn quote request")]
pub struct Request {
    /// The quote's number.
    #[schemars(length(min = 1, max = 64))]
    pub id: String,
    /// The day it is made. Rates, taxes and duties are those of this day.
    pub date: NaiveDate,
    /// The last day it holds.
    pub valid_until: NaiveDate,
    /// The currency of its prices.
    pub currency: Currency,
    /// Who sells.
    pub seller: Seller,
    /// Who buys.
    pub buyer: Party,
    /// What is sold.
    #[schemars(length(min = 1, max = 500))]
    pub lines: Vec<Line>,
    /// Percent off each line that is no gift, after the line's own discount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount_percent: Option<Exact>,
    /// How the goods go.
    pub route: Route,
    /// The terms to be shown side by side. Default: all seven.
    #[serde(default = "all_terms")]
    #[schemars(length(min = 1, max = 7))]
    pub terms: Vec<Term>,
    /// What moving the goods costs.
    #[serde(default)]
    #[schemars(length(max = 100))]
    pub charges: Vec<Charge>,
    /// How they come into the country of destination.
    #[serde(default)]
    pub import: Import,
    /// Whose facts are used, and how old they may be.
    #[serde(default)]
    pub sources: Sources,
    /// Facts that no feed tells.
    #[serde(default, skip_serializing_if = "StatedFacts::is_empty")]
    pub facts: StatedFacts,
    /// Approvals of what is beyond the seller's authority.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub approvals: Vec<Approval>,
}

fn all_terms() -> Vec<Term> {
    Term::ALL.to_vec()
}

/// Who sells.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Seller {
    /// The person, as policies and approvals name them.
    #[schemars(length(min = 1, max = 128))]
    pub person: String,
    /// Their role, as policies name it: `seller`. Without one no price band is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The company.
    #[schemars(length(min = 1, max = 200))]
    pub company: String,
}

/// A company.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// Its name.
    #[schemars(length(min = 1, max = 200))]
    pub company: String,
    /// Its address, as it is printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// Something that is sold or given.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The article's number.
    #[schemars(length(min = 1, max = 64))]
    pub article: String,
    /// What it is, as it is printed.
    #[serde(default)]
    #[schemars(length(max = 500))]
    pub description: String,
    /// The product, as price bands name it. Default: the article.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// How many; above 0.
    pub quantity: Exact,
    /// The price of one before discounts; of a gift, what it is worth. Above 0.
    pub unit_price: Money,
    /// What is taken off the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<Discount>,
    /// Whether it is given and not sold.
    #[serde(default, skip_serializing_if = "is_false")]
    pub gift: bool,
    /// What customs have to know. Needed for DDP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customs: Option<Goods>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in references")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// What is taken off a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Discount {
    /// So many percent.
    Percent(Exact),
    /// So much of the line's currency, off the whole line.
    Amount(Exact),
}

/// Goods as a customs declaration tells them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Goods {
    /// Their code in the destination's tariff.
    #[schemars(regex(pattern = r"^[0-9]{10}$"))]
    pub commodity: String,
    /// Where they have their origin.
    pub origin: Country,
    /// The additional codes that will be declared; `[]` says that it is none. Absent: not decided yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additional_codes: Option<Vec<String>>,
    /// Whether the origin can be proved, as preferences demand.
    #[serde(default, skip_serializing_if = "is_false")]
    pub has_proof_of_origin: bool,
    /// The rule of a suspension, a quota or a preference that is claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// How much it is by other measures, for duties on weight or volume, of the whole line:
    /// `["1234.5 kg", "2 hl"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quantities: Vec<String>,
    /// Prohibitions and controls, by their rules, that a person has settled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<String>,
}

/// How the goods go.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// By what from country to country.
    pub mode: Mode,
    /// Where the buyer would fetch them: named for EXW and FCA.
    #[schemars(length(min = 1, max = 200))]
    pub from: String,
    /// The port of departure: named for FOB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub departure: Option<String>,
    /// The port of arrival: named for CIF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrival: Option<String>,
    /// Where they end: named for CIP, DAP and DDP.
    pub to: Destination,
}

/// Where goods end.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// The place.
    #[schemars(length(min = 1, max = 200))]
    pub place: String,
    /// The country.
    pub country: Country,
    /// The state or province, as ISO 3166-2 has it behind the country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The postcode, by which some countries set parts of them apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postcode: Option<String>,
}

/// A cost on the way.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Charge {
    /// What for.
    pub kind: ChargeKind,
    /// As it is printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How much; not below 0.
    pub amount: Money,
    /// Whether it is part of the customs value. Default: as its kind and the destination have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_duty_base: Option<bool>,
    /// Whether the tax on imports is levied on it. Default: as its kind and the destination have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_vat_base: Option<bool>,
}

/// How goods come into the country of destination.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Import {
    /// Who imports, in the eyes of the law. Needed for DDP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub importer_of_record: Option<Importer>,
    /// The day of the declaration: duties, taxes and customs rates are those of this day. Default: the
    /// quote's day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared_on: Option<NaiveDate>,
    /// How the destination values imports. Default: as it is known to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valuation: Option<Valuation>,
    /// What the tax on imports is levied on. Default: as the destination is known to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax: Option<ImportTax>,
    /// The currency of the declaration. Default: the destination's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
}

/// Who imports, in the eyes of the law.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Importer {
    /// The company.
    #[schemars(length(min = 1, max = 200))]
    pub company: String,
    /// Its number with customs there: an EORI number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
}

/// Whose facts are used, each by the name of a feed; and how old rates may be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sources {
    /// Daily rates. Default: the only source that has the pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot: Option<String>,
    /// Customs rates. Default: the only source that has the pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customs: Option<String>,
    /// Taxes. Default: the only source that knows the country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taxes: Option<String>,
    /// Duties. Default: the only source that knows the customs territory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duties: Option<String>,
    /// How many publications of its source a rate may have missed; a feed's own limit holds besides.
    /// Default: 1, so that the second blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 30))]
    pub missed_max: Option<u32>,
}

/// Returns the JSON Schema of requests as text that ends with a newline.
pub fn schema() -> String {
    format!("{:#}\n", schemars::schema_for!(Request).to_value())
}
