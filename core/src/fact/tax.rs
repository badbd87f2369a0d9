//! Rates of value added, goods and services, and sales tax, as their sources tell them.

use chrono::NaiveDate;
use regex::{Regex, RegexBuilder};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::place::Country;
use super::validity::Validity;

/// The longest pattern of postcodes, in bytes.
const PATTERN_LEN_MAX: usize = 512;
/// The largest automaton such a pattern may become, in bytes.
const PATTERN_MAX: usize = 1 << 16;
/// The longest postcode that is compared, in bytes.
const POSTCODE_LEN_MAX: usize = 32;

/// What one source says is levied somewhere on some things, for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaxRate {
    /// The source: `ibericode`.
    pub source: String,
    /// The source's rule, the same at each reading: `ES/Canary Islands/standard`.
    pub rule: String,
    /// The country.
    pub country: Country,
    /// The state or province, as ISO 3166-2 has it behind the country: `ON`.
    pub region: Option<String>,
    /// The part of the country, where it is for one alone.
    pub territory: Option<Territory>,
    /// What tax it is.
    pub levy: Levy,
    /// The kind of rate.
    pub category: Category,
    /// The source's own word for the kind: `reduced2`.
    pub label: String,
    /// The percent, as it is written: 25.5. From 0 to 1,000, a supplement may be negative;
    /// [`super::review`] holds what no tax is.
    pub percent: Decimal,
    /// Whether it is added to the country's own rate instead of standing in its place.
    pub is_supplement: bool,
    /// What it is levied on, where it is not everything.
    pub scope: Scope,
    /// When it holds.
    #[serde(flatten)]
    pub valid: Validity,
}

/// What tax a rate is of.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Levy {
    /// Value added tax.
    Vat,
    /// Goods and services tax.
    Gst,
    /// Harmonized sales tax.
    Hst,
    /// Provincial sales tax.
    Pst,
    /// Quebec's sales tax.
    Qst,
    /// The Canary Islands' general indirect tax.
    Igic,
    /// A state's sales tax.
    Sales,
    /// None: the country itself levies nothing.
    None,
}

/// The kind of a rate.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// What is levied on all that is not named elsewhere.
    Standard,
    /// Less, on what the law lists.
    Reduced,
    /// Less than 5 %, by an old permission.
    SuperReduced,
    /// Between, by an old permission.
    Parking,
    /// Nothing is levied.
    Exempt,
    /// The tax does not reach it.
    OutOfScope,
}

/// What a rate is levied on. Without a word in it, on everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Scope {
    /// Goods, by the beginnings of their codes in the nomenclature: `0106`.
    pub goods: Vec<String>,
    /// Services, by the beginnings of their codes in the classification of products: `55.10`.
    pub services: Vec<String>,
    /// The subject as the source names it: `FOODSTUFFS`.
    pub subject: Option<String>,
    /// What else the source says on it.
    pub remark: Option<String>,
}

impl Scope {
    /// Tells whether it is everything.
    pub fn is_everything(&self) -> bool {
        self.goods.is_empty() && self.services.is_empty() && self.subject.is_none()
    }
}

/// A part of a country with a rate of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Territory {
    /// Its name.
    pub name: String,
    /// How it is told from the rest.
    #[serde(flatten)]
    pub bounds: Bounds,
}

/// How a part of a country is told from the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bounds {
    /// By postcodes that match a pattern.
    Postcodes(Postcodes),
    /// By one of these codes, without the country: `CN`, or a postcode.
    Codes(Vec<String>),
}

impl Bounds {
    /// Tells whether `postcode` is in it.
    pub fn has_postcode(&self, postcode: &str) -> bool {
        if POSTCODE_LEN_MAX < postcode.len() {
            return false;
        }
        let postcode = compact(postcode);
        match self {
            Self::Postcodes(pattern) => pattern.0.is_match(&postcode),
            Self::Codes(codes) => codes.iter().any(|code| compact(code) == postcode),
        }
    }
}

/// Returns `postcode` as patterns expect it: capitals and digits alone.
fn compact(postcode: &str) -> String {
    postcode.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// A pattern that whole postcodes match, bounded in length and in what it may become.
#[derive(Clone, Debug, Serialize)]
#[serde(into = "String")]
pub struct Postcodes(Regex);

/// Why a text is no pattern of [`Postcodes`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostcodesError {
    /// It is too long, or would become too large.
    #[error("the pattern of postcodes is too large")]
    Size,
    /// It is no regular expression.
    #[error("the pattern of postcodes is no regular expression")]
    Syntax,
}

impl Postcodes {
    /// Returns the pattern `text`, a regular expression that a whole postcode matches.
    pub fn new(text: &str) -> Result<Self, PostcodesError> {
        if PATTERN_LEN_MAX < text.len() {
            return Err(PostcodesError::Size);
        }
        // Alone first: brackets that close what stands around it would make another pattern of both.
        let compile = |text: &str| RegexBuilder::new(text).size_limit(PATTERN_MAX).build();
        compile(text).and_then(|_| compile(&format!("^(?:{text})$"))).map(Self).map_err(|error| {
            if matches!(error, regex::Error::CompiledTooBig(_)) {
                PostcodesError::Size
            } else {
                PostcodesError::Syntax
            }
        })
    }

    /// Returns the pattern as its source has it.
    pub fn as_str(&self) -> &str {
        let text = self.0.as_str();
        text.strip_prefix("^(?:").and_then(|text| text.strip_suffix(")$")).unwrap_or(text)
    }
}

impl PartialEq for Postcodes {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Postcodes {}

impl From<Postcodes> for String {
    fn from(postcodes: Postcodes) -> Self {
        postcodes.as_str().to_owned()
    }
}

impl TaxRate {
    /// Tells whether it holds on `day`.
    pub fn holds_on(&self, day: NaiveDate) -> bool {
        self.valid.holds_on(day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_postcodes_match_however_they_are_written() {
        let cases = [
            (r"(35\d{3}|38\d{3})", "35001", true),
            (r"(35\d{3}|38\d{3})", "135001", false),
            (r"9[0-4]\d{2,}", "9000-123", true),
            (r"9[0-4]\d{2,}", "9500-123", false),
            ("22061", " 22061 ", true),
            ("bt1|x", "x", false),
        ];
        for (pattern, postcode, expected) in cases {
            let bounds = Bounds::Postcodes(Postcodes::new(pattern).unwrap());
            assert_eq!(bounds.has_postcode(postcode), expected, "case: {pattern} {postcode}");
        }
        let codes = Bounds::Codes(vec!["BFPO 57".to_owned()]);
        assert!(codes.has_postcode("bfpo57") && !codes.has_postcode("BFPO 5"));
    }

    #[test]
    fn patterns_are_bounded() {
        assert_eq!(Postcodes::new("a)|(b").unwrap_err(), PostcodesError::Syntax);
        assert_eq!(Postcodes::new("(").unwrap_err(), PostcodesError::Syntax);
        assert_eq!(Postcodes::new(r"(\w{50}){50}").unwrap_err(), PostcodesError::Size);
        assert_eq!(Postcodes::new(&"1".repeat(600)).unwrap_err(), PostcodesError::Size);
    }
}
