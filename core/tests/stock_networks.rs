//! A depot and its bases: what each keeps is found for all together, from a document and records.
#![expect(clippy::unwrap_used, reason = "a test fails where something is missing")]

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use upturn_core::stock::gather::row::{Deal, Order, Product, Rows, Stock};
use upturn_core::stock::gather::{self, Gathered, Outside};
use upturn_core::stock::plan::advice::{Advice, Note};
use upturn_core::stock::plan::network::Reached;
use upturn_core::stock::plan::{self, Period};
use upturn_core::stock::solve::metric::{self, Base};
use upturn_core::stock::stocking::Stocking;

const DOCUMENT: &str = r#"
id = "spares"
kind = "stocking"
title = { en = "Spares" }
zone = "UTC"
ahead_days = 28
aim = { service = "0.5" }
network = [{ id = "region", depot = "HUB", bases = ["NORTH", "SOUTH"], products = ["FAN"], GOAL }]

[demand]
period_days = 28
accounts = { n = "NORTH", s = "SOUTH" }

[[calendar]]
id = "always"
zone = "UTC"
week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
announced_until = "2030-12-31"

[[place]]
id = "HUB"
calendar = "always"
[[place]]
id = "NORTH"
calendar = "always"
[[place]]
id = "SOUTH"
calendar = "always"
[[place]]
id = "MAKER"
calendar = "always"
supplier = true

[[lane]]
id = "sea"
from = "MAKER"
to = "HUB"
calendar = "always"
transit = "20"
[[lane]]
id = "van north"
from = "HUB"
to = "NORTH"
calendar = "always"
transit = "1"
[[lane]]
id = "van south"
from = "HUB"
to = "SOUTH"
calendar = "always"
transit = "3"
[[lane]]
id = "across"
from = "NORTH"
to = "SOUTH"
calendar = "always"
transit = "1"
"#;
const METRIC: &str = "missing_max = \"0.05\"";
const PLACES: [&str; 3] = ["HUB", "NORTH", "SOUTH"];

fn as_of() -> DateTime<Utc> {
    "2026-03-01T06:00:00Z".parse().unwrap()
}

/// Orders of two years: in each month one at NORTH and two at SOUTH, and what stands where.
fn rows(stock: [u32; 3]) -> Rows {
    let first: NaiveDate = "2024-03-03".parse().unwrap();
    let order = |number: u64, account: &str| Order {
        id: format!("o-{number}-{account}"),
        line: "1".to_owned(),
        account: account.to_owned(),
        deal: None,
        product: "FAN".to_owned(),
        quantity: if account == "n" { "1" } else { "2" }.to_owned(),
        ordered_on: first + Days::new(number * 28 + 9),
    };
    let stock = PLACES.iter().zip(stock).map(|(place, on_hand)| Stock {
        product: "FAN".to_owned(),
        place: (*place).to_owned(),
        on_hand: on_hand.to_string(),
        reserved: None,
        on_order: None,
        counted_at: Some("2026-03-01T00:00:00Z".to_owned()),
        updated_at: 0,
    });
    Rows {
        products: vec![Product {
            id: "FAN".to_owned(),
            family: None,
            pack_size: None,
            minimum_order: None,
            replaced_by: None,
        }],
        stock: stock.collect(),
        orders: (0..26).flat_map(|number| ["n", "s"].map(|of| order(number, of))).collect(),
        ..Rows::default()
    }
}

fn planned(document: &str, stock: [u32; 3]) -> (Gathered, Vec<Advice>) {
    planned_of(document, &rows(stock))
}

fn planned_of(document: &str, rows: &Rows) -> (Gathered, Vec<Advice>) {
    let stocking = Stocking::parse(document).unwrap();
    let mut gathered = gather::records(&stocking, rows, &[], as_of());
    gathered.take_outside(&stocking, &Outside::default(), as_of());
    let period = Period { as_of: as_of(), ahead_days: stocking.ahead_days };
    let advice = plan::advise(&gathered.setting, period);
    (gathered, advice)
}

fn with(goal: &str) -> String {
    DOCUMENT.replace("GOAL", goal)
}

/// Returns what goes from where to where, and what nobody has.
fn moves(gathered: &Gathered, advice: &[Advice]) -> BTreeMap<(String, String), u32> {
    let name = |place| gathered.setting.place(place).unwrap().id.to_string();
    let one = |advice: &Advice| {
        let from = advice.from.map_or("nobody".to_owned(), name);
        ((from, name(advice.to)), advice.quantity)
    };
    advice.iter().map(one).collect()
}

/// Returns the levels that the notes tell, and what they come to.
fn told(gathered: &Gathered, advice: &[Advice]) -> (BTreeMap<String, u32>, Vec<Reached>) {
    let mut levels = BTreeMap::new();
    let mut all = Vec::new();
    for one in advice {
        for note in &one.notes {
            if let Note::Level { units, reached, .. } = note {
                let place = gathered.setting.place(one.to).unwrap();
                levels.insert(place.id.to_string(), *units);
                all.push(*reached);
            }
        }
    }
    (levels, all)
}

fn moved(all: &[(&str, &str, u32)]) -> BTreeMap<(String, String), u32> {
    all.iter().map(|(from, to, units)| (((*from).into(), (*to).into()), *units)).collect()
}

#[test]
fn levels_are_the_fewest_with_which_so_few_are_missing() {
    let (gathered, advice) = planned(&with(METRIC), [0, 0, 0]);
    assert_eq!(gathered.troubles.listed, Vec::new());
    let (levels, reached) = told(&gathered, &advice);
    // The lanes run every day: twenty days to the depot, one and three from it.
    let bases = [("NORTH", 1.0), ("SOUTH", 3.0)].map(|(name, days)| {
        let place = |index| gathered.setting.place(index).unwrap().id.as_ref() == name;
        let position = gathered.setting.positions.iter().find(|one| place(one.place)).unwrap();
        Base { per_day: position.base.per_day, spread: position.base.spread, days }
    });
    let expected = metric::cheapest(20.0, &bases, 0.05).unwrap();
    let found = PLACES.map(|place| usize::try_from(levels[place]).unwrap());
    assert_eq!(found, [expected.depot, expected.bases[0], expected.bases[1]]);
    assert!(0 < expected.depot && expected.bases.iter().all(|units| 0 < *units), "{expected:?}");
    let Reached::Missing(missing) = reached[0] else { panic!("{reached:?}") };
    assert!(missing <= "0.05".parse().unwrap(), "{missing}");
    assert!((f64::try_from(missing).unwrap() - expected.missing).abs() < 1e-4);
    // Nobody has any, so the maker is asked for all: what the depot keeps, and what the bases wait for.
    let [hub, north, south] = PLACES.map(|place| levels[place]);
    let all = hub + north + south;
    let expected =
        moved(&[("MAKER", "HUB", all), ("nobody", "NORTH", north), ("nobody", "SOUTH", south)]);
    assert_eq!(moves(&gathered, &advice), expected);
}

/// A name, what stands at each place, and what goes from where to where.
type Case<'c> = (&'c str, [u32; 3], &'c [(&'c str, &'c str, u32)]);

#[test]
fn a_depot_gives_what_it_keeps_and_bases_do_not() {
    let (gathered, advice) = planned(&with(METRIC), [0, 0, 0]);
    let (levels, _) = told(&gathered, &advice);
    let [hub, north, south] = PLACES.map(|place| levels[place]);
    let cases: [Case<'_>; 6] = [
        ("all are at their levels", [hub, north, south], &[]),
        (
            "one was used, and the depot orders what it gives",
            [hub, north - 1, south],
            &[("HUB", "NORTH", 1), ("MAKER", "HUB", 1)],
        ),
        (
            "the depot has one, and keeps more",
            [1, north - 1, south],
            &[("HUB", "NORTH", 1), ("MAKER", "HUB", hub)],
        ),
        (
            "the depot has less than it is asked for",
            [1, north, south - 2],
            &[("HUB", "SOUTH", 1), ("MAKER", "HUB", hub + 1)],
        ),
        ("a base has more than it keeps", [hub, north + 1, south - 1], &[("NORTH", "SOUTH", 1)]),
        (
            "a base has what it keeps",
            [0, north, south - 1],
            &[("MAKER", "HUB", hub + 1), ("nobody", "SOUTH", 1)],
        ),
    ];
    for (name, stock, expected) in cases {
        let document = with(METRIC);
        // The way across is the better one.
        let document = if name.contains("a base has") {
            let (rest, across) = document.split_at(document.rfind("[[lane]]").unwrap());
            let (head, lanes) = rest.split_at(rest.find("[[lane]]").unwrap());
            format!("{head}{across}{lanes}")
        } else {
            document
        };
        let (gathered, advice) = planned(&document, stock);
        assert_eq!(moves(&gathered, &advice), moved(expected), "case: {name}: {advice:?}");
        for one in &advice {
            assert!(!one.notes.contains(&Note::Late), "case: {name}: {one:?}");
        }
    }
}

#[test]
fn what_deals_add_is_sent_beside_the_level_and_in_time() {
    let (gathered, advice) = planned(&with(METRIC), [0, 0, 0]);
    let (levels, _) = told(&gathered, &advice);
    let [hub, north, south] = PLACES.map(|place| levels[place]);
    let deal = |units: &str, on: &str| Deal {
        id: "d".to_owned(),
        product: Some("FAN".to_owned()),
        quantity: Some(units.to_owned()),
        probability: Some("0.95".to_owned()),
        expected_on: on.parse().ok(),
        place: Some("NORTH".to_owned()),
        closed_on: None,
    };
    // The depot is asked for what the base keeps and for what the deal takes, and not for one of them.
    let rows = Rows { deals: vec![deal("4", "2026-03-20")], ..rows([hub + 9, north, south]) };
    let (gathered, advice) = planned_of(&with(METRIC), &rows);
    let sent: Vec<&Advice> = advice.iter().filter(|one| one.from.is_some()).collect();
    let expected = moved(&[("HUB", "NORTH", 4)]);
    assert_eq!(moves(&gathered, &advice), expected, "{advice:?}");
    let ship_on = sent[0].voyage.unwrap().ship_on;
    assert!("2026-03-10".parse::<NaiveDate>().unwrap() < ship_on, "{ship_on}");
    assert!(!sent[0].notes.contains(&Note::Late), "{advice:?}");
}

#[test]
fn a_depot_keeps_for_its_bases_what_others_ask_for() {
    let (gathered, advice) = planned(&with(METRIC), [0, 0, 0]);
    let (levels, _) = told(&gathered, &advice);
    let [hub, north, south] = PLACES.map(|place| levels[place]);
    // SOUTH is none of the network, and has nothing.
    let document = with(METRIC).replacen("[\"NORTH\", \"SOUTH\"]", "[\"NORTH\"]", 1);
    let (gathered, advice) = planned(&document, [0, 0, 0]);
    let (levels, _) = told(&gathered, &advice);
    let own = levels["HUB"];
    for (stock, given) in [(own, 0), (own + 1, 1)] {
        let (gathered, advice) = planned(&document, [stock, north, 0]);
        let moves = moves(&gathered, &advice);
        let to_south = moves.get(&("HUB".to_owned(), "SOUTH".to_owned()));
        assert_eq!(to_south.copied().unwrap_or_default(), given, "{stock}: {moves:?}");
        let (gathered, advice) = planned(&document, [stock, 0, south]);
        let moves = self::moves(&gathered, &advice);
        assert_eq!(moves.get(&("HUB".to_owned(), "NORTH".to_owned())), Some(&north), "{moves:?}");
    }
    assert!(0 < own && own <= hub);
}

#[test]
fn a_network_whose_levels_cannot_be_found_says_so() {
    let document = with(METRIC).replacen(
        "transit = \"3\"",
        "transit = \"3\"\nlast_pickup_on = \"2026-02-01\"",
        1,
    );
    let (_, advice) = planned(&document, [0, 0, 0]);
    let said = |note: &Note| {
        let Note::NoLevels { network, why } = note else { return None };
        Some((network.to_string(), why.to_string()))
    };
    let told: Vec<_> = advice.iter().flat_map(|one| one.notes.iter().filter_map(said)).collect();
    let expected = ("region".to_owned(), "no lane that runs leads to SOUTH".to_owned());
    assert!(told.contains(&expected), "{advice:?}");
}

#[test]
fn promises_are_kept_by_stock_where_it_is_cheapest() {
    let promise = |costs: &str| {
        let (gathered, advice) = planned(&with(&format!("service = \"0.95\"{costs}")), [0, 0, 0]);
        let (levels, reached) = told(&gathered, &advice);
        (PLACES.map(|place| levels.get(place).copied().unwrap_or_default()), reached[0])
    };
    // Where a shelf costs the same anywhere, the depot pools what both may need and promises at once; where
    // its shelf is dear, it has nothing, and the bases wait the whole way.
    let (pooled, at_once) = promise("");
    let (apart, late) = promise(", depot_cost = \"9\", base_cost = \"1\"");
    assert_eq!((at_once, late), (Reached::Promise(0), Reached::Promise(20)));
    assert_eq!(apart[0], 0);
    assert!(0 < pooled[0] && pooled[1] < apart[1] && pooled[2] < apart[2], "{pooled:?} {apart:?}");
}

#[test]
fn what_is_wrong_with_a_network_is_told() {
    let cases = [
        ("", "give missing_max"),
        ("missing_max = \"0\"", "not above 0"),
        ("service = \"1\"", "above 0 and below 1"),
        ("missing_max = \"1\", service = \"0.9\"", "give missing_max, or service"),
        ("missing_max = \"1\", base_cost = \"1\"", "give missing_max, or service"),
    ];
    for (goal, expected) in cases {
        let found = Stocking::parse(&with(goal)).unwrap_err();
        let said = format!("{found:?}");
        assert!(said.contains(expected), "{goal}: {said}");
    }
    let cases = [
        ("\"SOUTH\"]", "\"MAKER\"]", "sells whatever is ordered"),
        ("\"SOUTH\"]", "\"EAST\"]", "there is no place 'EAST'"),
        ("\"SOUTH\"]", "\"NORTH\"]", "a place stands twice"),
        ("[\"NORTH\", \"SOUTH\"]", "[]", "has not 1 to 99 bases"),
        ("[\"FAN\"]", "[]", "products"),
        ("[\"FAN\"]", "[\"FAN\", \"FAN\"]", "keeps 'FAN' for another network already"),
    ];
    for (from, to, expected) in cases {
        let found = Stocking::parse(&with(METRIC).replacen(from, to, 1)).unwrap_err();
        let said = format!("{found:?}");
        assert!(said.contains(expected), "{to}: {said}");
    }
    // What only a plan can know is told by it, and the rest goes on.
    let cases = [
        ("to = \"HUB\"", "to = \"NORTH\"", "no lane leads from a supplier to 'HUB'"),
        ("to = \"SOUTH\"", "to = \"MAKER\"", "no lane leads from 'HUB' to 'SOUTH'"),
        ("[\"FAN\"]", "[\"FAN\", \"FILTER\"]", "there is no product 'FILTER'"),
    ];
    for (from, to, expected) in cases {
        let (gathered, _) = planned(&with(METRIC).replacen(from, to, 1), [0, 0, 0]);
        let said: Vec<&str> = gathered.troubles.listed.iter().map(|one| &*one.message).collect();
        assert!(said.iter().any(|said| said.contains(expected)), "{to}: {said:?}");
    }
}
