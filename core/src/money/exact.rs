//! Decimals as documents have them: text, so that no reader makes floats of them.

use std::fmt;

use rust_decimal::Decimal;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A decimal that is a text in documents, `"12.50"`; whole numbers may stand without quotes.
///
/// It keeps the zeros it is written with. A number with a point is refused: what reads it may have
/// lost digits already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exact(pub Decimal);

impl Exact {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);
}

impl From<Decimal> for Exact {
    fn from(decimal: Decimal) -> Self {
        Self(decimal)
    }
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

impl schemars::JsonSchema for Exact {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Exact".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A decimal as text, such as \"12.50\"; a whole number may stand without quotes.",
            "type": ["string", "integer"],
            "pattern": "^-?[0-9]{1,22}(\\.[0-9]{1,10})?$",
        })
    }
}

/// The most digits of the whole part; with those behind the point, less than a decimal holds.
const WHOLE_MAX: usize = 22;
/// The most digits behind the point.
const FRACTION_MAX: usize = 10;

struct Reader;

impl Visitor<'_> for Reader {
    type Value = Exact;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal as text, such as \"12.50\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Exact, E> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let are_digits = |part: &str, max: usize| {
            (1..=max).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !are_digits(whole, WHOLE_MAX) || !are_digits(fraction, FRACTION_MAX) {
            return Err(E::invalid_value(de::Unexpected::Str(text), &self));
        }
        Decimal::from_str_exact(text)
            .map(Exact)
            .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Exact, E> {
        Ok(Exact(number.into()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Exact, E> {
        Ok(Exact(number.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_loses_no_digit() {
        let cases = [
            ("\"12.50\"", Some("12.50")),
            ("12", Some("12")),
            ("\"-3\"", Some("-3")),
            ("\"0.1000000000\"", Some("0.1000000000")),
            ("12.5", None),
            ("\"1e3\"", None),
            ("\"1,000.00\"", None),
            ("\"\"", None),
            ("\".5\"", None),
            ("\"NaN\"", None),
            ("\"99999999999999999999999\"", None),
            ("\"٣\"", None),
        ];
        for (text, expected) in cases {
            let read = serde_json::from_str::<Exact>(text).ok().map(|exact| exact.to_string());
            assert_eq!(read.as_deref(), expected, "case: {text}");
        }
    }
}
