//! Twins: records of accounts and contacts that seem to be the same company or person.
//!
//! Two are twins where a [`Mark`] is the same: a telephone number, an address for mail, a company's name
//! or its credit code, each in one way of writing.

use std::collections::BTreeMap;

/// The country calling codes that numbers without one are completed by, and whether the 0 before an
/// area's code falls away behind them.
const CALLING: [(&str, &str, bool); 50] = [
    ("AE", "971", true),
    ("AR", "54", true),
    ("AT", "43", true),
    ("AU", "61", true),
    ("BE", "32", true),
    ("BG", "359", true),
    ("BR", "55", true),
    ("CA", "1", false),
    ("CH", "41", true),
    ("CN", "86", true),
    ("CZ", "420", false),
    ("DE", "49", true),
    ("DK", "45", false),
    ("EE", "372", false),
    ("EG", "20", true),
    ("ES", "34", false),
    ("FI", "358", true),
    ("FR", "33", true),
    ("GB", "44", true),
    ("GR", "30", false),
    ("HK", "852", false),
    ("HR", "385", true),
    ("HU", "36", false),
    ("ID", "62", true),
    ("IE", "353", true),
    ("IL", "972", true),
    ("IN", "91", true),
    ("IT", "39", false),
    ("JP", "81", true),
    ("KR", "82", true),
    ("LT", "370", false),
    ("LU", "352", false),
    ("LV", "371", false),
    ("MX", "52", false),
    ("MY", "60", true),
    ("NL", "31", true),
    ("NO", "47", false),
    ("NZ", "64", true),
    ("PL", "48", false),
    ("PT", "351", false),
    ("RO", "40", true),
    ("SA", "966", true),
    ("SE", "46", true),
    ("SG", "65", false),
    ("SI", "386", true),
    ("SK", "421", true),
    ("TH", "66", true),
    ("TR", "90", true),
    ("TW", "886", true),
    ("US", "1", false),
];
/// Forms of companies that people leave out or write otherwise, longest first.
const FORMS: [&str; 20] = [
    "股份有限公司",
    "有限责任公司",
    "有限公司",
    "corporation",
    "incorporated",
    "companylimited",
    "coltd",
    "gmbhcokg",
    "limited",
    "gmbh",
    "company",
    "corp",
    "sarl",
    "ltd",
    "llc",
    "inc",
    "plc",
    "spa",
    "ag",
    "bv",
];
/// How many digits a number has together with its country's code.
const DIGITS: std::ops::RangeInclusive<usize> = 8..=15;

/// What only one person or company has, in one way of writing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// What it is: `phone`, `email`, `company`, `credit-code`.
    pub what: &'static str,
    /// The value.
    pub value: String,
}

/// Returns the marks of a record of `kind`, an `account` or a `contact`; none of any other.
pub fn marks<K: AsRef<str> + Ord + std::borrow::Borrow<str>>(
    kind: &str,
    record: &BTreeMap<K, String>,
) -> Vec<Mark> {
    let text = |column: &str| record.get(column).map(String::as_str);
    let is_account = kind == "account";
    if !is_account && kind != "contact" {
        return Vec::new();
    }
    let country = text("country");
    let company = text("name").filter(|_| is_account).and_then(company);
    let found = [
        ("phone", text("phone").and_then(|phone| international(phone, country))),
        ("email", text("email").map(str::to_lowercase)),
        ("company", company),
        ("credit-code", text("credit_code").map(str::to_owned)),
    ];
    let marks = found.into_iter().filter_map(|(what, value)| Some(Mark { what, value: value? }));
    marks.collect()
}

/// Returns a telephone number as it is dialled from anywhere, such as `+8613800138000`; `None` for one
/// that names no country and stands in none that is known, or is no number.
///
/// An extension behind `x`, `ext` or `-` at the end is not told apart: what is no digit is left out.
pub fn international(text: &str, country: Option<&str>) -> Option<String> {
    let text: String = text.chars().map(narrow).collect();
    let text = text.trim();
    let before = text.split(['x', 'X', '#', ';', 'e', 'E']).next().unwrap_or(text);
    // The 0 that is written in brackets is not dialled behind a country's code.
    let plain = before.replace("(0)", "");
    let digits: String = plain.chars().filter(char::is_ascii_digit).collect();
    let number = if plain.trim_start().starts_with('+') {
        digits
    } else if let Some(rest) = digits.strip_prefix("00") {
        rest.to_owned()
    } else {
        let (_, code, drops_zero) = CALLING.iter().find(|(known, ..)| Some(*known) == country)?;
        let own = match digits.strip_prefix('0') {
            Some(rest) if *drops_zero => rest,
            _ => &digits,
        };
        format!("{code}{own}")
    };
    DIGITS.contains(&number.len()).then(|| format!("+{number}"))
}

/// Returns a company's name without its form, blanks, signs and differences of case and width.
pub fn company(name: &str) -> Option<String> {
    let plain = name.chars().map(narrow).flat_map(char::to_lowercase);
    let mut plain: String = plain.filter(|c| c.is_alphanumeric()).collect();
    if let Some(form) =
        FORMS.iter().find(|form| plain.ends_with(**form) && plain.len() > form.len())
    {
        plain.truncate(plain.len() - form.len());
    }
    (1 < plain.chars().count()).then_some(plain)
}

/// Returns the narrow form of a full-width character.
fn narrow(c: char) -> char {
    match u32::from(c) {
        wide @ 0xFF01..=0xFF5E => char::from_u32(wide - 0xFEE0).unwrap_or(c),
        0x3000 => ' ',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_same_however_they_are_written() {
        let cases = [
            ("+86 138-0013-8000", None, Some("+8613800138000")),
            ("13800138000", Some("CN"), Some("+8613800138000")),
            ("（０１０）6552-1234", Some("CN"), Some("+861065521234")),
            ("0049 (0) 30 123456", None, Some("+4930123456")),
            ("+49 (0)30/12 34 56", Some("CN"), Some("+4930123456")),
            ("030 123456 ext 7", Some("DE"), Some("+4930123456")),
            ("06 1234 5678", Some("IT"), Some("+390612345678")),
            ("030 123456", None, None),
            ("12", Some("DE"), None),
            ("by mail only", Some("DE"), None),
        ];
        for (text, country, expected) in cases {
            assert_eq!(international(text, country).as_deref(), expected, "case: {text}");
        }
    }

    #[test]
    fn companies_are_the_same_without_their_form() {
        let cases = [
            ("Nord Strom GmbH", "NORDSTROM G.m.b.H."),
            ("Acme Co., Ltd.", "acme"),
            ("特来电新能源股份有限公司", "特来电新能源有限公司"),
            ("ＡＢＣ　Power", "abc power Inc"),
        ];
        for (one, other) in cases {
            assert_eq!(company(one), company(other), "case: {one}");
            assert!(company(one).is_some(), "case: {one}");
        }
        assert_ne!(company("Acme North"), company("Acme South"));
        assert_eq!(company("Ltd"), Some("ltd".to_owned()));
        assert_eq!(company("A"), None);
    }
}
