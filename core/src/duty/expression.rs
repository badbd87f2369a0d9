//! A duty as tariffs write it: `10.20 % + 93.10 EUR / 100 kg MAX 24.20 %`.
//!
//! | | |
//! |---|---|
//! | `12.00 %` | of the customs value |
//! | `16.50 % / Retail Price` | of the price in shops |
//! | `35.10 EUR / 100 kg` | an amount for a quantity |
//! | `1.00 EUR / % vol/hl` | an amount for each percent of alcohol in each hectolitre |
//! | `+`, `-` | added, taken off |
//! | `MIN`, `MAX` | all before it is at least, at most, what follows |
//! | `EA`, `ADSZ`, `ADFM` (`R`: reduced) | what another table says for agricultural components |
//! | `NIHIL` | nothing |
//! | `p/st` | no duty: the unit that declarations must state |

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use super::unit::{Unit, UnitError};
use crate::money::Currency;

mod parse;
mod us;

/// A duty, as it is reckoned: a sum, then held within limits in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    /// The sum before limits.
    pub sum: Sum,
    /// Limits, each on all before it.
    pub limits: Vec<(Limit, Sum)>,
}

/// Terms that are added up; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum(pub Vec<(Sign, Term)>);

/// What becomes of a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It is added.
    Plus,
    /// It is taken off.
    Minus,
}

/// What a sum does to all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// It is at least that.
    Min,
    /// It is at most that.
    Max,
}

/// A part of a duty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// Percent of the customs value.
    AdValorem(Decimal),
    /// Percent of the price in shops.
    RetailPrice(Decimal),
    /// An amount for each unit, or once.
    Specific {
        /// The amount.
        amount: Decimal,
        /// Its currency.
        currency: Currency,
        /// What it is for; none for all of the goods together.
        unit: Option<Unit>,
    },
    /// A component that another table tells by the recipe's (Meursing) code.
    Agricultural(Component),
    /// Nothing.
    Nil,
}

/// An agricultural component, as the Union abbreviates it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// The agricultural component.
    Ea,
    /// The same, reduced.
    EaReduced,
    /// The additional duty on sugar.
    Adsz,
    /// The same, reduced.
    AdszReduced,
    /// The additional duty on flour.
    Adfm,
    /// The same, reduced.
    AdfmReduced,
}

impl Component {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Ea, "EA"),
        (Self::EaReduced, "EAR"),
        (Self::Adsz, "ADSZ"),
        (Self::AdszReduced, "ADSZR"),
        (Self::Adfm, "ADFM"),
        (Self::AdfmReduced, "ADFMR"),
    ];
}

/// Why a text is no [`Expression`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// Nothing is written.
    #[error("there is no duty written")]
    Empty,
    /// It is longer, or has more terms, than a duty.
    #[error("it is longer than any duty is")]
    Size,
    /// A part is no term.
    #[error("'{0}' is no duty, such as '12.00 %' or '35.10 EUR / 100 kg'")]
    Term(String),
    /// An amount is larger than any duty.
    #[error("'{0}' is not believed to be a duty")]
    Amount(String),
    /// Something is wrong with a unit.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// It is a unit that declarations must state, and no duty.
    #[error("'{0}' is a supplementary unit and no duty")]
    SupplementaryUnit(Unit),
}

impl Expression {
    /// Returns `percent` of the customs value.
    pub fn ad_valorem(percent: Decimal) -> Self {
        Self { sum: Sum(vec![(Sign::Plus, Term::AdValorem(percent))]), limits: Vec::new() }
    }

    /// Reads a duty as the tariff of the United States writes it: `Free`, `2.4%`, `1.4¢/kg + 7.2%`.
    pub fn read_us(text: &str) -> Result<Self, ExpressionError> {
        us::read(text)
    }

    /// Returns all its terms.
    pub fn terms(&self) -> impl Iterator<Item = &Term> {
        let sums = std::iter::once(&self.sum).chain(self.limits.iter().map(|(_, sum)| sum));
        sums.flat_map(|sum| sum.0.iter().map(|(_, term)| term))
    }
}

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, ExpressionError> {
        parse::read(text)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.sum)?;
        for (limit, sum) in &self.limits {
            let word = match limit {
                Limit::Min => "MIN",
                Limit::Max => "MAX",
            };
            write!(f, " {word} {sum}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (sign, term)) in self.0.iter().enumerate() {
            match (index, sign) {
                (0, Sign::Plus) => write!(f, "{term}")?,
                (0, Sign::Minus) => write!(f, "- {term}")?,
                (_, Sign::Plus) => write!(f, " + {term}")?,
                (_, Sign::Minus) => write!(f, " - {term}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AdValorem(percent) => write!(f, "{percent} %"),
            Self::RetailPrice(percent) => write!(f, "{percent} % / Retail Price"),
            Self::Specific { amount, currency, unit: Some(unit) } => {
                write!(f, "{amount} {currency} / {unit}")
            }
            Self::Specific { amount, currency, unit: None } => write!(f, "{amount} {currency}"),
            Self::Agricultural(component) => write!(f, "{component}"),
            Self::Nil => f.write_str("NIHIL"),
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(component, _)| component == self);
        f.write_str(name.map_or("", |(_, name)| name))
    }
}

impl Serialize for Expression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
