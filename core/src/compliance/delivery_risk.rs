//! Delivery risk: which of six sources say that a delivery will be late, and how bad that is.
//!
//! **What it does** puts a light on a delivery: red where there are fewer than so many days and any
//! source that the document names sees a delay, amber where there is more time, green without a delay.
//! **When it fires** at each look; it holds nothing.
//! **Example** `deploy/compliance/delivery-risk.toml`.
//! **Settings** [`DeliveryRisk`].

use chrono::NaiveDate;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::money::exact::Exact;
use crate::task::Title;

/// A document that says what makes a delivery doubtful.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Upturn delivery risk")]
pub struct DeliveryRisk {
    /// Its identity, stable over its versions.
    pub id: String,
    /// `delivery-risk`.
    pub kind: DeliveryRiskKind,
    /// What it is about, for people.
    pub title: Title,
    /// Under so many days to the due day a delay is red. Default: 5.
    #[serde(default = "five")]
    #[schemars(range(min = 1, max = 365))]
    pub red_under_days: u32,
    /// The sources that are asked; at least one.
    pub source: Vec<Source>,
}

fn five() -> u32 {
    5
}

/// The kind of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryRiskKind {
    /// Delivery risk.
    DeliveryRisk,
}

/// Who may know of a delay.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The contract: it names an earlier day than the one that is planned.
    ContractDate,
    /// The production plan: with the way to the customer, it ends after the due day.
    ProductionPlan,
    /// The shipment: it arrives after the due day.
    Shipment,
    /// The stock: it does not reach.
    Stock,
    /// The carrier: it is closed on a day from now to the due day.
    CarrierClosure,
    /// An open ticket on the deal or its device.
    OpenTicket,
}

/// What is known of a delivery. What is not known is no delay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Delivery {
    /// The day it is planned for.
    pub due_on: NaiveDate,
    /// The day in the contract.
    pub contract_on: Option<NaiveDate>,
    /// When production ends.
    pub produced_on: Option<NaiveDate>,
    /// How many days the way takes from there.
    pub way_days: u32,
    /// When the shipment arrives.
    pub arrives_on: Option<NaiveDate>,
    /// What is needed, and what is on hand for it.
    pub needed_and_on_hand: Option<(Exact, Exact)>,
    /// When the carrier is closed: the first and the last day.
    pub closures: Vec<(NaiveDate, NaiveDate)>,
    /// Tickets that are open.
    pub open_tickets: u32,
}

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Light {
    /// Nobody sees a delay.
    Green,
    /// Somebody does, and there is time.
    Amber,
    /// Somebody does, and there is none; or the day has passed.
    Red,
}

impl DeliveryRisk {
    /// Returns the light of a delivery that is not made yet, on the day `today`, and who sees a delay.
    pub fn judge(&self, delivery: &Delivery, today: NaiveDate) -> (Light, Vec<Source>) {
        let mut late: Vec<Source> = self.source.clone();
        late.retain(|source| source.sees_delay(delivery, today));
        let days = (delivery.due_on - today).num_days();
        let light = if days < 0 || (!late.is_empty() && days < i64::from(self.red_under_days)) {
            Light::Red
        } else if late.is_empty() {
            Light::Green
        } else {
            Light::Amber
        };
        (light, late)
    }
}

impl Source {
    /// Tells whether it sees a delay.
    fn sees_delay(self, delivery: &Delivery, today: NaiveDate) -> bool {
        let due = delivery.due_on;
        match self {
            Self::ContractDate => delivery.contract_on.is_some_and(|day| day < due),
            Self::ProductionPlan => delivery.produced_on.is_some_and(|day| {
                let way = chrono::Days::new(delivery.way_days.into());
                day.checked_add_days(way).is_none_or(|arrives| due < arrives)
            }),
            Self::Shipment => delivery.arrives_on.is_some_and(|day| due < day),
            Self::Stock => delivery
                .needed_and_on_hand
                .is_some_and(|(needed, on_hand)| on_hand.0.max(Decimal::ZERO) < needed.0),
            Self::CarrierClosure => {
                delivery.closures.iter().any(|(first, last)| *first <= due && today <= *last)
            }
            Self::OpenTicket => 0 < delivery.open_tickets,
        }
    }
}

/// Returns the JSON Schema of such documents as text that ends with a newline.
pub fn schema() -> String {
    format!("{:#}\n", schemars::schema_for!(DeliveryRisk).to_value())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../../deploy/compliance/delivery-risk.toml");

    fn day(of_month: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2025, 1, of_month).unwrap()
    }

    fn due() -> Delivery {
        Delivery { due_on: day(20), ..Delivery::default() }
    }

    /// What each source alone sees as a delay.
    fn delays() -> Vec<(Source, Delivery)> {
        let number = |text: &str| Exact(text.parse().unwrap());
        vec![
            (Source::ContractDate, Delivery { contract_on: Some(day(19)), ..due() }),
            (Source::ProductionPlan, Delivery { produced_on: Some(day(18)), way_days: 3, ..due() }),
            (Source::Shipment, Delivery { arrives_on: Some(day(21)), ..due() }),
            (
                Source::Stock,
                Delivery { needed_and_on_hand: Some((number("4"), number("3"))), ..due() },
            ),
            (Source::CarrierClosure, Delivery { closures: vec![(day(20), day(25))], ..due() }),
            (Source::OpenTicket, Delivery { open_tickets: 1, ..due() }),
        ]
    }

    #[test]
    fn under_five_days_any_delay_is_red_and_each_source_counts() {
        let rule: DeliveryRisk = toml::from_str(DOCUMENT).unwrap();
        for (source, delivery) in delays() {
            assert_eq!(rule.judge(&delivery, day(16)), (Light::Red, vec![source]));
            assert_eq!(rule.judge(&delivery, day(15)), (Light::Amber, vec![source]), "5 days");
            // Without that source nobody sees it.
            let mut without = rule.clone();
            without.source.retain(|other| *other != source);
            assert_eq!(without.judge(&delivery, day(16)), (Light::Green, Vec::new()));
        }
    }

    #[test]
    fn what_is_just_in_time_is_no_delay() {
        let rule: DeliveryRisk = toml::from_str(DOCUMENT).unwrap();
        let number = |text: &str| Exact(text.parse().unwrap());
        let fine = Delivery {
            contract_on: Some(day(20)),
            produced_on: Some(day(17)),
            way_days: 3,
            arrives_on: Some(day(20)),
            needed_and_on_hand: Some((number("4"), number("4"))),
            closures: vec![(day(10), day(17)), (day(21), day(25))],
            ..due()
        };
        assert_eq!(rule.judge(&fine, day(18)), (Light::Green, Vec::new()));
        assert_eq!(rule.judge(&fine, day(21)).0, Light::Red, "the day has passed");
    }
}
