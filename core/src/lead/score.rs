//! Scores: how much a task is worth the effort, as points for what is known of the account.
//!
//! **What it does** adds up factors over orders (recency, frequency, money), contacts, outcomes of
//! earlier tasks, events of devices and the value still expected; each fades by its half-life and has a
//! cap.
//! **When it fires** once, when a task is made; the points stay with the task.
//! **Example** `deploy/rules/leads/service-lead.toml`.
//! **Settings** [`Score`].

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::{Decimal, MathematicalOps as _, RoundingStrategy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::{Place, Wrong};
use super::input::{Inputs, Source};
use super::lifetime::Lifetime;
use crate::money::Currency;
use crate::money::exact::Exact;
use crate::rule::duration;
use crate::task::Title;

/// A document of kind `score`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Upturn score")]
pub struct Score {
    /// Its identity, stable over its versions.
    pub id: Box<str>,
    /// `score`.
    pub kind: ScoreKind,
    /// What it is, for people.
    pub title: Title,
    /// The rules whose tasks it is for. Default: all that no other score names.
    #[serde(default)]
    pub rules: Vec<Box<str>>,
    /// The id of the grade that cuts it into bands.
    pub grade: Box<str>,
    /// The points that every task has. Default: 0.
    #[serde(default)]
    pub base: Exact,
    /// The highest score; the lowest is 0. Default: 100.
    #[serde(default = "hundred")]
    pub max: Exact,
    /// What the factors `lifetime-value` reckon with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Lifetime>,
    /// What points are given for.
    pub factor: Vec<Factor>,
}

/// The kind of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScoreKind {
    /// A score.
    Score,
}

/// Something that points are given for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Factor {
    /// Its word.
    pub id: Box<str>,
    /// What it is, for people.
    pub title: Title,
    /// What it counts.
    pub of: Of,
    /// The points for each one, for the newest one, or for each `per`; below 0 they are taken off.
    pub points: Exact,
    /// The most points, up or down, that it comes to; above 0.
    pub max: Exact,
    /// After how long something counts for half, after twice that for a quarter, such as `90d`. Default:
    /// it does not fade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half_life: Option<HalfLife>,
    /// With `contacts`, `outcomes` and `events`: the words that count. Default: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub is: Vec<Box<str>>,
    /// With `order-money` and `lifetime-value`: the amount that the points are for, above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<Exact>,
    /// With `order-money`: the currency of the orders that count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
}

/// What a factor counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Of {
    /// The newest order.
    OrderRecency,
    /// Days with orders.
    OrderCount,
    /// What was ordered, in money.
    OrderMoney,
    /// Contacts with the account, by their result.
    Contacts,
    /// Earlier tasks of the account, by their outcome.
    Outcomes,
    /// Events of the account's devices, by their kind.
    Events,
    /// What the account is expected to order.
    LifetimeValue,
}

/// The time after which something counts for half.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct HalfLife(TimeDelta, Box<str>);

/// Why a text is no half-life.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no half-life; write a duration above 0 such as \"90d\"")]
pub struct HalfLifeError(String);

/// A score, point by point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Scored {
    /// The sum, not below 0 and not above the document's `max`.
    pub score: Exact,
    /// The points that every task has.
    pub base: Exact,
    /// What was given for each factor, in the document's order.
    pub points: Vec<Point>,
}

/// What was given for a factor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    /// The factor's word.
    pub factor: Box<str>,
    /// What it is, for people.
    pub title: Title,
    /// The points, to two places, halves away from zero.
    pub points: Exact,
    /// What they would be without the cap.
    pub uncapped: Exact,
    /// How many facts counted.
    pub n: usize,
    /// When the newest of them was.
    pub newest_at: Option<DateTime<Utc>>,
    /// The money it stands on, if it counts money.
    pub amount: Option<Exact>,
    /// How many orders did not count, since they are in other currencies.
    pub other_currencies: usize,
    /// Whether there was more than was looked at.
    pub is_cut: bool,
}

/// Points have so many places.
const PLACES: u32 = 2;
/// Weights have so many.
const WEIGHT_PLACES: u32 = 6;
/// After so many half-lives nothing is left at that many places.
const HALVES_MAX: u32 = 21;

impl Score {
    /// Returns what `inputs` come to.
    pub fn score(&self, inputs: &Inputs) -> Scored {
        let points: Vec<Point> = self.factor.iter().map(|f| self.point(f, inputs)).collect();
        let sum = points.iter().fold(self.base.0, |sum, point| sum + point.points.0);
        let score = sum.clamp(Decimal::ZERO, self.max.0.max(Decimal::ZERO));
        Scored { score: Exact(score), base: self.base, points }
    }

    /// Returns the sources that its factors look at.
    pub fn sources(&self) -> impl Iterator<Item = Source> {
        self.factor.iter().map(|factor| factor.of.source())
    }

    fn point(&self, factor: &Factor, inputs: &Inputs) -> Point {
        let Counted { weight, n, newest_at, amount, other_currencies } =
            self.counted(factor, inputs);
        let round = |points: Decimal| {
            points.round_dp_with_strategy(PLACES, RoundingStrategy::MidpointAwayFromZero)
        };
        let uncapped = round(factor.points.0.saturating_mul(weight));
        Point {
            factor: factor.id.clone(),
            title: factor.title.clone(),
            points: Exact(uncapped.clamp(-factor.max.0, factor.max.0)),
            uncapped: Exact(uncapped),
            n,
            newest_at,
            amount: amount.map(Exact),
            other_currencies,
            is_cut: inputs.cut.contains(&factor.of.source()),
        }
    }

    fn counted(&self, factor: &Factor, inputs: &Inputs) -> Counted {
        let weight = |at: DateTime<Utc>| factor.weight(inputs.as_of - at);
        let of_words = |all: &[super::input::Happening]| {
            let counts =
                |what: &str| factor.is.is_empty() || factor.is.iter().any(|w| **w == *what);
            let mut counted = Counted::default();
            for one in all.iter().filter(|one| counts(&one.what)) {
                counted.add(one.at, weight(one.at));
            }
            counted
        };
        match factor.of {
            Of::Contacts => of_words(&inputs.contacts),
            Of::Outcomes => of_words(&inputs.outcomes),
            Of::Events => of_words(&inputs.events),
            Of::OrderRecency => {
                let mut counted = Counted::default();
                if let Some(newest) = inputs.orders.iter().map(super::input::Order::at).max() {
                    counted.add(newest, weight(newest));
                }
                counted
            }
            Of::OrderCount => {
                let mut counted = Counted::default();
                let mut days: Vec<_> = inputs.orders.iter().map(super::input::Order::at).collect();
                days.sort_unstable();
                days.dedup();
                for day in days {
                    counted.add(day, weight(day));
                }
                counted
            }
            Of::OrderMoney => {
                let (mut counted, mut amount) = (Counted::default(), Decimal::ZERO);
                for order in &inputs.orders {
                    if Some(order.currency) != factor.currency {
                        counted.other_currencies += 1;
                        continue;
                    }
                    amount = amount.saturating_add(order.amount.0);
                    let share = factor.share(order.amount.0);
                    counted.add(order.at(), share.saturating_mul(weight(order.at())));
                }
                counted.amount = Some(amount);
                counted
            }
            Of::LifetimeValue => {
                let value = self.lifetime.as_ref().and_then(|of| of.value(inputs));
                Counted {
                    weight: factor.share(value.unwrap_or_default()),
                    n: usize::from(value.is_some()),
                    amount: value,
                    ..Counted::default()
                }
            }
        }
    }

    /// Returns what is wrong with it by itself.
    pub(super) fn faults(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        if self.factor.is_empty() {
            wrong.push(Wrong::new(
                Place::Key("factor"),
                "empty-list",
                "it has no factor",
                "add one",
            ));
        }
        if self.max.0 <= Decimal::ZERO {
            let message = format!("a highest score of {} leaves no room", self.max);
            wrong.push(Wrong::new(Place::Key("max"), "out-of-range", message, "give one above 0"));
        }
        if self.lifetime.as_ref().is_some_and(|lifetime| !lifetime.is_sound()) {
            let message = "the parameters are none that were fitted: all are above 0, q is above 1, \
                           a is not 1, weeks are 1 to 520";
            let cure = "take them from `upturn forecast lifetime`";
            wrong.push(Wrong::new(Place::Key("lifetime"), "out-of-range", message, cure));
        }
        for (index, factor) in self.factor.iter().enumerate() {
            let mut tell = |code, message: String, cure: &str| {
                wrong.push(Wrong::new(Place::Table("factor", index), code, message, cure));
            };
            if self.factor.iter().take(index).any(|other| other.id == factor.id) {
                tell("twice", format!("'{}' stands twice", factor.id), "give each its own id");
            }
            if let Some((message, cure)) = factor.fault(self.lifetime.is_some()) {
                tell("wrong-factor", format!("'{}' {message}", factor.id), cure);
            }
        }
        wrong
    }
}

/// What a factor counted.
#[derive(Default)]
struct Counted {
    weight: Decimal,
    n: usize,
    newest_at: Option<DateTime<Utc>>,
    amount: Option<Decimal>,
    other_currencies: usize,
}

impl Counted {
    fn add(&mut self, at: DateTime<Utc>, weight: Decimal) {
        self.weight = self.weight.saturating_add(weight);
        self.n += 1;
        self.newest_at = self.newest_at.max(Some(at));
    }
}

impl Factor {
    /// Returns what something of that age counts for: a half after the half-life, to six places.
    fn weight(&self, age: TimeDelta) -> Decimal {
        let Some(HalfLife(half_life, _)) = &self.half_life else { return Decimal::ONE };
        let (age, half_life) = (age.num_milliseconds().max(0), half_life.num_milliseconds().max(1));
        let Ok(halves @ 0..=HALVES_MAX) = u32::try_from(age / half_life) else {
            return Decimal::ZERO;
        };
        let rest = Decimal::from(age % half_life) / Decimal::from(half_life);
        // The logarithm of 2, to as many places as matter here.
        let logarithm = Decimal::from_i128_with_scale(693_147_180_559_945_309, 18);
        let tolerance = Decimal::new(1, 10);
        let faded = Decimal::ONE / (rest * logarithm).exp_with_tolerance(tolerance);
        (faded / Decimal::from(1_u64 << halves)).round_dp(WEIGHT_PLACES)
    }

    /// Returns how many times `per` is in `amount`.
    fn share(&self, amount: Decimal) -> Decimal {
        let per = self.per.unwrap_or(Exact(Decimal::ONE)).0;
        amount.checked_div(per).unwrap_or_default()
    }

    fn fault(&self, has_lifetime: bool) -> Option<(&'static str, &'static str)> {
        let is_money = matches!(self.of, Of::OrderMoney | Of::LifetimeValue);
        let is_named = matches!(self.of, Of::Contacts | Of::Outcomes | Of::Events);
        if self.max.0 <= Decimal::ZERO {
            return Some(("has no cap above 0", "give 'max' a number above 0"));
        }
        if is_money != self.per.is_some_and(|per| Decimal::ZERO < per.0) {
            let cure = "give 'per' an amount above 0 with order-money and lifetime-value alone";
            return Some(("counts money without 'per', or has 'per' without money", cure));
        }
        if (self.of == Of::OrderMoney) != self.currency.is_some() {
            return Some((
                "needs a currency, or has one without order-money",
                "give 'currency' with order-money alone",
            ));
        }
        if self.of == Of::LifetimeValue && (!has_lifetime || self.half_life.is_some()) {
            let cure = "add [lifetime], and leave out 'half_life'";
            return Some(("needs fitted parameters and does not fade", cure));
        }
        if !is_named && !self.is.is_empty() {
            return Some((
                "has words that nothing is compared with",
                "leave out 'is', or count contacts, outcomes or events",
            ));
        }
        (self.of == Of::Events && self.is.is_empty())
            .then_some(("counts every event", "name the kinds of event in 'is'"))
    }
}

impl Of {
    fn source(self) -> Source {
        match self {
            Self::OrderRecency | Self::OrderCount | Self::OrderMoney | Self::LifetimeValue => {
                Source::Orders
            }
            Self::Contacts => Source::Contacts,
            Self::Outcomes => Source::Outcomes,
            Self::Events => Source::Events,
        }
    }
}

impl TryFrom<String> for HalfLife {
    type Error = HalfLifeError;

    fn try_from(text: String) -> Result<Self, HalfLifeError> {
        match duration::parse(&text) {
            Ok(time) if TimeDelta::zero() < time => Ok(Self(time, text.into())),
            Ok(_) | Err(_) => Err(HalfLifeError(text)),
        }
    }
}

impl From<HalfLife> for String {
    fn from(half_life: HalfLife) -> Self {
        half_life.1.into()
    }
}

fn hundred() -> Exact {
    Exact(Decimal::ONE_HUNDRED)
}

/// Returns the JSON Schema of the document, as text that ends with a line break.
pub fn schema() -> String {
    format!("{:#}\n", schemars::schema_for!(Score).to_value())
}
