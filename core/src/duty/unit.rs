//! Units in which tariffs count goods: `100 kg`, `1000 p/st`, `% vol/hl`.

use std::fmt;

use rust_decimal::Decimal;

/// The longest word on what is counted, in bytes.
const OF_LEN_MAX: usize = 60;
/// The largest number of units that one charge is for.
const COUNT_MAX: u32 = 1_000_000;

/// A unit of a charge: so many of a base, of something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unit {
    /// How many: 100 in `100 kg`. Above 0.
    pub count: u32,
    /// What is counted by.
    pub base: Base,
    /// What part of the goods is counted, where it is not all of them: `net drained wt`.
    pub of: Option<String>,
}

/// Why a text is no [`Unit`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// Nobody here knows it.
    #[error("the unit '{0}' is not known")]
    Unknown(String),
    /// It counts none, or too many.
    #[error("a unit counts 1 to 1000000")]
    Count,
}

/// What goods are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Base {
    /// Grams.
    Gram,
    /// Kilograms.
    Kilogram,
    /// Tonnes.
    Tonne,
    /// Litres.
    Litre,
    /// Hectolitres.
    Hectolitre,
    /// Cubic metres.
    CubicMetre,
    /// Litres of pure alcohol.
    PureAlcohol,
    /// Percent of alcohol by volume, in each hectolitre.
    StrengthHectolitre,
    /// Percent of alcohol by volume.
    Strength,
    /// Proof litres of the United States: half alcohol.
    ProofLitre,
    /// Items.
    Item,
    /// Pairs.
    Pair,
    /// Dozens.
    Dozen,
    /// Metres.
    Metre,
    /// Square metres.
    SquareMetre,
    /// Kilowatt hours.
    KilowattHour,
    /// Megawatt hours.
    MegawattHour,
    /// Terajoules.
    Terajoule,
    /// Gross tons of ships.
    GrossTon,
    /// Carrying capacity of ships, in tonnes.
    CarryingCapacity,
    /// Cells of batteries.
    Cell,
}

/// What a quantity measures. Those of one kind are converted into each other exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Mass,
    Volume,
    PureAlcohol,
    StrengthVolume,
    Strength,
    ProofVolume,
    Items,
    Pairs,
    Length,
    Area,
    Energy,
    Tonnage,
    Capacity,
    Cells,
}

/// A base, how it is written, what it measures, and what it comes to in its kind's own unit, as a
/// whole part and the number of its decimals.
type Known = (Base, &'static str, Kind, (i64, u32));

/// All bases by their names in tariffs; the first of several names is the one that is written.
const KNOWN: &[Known] = &[
    (Base::StrengthHectolitre, "% vol/hl", Kind::StrengthVolume, (1, 0)),
    (Base::StrengthHectolitre, "ASV X", Kind::StrengthVolume, (1, 0)),
    (Base::Strength, "% vol", Kind::Strength, (1, 0)),
    (Base::Strength, "ASV", Kind::Strength, (1, 0)),
    (Base::PureAlcohol, "l alc. 100%", Kind::PureAlcohol, (1, 0)),
    (Base::PureAlcohol, "LPA", Kind::PureAlcohol, (1, 0)),
    (Base::ProofLitre, "pf.liter", Kind::ProofVolume, (1, 0)),
    (Base::Gram, "g", Kind::Mass, (1, 3)),
    (Base::Gram, "GRM", Kind::Mass, (1, 3)),
    (Base::Kilogram, "kg", Kind::Mass, (1, 0)),
    (Base::Kilogram, "KGM", Kind::Mass, (1, 0)),
    (Base::Tonne, "t", Kind::Mass, (1_000, 0)),
    (Base::Tonne, "TNE", Kind::Mass, (1_000, 0)),
    (Base::Litre, "l", Kind::Volume, (1, 0)),
    (Base::Litre, "LTR", Kind::Volume, (1, 0)),
    (Base::Litre, "liters", Kind::Volume, (1, 0)),
    (Base::Litre, "liter", Kind::Volume, (1, 0)),
    (Base::Hectolitre, "hl", Kind::Volume, (100, 0)),
    (Base::Hectolitre, "HLT", Kind::Volume, (100, 0)),
    (Base::CubicMetre, "m³", Kind::Volume, (1_000, 0)),
    (Base::CubicMetre, "m3", Kind::Volume, (1_000, 0)),
    (Base::CubicMetre, "MTQ", Kind::Volume, (1_000, 0)),
    (Base::Item, "p/st", Kind::Items, (1, 0)),
    (Base::Item, "NAR", Kind::Items, (1, 0)),
    (Base::Item, "No.", Kind::Items, (1, 0)),
    (Base::Item, "head", Kind::Items, (1, 0)),
    (Base::Dozen, "doz.", Kind::Items, (12, 0)),
    (Base::Dozen, "doz", Kind::Items, (12, 0)),
    (Base::Pair, "pa", Kind::Pairs, (1, 0)),
    (Base::Pair, "NPR", Kind::Pairs, (1, 0)),
    (Base::Pair, "pr.", Kind::Pairs, (1, 0)),
    (Base::Pair, "prs.", Kind::Pairs, (1, 0)),
    (Base::Metre, "m", Kind::Length, (1, 0)),
    (Base::Metre, "MTR", Kind::Length, (1, 0)),
    (Base::SquareMetre, "m²", Kind::Area, (1, 0)),
    (Base::SquareMetre, "m2", Kind::Area, (1, 0)),
    (Base::SquareMetre, "MTK", Kind::Area, (1, 0)),
    (Base::KilowattHour, "kWh", Kind::Energy, (1, 0)),
    (Base::MegawattHour, "MWh", Kind::Energy, (1_000, 0)),
    (Base::Terajoule, "TJ", Kind::Energy, (0, 0)),
    (Base::Terajoule, "TJO", Kind::Energy, (0, 0)),
    (Base::GrossTon, "GT", Kind::Tonnage, (1, 0)),
    (Base::CarryingCapacity, "ct/l", Kind::Capacity, (1, 0)),
    (Base::Cell, "ce/el", Kind::Cells, (1, 0)),
];

/// Names that are a number of a base: the Union's code, how many, and of what.
const MULTIPLES: &[(&str, u32, Base)] = &[
    ("DTN", 100, Base::Kilogram),
    ("MIL", 1_000, Base::Item),
    ("CEN", 100, Base::Item),
    ("KLT", 1_000, Base::Litre),
    ("KMQ", 1_000, Base::CubicMetre),
];

impl Unit {
    /// Returns one of `base`, of all of the goods.
    pub fn one(base: Base) -> Self {
        Self { count: 1, base, of: None }
    }

    /// Reads a unit as tariffs write it: `100 kg / net drained wt`, `1,000 l`, `DTN`.
    pub fn read(text: &str) -> Result<Self, UnitError> {
        let text = text.trim();
        let digits = text.len()
            - text.trim_start_matches(|c: char| c.is_ascii_digit() || c == ',').trim_start().len();
        let (number, rest) = text.split_at_checked(digits).unwrap_or(("", text));
        let number: String = number.chars().filter(char::is_ascii_digit).collect();
        let count = if number.is_empty() {
            1
        } else {
            number.parse().ok().filter(|n| (1..=COUNT_MAX).contains(n)).ok_or(UnitError::Count)?
        };
        let unknown = || UnitError::Unknown(text.chars().take(40).collect());
        let (name_count, base, rest) = base_of(rest.trim()).ok_or_else(unknown)?;
        let of = rest.trim().trim_start_matches('/').trim();
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '.' | '%' | '-' | '/');
        if OF_LEN_MAX < of.len() || !of.chars().all(is_plain) {
            return Err(unknown());
        }
        let count =
            count.checked_mul(name_count).filter(|n| *n <= COUNT_MAX).ok_or(UnitError::Count)?;
        Ok(Self { count, base, of: (!of.is_empty()).then(|| of.to_owned()) })
    }

    /// Returns how many of `self` are `amount` of `other`; none where they measure different things,
    /// or different parts of the goods.
    pub fn convert(&self, amount: Decimal, other: &Self) -> Option<Decimal> {
        if self.of != other.of {
            return None;
        }
        if self.base == other.base {
            let all = amount.checked_mul(other.count.into())?;
            return all.checked_div(self.count.into());
        }
        let (kind, factor) = self.base.measures();
        let (other_kind, other_factor) = other.base.measures();
        if kind != other_kind || factor.is_zero() || other_factor.is_zero() {
            return None;
        }
        let all = amount.checked_mul(other.count.into())?.checked_mul(other_factor)?;
        all.checked_div(factor.checked_mul(self.count.into())?)
    }
}

/// Returns the base whose name `text` begins with, how many of it the name stands for, and the rest.
/// The longest name wins.
fn base_of(text: &str) -> Option<(u32, Base, &str)> {
    let known = KNOWN.iter().map(|(base, name, _, _)| (1, *base, *name));
    let multiples = MULTIPLES.iter().map(|(name, count, base)| (*count, *base, *name));
    let fits = |name: &str| {
        let rest = text.strip_prefix(name)?;
        rest.chars().next().is_none_or(|c| matches!(c, ' ' | '/')).then_some(rest)
    };
    known
        .chain(multiples)
        .filter_map(|(count, base, name)| Some((name.len(), (count, base, fits(name)?))))
        .max_by_key(|(len, _)| *len)
        .map(|(_, found)| found)
}

impl Base {
    fn known(self) -> Option<&'static Known> {
        KNOWN.iter().find(|(base, ..)| *base == self)
    }

    /// Returns what it measures, and what one of it comes to; 0 where that is not exact.
    fn measures(self) -> (Kind, Decimal) {
        let (kind, (number, scale)) = self.known().map_or((Kind::Items, (0, 0)), |known| {
            let (_, _, kind, factor) = known;
            (*kind, *factor)
        });
        (kind, Decimal::new(number, scale))
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.known().map_or("", |(_, name, ..)| name))
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.count != 1 {
            write!(f, "{} ", self.count)?;
        }
        write!(f, "{}", self.base)?;
        match &self.of {
            Some(of) => write!(f, " / {of}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
impl Base {
    /// Returns all bases.
    pub(super) fn all() -> Vec<Self> {
        let mut all: Vec<_> = KNOWN.iter().map(|(base, ..)| *base).collect();
        all.dedup();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_as_tariffs_write_them() {
        let cases = [
            ("kg", Some("kg")),
            ("100 kg", Some("100 kg")),
            ("DTN", Some("100 kg")),
            ("1,000 l", Some("1000 l")),
            ("1000 p/st", Some("1000 p/st")),
            ("% vol/hl", Some("% vol/hl")),
            ("% vol", Some("% vol")),
            ("100 kg/net eda", Some("100 kg / net eda")),
            ("100 kg / net drained wt", Some("100 kg / net drained wt")),
            ("kg N", Some("kg / N")),
            ("kgs", None),
            ("0 kg", None),
            ("10000000 kg", None),
            ("furlong", None),
            ("kg / <b>", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let read = Unit::read(text).map(|unit| unit.to_string());
            assert_eq!(read.ok().as_deref(), expected, "case: {text}");
        }
    }

    #[test]
    fn quantities_of_one_kind_and_part_are_converted_exactly() {
        let cases = [
            ("100 kg", "1234.5", "kg", Some("12.345")),
            ("100 kg", "2", "t", Some("20")),
            ("g", "1.5", "kg", Some("1500")),
            ("hl", "1000", "l", Some("10")),
            ("p/st", "3", "doz.", Some("36")),
            ("1000 p/st", "20", "p/st", Some("0.02")),
            ("TJ", "2", "TJ", Some("2")),
            ("TJ", "2", "MWh", None),
            ("kg", "2", "p/st", None),
            ("100 kg / net eda", "2", "kg", None),
            ("hl", "5", "% vol/hl", None),
        ];
        for (unit, amount, of, expected) in cases {
            let (unit, of) = (Unit::read(unit).unwrap(), Unit::read(of).unwrap());
            let converted = unit.convert(amount.parse().unwrap(), &of);
            let converted = converted.map(|amount| amount.normalize().to_string());
            assert_eq!(converted.as_deref(), expected, "case: {amount} {of} in {unit}");
        }
    }
}
