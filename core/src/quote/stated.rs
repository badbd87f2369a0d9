//! Facts as documents state them: in a request what no feed tells, in a snapshot what was used.

use std::sync::Arc;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fact::duty::{AdditionalCode, Area, Charge, Condition, Kind, Measure, Members};
use crate::fact::place::Country;
use crate::fact::rate::{Purpose, Rate};
use crate::fact::tax::{Category, Levy, Scope, TaxRate};
use crate::fact::validity::{Validity, ValidityError};
use crate::money::Currency;
use crate::money::exact::Exact;

/// Rates, taxes and duties that a document states itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StatedFacts {
    /// Exchange rates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000))]
    pub rates: Vec<StatedRate>,
    /// Taxes on imports.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000))]
    pub taxes: Vec<StatedTax>,
    /// Duties, and what else tariffs do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000))]
    pub duties: Vec<StatedDuty>,
}

/// An exchange rate: `unit` of `base` cost `value` of `quote`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatedRate {
    /// Who says so.
    pub source: String,
    /// What is priced.
    pub base: Currency,
    /// What it is priced in.
    pub quote: Currency,
    /// How many units of the base the value is for. Default: 1.
    #[serde(default = "one")]
    pub unit: Exact,
    /// The price; above 0.
    pub value: Exact,
    /// The day it is of.
    pub date: NaiveDate,
    /// What it may be used for. Default: `spot`.
    #[serde(default = "spot")]
    pub purpose: Purpose,
    /// The last day it holds; of customs rates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
}

fn one() -> Exact {
    Exact(rust_decimal::Decimal::ONE)
}

fn spot() -> Purpose {
    Purpose::Spot
}

/// The standard rate of a tax on imports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatedTax {
    /// Who says so.
    pub source: String,
    /// The rule's name: `DE/standard`.
    pub rule: String,
    /// The country.
    pub country: Country,
    /// The state or province.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Percent.
    pub percent: Exact,
    /// The first day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NaiveDate>,
    /// The last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
}

/// A measure of a customs tariff.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatedDuty {
    /// Who says so.
    pub source: String,
    /// The measure's name or number.
    pub rule: String,
    /// The customs territory: `EU`, `GB`.
    pub destination: Country,
    /// The goods: the beginning of their code, 2 to 10 digits.
    #[schemars(regex(pattern = r"^[0-9]{2,10}$"))]
    pub commodity: String,
    /// The countries of origin. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Vec<Country>>,
    /// Countries it is not for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<Country>,
    /// What it does. Default: `third-country`.
    #[serde(default = "third_country")]
    pub kind: Kind,
    /// What it levies, as tariffs write it: `8 %`, `10.20 % + 93.10 EUR / 100 kg`. Empty: nothing.
    #[serde(default)]
    pub duty: String,
    /// The additional code that must be declared for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additional_code: Option<String>,
    /// What its conditions levy instead, where they do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditional_duties: Vec<String>,
    /// The first day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NaiveDate>,
    /// The last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
}

fn third_country() -> Kind {
    Kind::ThirdCountry
}

impl StatedFacts {
    /// Tells whether it states nothing.
    pub fn is_empty(&self) -> bool {
        self.rates.is_empty() && self.taxes.is_empty() && self.duties.is_empty()
    }

    /// Adds what `other` states, and puts all in order, each once.
    pub fn merge(&mut self, other: Self) {
        self.rates.extend(other.rates);
        self.taxes.extend(other.taxes);
        self.duties.extend(other.duties);
        self.rates.sort();
        self.rates.dedup();
        self.taxes.sort();
        self.taxes.dedup();
        self.duties.sort();
        self.duties.dedup();
    }
}

impl StatedRate {
    /// States `rate` of `source`.
    pub fn of(source: &str, rate: &Rate) -> Self {
        Self {
            source: source.to_owned(),
            base: rate.base,
            quote: rate.quote,
            unit: rate.unit.into(),
            value: rate.value.into(),
            date: rate.date,
            purpose: rate.purpose,
            until: rate.until,
        }
    }

    /// Returns the rate.
    pub fn rate(&self) -> Rate {
        Rate {
            base: self.base,
            quote: self.quote,
            unit: self.unit.0,
            value: self.value.0,
            date: self.date,
            purpose: self.purpose,
            until: self.until,
        }
    }
}

impl StatedTax {
    /// States `rate`.
    pub fn of(rate: &TaxRate) -> Self {
        Self {
            source: rate.source.clone(),
            rule: rate.rule.clone(),
            country: rate.country,
            region: rate.region.clone(),
            percent: rate.percent.into(),
            from: rate.valid.from(),
            until: rate.valid.until(),
        }
    }

    /// Returns the rate of tax.
    pub fn rate(&self) -> Result<TaxRate, ValidityError> {
        Ok(TaxRate {
            source: self.source.clone(),
            rule: self.rule.clone(),
            country: self.country,
            region: self.region.clone(),
            territory: None,
            levy: Levy::Vat,
            category: Category::Standard,
            label: "standard".to_owned(),
            percent: self.percent.0,
            is_supplement: false,
            scope: Scope::default(),
            valid: Validity::new(self.from, self.until)?,
        })
    }
}

impl StatedDuty {
    /// States `measure`.
    pub fn of(measure: &Measure) -> Self {
        let duty = match &measure.charge {
            Charge::Duty(expression) => expression.to_string(),
            Charge::Unit(unit) => unit.to_string(),
            Charge::Nothing => String::new(),
            Charge::Unread { written, .. } => written.clone(),
        };
        let origin = match &measure.origin.members {
            Members::Everyone => None,
            Members::Countries(countries) => Some(countries.to_vec()),
        };
        let duties = measure.conditions.iter().filter_map(|condition| condition.duty.clone());
        Self {
            source: measure.source.clone(),
            rule: measure.rule.clone(),
            destination: measure.destination,
            commodity: measure.commodity.clone(),
            origin,
            excluded: measure.origin.excluded.clone(),
            kind: measure.kind,
            duty,
            additional_code: measure.additional_code.as_ref().map(|code| code.code.clone()),
            conditional_duties: duties.collect(),
            from: measure.valid.from(),
            until: measure.valid.until(),
        }
    }

    /// Returns the measure.
    pub fn measure(&self) -> Result<Measure, ValidityError> {
        let members = self.origin.as_ref().map_or(Members::Everyone, |countries| {
            Members::Countries(Arc::from(countries.as_slice()))
        });
        let code = match &self.origin {
            None => Area::everywhere().code,
            Some(countries) => {
                countries.iter().map(Country::to_string).collect::<Vec<_>>().join(" ")
            }
        };
        let condition = |duty: &String| Condition {
            code: String::new(),
            requirement: None,
            document: None,
            action: String::new(),
            duty: Some(duty.clone()),
        };
        Ok(Measure {
            source: self.source.clone(),
            rule: self.rule.clone(),
            destination: self.destination,
            commodity: self.commodity.clone(),
            origin: Area { name: code.clone(), code, members, excluded: self.excluded.clone() },
            kind: self.kind,
            name: self.kind.as_str().to_owned(),
            charge: Charge::read(&self.duty),
            additional_code: self
                .additional_code
                .clone()
                .map(|code| AdditionalCode { code, description: String::new() }),
            conditions: self.conditional_duties.iter().map(condition).collect(),
            order_number: None,
            preference: None,
            reduction: None,
            legal_acts: Vec::new(),
            valid: Validity::new(self.from, self.until)?,
        })
    }
}
