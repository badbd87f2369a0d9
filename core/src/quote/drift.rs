//! Drift: what a quote would come to today, beside what it came to when it was frozen.

use std::collections::BTreeMap;

use serde::Serialize;

use super::priced::{Cost, Quote, Status, UsedRate};
use super::snapshot::Snapshot;
use crate::money::exact::Exact;

/// Something that is in one of two quotes, or in both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// What it is: `line 1`, `main-freight 2`, `DDP`.
    pub what: String,
    /// What it came to then, in the currency of that quote; none where it was not there or not known.
    pub then: Option<Exact>,
    /// What it comes to now.
    pub now: Option<Exact>,
    /// The difference, where both are known.
    pub difference: Option<Exact>,
    /// What it follows from that has changed: rates, rules, status; each as `then → now`.
    pub because: Vec<String>,
}

/// A part of a quote, as it is compared.
#[derive(Debug, Default)]
struct Part {
    price: Option<Exact>,
    from: Vec<String>,
}

/// Returns every line, cost and offer of both quotes, in their order, changed or not.
pub fn compare(then: &Snapshot, now: &Snapshot) -> Vec<Drift> {
    let (before, after) = (parts(then), parts(now));
    let mut names: Vec<&String> = before.iter().map(|(name, _)| name).collect();
    let old: BTreeMap<&String, &Part> = before.iter().map(|(name, part)| (name, part)).collect();
    let new: BTreeMap<&String, &Part> = after.iter().map(|(name, part)| (name, part)).collect();
    names.extend(after.iter().map(|(name, _)| name).filter(|name| !old.contains_key(name)));
    let none = Part::default();
    let drifts = names.into_iter().map(|name| {
        drift(
            name.clone(),
            old.get(name).copied().unwrap_or(&none),
            new.get(name).copied().unwrap_or(&none),
        )
    });
    drifts.collect()
}

fn drift(what: String, then: &Part, now: &Part) -> Drift {
    let difference = then.price.zip(now.price);
    let difference = difference.and_then(|(then, now)| now.0.checked_sub(then.0)).map(Exact);
    let count = then.from.len().max(now.from.len());
    let nothing = "nothing".to_owned();
    let because = (0..count)
        .filter_map(|index| {
            let then = then.from.get(index).unwrap_or(&nothing);
            let now = now.from.get(index).unwrap_or(&nothing);
            (then != now).then(|| format!("{then} → {now}"))
        })
        .collect();
    Drift { what, then: then.price, now: now.price, difference, because }
}

fn parts(snapshot: &Snapshot) -> Vec<(String, Part)> {
    let Quote { lines, goods, costs, offers, .. } = &snapshot.quote;
    let mut parts = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let from = line.rate.iter().flat_map(rates).collect();
        parts.push((format!("line {}", index + 1), Part { price: line.price, from }));
    }
    parts.push(("goods".to_owned(), Part { price: *goods, from: Vec::new() }));
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for cost in costs {
        let name = cost.kind.as_str();
        let count = counts.entry(name).and_modify(|count| *count += 1).or_insert(1);
        parts.push((format!("{name} {count}"), of_cost(cost)));
    }
    for offer in offers {
        let status = match offer.status {
            Status::Priced => "priced",
            Status::Blocked => "blocked",
            Status::Refused => "refused",
            Status::NeedsPerson => "needs a person",
        };
        let part = Part { price: offer.total, from: vec![status.to_owned()] };
        parts.push((offer.term.to_string(), part));
    }
    parts
}

fn of_cost(cost: &Cost) -> Part {
    let rules = cost.rules.iter().map(|rule| format!("{} by {}", rule.levies, rule.rule));
    let base = cost.base.map(|base| format!("on {base} {}", cost.amount.currency));
    let from = rules.chain(base).chain(cost.rate.iter().flat_map(rates)).collect();
    Part { price: cost.price, from }
}

/// Returns the published rates behind `used`, for people.
fn rates(used: &UsedRate) -> impl Iterator<Item = String> + '_ {
    used.legs.iter().map(|leg| {
        let rate = &leg.rate;
        format!(
            "{} {} = {} {} ({}, {})",
            rate.unit, rate.base, rate.value, rate.quote, rate.source, rate.date
        )
    })
}
