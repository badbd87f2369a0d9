//! Rates beside those in force: their day, their pairs, how far they have moved.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, TimeDelta};
use rust_decimal::Decimal;

use super::{Limits, NAMED_MAX};
use crate::fact::Fact;
use crate::fact::rate::Rate;
use crate::money::Currency;

/// Returns what is strange in the rates among `new` beside those among `last`; nothing where neither has
/// any.
///
/// Fails with the reason why they are of no use.
pub(super) fn compare_sets(
    new: &[Fact],
    last: &[Fact],
    today: NaiveDate,
    limits: &Limits,
    closed: &BTreeSet<NaiveDate>,
) -> Result<Vec<String>, String> {
    let mut reasons = Vec::new();
    let Some(newest) = rates(new).map(|rate| rate.date).max() else {
        let count = rates(last).count();
        if 0 < count {
            reasons.push(format!("it has no rates, and the set in force has {count}"));
        }
        return Ok(reasons);
    };
    // A day ahead is a source in an eastern zone; two are a mistake.
    if today + TimeDelta::days(1) < newest && rates(new).all(|rate| rate.until.is_none()) {
        return Err(format!("its newest rates are of {newest}, which is yet to come"));
    }
    let age = (today - newest).num_days();
    let last_until = rates(new).filter_map(|rate| rate.until).max();
    let holds = last_until.is_some_and(|until| today <= until);
    if limits.age_max < age && !holds {
        return Err(format!("its newest rates are of {newest}, {age} days ago"));
    }
    let counted = limits.missed_max.saturating_add(1);
    let missed = limits.publication.missed((newest, today), closed, counted);
    if limits.missed_max < missed && !holds {
        reasons.push(format!("its newest rates are of {newest}; newer ones should be out"));
    }
    compare(new, last, limits, &mut reasons);
    Ok(reasons)
}

fn rates(facts: &[Fact]) -> impl Iterator<Item = &Rate> {
    facts.iter().filter_map(|fact| if let Fact::Rate(rate) = fact { Some(rate) } else { None })
}

type Pairs<'r> = BTreeMap<(Currency, Currency), &'r Rate>;

/// Returns the newest rate of each pair, of those that are of the newest day.
fn newest(facts: &[Fact]) -> (Option<NaiveDate>, Pairs<'_>) {
    let day = rates(facts).map(|rate| rate.date).max();
    let of_day = rates(facts).filter(|rate| Some(rate.date) == day);
    (day, of_day.map(|rate| ((rate.base, rate.quote), rate)).collect())
}

/// Adds to `reasons` what is strange in the newest rates beside the newest of `last`, if it has any.
fn compare(new: &[Fact], last: &[Fact], limits: &Limits, reasons: &mut Vec<String>) {
    let ((new_day, new), (last_day, last)) = (newest(new), newest(last));
    let Some(last_day) = last_day else { return };
    if let Some(new_day) = new_day.filter(|day| *day < last_day) {
        reasons.push(format!("it is of {new_day}, before the set in force, of {last_day}"));
    }
    let gone: Vec<_> = last.keys().filter(|pair| !new.contains_key(*pair)).collect();
    if gone.len() == last.len() {
        reasons
            .push("it has none of the pairs of the set in force: its base has changed".to_owned());
        return;
    }
    if !gone.is_empty() {
        let named = gone.iter().take(NAMED_MAX).map(|(base, quote)| format!("{base}/{quote}"));
        let named: Vec<_> = named.collect();
        reasons.push(format!("pairs are gone ({}): {}", gone.len(), named.join(", ")));
    }
    for (pair, rate) in new {
        if let Some(reason) = last.get(&pair).and_then(|before| jump(rate, before, limits.jump_max))
        {
            reasons.push(reason);
            if reasons.len() == NAMED_MAX {
                return;
            }
        }
    }
}

/// Returns what is strange in a rate beside the one before.
fn jump(rate: &Rate, before: &Rate, max: Decimal) -> Option<String> {
    let (new, old) = (rate.per_one()?, before.per_one()?);
    let change = new.checked_div(old)?.checked_sub(Decimal::ONE)?;
    if change.abs() <= max {
        return None;
    }
    let percent = (change * Decimal::ONE_HUNDRED).round_dp(1).normalize();
    let pair = format!("{}/{}", rate.base, rate.quote);
    let turned = new.checked_mul(old)?.checked_sub(Decimal::ONE)?;
    let advice = if turned.abs() <= max { "; it looks turned round" } else { "" };
    Some(format!("{pair} went from {old} to {new}, by {percent} %{advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::rate::Purpose;
    use crate::fact::rate_book::Publication;
    use crate::fact::review::{Verdict, judge};

    const LIMITS: Limits = Limits {
        publication: Publication::Daily,
        jump_max: Decimal::from_parts(5, 0, 0, false, 2),
        missed_max: 1,
        age_max: 30,
    };

    fn set(base: &str, date: &str, rates: &[(&str, &str)]) -> Vec<Fact> {
        let rate = |(quote, value): &(&str, &str)| {
            Fact::Rate(Rate {
                base: base.parse().unwrap(),
                quote: quote.parse().unwrap(),
                unit: Decimal::ONE,
                value: value.parse().unwrap(),
                date: date.parse().unwrap(),
                purpose: Purpose::Spot,
                until: None,
            })
        };
        rates.iter().map(rate).collect()
    }

    #[test]
    fn a_set_that_is_strange_is_held_with_the_reason_or_rejected() {
        let good = [("EUR", "0.9214"), ("CNY", "7.1850")];
        let last = set("USD", "2026-01-19", &good);
        let cases = [
            ("good", set("USD", "2026-01-20", &good), ""),
            ("within the band", set("USD", "2026-01-20", &[("EUR", "0.9670"), ("CNY", "7.2")]), ""),
            (
                "ten times",
                set("USD", "2026-01-20", &[("EUR", "9.214"), ("CNY", "7.2")]),
                "by 900 %",
            ),
            (
                "inverted",
                set("USD", "2026-01-20", &[("EUR", "0.92"), ("CNY", "0.1392")]),
                "turned round",
            ),
            ("other base", set("EUR", "2026-01-20", &[("USD", "1.08")]), "its base has changed"),
            ("half", set("USD", "2026-01-20", &[("EUR", "0.9214")]), "gone (1): USD/CNY"),
            ("older", set("USD", "2026-01-18", &good), "before the set in force"),
            ("stale", set("USD", "2026-01-17", &good), "newer ones should be out"),
            ("very old", set("USD", "2024-12-17", &good), "days ago"),
            ("future", set("USD", "2026-01-22", &good), "yet to come"),
            ("tomorrow in the east", set("USD", "2026-01-21", &good), ""),
            ("nothing", Vec::new(), "it is empty"),
        ];
        for (name, new, expected) in cases {
            let told = match judge(
                &new,
                &last,
                "2026-01-20".parse().unwrap(),
                &LIMITS,
                &BTreeSet::new(),
            ) {
                Verdict::Accept => String::new(),
                Verdict::Hold(reasons) => reasons.join("; "),
                Verdict::Reject(reason) => reason,
            };
            assert_eq!(told.is_empty(), expected.is_empty(), "case: {name}: {told}");
            assert!(told.contains(expected), "case: {name}: {told}");
        }
    }
}
