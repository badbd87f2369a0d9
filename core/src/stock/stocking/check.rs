//! What can be wrong with a stocking document.

use std::collections::BTreeSet;
use std::ops::Range;

use chrono_tz::Tz;

use super::{AimDocument, BASES_MAX, SailingsDocument, Stocking};
use crate::rule::finding::{Fault, Finding};
use crate::stock::gather;

/// Most of anything in a document.
const ROWS_MAX: usize = 10_000;
/// Most facts that are tested at each plan.
const ADJUSTERS_MAX: usize = 20;
/// Most days between a place and the port.
const SAILING_DAYS_MAX: u16 = 60;

/// Reads a document, and finds what does not fit together.
pub(super) fn parse(text: &str) -> Result<Stocking, Vec<Finding>> {
    let stocking: Stocking = toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().lines().next().unwrap_or_default().to_owned();
        let cure = "correct it; `upturn schema stocking` prints what it may hold";
        vec![Finding::error(text, span, Fault::new("wrong-document", message, cure))]
    })?;
    let mut checker = Checker { text, findings: Vec::new() };
    checker.head(&stocking);
    checker.calendars(&stocking);
    checker.places(&stocking);
    checker.lanes(&stocking);
    checker.demand(&stocking);
    checker.failures(&stocking);
    checker.networks(&stocking);
    checker.adjusters(&stocking);
    if checker.findings.is_empty() { Ok(stocking) } else { Err(checker.findings) }
}

struct Checker<'t> {
    text: &'t str,
    findings: Vec<Finding>,
}

impl Checker<'_> {
    fn refuse(&mut self, span: Range<usize>, code: &'static str, (what, cure): (String, &str)) {
        self.findings.push(Finding::error(self.text, span, Fault::new(code, what, cure)));
    }

    /// Returns where `word` stands first.
    fn word(&self, word: &str) -> Range<usize> {
        self.text.find(word).map_or(0..0, |start| start..start + word.len())
    }

    /// Returns where the table `[[name]]` begins that has `count` before it.
    fn table(&self, name: &str, count: usize) -> Range<usize> {
        let header = format!("[[{name}]]");
        let found = self.text.match_indices(&header).nth(count);
        found.map_or(0..0, |(start, header)| start..start + header.len())
    }

    fn head(&mut self, stocking: &Stocking) {
        if stocking.zone.parse::<Tz>().is_err() {
            let what = format!("'{}' is no zone", stocking.zone);
            self.refuse(self.word("zone"), "unknown-value", (what, "use one as Asia/Shanghai"));
        }
        if !(1..=366).contains(&stocking.ahead_days) {
            let what = format!("{} days cannot be planned", stocking.ahead_days);
            self.refuse(self.word("ahead_days"), "out-of-range", (what, "write 1 to 366"));
        }
        self.aim(&stocking.aim, self.word("[aim]"));
        for (index, product) in stocking.product.iter().enumerate() {
            self.aim(&product.aim, self.table("product", index));
        }
    }

    fn aim(&mut self, aim: &AimDocument, span: Range<usize>) {
        if let Err(what) = gather::aim(aim) {
            self.refuse(
                span,
                "wrong-aim",
                (what, "give service, or both costs and their currency"),
            );
        }
    }

    fn calendars(&mut self, stocking: &Stocking) {
        self.distinct("calendar", stocking.calendar.iter().map(|calendar| &*calendar.id));
        for (index, calendar) in stocking.calendar.iter().enumerate() {
            if let Err(what) = gather::own_calendar(calendar) {
                let cure = "correct the calendar";
                self.refuse(self.table("calendar", index), "wrong-calendar", (what, cure));
            }
        }
    }

    fn places(&mut self, stocking: &Stocking) {
        self.distinct("place", stocking.place.iter().map(|place| &*place.id));
        for (index, place) in stocking.place.iter().enumerate() {
            let span = self.table("place", index);
            self.known_calendar(stocking, &place.calendar, span.clone());
            if !(1..=366).contains(&place.review_days) {
                let what = format!("review_days is {}", place.review_days);
                self.refuse(span, "out-of-range", (what, "write 1 to 366"));
            }
        }
    }

    fn lanes(&mut self, stocking: &Stocking) {
        self.distinct("lane", stocking.lane.iter().map(|lane| &*lane.id));
        for (index, lane) in stocking.lane.iter().enumerate() {
            let span = self.table("lane", index);
            self.known_calendar(stocking, &lane.calendar, span.clone());
            for end in [&lane.from, &lane.to] {
                self.known_place(stocking, end, span.clone());
            }
            if lane.from == lane.to {
                let what = "it begins and ends at the same place".to_owned();
                self.refuse(span.clone(), "wrong-lane", (what, "let it lead to another"));
            }
            if let Err(what) = gather::terms(lane) {
                self.refuse(span.clone(), "wrong-lane", (what, "correct the lane"));
            }
            let is_far = |sailings: &SailingsDocument| {
                SAILING_DAYS_MAX < sailings.before_days.max(sailings.after_days)
            };
            if lane.sailings.as_ref().is_some_and(is_far) {
                let what = format!("before_days or after_days is above {SAILING_DAYS_MAX}");
                self.refuse(span, "out-of-range", (what, "write 0 to 60"));
            }
        }
        if let Some(of_feeds) = &stocking.lanes_of_feeds {
            let span = self.word("[lanes_of_feeds]");
            self.known_calendar(stocking, &of_feeds.calendar, span.clone());
            if let Err(what) = gather::slack(of_feeds.slack) {
                self.refuse(span, "out-of-range", (what, "write a share as \"0.9\""));
            }
        }
    }

    fn demand(&mut self, stocking: &Stocking) {
        let demand = &stocking.demand;
        let span = self.word("[demand]");
        let served = demand.accounts.values().chain(&demand.place);
        for place in served {
            self.known_place(stocking, place, span.clone());
        }
        if !(1..=92).contains(&demand.period_days) || !(1..=400).contains(&demand.periods) {
            let what = "period_days is not 1 to 92, or periods not 1 to 400".to_owned();
            self.refuse(span, "out-of-range", (what, "correct it"));
        }
    }

    fn failures(&mut self, stocking: &Stocking) {
        let mut seen = BTreeSet::new();
        for (index, row) in stocking.failure.iter().enumerate() {
            let span = self.table("failure", index);
            if let Err(what) = gather::cause(row) {
                self.refuse(span.clone(), "out-of-range", (what, "correct it"));
            }
            if ROWS_MAX <= index {
                let what = format!("there are more than {ROWS_MAX} failures");
                self.refuse(span, "too-many", (what, "leave some out"));
                return;
            }
            if !seen.insert((&row.model, &row.fault, &row.part)) {
                let what = "model, fault and part stand twice".to_owned();
                self.refuse(span, "twice", (what, "keep one of them"));
            }
        }
    }

    fn networks(&mut self, stocking: &Stocking) {
        self.distinct("network", stocking.network.iter().map(|network| &*network.id));
        let mut kept = BTreeSet::new();
        for (index, network) in stocking.network.iter().enumerate() {
            let span = self.table("network", index);
            let places: Vec<&str> =
                std::iter::once(&network.depot).chain(&network.bases).map(|id| &**id).collect();
            for place in &places {
                self.known_place(stocking, place, span.clone());
            }
            let distinct: BTreeSet<&str> = places.iter().copied().collect();
            if network.bases.is_empty()
                || BASES_MAX < network.bases.len()
                || distinct.len() < places.len()
            {
                let what = format!("it has not 1 to {BASES_MAX} bases, or a place stands twice");
                self.refuse(span.clone(), "wrong-network", (what, "name each place once"));
            }
            let is_supplier =
                |id: &str| stocking.place.iter().any(|one| one.id == id && one.supplier);
            if let Some(supplier) = places.iter().find(|id| is_supplier(id)) {
                let what = format!("'{supplier}' sells whatever is ordered, and keeps no level");
                self.refuse(span.clone(), "wrong-network", (what, "name places with stock"));
            }
            if network.products.is_empty() || ROWS_MAX < network.products.len() {
                let what = format!("it has not 1 to {ROWS_MAX} products");
                self.refuse(span.clone(), "wrong-network", (what, "name the products it is for"));
            }
            if let Err(what) = gather::goal(network) {
                self.refuse(span.clone(), "wrong-network", (what, "give one or the other"));
            }
            for product in &network.products {
                let twice = places
                    .iter()
                    .find(|place| !kept.insert((product.clone(), (**place).to_owned())));
                if let Some(place) = twice {
                    let what = format!("'{place}' keeps '{product}' for another network already");
                    self.refuse(span.clone(), "twice", (what, "leave it out of one of them"));
                }
            }
        }
    }

    fn adjusters(&mut self, stocking: &Stocking) {
        self.distinct("adjuster", stocking.adjuster.iter().map(|adjuster| &*adjuster.id));
        if ADJUSTERS_MAX < stocking.adjuster.len() {
            let what = format!("there are more than {ADJUSTERS_MAX} of them");
            let span = self.table("adjuster", ADJUSTERS_MAX);
            self.refuse(span, "too-many", (what, "leave some out"));
        }
        for (index, adjuster) in stocking.adjuster.iter().enumerate() {
            if let Some(what) = adjuster.fault() {
                let span = self.table("adjuster", index);
                let cure = "name exactly one of the two";
                self.refuse(span, "wrong-adjuster", (what.to_owned(), cure));
            }
        }
    }

    fn known_calendar(&mut self, stocking: &Stocking, id: &str, span: Range<usize>) {
        if !stocking.calendar.iter().any(|calendar| calendar.id == id) {
            let what = format!("there is no calendar '{id}'");
            self.refuse(span, "unknown-value", (what, "name one of this document"));
        }
    }

    fn known_place(&mut self, stocking: &Stocking, id: &str, span: Range<usize>) {
        if !stocking.place.iter().any(|place| place.id == id) {
            let what = format!("there is no place '{id}'");
            self.refuse(span, "unknown-value", (what, "name one of this document"));
        }
    }

    fn distinct<'i>(&mut self, table: &str, ids: impl Iterator<Item = &'i str>) {
        let mut seen = BTreeSet::new();
        for (index, id) in ids.enumerate() {
            if id.is_empty() || !seen.insert(id) {
                let what = format!("the {table} '{id}' stands twice, or has no name");
                self.refuse(self.table(table, index), "twice", (what, "keep one of them"));
            }
            if ROWS_MAX <= index {
                let what = format!("there are more than {ROWS_MAX} of them");
                self.refuse(self.table(table, index), "too-many", (what, "leave some out"));
                return;
            }
        }
    }
}
