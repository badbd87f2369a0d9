//! A piece of advice as it is kept: names, days and figures. Its words are found when it is read.

use std::borrow::Cow;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use upturn_core::money::Currency;
use upturn_core::stock::plan::advice::{Action, Advice, LaneDates, Note, Outcome, Step};
use upturn_core::stock::plan::setting::{
    Aim, ItemIndex, Lane, LaneIndex, PlaceIndex, Position, Setting,
};

use super::day::Day;
use super::view::{Ages, CalendarView, LaneView, OutcomeView, StepView, View};
use super::words;

/// Bytes that most pieces take.
const PACKED_LEN: usize = 512;

/// One piece of advice. How old its data is changes by itself, so only days are kept of that.
///
/// It is kept packed ([`Kept::pack`]), its fields by their places: a new one goes to the end and has a
/// default, and none is taken out.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Kept<'p> {
    /// What makes two plans speak of the same.
    pub(super) key: String,
    pub(super) action: Cow<'p, str>,
    pub(super) item: Cow<'p, str>,
    pub(super) needed_item: Cow<'p, str>,
    pub(super) quantity: u32,
    pub(super) from: Option<Cow<'p, str>>,
    pub(super) to: Cow<'p, str>,
    pub(super) lane: Option<Cow<'p, str>>,
    pub(super) ship_on: Option<Day>,
    pub(super) arrive_on: Option<Day>,
    pub(super) next_on: Option<Day>,
    closed_from: Option<Day>,
    pub(super) needed_on: Day,
    pub(super) cover_until: Day,
    pub(super) available: i64,
    up_to: u32,
    level: f64,
    ratio: Option<f64>,
    currency: Option<Currency>,
    outcomes_until: Day,
    sent: Expected,
    missed: Expected,
    steps: Vec<Below>,
    together: Option<Vec<Below>>,
    lanes: Vec<Dates<'p>>,
    notes: Vec<Note>,
    counted_on: Option<Day>,
    demand_until: Option<Day>,
    calendars: Vec<Announced<'p>>,
    #[serde(default)]
    schedule_fetched_on: Option<Day>,
}

/// Units missing and left over, and what both cost.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
struct Expected(Decimal, Decimal, Option<Decimal>);

/// A quantity, and below which ratio of costs it is enough.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
struct Below(u32, Option<f32>);

/// A lane, where it begins, its last day, when that arrives, when the next does, and whether it is late.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
struct Dates<'p>(Cow<'p, str>, Cow<'p, str>, Day, Day, Option<Day>, bool);

/// A calendar, its revision, and until when its holidays are known.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
struct Announced<'p>(Cow<'p, str>, Cow<'p, str>, Option<Day>);

impl<'p> Kept<'p> {
    /// Returns what is kept of `advice`.
    pub(crate) fn of(names: Names<'p>, advice: &Advice) -> Self {
        let (item, to) = (names.item(advice.item), names.place(advice.to));
        let from = advice.from.map(|from| names.place(from));
        let reckoning = &advice.reckoning;
        let lane = advice.lane.and_then(|lane| names.setting.lane(lane));
        let position = names.position(advice);
        let counted = position.and_then(|known| known.holdings.iter().map(|h| h.counted_on).min());
        let currency = match names.setting.item(advice.needed_item).map(|item| item.aim) {
            Some(Aim::Costs(costs)) => Some(costs.currency),
            Some(Aim::Service(_)) | None => None,
        };
        Self {
            key: key([item, to, from.unwrap_or_default()], advice.closed_from),
            action: Cow::Borrowed(match advice.action {
                Action::Transfer => "transfer",
                Action::Purchase => "purchase",
                Action::Find => "find",
            }),
            item: item.into(),
            needed_item: names.item(advice.needed_item).into(),
            quantity: advice.quantity,
            from: from.map(Cow::Borrowed),
            to: to.into(),
            lane: advice.lane.map(|lane| names.lane(lane).into()),
            ship_on: advice.voyage.map(|voyage| Day(voyage.ship_on)),
            arrive_on: advice.voyage.map(|voyage| Day(voyage.arrive_on)),
            next_on: advice.next.map(|voyage| Day(voyage.arrive_on)),
            closed_from: advice.closed_from.map(Day),
            needed_on: Day(reckoning.needed_on),
            cover_until: Day(reckoning.cover_until),
            available: reckoning.available,
            up_to: reckoning.up_to,
            level: reckoning.level,
            ratio: reckoning.ratio,
            currency,
            outcomes_until: Day(reckoning.outcomes_until),
            sent: Expected::of(reckoning.sent),
            missed: Expected::of(reckoning.missed),
            steps: steps(&reckoning.steps),
            together: reckoning.steps_together.as_deref().map(steps),
            lanes: reckoning.options.iter().map(|dates| names.dates(dates)).collect(),
            notes: advice.notes.clone(),
            counted_on: counted.map(Day),
            demand_until: position.and_then(|position| position.base.until).map(Day),
            calendars: names.calendars(advice, lane),
            schedule_fetched_on: advice.lane.and_then(|lane| names.fetched_on(lane)).map(Day),
        }
    }

    /// Returns it as it is kept.
    pub(crate) fn pack(&self) -> Vec<u8> {
        let mut packed = Vec::with_capacity(PACKED_LEN);
        // Writing to memory does not fail, and nothing in it is refused.
        if let Err(error) = rmp_serde::encode::write(&mut packed, self) {
            tracing::error!(error = &error as &dyn std::error::Error, "a piece cannot be kept");
        }
        packed
    }

    /// Returns the piece that was [packed](Self::pack), or kept as text by an earlier build.
    fn unpack(packed: &[u8]) -> Result<Self, String> {
        // No packed piece begins as a text does.
        if packed.first() == Some(&b'{') {
            return serde_json::from_slice(packed).map_err(|error| error.to_string());
        }
        rmp_serde::from_slice(packed).map_err(|error| error.to_string())
    }

    /// Returns it with its words.
    pub(crate) fn told(&self) -> View {
        let text = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
        let marks = self.notes.iter().filter(|note| note.is_mark());
        let steps = |steps: &[Below]| steps.iter().map(Below::told).collect();
        View {
            key: self.key.clone(),
            action: self.action.to_string(),
            item: self.item.to_string(),
            needed_item: self.needed_item.to_string(),
            quantity: self.quantity,
            from: text(&self.from),
            to: self.to.to_string(),
            lane: text(&self.lane),
            latest_ship_on: date(self.ship_on),
            arrives_on: date(self.arrive_on),
            next_arrival_on: date(self.next_on),
            closed_from: date(self.closed_from),
            needed_on: self.needed_on.0,
            cover_until: self.cover_until.0,
            available: self.available,
            up_to: self.up_to,
            service_level: self.level,
            cost_ratio: self.ratio,
            currency: self.currency,
            outcomes_until: self.outcomes_until.0,
            if_shipped: self.sent.told(),
            if_missed: self.missed.told(),
            break_even: steps(&self.steps),
            break_even_together: self.together.as_deref().map(steps),
            lanes: self.lanes.iter().map(Dates::told).collect(),
            reasons: self.notes.iter().map(|note| words::sentence(self, note)).collect(),
            marks: marks.map(|note| note.code().to_owned()).collect(),
            data: Ages {
                stock_counted_on: date(self.counted_on),
                stock_age_days: None,
                demand_until: date(self.demand_until),
                demand_age_days: None,
                schedule_fetched_on: self.schedule_fetched_on.map(|day| day.0),
                schedule_age_days: None,
                calendars: self.calendars.iter().map(Announced::told).collect(),
            },
        }
    }
}

/// Returns what a piece of advice says, in words. Those of the first builds hold the words.
///
/// # Errors
///
/// What is wrong, if nothing can be read of it.
pub(crate) fn read(packed: &[u8]) -> Result<View, String> {
    match Kept::unpack(packed) {
        Ok(kept) => Ok(kept.told()),
        Err(error) => serde_json::from_slice(packed).map_err(|_| error),
    }
}

/// Returns the key that the plan gave a piece, which another key may have taken the place of.
///
/// # Errors
///
/// What is wrong, if nothing can be read of it.
pub(crate) fn read_key(packed: &[u8]) -> Result<String, String> {
    Ok(read(packed)?.key)
}

fn date(day: Option<Day>) -> Option<NaiveDate> {
    day.map(|Day(date)| date)
}

fn key(names: [&str; 3], closed_from: Option<NaiveDate>) -> String {
    let key = names.join("/");
    match closed_from {
        Some(day) => format!("{key}/{day}"),
        None => key,
    }
}

fn steps(steps: &[Step]) -> Vec<Below> {
    steps.iter().map(Below::of).collect()
}

impl Expected {
    fn of(Outcome { short, idle, cost }: Outcome) -> Self {
        Self(short, idle, cost)
    }

    fn told(&self) -> OutcomeView {
        let Self(short, idle, cost) = self;
        let cost = cost.map(|cost| cost.to_string());
        OutcomeView { short: short.to_string(), idle: idle.to_string(), cost }
    }
}

impl Below {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "seven digits of a ratio are more than is known"
    )]
    fn of(step: &Step) -> Self {
        Self(step.quantity, step.below.map(|below| below as f32))
    }

    fn told(&self) -> StepView {
        // By its digits: what is added to them in a longer number says nothing.
        let below = self.1.and_then(|below| below.to_string().parse().ok());
        StepView { quantity: self.0, below }
    }
}

impl Dates<'_> {
    fn told(&self) -> LaneView {
        let Self(lane, from, latest_ship_on, arrives_on, next_arrival_on, is_late) = self;
        LaneView {
            lane: lane.to_string(),
            from: from.to_string(),
            latest_ship_on: latest_ship_on.0,
            arrives_on: arrives_on.0,
            next_arrival_on: date(*next_arrival_on),
            is_late: *is_late,
        }
    }
}

impl Announced<'_> {
    fn told(&self) -> CalendarView {
        let Self(calendar, revision, announced_until) = self;
        CalendarView {
            calendar: calendar.to_string(),
            revision: revision.to_string(),
            announced_until: date(*announced_until),
        }
    }
}

/// What a plan was made of, and the names of its calendars.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'l> {
    /// What it was made of.
    pub(crate) setting: &'l Setting,
    /// In the order of the setting.
    pub(crate) calendars: &'l [Box<str>],
}

impl<'l> Names<'l> {
    fn item(&self, index: ItemIndex) -> &'l str {
        self.setting.item(index).map_or("", |item| &item.id)
    }

    fn place(&self, index: PlaceIndex) -> &'l str {
        self.setting.place(index).map_or("", |place| &place.id)
    }

    fn lane(&self, index: LaneIndex) -> &'l str {
        self.setting.lane(index).map_or("", |lane| &lane.id)
    }

    /// Returns what the need was found in.
    fn position(&self, advice: &Advice) -> Option<&'l Position> {
        let (positions, pair) = (&self.setting.positions, (advice.needed_item, advice.to));
        let found = positions.binary_search_by_key(&pair, |known| (known.item, known.place));
        positions.get(found.ok()?)
    }

    fn dates(&self, dates: &LaneDates) -> Dates<'l> {
        let from = self.setting.lane(dates.lane).map(|lane| lane.from);
        Dates(
            self.lane(dates.lane).into(),
            from.map_or("", |from| self.place(from)).into(),
            Day(dates.voyage.ship_on),
            Day(dates.voyage.arrive_on),
            dates.next.map(|next| Day(next.arrive_on)),
            dates.is_late,
        )
    }

    /// Returns the day at its origin on which the schedule of a lane was fetched.
    fn fetched_on(&self, lane: LaneIndex) -> Option<NaiveDate> {
        let fetched_at = self.setting.schedules_fetched_at.get(&lane)?;
        let origin = self.setting.place(self.setting.lane(lane)?.from)?;
        let zone = self.setting.calendar(origin.calendar)?.zone();
        Some(fetched_at.with_timezone(&zone).date_naive())
    }

    fn calendars(&self, advice: &Advice, lane: Option<&Lane>) -> Vec<Announced<'l>> {
        let at = |place: PlaceIndex| self.setting.place(place).map(|place| place.calendar);
        let mut calendars: Vec<_> =
            [advice.from.and_then(at), lane.map(|l| l.carrier), at(advice.to)]
                .into_iter()
                .flatten()
                .collect();
        calendars.dedup();
        let calendars = calendars.into_iter().filter_map(|index| {
            let calendar = self.setting.calendar(index)?;
            let name = self.calendars.get(usize::try_from(index.0).ok()?)?;
            let until = calendar.announced_until().map(Day);
            Some(Announced((&**name).into(), calendar.revision().into(), until))
        });
        calendars.collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whatever_a_piece_says_is_read_back_from_its_bytes() {
        let mut kept = testing::one(["V", "B", "A"], "V/B/A/2025-01-28", (4, "2025-01-26"));
        let notes = json!([
            "runs-out", "surplus", "replaced", "late", "not-announced", "no-next-arrival", "no-lane",
            "no-departure", "gaps", "thin",
            { "level": { "network": "n", "units": 3, "reached": { "missing": "0.05" } } },
            { "level": { "network": "n", "units": 3, "reached": { "promise": 20 } } },
            { "no-levels": { "network": "n", "why": "no lane" } },
            { "taken": { "given": 1, "owed": 2 } },
            { "earlier": { "units": 3 } },
            { "deals": { "now": 1, "later": 2 } },
            { "base": { "per_30_days": "1.3393", "periods": 4 } },
            { "failures": { "devices": 9, "per_30_days": "0.1", "known": 1 } },
            { "coming": { "units": -1, "first_on": "2025-02-03" } },
            { "closed": { "first_on": "2025-01-28", "last_on": "2025-02-04", "name": "春节" } },
            { "slowed": { "adjuster": "storm", "first_on": "2025-01-24", "last_on": "2025-01-27",
                "days": 3, "own": 1 } },
            { "scaled": { "adjuster": "subsidy", "days": 12, "factor": "1.5" } },
            { "pack": { "needed": 1, "pack": 2 } },
            { "minimum": { "needed": 1, "order_min": 5 } },
            { "sailings": { "until": "2025-03-01" } },
            { "beyond-schedule": { "until": null } },
            { "beyond-schedule": { "until": "2025-03-01" } },
            { "cycle": "A -> B -> A" },
            { "shortfall": { "units": 4_000_000_000_u32 } },
            { "too-large": "many" },
        ]);
        kept.notes = serde_json::from_value(notes).unwrap();
        let read = Kept::unpack(&kept.pack()).unwrap();
        assert_eq!(read, kept);
        assert_eq!(super::read(&kept.pack()).unwrap(), kept.told());
        for cut in [0, 1, kept.pack().len() - 1] {
            assert!(super::read(kept.pack().get(..cut).unwrap()).is_err(), "case: {cut} bytes");
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use serde_json::json;

    use super::Kept;

    /// Returns a transfer of an item to a place from another: so many, by a day.
    pub(crate) fn one(
        [item, to, from]: [&str; 3],
        key: &str,
        (quantity, ship_on): (u32, &str),
    ) -> Kept<'static> {
        let kept = json!({
            "key": key, "action": "transfer", "item": item, "needed_item": item,
            "quantity": quantity, "from": from, "to": to, "lane": "road", "ship_on": ship_on,
            "arrive_on": "2025-02-01", "needed_on": "2025-02-02", "cover_until": "2025-02-28",
            "available": 0, "up_to": quantity, "level": 0.95, "outcomes_until": "2025-02-28",
            "sent": ["0", "0", null], "missed": ["1.2", "0", null], "steps": [[quantity, 1.5]],
            "lanes": [], "notes": ["runs-out"], "calendars": [],
        });
        serde_json::from_value(kept).unwrap()
    }
}
