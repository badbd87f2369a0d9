//! Countries by their codes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A country, or another territory with customs or taxes of its own, by two capital letters.
///
/// The codes are those of ISO 3166; `EU` stands for the customs territory of the European Union. The
/// Union writes `EL` for Greece and some `UK` for the United Kingdom: both are read as ISO has them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

/// Why a text is no [`Country`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a country is two capital letters, such as DE")]
pub struct CountryError;

impl Country {
    /// The customs territory of the European Union.
    pub const EU: Self = Self(*b"EU");
    /// The United Kingdom.
    pub const GB: Self = Self(*b"GB");
    /// The United States.
    pub const US: Self = Self(*b"US");

    /// Returns its code.
    pub fn as_str(&self) -> &str {
        // Only capital letters get in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Country {
    type Err = CountryError;

    fn from_str(text: &str) -> Result<Self, CountryError> {
        let code: [u8; 2] = text.as_bytes().try_into().map_err(|_| CountryError)?;
        match &code {
            b"EL" => Ok(Self(*b"GR")),
            b"UK" => Ok(Self::GB),
            code if code.iter().all(u8::is_ascii_uppercase) => Ok(Self(*code)),
            _ => Err(CountryError),
        }
    }
}

impl TryFrom<String> for Country {
    type Error = CountryError;

    fn try_from(text: String) -> Result<Self, CountryError> {
        text.parse()
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.as_str().to_owned()
    }
}

impl schemars::JsonSchema for Country {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Country".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[A-Z]{2}$"})
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greece_and_the_united_kingdom_have_one_code_each() {
        let cases = [
            ("GR", Some("GR")),
            ("EL", Some("GR")),
            ("UK", Some("GB")),
            ("GB", Some("GB")),
            ("de", None),
            ("DEU", None),
            ("", None),
            ("Ä", None),
        ];
        for (text, expected) in cases {
            let read = text.parse::<Country>().map(|country| country.to_string());
            assert_eq!(read.ok().as_deref(), expected, "case: {text}");
        }
    }
}
