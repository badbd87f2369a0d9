//! What a plan of stock costs: from tables in memory to advice, and anew after a calendar's change.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use upturn_core::calendar::Calendar;
use upturn_core::calendar::shipping::{Exception, Terms};
use upturn_core::forecast::pipeline::Prospect;
use upturn_core::stock::plan::adjust::Adjusted;
use upturn_core::stock::plan::base::Base;
use upturn_core::stock::plan::setting::{
    Aim, CalendarIndex, Deal, Holding, Item, ItemIndex, Lane, Place, PlaceIndex, PlaceKind,
    Position, Setting,
};
use upturn_core::stock::plan::{self, Period};

use super::figures::{Failure, cpu_s, say};

const ITEMS: u32 = 10_000;
const PLACES: u32 = 50;
const DEPOT: PlaceIndex = PlaceIndex(0);
const MAKER: PlaceIndex = PlaceIndex(PLACES);

pub(super) fn run() -> Result<(), Failure> {
    let mut setting = setting()?;
    let as_of = DateTime::parse_from_rfc3339("2025-01-15T00:00:00Z")?.to_utc();
    time("a plan", &setting, as_of)?;
    // The festival begins a day earlier, as a new notice says.
    setting.calendars = vec![calendar("2025-01-27".parse()?)?];
    time("anew after a calendar's change", &setting, as_of)
}

fn time(name: &str, setting: &Setting, as_of: DateTime<Utc>) -> Result<(), Failure> {
    let before = cpu_s("/proc/self/stat", 13)?;
    let advice = plan::advise(setting, Period { as_of, ahead_days: 30 });
    let spent = cpu_s("/proc/self/stat", 13)? - before;
    say(&format!(
        "stock: {name}: {ITEMS} items, {PLACES} places, {} pieces of advice, {spent:.2} s CPU",
        advice.len()
    ));
    Ok(())
}

fn calendar(closed_from: NaiveDate) -> Result<Calendar, Failure> {
    let name = "Spring Festival".into();
    let last_on = "2025-02-04".parse()?;
    let closed = Exception { first_on: closed_from, last_on, is_open: false, name };
    let week = [true, true, true, true, true, false, false];
    let calendar = Calendar::of_workdays("Asia/Shanghai".parse()?, week, vec![closed])?;
    Ok(calendar.known("1".into(), Some("2025-12-31".parse()?)))
}

fn setting() -> Result<Setting, Failure> {
    let place = |number: u32, kind| Place {
        id: number.to_string().into(),
        kind,
        calendar: CalendarIndex(0),
        review_days: 7,
    };
    let mut places: Vec<Place> = (0..PLACES).map(|number| place(number, PlaceKind::Site)).collect();
    places.push(place(PLACES, PlaceKind::Supplier));
    let item = |number: u32| Item {
        id: number.to_string().into(),
        pack: 1 + number % 4,
        order_min: 2,
        aim: Aim::Service(0.95),
    };
    // Each place is supplied by the depot, its neighbour and the maker.
    let mut lanes = vec![lane(MAKER, DEPOT, "6:0.7;9:0.3")?];
    for number in 1..PLACES {
        lanes.push(lane(DEPOT, PlaceIndex(number), "2")?);
        lanes.push(lane(PlaceIndex(number % (PLACES - 1) + 1), PlaceIndex(number), "1")?);
        lanes.push(lane(MAKER, PlaceIndex(number), "8")?);
    }
    let mut positions = Vec::new();
    for item in 0..ITEMS {
        for place in 0..PLACES {
            positions.push(position(item, place)?);
        }
    }
    Ok(Setting {
        items: (0..ITEMS).map(item).collect(),
        places,
        calendars: vec![calendar("2025-01-28".parse()?)?],
        lanes,
        networks: Vec::new(),
        adjusted: Adjusted::default(),
        schedules_fetched_at: BTreeMap::new(),
        positions,
    })
}

fn lane(from: PlaceIndex, to: PlaceIndex, transit: &str) -> Result<Lane, Failure> {
    let terms = Terms {
        transit: transit.parse()?,
        slack: Decimal::new(9, 1),
        departs_on: [true; 7],
        cut_off: None,
        last_pickup_on: None,
        pickup_again_on: None,
        hold_days: 4,
    };
    Ok(Lane {
        id: format!("{}-{}", from.0, to.0).into(),
        from,
        to,
        carrier: CalendarIndex(0),
        terms,
        schedule: None,
    })
}

/// Demand from none to some units a month, stock from none to plenty, and a deal for every tenth.
fn position(item: u32, place: u32) -> Result<Position, Failure> {
    let mixed = item.wrapping_mul(2_654_435_761).wrapping_add(place.wrapping_mul(40_503)) >> 8;
    let periods = 24;
    let per_day = f64::from(mixed % 50) * 0.004;
    let holding = Holding {
        item: ItemIndex(item),
        on_hand: if place == DEPOT.0 { 60 } else { mixed / 64 % 12 },
        on_order: mixed / 1024 % 3,
        reserved: 0,
        counted_on: "2025-01-14".parse()?,
    };
    let mut deals = Vec::new();
    if mixed.is_multiple_of(10) {
        let prospect = Prospect::new(0.4, 1 + mixed / 16 % 4)?;
        let (needed_from, needed_to) = ("2025-01-20".parse()?, "2025-02-20".parse()?);
        deals.push(Deal { prospect, needed_from, needed_to });
    }
    Ok(Position {
        item: ItemIndex(item),
        place: PlaceIndex(place),
        holdings: vec![holding],
        base: Base { per_day, spread: 1.4, periods, has_gaps: false, until: None },
        deals,
        failures: None,
        coming: Vec::new(),
    })
}
