//! Where a feed's documents are: addresses with places in braces, which stand for days, for each of a
//! list, and for secrets.
//!
//! | in an address | stands for |
//! |---|---|
//! | `{year}`, `{month}`, `{m}`, `{date}` | 2026, 09, 9, 2026-09-04: one document for each period |
//! | `{from}`, `{until}` | the first and the last day of all periods, in one document |
//! | `{each}` | one document for each of `each` |
//! | any other name | the secret of that name |

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use chrono::{Datelike as _, Days, Months, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::FeedError;
use crate::fetch::Ask;
use crate::http::Method;
use crate::http::header::{HeaderMap, HeaderName, HeaderValue};
use crate::read::table::texts;
use crate::secret::{MASK, Secret};

/// How many documents a feed may have.
pub const DOCUMENTS_MAX: usize = 200;
/// How many periods back and ahead are asked for at most.
const PERIODS_MAX: u16 = 400;
/// How long one of `each` may be, in bytes.
const EACH_LEN_MAX: usize = 64;

/// The secrets of a feed, by name.
pub type Secrets = BTreeMap<String, Secret>;

/// Where a feed's documents are. What is left out is as the kind has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Source {
    /// The addresses, one or several. `{year}`, `{month}` (09), `{m}` (9) and `{date}` stand for each
    /// period, `{from}` and `{until}` for the first and last day of all, `{each}` for each of `each`,
    /// any other name in braces for the secret of that name.
    #[serde(deserialize_with = "texts")]
    pub address: Vec<String>,
    /// For what `{each}` stands: codes of goods, countries, ports. Letters, digits, `-`, `_`, `.`.
    #[serde(deserialize_with = "texts")]
    pub each: Vec<String>,
    /// How many periods before the current one are asked for: days, months or years, whichever is the
    /// shortest that the addresses name. Default: 0.
    pub back: Option<u16>,
    /// How many periods after the current one are asked for; those not there yet are left out.
    /// Default: 0.
    pub ahead: Option<u16>,
    /// Headers that are sent along; a name in braces stands for a secret.
    pub headers: BTreeMap<String, String>,
    /// What is sent with a POST; without it the question is a GET. Days and `{each}` as in addresses,
    /// no secrets.
    pub body: Option<String>,
}

/// One document of a feed.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// How it is asked for.
    pub ask: Ask,
    /// The address as settings have it, days and all, secrets masked: it tells documents apart.
    pub name: String,
    /// It is of a period that has not begun, and may not be there yet.
    pub is_ahead: bool,
}

/// The length of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Day,
    Month,
    Year,
}

/// What the places stand for in one document.
struct Values<'v> {
    period: NaiveDate,
    span: (NaiveDate, NaiveDate),
    each: Option<&'v str>,
    secrets: &'v Secrets,
}

/// A template with its places filled in.
#[derive(Default)]
struct Filled<'v> {
    whole: String,
    shown: String,
    secrets: Vec<&'v Secret>,
}

/// How a secret is written.
#[derive(Clone, Copy)]
enum Escape {
    Address,
    Plain,
}

impl Source {
    /// Returns the source with what it leaves out from `kind`.
    #[must_use]
    pub fn or(&self, kind: Self) -> Self {
        let list = |ours: &Vec<String>, theirs| if ours.is_empty() { theirs } else { ours.clone() };
        // Another address asks by other means, too.
        let has_own = !self.address.is_empty();
        Self {
            body: self.body.clone().or_else(|| kind.body.filter(|_| !has_own)),
            headers: if self.headers.is_empty() && !has_own {
                kind.headers
            } else {
                self.headers.clone()
            },
            address: list(&self.address, kind.address),
            each: list(&self.each, kind.each),
            back: self.back.or(kind.back),
            ahead: self.ahead.or(kind.ahead),
        }
    }

    /// Returns the documents that are wanted on `today`, a day in the feed's zone; at least one.
    ///
    /// Fails where an address is wrong, names what there is not, or there would be more than 200.
    pub fn documents(&self, today: NaiveDate, secrets: &Secrets) -> Result<Vec<Wanted>, FeedError> {
        if self.address.is_empty() {
            return Err(wrong("address", "none is set; say where the documents are"));
        }
        self.check_each()?;
        let mut wanted = Vec::new();
        for address in &self.address {
            let uses = |name: &str| {
                let body = self.body.as_deref().unwrap_or_default();
                address.contains(name) || body.contains(name)
            };
            let unit = if uses("{date}") {
                Some(Unit::Day)
            } else if uses("{month}") || uses("{m}") {
                Some(Unit::Month)
            } else if uses("{year}") {
                Some(Unit::Year)
            } else {
                None
            };
            let (span, periods) = self.periods(today, unit)?;
            let has_each = uses("{each}");
            let each: Vec<Option<&str>> = match (has_each, self.each.is_empty()) {
                (false, _) => vec![None],
                (true, true) => return Err(wrong("each", "the address names it, and it is empty")),
                (true, false) => self.each.iter().map(|each| Some(&**each)).collect(),
            };
            if DOCUMENTS_MAX < wanted.len().saturating_add(periods.len().saturating_mul(each.len()))
            {
                let what = format!("there would be more than {DOCUMENTS_MAX} documents");
                return Err(wrong("address", &what));
            }
            for period in periods {
                for each in &each {
                    let values = Values { period, span, each: *each, secrets };
                    let is_ahead = today < period;
                    wanted.push(self.document(address, &values, is_ahead)?);
                }
            }
        }
        Ok(wanted)
    }

    fn check_each(&self) -> Result<(), FeedError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_good =
            |each: &String| (1..=EACH_LEN_MAX).contains(&each.len()) && each.chars().all(is_plain);
        match self.each.iter().find(|each| !is_good(each)) {
            Some(_) => {
                Err(wrong("each", "use up to 64 letters, digits, '-', '_' and '.' for each"))
            }
            None => Ok(()),
        }
    }

    /// Returns the first and last day that are asked for, and the first day of each period; that of
    /// the current one is `today`.
    fn periods(
        &self,
        today: NaiveDate,
        unit: Option<Unit>,
    ) -> Result<((NaiveDate, NaiveDate), Vec<NaiveDate>), FeedError> {
        let [back, ahead] = [self.back, self.ahead].map(Option::unwrap_or_default);
        if PERIODS_MAX < back || PERIODS_MAX < ahead {
            return Err(wrong("back", "'back' and 'ahead' may be at most 400"));
        }
        let far = || wrong("back", "it leads out of the calendar");
        let step = unit.unwrap_or(Unit::Day);
        let first = moved(today, step, -i32::from(back)).ok_or_else(far)?;
        let last = moved(today, step, i32::from(ahead)).ok_or_else(far)?;
        let steps = if unit.is_some() { -i32::from(back)..=i32::from(ahead) } else { 0..=0 };
        let periods = steps.map(|by| moved(today, step, by)).collect::<Option<Vec<_>>>();
        Ok(((first, last), periods.ok_or_else(far)?))
    }

    fn document(
        &self,
        address: &str,
        values: &Values<'_>,
        is_ahead: bool,
    ) -> Result<Wanted, FeedError> {
        let filled = values.fill("address", address, Escape::Address)?;
        let url = Url::parse(&filled.whole);
        let url = url.map_err(|error| wrong("address", &error.to_string()))?;
        if Url::parse(&filled.shown).is_ok_and(|shown| shown.host_str() != url.host_str()) {
            return Err(wrong("address", "a secret cannot stand in the name of a host"));
        }
        let mut secrets: Vec<Secret> = filled.secrets.into_iter().cloned().collect();
        let mut headers = HeaderMap::new();
        for (name, text) in &self.headers {
            let bad = |_unsaid| wrong("headers", "a name or value is none that HTTP has");
            let filled = values.fill("headers", text, Escape::Plain)?;
            let name: HeaderName = name.parse().map_err(|_unsaid| bad(()))?;
            let mut value = HeaderValue::from_str(&filled.whole).map_err(|_unsaid| bad(()))?;
            value.set_sensitive(!filled.secrets.is_empty());
            headers.insert(name, value);
            secrets.extend(filled.secrets.into_iter().cloned());
        }
        let mut name = filled.shown;
        let (method, body) = match &self.body {
            Some(body) => {
                let body = values.fill("body", body, Escape::Plain)?;
                if !body.secrets.is_empty() {
                    return Err(wrong("body", "a secret cannot stand in it; use a header"));
                }
                name.push('\n');
                name.push_str(&body.whole);
                (Method::POST, Bytes::from(body.whole))
            }
            None => (Method::GET, Bytes::new()),
        };
        Ok(Wanted { ask: Ask { method, url, headers, body, secrets }, name, is_ahead })
    }
}

impl<'v> Values<'v> {
    /// Fills the places in `text`, the setting `key`. Braces around what is no name stay.
    fn fill(&self, key: &str, text: &str, escape: Escape) -> Result<Filled<'v>, FeedError> {
        let mut filled = Filled::default();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            filled.push(before);
            rest = behind;
            match behind.split_once('}').filter(|(name, _)| is_name(name)) {
                Some((name, behind)) => {
                    self.place(key, name, escape, &mut filled)?;
                    rest = behind;
                }
                None => filled.push("{"),
            }
        }
        filled.push(rest);
        Ok(filled)
    }

    fn place(
        &self,
        key: &str,
        name: &str,
        escape: Escape,
        filled: &mut Filled<'v>,
    ) -> Result<(), FeedError> {
        let (period, (from, until)) = (self.period, self.span);
        match name {
            "year" => filled.push_all(period.year()),
            "month" => filled.push_all(period.format("%m")),
            "m" => filled.push_all(period.month()),
            "date" => filled.push_all(period),
            "from" => filled.push_all(from),
            "until" => filled.push_all(until),
            "each" => filled.push(self.each.unwrap_or_default()),
            name => {
                let secret = self.secrets.get(name).ok_or_else(|| {
                    wrong(key, &format!("it names {{{name}}}, and there is no such secret; set it"))
                })?;
                filled.push_secret(secret, escape);
            }
        }
        Ok(())
    }
}

impl<'v> Filled<'v> {
    fn push(&mut self, text: &str) {
        self.whole.push_str(text);
        self.shown.push_str(text);
    }

    fn push_all(&mut self, value: impl std::fmt::Display) {
        // Writing to a text cannot fail.
        let mut text = String::new();
        if write!(text, "{value}").is_ok() {
            self.push(&text);
        }
    }

    fn push_secret(&mut self, secret: &'v Secret, escape: Escape) {
        match escape {
            Escape::Address => {
                let bytes = secret.expose().as_bytes();
                self.whole.extend(url::form_urlencoded::byte_serialize(bytes));
            }
            Escape::Plain => self.whole.push_str(secret.expose()),
        }
        self.shown.push_str(MASK);
        self.secrets.push(secret);
    }
}

fn is_name(text: &str) -> bool {
    let is_in_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(is_in_name)
}

/// Returns the first day of the period `by` periods from that of `day`; `day` itself for none.
fn moved(day: NaiveDate, unit: Unit, by: i32) -> Option<NaiveDate> {
    let distance = by.unsigned_abs();
    let (months, first) = match unit {
        _ if by == 0 => return Some(day),
        Unit::Day => {
            let days = Days::new(distance.into());
            return if by < 0 { day.checked_sub_days(days) } else { day.checked_add_days(days) };
        }
        Unit::Month => (Months::new(distance), day.with_day(1)?),
        Unit::Year => (Months::new(distance.checked_mul(12)?), day.with_day(1)?.with_month(1)?),
    };
    if by < 0 { first.checked_sub_months(months) } else { first.checked_add_months(months) }
}

fn wrong(key: &str, what: &str) -> FeedError {
    FeedError::Settings(format!("'{key}': {what}"))
}
