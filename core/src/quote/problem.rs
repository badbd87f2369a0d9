//! What keeps a quote from being made, or from going out: a code, a place and a sentence.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::money::Money;

/// Something that is wrong, missing or to be decided.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// What kind of thing it is.
    pub code: Code,
    /// Where in the request: `/lines/0/quantity`. Empty: the request as a whole.
    pub at: String,
    /// What is wrong and what to do.
    pub message: String,
    /// What a person may decide between.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Choice>,
    /// The rule that is broken, with its limit and who may allow it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breach: Option<Box<Breach>>,
}

/// Something a person may decide for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The rules it is made of.
    pub rules: Vec<String>,
    /// What they levy, as the tariff writes it.
    pub duty: String,
    /// The additional code that has to be declared for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additional_code: Option<String>,
    /// What it comes to, where that can be reckoned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
}

/// How a rule of the house is broken.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Breach {
    /// The rule: the band's id and product.
    pub rule: String,
    /// The limit, with its unit.
    pub limit: String,
    /// What was offered, with its unit.
    pub offered: String,
    /// By how much it is beyond, in percent.
    pub excess_percent: String,
    /// Who may allow it, by their roles or as persons.
    pub may_approve: Vec<String>,
}

/// Kinds of problems. The words leave the program and never change meaning.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each says itself, and its sentence more")]
pub enum Code {
    AmountNegative,
    AmountTooLarge,
    ApprovalExpired,
    ApprovalNotDue,
    ApprovalOwn,
    ApprovalVoid,
    ApproverUnknown,
    BaseContradiction,
    CurrencyUnknown,
    CustomsControl,
    DigitsTooMany,
    DiscountTooLarge,
    DutyMissing,
    DutyNeedsMore,
    FactsContradict,
    FactsTooOld,
    GiftsBeyondLimit,
    GoodsUnclassified,
    ImporterMissing,
    InsuranceMissing,
    ListEmpty,
    NeedsPerson,
    PlaceMissing,
    PriceBelowAuthority,
    PriceBandMissing,
    PriceZero,
    QuantityNotPositive,
    QuantityUnread,
    RateMissing,
    RateSourceAmbiguous,
    RateTooOld,
    SourceAmbiguous,
    SourceUnknown,
    TaxMissing,
    TermNotByMode,
    TextTooLong,
    ValidityBackwards,
    ValuationUnknown,
}

impl Problem {
    /// Returns a problem at a place of the request.
    pub fn new(code: Code, at: impl Into<String>, message: impl Into<String>) -> Self {
        let (candidates, breach) = (Vec::new(), None);
        Self { code, at: at.into(), message: message.into(), candidates, breach }
    }
}

impl Code {
    /// Returns the word for it.
    pub fn as_str(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default()
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: ", self.code.as_str())?;
        if !self.at.is_empty() {
            write!(f, "{}: ", self.at)?;
        }
        f.write_str(&self.message)
    }
}
