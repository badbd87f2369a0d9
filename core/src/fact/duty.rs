//! Measures of customs tariffs: what is levied, allowed or forbidden when goods come in.

use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize, Serializer};

use super::place::Country;
use super::validity::Validity;
use crate::duty::expression::{Expression, ExpressionError};
use crate::duty::unit::Unit;

/// One measure of one tariff, on goods of one code from one area, for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Measure {
    /// The source: `uk-tariff`.
    pub source: String,
    /// The source's own number of the measure.
    pub rule: String,
    /// The customs territory that takes it: `GB`, `EU`.
    pub destination: Country,
    /// The goods: the beginning of their code, 2 to 10 digits.
    pub commodity: String,
    /// Where the goods have their origin.
    pub origin: Area,
    /// What it does.
    pub kind: Kind,
    /// What the tariff calls it: `Third country duty`.
    pub name: String,
    /// What is levied.
    pub charge: Charge,
    /// The code that a declaration must state for it to apply.
    pub additional_code: Option<AdditionalCode>,
    /// On what it depends.
    pub conditions: Vec<Condition>,
    /// The quota's order number.
    pub order_number: Option<String>,
    /// The preference's code in declarations: `300`.
    pub preference: Option<String>,
    /// The source's mark of a reduction of agricultural components.
    pub reduction: Option<String>,
    /// The legal acts it stands on.
    pub legal_acts: Vec<String>,
    /// When it holds.
    #[serde(flatten)]
    pub valid: Validity,
}

/// What a measure does.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The duty on goods from anywhere that nothing else is said on.
    ThirdCountry,
    /// Less, for goods that prove their origin.
    Preference,
    /// Less for a time or a use, where that is claimed.
    Suspension,
    /// Less for a limited quantity, where a share of it is had.
    Quota,
    /// More: anti-dumping, countervailing, safeguards, sanctions.
    Additional,
    /// Value added tax on the import.
    Vat,
    /// Excise.
    Excise,
    /// A prohibition, a licence, a check: no charge, but a stop.
    Control,
    /// A unit that declarations must state.
    SupplementaryUnit,
    /// Something else: a person has to look at it.
    Other,
}

impl Kind {
    /// Returns its name, as settings have it: `third-country`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ThirdCountry => "third-country",
            Self::Preference => "preference",
            Self::Suspension => "suspension",
            Self::Quota => "quota",
            Self::Additional => "additional",
            Self::Vat => "vat",
            Self::Excise => "excise",
            Self::Control => "control",
            Self::SupplementaryUnit => "supplementary-unit",
            Self::Other => "other",
        }
    }
}

/// What a measure levies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Charge {
    /// A duty.
    Duty(Expression),
    /// Nothing: it only asks for this unit.
    #[serde(serialize_with = "written")]
    Unit(Unit),
    /// Nothing.
    Nothing,
    /// Something that nobody here can reckon.
    Unread {
        /// What is written.
        written: String,
        /// Why it is not read.
        why: String,
    },
}

/// An area of origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Area {
    /// Its code: `1011`, `CN`.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Which countries are in it.
    pub members: Members,
    /// Which of them are not, here.
    pub excluded: Vec<Country>,
}

/// The countries of an area.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Members {
    /// All but the destination itself.
    Everyone,
    /// These.
    Countries(Arc<[Country]>),
}

/// A code that tells one of several measures of a kind from the others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct AdditionalCode {
    /// The code: `2501`.
    pub code: String,
    /// What it stands for.
    pub description: String,
}

/// Something that a measure depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// The group it is in, of which one must be met: `B`.
    pub code: String,
    /// What must be shown.
    pub requirement: Option<String>,
    /// The code of the document.
    pub document: Option<String>,
    /// What follows then.
    pub action: String,
    /// What is levied then, as it is written, where that differs.
    pub duty: Option<String>,
}

impl Area {
    /// Returns the area that is everywhere.
    pub fn everywhere() -> Self {
        Self {
            code: "1011".to_owned(),
            name: "erga omnes".to_owned(),
            members: Members::Everyone,
            excluded: Vec::new(),
        }
    }

    /// Returns the area that is one country.
    pub fn country(country: Country) -> Self {
        Self {
            code: country.to_string(),
            name: country.to_string(),
            members: Members::Countries(Arc::from([country])),
            excluded: Vec::new(),
        }
    }

    /// Tells whether goods from `origin` are of it.
    pub fn has(&self, origin: Country) -> bool {
        let is_in = match &self.members {
            Members::Everyone => true,
            Members::Countries(countries) => countries.contains(&origin),
        };
        is_in && !self.excluded.contains(&origin)
    }
}

impl Charge {
    /// Reads `written` as a tariff writes duties. An empty text is no charge.
    pub fn read(written: &str) -> Self {
        if written.trim().is_empty() {
            return Self::Nothing;
        }
        Self::of(written, written.parse())
    }

    /// Returns the charge that `written` was read as.
    pub fn of(written: &str, read: Result<Expression, ExpressionError>) -> Self {
        match read {
            Ok(expression) => Self::Duty(expression),
            Err(ExpressionError::SupplementaryUnit(unit)) => Self::Unit(unit),
            Err(error) => Self::Unread {
                written: written.chars().take(200).collect(),
                why: error.to_string(),
            },
        }
    }
}

impl Measure {
    /// Tells whether it is of goods of the code `commodity` from `origin` on `day`.
    pub fn covers(&self, commodity: &str, origin: Country, day: NaiveDate) -> bool {
        commodity.starts_with(&*self.commodity)
            && self.origin.has(origin)
            && self.valid.holds_on(day)
    }
}

fn written<S: Serializer>(unit: &Unit, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(unit)
}
