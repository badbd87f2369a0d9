//! On which days a fact is told to be so, by the weather and the policies of feeds.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, NaiveDate};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use super::Outside;
use crate::fact::policy::Policy;
use crate::fact::validity::Validity;
use crate::fact::weather::{Measured, Weather, When};
use crate::stock::stocking::Stocking;
use crate::stock::stocking::adjuster::{AdjusterDocument, PolicyFactDocument, WeatherFactDocument};

/// The fewest hours of a day that have to be told before it is told that none of them was so: those of the
/// day on which clocks go forward.
const HOURS_MIN: usize = 23;
/// The most of a text from outside that is shown.
const SHOWN_MAX: usize = 40;

/// On which days a fact is so.
#[derive(Clone, Debug)]
pub(super) enum Told {
    /// On these it is, or it is not; nobody tells of others.
    Days(BTreeMap<NaiveDate, bool>),
    /// On those of any of these, and on no other.
    Whenever(Vec<Validity>),
}

/// What is wrong with a fact, and what to do; and what is told in spite of it.
type Outcome = (Option<Told>, Vec<String>);

impl Told {
    /// Tells whether it is so on `day`; none: nobody says.
    pub(super) fn on(&self, day: NaiveDate) -> Option<bool> {
        match self {
            Self::Days(days) => days.get(&day).copied(),
            Self::Whenever(spans) => Some(spans.iter().any(|valid| valid.holds_on(day))),
        }
    }

    /// Tells whether it is so on at least half of the days from `first_on` to `last_on`; none: nobody says
    /// of all of them.
    pub(super) fn over(&self, first_on: NaiveDate, last_on: NaiveDate) -> Option<bool> {
        let (mut so, mut days) = (0_usize, 0_usize);
        for day in first_on.iter_days().take_while(|day| *day <= last_on) {
            so += usize::from(self.on(day)?);
            days += 1;
        }
        (0 < days).then_some(days <= 2 * so)
    }
}

/// Returns what feeds tell of the fact of `adjuster`, and what is wrong with it.
pub(super) fn told(adjuster: &AdjusterDocument, stocking: &Stocking, outside: &Outside) -> Outcome {
    match (&adjuster.weather, &adjuster.policy) {
        (Some(asked), _) => weather(asked, stocking, &outside.weather),
        (None, Some(asked)) => policy(asked, &outside.policies),
        (None, None) => (None, Vec::new()),
    }
}

fn policy(asked: &PolicyFactDocument, policies: &[Policy]) -> Outcome {
    let PolicyFactDocument { region, product, title } = asked;
    let is_of = |own: &str, asked: &str| own == "*" || own == asked;
    let asked = policies.iter().filter(|policy| {
        is_of(&policy.region, region)
            && is_of(&policy.product, product)
            && title.as_ref().is_none_or(|title| *title == policy.title)
    });
    let spans: Vec<Validity> = asked.map(|policy| policy.valid).collect();
    if spans.is_empty() {
        let message = format!(
            "no feed in force tells such a policy for '{product}' in '{region}'; correct it, or add \
             a feed of the kind policies"
        );
        return (None, vec![message]);
    }
    (Some(Told::Whenever(spans)), Vec::new())
}

fn weather(asked: &WeatherFactDocument, stocking: &Stocking, weather: &[Weather]) -> Outcome {
    let WeatherFactDocument { place, what, .. } = asked;
    let zone = zone_of(stocking, place);
    let names = stocking.names_of(place);
    let is_there = |one: &&Weather| one.place.as_deref().is_some_and(|name| names.contains(name));
    let mut there = weather.iter().filter(is_there).peekable();
    if there.peek().is_none() {
        let message = format!(
            "no feed in force tells the weather at '{place}'; correct it, or add a feed of the kind \
             open-meteo that names it in places"
        );
        return (None, vec![message]);
    }
    let mut wrong = Wrong::default();
    let mut values: BTreeMap<&When, Decimal> = BTreeMap::new();
    let mut is_told = false;
    for one in there {
        let Some(measured) = one.values.get(what) else { continue };
        is_told = true;
        // What came into force later takes the place of what was told before.
        if let Some(value) = wrong.checked(asked, measured) {
            values.insert(&one.when, value);
        }
    }
    if !is_told {
        let message =
            format!("no feed in force tells {what} at '{place}'; ask for it in the feed's address");
        return (None, vec![message]);
    }
    (Some(Told::Days(days(asked, zone, &values))), wrong.messages(asked))
}

/// Returns the zone of a place of the document, by its id or one of its codes.
fn zone_of(stocking: &Stocking, name: &str) -> Option<Tz> {
    let is_own = |code: &String| code == name;
    let mut places = stocking.place.iter();
    let own = places.find(|own| own.id == name || own.codes.iter().any(is_own))?;
    let calendar = stocking.calendar.iter().find(|calendar| calendar.id == own.calendar)?;
    calendar.zone.parse().ok()
}

/// Returns of which days it is told whether it is so: by the day's own value, else by its hours, of which
/// one is enough, in `zone` or else in the source's.
fn days(
    asked: &WeatherFactDocument,
    zone: Option<Tz>,
    values: &BTreeMap<&When, Decimal>,
) -> BTreeMap<NaiveDate, bool> {
    let day_of = |at: &DateTime<FixedOffset>| {
        zone.map_or_else(|| at.date_naive(), |zone| at.with_timezone(&zone).date_naive())
    };
    let mut hours: BTreeMap<NaiveDate, (usize, bool)> = BTreeMap::new();
    let mut days = BTreeMap::new();
    for (when, value) in values {
        match when {
            When::Now(_) => {}
            When::Hour(at) => {
                let (count, any) = hours.entry(day_of(at)).or_default();
                *count += 1;
                *any |= is_so(asked, *value);
            }
            When::Day(day) => {
                days.insert(*day, is_so(asked, *value));
            }
        }
    }
    for (day, (count, any)) in hours {
        if any || HOURS_MIN <= count {
            days.entry(day).or_insert(any);
        }
    }
    days
}

fn is_so(asked: &WeatherFactDocument, value: Decimal) -> bool {
    asked.above.is_some_and(|bound| bound.0 < value)
        || asked.below.is_some_and(|bound| value < bound.0)
}

/// Values that are left out, and the first of each sort.
#[derive(Debug, Default)]
struct Wrong {
    units: usize,
    unit: Option<String>,
    texts: usize,
    text: Option<String>,
}

impl Wrong {
    /// Returns the number that `measured` is, if it is one in the unit that is asked for.
    fn checked(&mut self, asked: &WeatherFactDocument, measured: &Measured) -> Option<Decimal> {
        if asked.unit.is_some() && asked.unit != measured.unit {
            self.units += 1;
            self.unit.get_or_insert_with(|| measured.unit.clone().unwrap_or_default());
            return None;
        }
        let number = measured.number();
        if number.is_none() {
            self.texts += 1;
            self.text.get_or_insert_with(|| measured.value.clone());
        }
        number
    }

    fn messages(self, asked: &WeatherFactDocument) -> Vec<String> {
        let shown = |text: &str| text.chars().take(SHOWN_MAX).collect::<String>();
        let WeatherFactDocument { what, unit, .. } = asked;
        let units = self.unit.map(|found| {
            let (unit, found) = (unit.as_deref().unwrap_or_default(), shown(&found));
            format!(
                "{} values of {what} are in '{found}', not in '{unit}', and are left out; correct \
                 unit and bound, or the feed's address",
                self.units
            )
        });
        let texts = self.text.map(|found| {
            let (count, found) = (self.texts, shown(&found));
            format!("{count} values of {what} are no numbers, as '{found}', and are left out; name another")
        });
        units.into_iter().chain(texts).collect()
    }
}
