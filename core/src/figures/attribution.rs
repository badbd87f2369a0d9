//! Which orders came of which tasks: each order of at most one.
//!
//! An order counts for a task that opened a deal if it was placed on the day of the opening or at most the
//! window later, and names that deal, or is of the deal's account and product. Of several deals the one
//! that the order names counts, else the one that was opened first, else the one whose id comes first.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

/// How many days after a deal was opened an order counts for it, unless somebody asks otherwise.
pub const WINDOW_DAYS: u64 = 90;
/// The longest window that can be asked for, in days.
pub const WINDOW_DAYS_MAX: u64 = 730;

/// A deal that a task opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The deal's id.
    pub deal: String,
    /// Whose it is.
    pub account: String,
    /// What it is about, if that is known.
    pub product: Option<String>,
    /// The day it was opened.
    pub opened_on: NaiveDate,
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The order's number.
    pub order: String,
    /// Who ordered.
    pub account: String,
    /// What.
    pub product: String,
    /// The deal that it names, if it does.
    pub deal: Option<String>,
    /// When.
    pub ordered_on: NaiveDate,
}

/// Returns for each order that came of one of `deals` that deal's place among them.
pub fn attribute(deals: &[Opened], lines: &[Line], window: Days) -> BTreeMap<String, usize> {
    let mut by_id: BTreeMap<&str, usize> = BTreeMap::new();
    let mut by_product: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (place, deal) in deals.iter().enumerate() {
        by_id.insert(&deal.deal, place);
        if let Some(product) = &deal.product {
            by_product.entry((&deal.account, product)).or_default().push(place);
        }
    }
    // The best claim on each order: a named deal before others, then the first.
    let mut claims: BTreeMap<&str, Claim<'_>> = BTreeMap::new();
    for line in lines {
        let claim = |is_other: bool, place: &usize| {
            let deal = deals.get(*place)?;
            let last = deal.opened_on.checked_add_days(window).unwrap_or(NaiveDate::MAX);
            let is_within = deal.opened_on <= line.ordered_on && line.ordered_on <= last;
            is_within.then_some(Claim {
                is_other,
                on: deal.opened_on,
                deal: &deal.deal,
                place: *place,
            })
        };
        let named = line.deal.as_deref().and_then(|deal| by_id.get(deal));
        let named = named.and_then(|place| claim(false, place));
        let key = (&*line.account, &*line.product);
        let others = by_product.get(&key).into_iter().flatten();
        let others = others.filter_map(|place| claim(true, place));
        if let Some(best) = named.into_iter().chain(others).min() {
            let held = claims.entry(&line.order).or_insert(best);
            *held = best.min(*held);
        }
    }
    claims.into_iter().map(|(order, claim)| (order.to_owned(), claim.place)).collect()
}

/// A deal's claim on an order; the least counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Claim<'c> {
    is_other: bool,
    on: NaiveDate,
    deal: &'c str,
    place: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, day).unwrap()
    }

    fn opened(deal: &str, product: &str, day: u32) -> Opened {
        let (deal, product) = (deal.to_owned(), (product != "-").then(|| product.to_owned()));
        Opened { deal, account: "a".to_owned(), product, opened_on: on(day) }
    }

    fn line(order: &str, account: &str, product: &str, deal: &str, day: u32) -> Line {
        Line {
            order: order.to_owned(),
            account: account.to_owned(),
            product: product.to_owned(),
            deal: (deal != "-").then(|| deal.to_owned()),
            ordered_on: on(day),
        }
    }

    #[test]
    fn an_order_counts_once_for_the_deal_it_names_or_the_first_that_fits() {
        let deals = [
            opened("d2", "X9", 5),
            opened("d1", "X9", 5),
            opened("d3", "X9", 3),
            opened("d4", "-", 1),
        ];
        let cases: [(&str, &[Line], Option<&str>); 10] = [
            ("names a deal", &[line("o", "z", "Y", "d4", 2)], Some("d4")),
            ("names one, fits another", &[line("o", "a", "X9", "d2", 6)], Some("d2")),
            ("fits: the first", &[line("o", "a", "X9", "-", 6)], Some("d3")),
            ("names what is not there", &[line("o", "a", "X9", "d9", 6)], Some("d3")),
            ("the last day", &[line("o", "a", "X9", "-", 13)], Some("d3")),
            ("after the first's window, a tie by id", &[line("o", "a", "X9", "-", 14)], Some("d1")),
            ("after every window", &[line("o", "a", "X9", "-", 16)], None),
            ("before", &[line("o", "a", "X9", "d3", 2)], None),
            ("another account", &[line("o", "b", "X9", "-", 6)], None),
            (
                "two lines, one order",
                &[line("o", "a", "X9", "-", 6), line("o", "a", "Y", "d1", 6)],
                Some("d1"),
            ),
        ];
        for (case, lines, expected) in cases {
            let found = attribute(&deals, lines, Days::new(10));
            let deal = found.get("o").map(|place| &*deals[*place].deal);
            assert_eq!(deal, expected, "case: {case}");
            assert!(found.len() <= 1, "case: {case}");
        }
    }
}
