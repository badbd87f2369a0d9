//! How a cell is written, and the one way in which its value is kept.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use rust_decimal::Decimal;

use super::{KEY_MARK, Kind};
use crate::fact::place::Country;
use crate::id::DeviceId;
use crate::money::Currency;

/// The longest text, in characters.
const TEXT_MAX: usize = 500;
/// The longest id, in bytes.
const ID_LEN_MAX: usize = 128;
/// How much of a cell an error repeats, in characters.
const SHOWN_MAX: usize = 60;
/// The largest count: what a machine with numbers of 53 bits still tells apart.
const COUNT_MAX: u64 = 1 << 53;

/// How a cell is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A name of something: up to 128 bytes without blanks, control characters and `|`.
    Id,
    /// The id of a device, as its messages have it.
    Device,
    /// The id of a record of this kind, or of a row of this table of the registry.
    Of(&'static str),
    /// Words for people, up to 500 characters.
    Text,
    /// Whole units, 0 or more.
    Count,
    /// Whole units, 1 or more.
    Some,
    /// A decimal, 0 or more: a weight, a volume.
    Quantity,
    /// An amount of money, 0 or more; its currency stands in a column of its own.
    Money,
    /// A currency by its code.
    Currency,
    /// A country by its code.
    Country,
    /// A part of one, 0 to 1: a probability.
    Share,
    /// A day: `2026-01-31`.
    Day,
    /// An instant with its offset: `2026-01-31T08:00:00+08:00`.
    Instant,
    /// An address for mail.
    Email,
    /// China's unified social credit code of an organisation.
    CreditCode,
    /// A code of goods: 6 to 10 digits, with or without dots.
    GoodsCode,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// Why a text is not of a form: what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// It must be something else.
    #[error("write {0}")]
    Write(String),
    /// A spreadsheet's formula, of which we know no value.
    #[error("that is a formula; export the table with values")]
    Formula,
}

impl Form {
    /// Returns the kind of records that it names one of, if it does.
    pub(super) fn named(self) -> Option<&'static Kind> {
        let Self::Of(table) = self else { return None };
        super::kind(table).or_else(|| super::registered(table))
    }

    /// Returns what to write, in words.
    pub fn words(self) -> String {
        match self {
            Self::Id => {
                format!("an id of up to {ID_LEN_MAX} bytes without blanks and '{KEY_MARK}'")
            }
            Self::Device => "a device's id: up to 128 letters, digits, '-', '_' or '.'".to_owned(),
            Self::Of(table) => format!("the id of a row of {table}"),
            Self::Text => format!("up to {TEXT_MAX} characters"),
            Self::Count => "a whole number, 0 or more".to_owned(),
            Self::Some => "a whole number, 1 or more".to_owned(),
            Self::Quantity => "a decimal with a point, 0 or more, such as 12.5".to_owned(),
            Self::Money => "an amount with a point and no currency, such as 1250.00".to_owned(),
            Self::Currency => "a currency's three capital letters, such as EUR".to_owned(),
            Self::Country => "a country's two capital letters, such as DE".to_owned(),
            Self::Share => "a part of one, such as 0.683".to_owned(),
            Self::Day => "a day such as 2026-01-31".to_owned(),
            Self::Instant => {
                "an instant with its offset, such as 2026-01-31T08:00:00+08:00".to_owned()
            }
            Self::Email => "an address such as name@example.org".to_owned(),
            Self::CreditCode => {
                "18 digits and capital letters, of which the last checks the others".to_owned()
            }
            Self::GoodsCode => "6 to 10 digits of a goods code, such as 8504.40".to_owned(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
        }
    }

    /// Reads `text`, which has no blanks around it and is not empty; returns the value as it is kept.
    pub fn read(self, text: &str) -> Result<String, FormError> {
        if text.starts_with(['=', '@']) {
            return Err(FormError::Formula);
        }
        let value = match self {
            Self::Id | Self::Of(_) => is_id(text).then(|| text.to_owned()),
            Self::Device => DeviceId::new(text).ok().map(|id| id.to_string()),
            Self::Text => is_text(text).then(|| text.to_owned()),
            Self::Count => whole(text, 0),
            Self::Some => whole(text, 1),
            Self::Quantity | Self::Money => decimal(text).map(|value| value.to_string()),
            Self::Share => {
                decimal(text).filter(|value| *value <= Decimal::ONE).map(|value| value.to_string())
            }
            Self::Currency => text.parse::<Currency>().ok().map(|currency| currency.to_string()),
            Self::Country => text.parse::<Country>().ok().map(|country| country.to_string()),
            Self::Day => day(text).map(|day| day.to_string()),
            Self::Instant => instant(text),
            Self::Email => is_email(text).then(|| text.to_owned()),
            Self::CreditCode => credit_code(text),
            Self::GoodsCode => goods_code(text),
            Self::Choice(words) => words.contains(&text).then(|| text.to_owned()),
        };
        value.ok_or_else(|| FormError::Write(self.words()))
    }
}

/// Returns `text` as an error shows it.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        shown.push('…');
    }
    format!("\"{shown}\"")
}

fn is_id(text: &str) -> bool {
    text.len() <= ID_LEN_MAX
        && !text.contains(|c: char| c == KEY_MARK || c.is_whitespace() || c.is_control())
}

fn is_text(text: &str) -> bool {
    text.chars().count() <= TEXT_MAX && !text.contains(char::is_control)
}

fn whole(text: &str, least: u64) -> Option<String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let count: u64 = is_plain.then(|| text.parse().ok()).flatten()?;
    (least..=COUNT_MAX).contains(&count).then(|| count.to_string())
}

/// Returns a decimal of 0 or more. Marks between thousands, commas and exponents are not guessed at.
fn decimal(text: &str) -> Option<Decimal> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let is_plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_plain(whole) || !is_plain(part) {
        return None;
    }
    // Exact, or an error: more digits than are kept would be rounded in silence.
    Decimal::from_str_exact(text).ok()
}

fn day(text: &str) -> Option<NaiveDate> {
    // The library also reads 2026-1-31 and signs.
    let is_plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    is_plain.then(|| text.parse().ok()).flatten()
}

fn instant(text: &str) -> Option<String> {
    let at = DateTime::parse_from_rfc3339(text).ok()?;
    Some(at.with_timezone(&Utc).to_rfc3339_opts(SecondsFormat::Millis, true))
}

fn is_email(text: &str) -> bool {
    let is_address = text
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !host.contains('@'));
    is_address && text.len() <= 254 && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Returns a credit code whose last character is that of the seventeen before (GB 32100-2015).
fn credit_code(text: &str) -> Option<String> {
    // Without I, O, S, V and Z, which are taken for digits.
    const CHARACTERS: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";

    let code = text.to_ascii_uppercase();
    let values: Option<Vec<usize>> = code.chars().map(|c| CHARACTERS.find(c)).collect();
    let (last, others) = values.as_ref().filter(|values| values.len() == 18)?.split_last()?;
    let weights = std::iter::successors(Some(1_usize), |weight| Some(weight * 3 % 31));
    let sum: usize = others.iter().zip(weights).map(|(value, weight)| value * weight).sum();
    ((31 - sum % 31) % 31 == *last).then_some(code)
}

fn goods_code(text: &str) -> Option<String> {
    let code: String = text.chars().filter(|c| *c != '.' && *c != ' ').collect();
    let is_code = (6..=10).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit());
    is_code.then_some(code)
}
