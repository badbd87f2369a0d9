//! Exchange rates, as their source publishes them.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::ser::{SerializeStruct as _, Serializer};
use serde::{Deserialize, Serialize};

use crate::money::Currency;

/// What one source says a currency is worth in another: `unit` of `base` cost `value` of `quote`.
///
/// Both numbers are kept as they are published, trailing zeros included. As JSON a rate also has
/// `rate`, the price of one unit of `base`, unless it cannot be written exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// What is priced.
    pub base: Currency,
    /// What it is priced in.
    pub quote: Currency,
    /// How many units of `base` the value is for: 1, or 100 yen. Above 0.
    pub unit: Decimal,
    /// The price. Above 0.
    pub value: Decimal,
    /// The day the rate is of, by its source's own calendar.
    pub date: NaiveDate,
    /// What it may be used for.
    pub purpose: Purpose,
    /// The last day it holds, where the source says so: customs rates hold for a month.
    pub until: Option<NaiveDate>,
}

/// What a rate may be used for. One never stands in for the other.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Prices of goods and services.
    Spot,
    /// The customs value of imports, by law.
    Customs,
}

impl Rate {
    /// Returns the price of one unit of the base, if it can be written with 28 digits.
    pub fn per_one(&self) -> Option<Decimal> {
        if self.unit == Decimal::ONE {
            return Some(self.value);
        }
        let one = self.value.checked_div(self.unit)?;
        // A quotient that had to be rounded does not give the value back.
        (one.checked_mul(self.unit)? == self.value).then_some(one)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Rate", 8)?;
        fields.serialize_field("base", &self.base)?;
        fields.serialize_field("quote", &self.quote)?;
        fields.serialize_field("rate", &self.per_one().map(|one| one.to_string()))?;
        fields.serialize_field("unit", &self.unit.to_string())?;
        fields.serialize_field("value", &self.value.to_string())?;
        fields.serialize_field("date", &self.date)?;
        fields.serialize_field("purpose", &self.purpose)?;
        fields.serialize_field("until", &self.until)?;
        fields.end()
    }
}
