//! Any few places with what stands there, some of them a network.

use proptest::prelude::*;

use super::*;

prop_compose! {
    fn positions()(
        cells in prop::collection::vec((0_u32..30, 0_u32..6, 0_u32..10, 0.0..0.8, 0_u32..8), 8),
    ) -> Vec<Position> {
        let cells = (0_u32..).zip(cells);
        cells.map(|(at, (on_hand, on_order, reserved, per_day, units))| {
            let mut position = position(ItemIndex(at / 4), PlaceIndex(at % 4), on_hand);
            position.holdings[0].on_order = on_order;
            position.holdings[0].reserved = reserved;
            position.base = Base { per_day, spread: 1.5, periods: 12, has_gaps: false, until: None };
            let prospect = Prospect::new(0.5, units).unwrap();
            position.deals = vec![Deal { prospect, ..tender("2025-01-20", "2025-02-10") }];
            position
        }).collect()
    }
}

prop_compose! {
    fn calendars()(begin in 0_u64..50, days in 0_u64..15) -> Calendar {
        let first_on = day("2025-01-10") + Days::new(begin);
        let last_on = first_on + Days::new(days);
        let closed = Exception { first_on, last_on, is_open: false, name: "closed".into() };
        let week = [true, true, true, true, true, false, false];
        Calendar::of_workdays(chrono_tz::Asia::Shanghai, week, vec![closed]).unwrap()
    }
}

fn goals() -> impl Strategy<Value = Option<Goal>> {
    let promise = |depot_cost| Goal::Promise { level: 0.9, depot_cost, base_cost: 1.0 };
    prop_oneof![
        Just(None),
        (0.01..1.0).prop_map(|missing| Some(Goal::Missing(missing))),
        (0.1..9.0).prop_map(move |cost| Some(promise(cost))),
    ]
}

prop_compose! {
    pub(super) fn networks()(
        positions in positions(), pack in 1_u32..4, order_min in 0_u32..5,
        transits in prop::collection::vec(0_u16..9, 6), is_bought in any::<bool>(),
        calendars in prop::collection::vec(calendars(), 3), goal in goals(),
        adjusted in adjusted::any(),
    ) -> Setting {
        let kind = |is_supplier| if is_supplier { PlaceKind::Supplier } else { PlaceKind::Site };
        let place = |at: u32| Place {
            calendar: CalendarIndex(at % 2),
            ..place(&at.to_string(), kind(is_bought && at == 3))
        };
        let ways = [(0, 1), (1, 0), (1, 2), (2, 0), (3, 0), (3, 2)];
        let lanes = ways.into_iter().zip(transits).map(|((from, to), transit)| Lane {
            carrier: CalendarIndex(2),
            ..lane("", (PlaceIndex(from), PlaceIndex(to)), &transit.to_string())
        });
        Setting {
            items: vec![
                Item { pack, order_min, ..item("x", Aim::Service(0.95)) },
                item("y", costs("4")),
            ],
            places: (0..4).map(place).collect(),
            calendars,
            lanes: lanes.collect(),
            schedules_fetched_at: BTreeMap::new(),
            adjusted,
            networks: goal.into_iter().map(|goal| Network {
                id: "n".into(),
                depot: PlaceIndex(0),
                bases: vec![PlaceIndex(1)],
                items: vec![ItemIndex(0), ItemIndex(1)],
                goal,
            }).collect(),
            positions,
        }
    }
}
