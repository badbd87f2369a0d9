//! Adjusters: a document, records and facts in; verdicts and advice out.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails where something is missing"
)]

use chrono::{DateTime, Days, NaiveDate, Utc};
use upturn_core::fact::policy::Policy;
use upturn_core::fact::validity::Validity;
use upturn_core::fact::weather::{Measured, Weather, When};
use upturn_core::stock::gather::row::{Deal, Order, Product, Rows, Shipment, Stock};
use upturn_core::stock::gather::{self, Gathered, Outside, Subject};
use upturn_core::stock::plan::advice::{Advice, Note, SlowedDays};
use upturn_core::stock::plan::{self, Period};
use upturn_core::stock::stocking::Stocking;

const DOCUMENT: &str = r#"
id = "spares"
kind = "stocking"
title = { en = "Spares" }
zone = "UTC"
ahead_days = 28
aim = { service = "0.9" }

[demand]
period_days = 7
periods = 104
place = "NORTH"

[[calendar]]
id = "always"
zone = "Asia/Shanghai"
week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
announced_until = "2030-12-31"

[[place]]
id = "MAKER"
calendar = "always"
supplier = true
[[place]]
id = "NORTH"
calendar = "always"
codes = ["CNNTH"]

[[lane]]
id = "road"
from = "MAKER"
to = "NORTH"
calendar = "always"
transit = "2"
"#;

const STORM: &str = r#"
[[adjuster]]
id = "storm"
title = { en = "Storm", zh = "大风" }
lanes = ["road"]
weather = { place = "NORTH", what = "gusts", above = "60", unit = "km/h" }
"#;

/// Days of the past that feeds and records tell of.
const PAST: u64 = 200;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn as_of() -> DateTime<Utc> {
    "2026-03-01T06:00:00Z".parse().unwrap()
}

fn today() -> NaiveDate {
    as_of().date_naive()
}

/// Days of the past, the oldest first, each with its number.
fn past() -> impl Iterator<Item = (u64, NaiveDate)> {
    (0..PAST).map(|number| (number, today() - Days::new(PAST - number)))
}

/// It stormed on each fourth day of the past.
fn stormed(number: u64) -> bool {
    number.is_multiple_of(4)
}

fn gusts(on: NaiveDate, value: &str, unit: &str) -> Weather {
    let measured = Measured { value: value.to_owned(), unit: Some(unit.to_owned()) };
    Weather {
        place: Some("CNNTH".to_owned()),
        latitude: 36.into(),
        longitude: 104.into(),
        when: When::Day(on),
        values: [("gusts".to_owned(), measured)].into(),
    }
}

/// The weather of the past, and a forecast of storm on 9 and 10 March.
fn weather() -> Vec<Weather> {
    let said = |storms: bool| if storms { "83.5" } else { "12" };
    let past = past().map(|(number, on)| gusts(on, said(stormed(number)), "km/h"));
    let ahead = (0..14).map(|number| today() + Days::new(number));
    let ahead = ahead.map(|on| {
        let storms = [day("2026-03-09"), day("2026-03-10")].contains(&on);
        gusts(on, said(storms), "km/h")
    });
    past.chain(ahead).collect()
}

fn shipment(id: &str, shipped_on: NaiveDate, days: u64) -> Shipment {
    Shipment {
        id: id.to_owned(),
        product: "FAN".to_owned(),
        quantity: "1".to_owned(),
        from: "MAKER".to_owned(),
        to: "NORTH".to_owned(),
        lane: None,
        shipped_on,
        arrived_on: Some(shipped_on + Days::new(days)),
    }
}

/// A shipment on each day of the past: two or three days, and so many more under a storm.
fn shipments(more: u64) -> Vec<Shipment> {
    let one = |(number, on): (u64, NaiveDate)| {
        let under = if stormed(number) { more } else { 0 };
        shipment(&format!("s-{number}"), on, 2 + number * 37 % 11 / 7 + under)
    };
    past().map(one).collect()
}

/// A tender for four fans on 12 March, and none at NORTH.
fn rows(shipments: Vec<Shipment>) -> Rows {
    Rows {
        products: vec![Product {
            id: "FAN".to_owned(),
            family: None,
            pack_size: None,
            minimum_order: None,
            replaced_by: None,
        }],
        stock: vec![Stock {
            product: "FAN".to_owned(),
            place: "NORTH".to_owned(),
            on_hand: "0".to_owned(),
            reserved: None,
            on_order: Some("0".to_owned()),
            counted_at: Some("2026-03-01T00:00:00Z".to_owned()),
            updated_at: 0,
        }],
        deals: vec![Deal {
            id: "d-1".to_owned(),
            product: Some("FAN".to_owned()),
            quantity: Some("4".to_owned()),
            probability: Some("0.95".to_owned()),
            expected_on: Some(day("2026-03-12")),
            place: Some("NORTH".to_owned()),
            closed_on: None,
        }],
        shipments,
        ..Rows::default()
    }
}

fn planned(adjusters: &str, rows: &Rows, outside: &Outside) -> (Gathered, Vec<Advice>) {
    let stocking = Stocking::parse(&format!("{DOCUMENT}{adjusters}")).unwrap();
    let mut gathered = gather::records(&stocking, rows, &[], as_of());
    gathered.take_outside(&stocking, outside, as_of());
    let period = Period { as_of: as_of(), ahead_days: stocking.ahead_days };
    let advice = plan::advise(&gathered.setting, period);
    (gathered, advice)
}

fn of_weather(weather: Vec<Weather>) -> Outside {
    Outside { weather, ..Outside::default() }
}

/// Returns the days of departure and of arrival of the only piece of advice.
fn dates(advice: &[Advice]) -> (String, String) {
    assert_eq!(advice.len(), 1, "{advice:?}");
    let voyage = advice[0].voyage.unwrap();
    (voyage.ship_on.to_string(), voyage.arrive_on.to_string())
}

fn slowed(advice: &[Advice]) -> Vec<Note> {
    let notes = advice.iter().flat_map(|advice| &advice.notes);
    notes.filter(|note| note.code() == "adjusted-transit").cloned().collect()
}

fn troubles(gathered: &Gathered) -> Vec<String> {
    let listed = gathered.troubles.listed.iter();
    listed.map(|trouble| format!("{}: {}", trouble.of, trouble.message)).collect()
}

#[test]
fn a_fact_that_delays_is_on_and_the_latest_day_is_two_days_earlier() {
    let rows = rows(shipments(3));
    let (_, own) = planned("", &rows, &of_weather(weather()));
    assert_eq!(dates(&own), ("2026-03-10".to_owned(), "2026-03-12".to_owned()));
    let (gathered, advice) = planned(STORM, &rows, &of_weather(weather()));
    let [judged] = gathered.verdicts.as_slice() else { panic!("{:?}", gathered.verdicts) };
    let verdict = &judged.verdict;
    assert!(verdict.is_on && verdict.loss_with < 0.8 * verdict.loss_without, "{verdict:?}");
    assert_eq!((judged.of, judged.days_ahead, judged.untold), (Subject::Lanes, 2, 0));
    assert!((1.5..2.0).contains(&verdict.factors[1]), "{verdict:?}");
    // Who leaves on 9 or 10 March takes four days.
    assert_eq!(dates(&advice), ("2026-03-08".to_owned(), "2026-03-10".to_owned()));
    // The next one leaves on 9 March and is received on 13; whoever leaves on 10 is overtaken.
    let [note] = slowed(&advice).try_into().unwrap();
    let adjuster = "storm".into();
    let (first_on, last_on) = (day("2026-03-09"), day("2026-03-09"));
    assert_eq!(note, Note::Slowed(SlowedDays { adjuster, first_on, last_on, days: 4, own: 2 }));
    assert!(!note.is_mark() && troubles(&gathered).is_empty(), "{:?}", troubles(&gathered));
    // A forecast of calm leaves the lane as it is.
    let calm = weather().into_iter().filter(|one| one.when < When::Day(today())).collect();
    assert_eq!(planned(STORM, &rows, &of_weather(calm)).1, own);
}

#[test]
fn a_fact_that_does_not_help_changes_nothing() {
    let without = |told: &str, more: &dyn Fn(&mut Vec<Shipment>)| {
        let mut sent = shipments(if told == "noise" { 0 } else { 3 });
        more(&mut sent);
        rows(sent)
    };
    let calm_unknown = || weather().into_iter().filter(|one| one.values["gusts"].value == "12");
    let cases: [(&str, Rows, Vec<Weather>, usize); 5] = [
        ("noise", without("noise", &|_| {}), weather(), 0),
        ("too few", without("", &|sent| drop(sent.drain(..150))), weather(), 0),
        ("none", without("", &Vec::clear), weather(), 0),
        // 200 days but for the last five: some that left then have not arrived.
        ("stormy days that nobody tells", without("", &|_| {}), calm_unknown().collect(), 49),
        (
            "they arrive after the plan's day",
            without("", &|sent| {
                for one in sent {
                    one.arrived_on = Some(today());
                }
            }),
            weather(),
            0,
        ),
    ];
    for (name, rows, weather, untold) in cases {
        let outside = of_weather(weather);
        let (gathered, advice) = planned(STORM, &rows, &outside);
        let [judged] = gathered.verdicts.as_slice() else { panic!("{name}") };
        assert!(!judged.verdict.is_on, "case: {name}: {judged:?}");
        assert_eq!(judged.untold, untold, "case: {name}");
        let (own, without) = planned("", &rows, &outside);
        assert_eq!(advice, without, "case: {name}");
        assert_eq!(gathered.setting.adjusted, own.setting.adjusted, "case: {name}");
        assert_eq!(troubles(&gathered), troubles(&own), "case: {name}");
    }
}

#[test]
fn only_the_named_lane_and_each_shipment_once_is_learnt_from() {
    let learnt = |shipments: Vec<Shipment>, more: &str| {
        let (gathered, _) =
            planned(&format!("{STORM}{more}"), &rows(shipments), &of_weather(weather()));
        gathered.verdicts[0].verdict.learnt
    };
    let all = learnt(shipments(3), "");
    assert!((110..=120).contains(&all), "{all}");
    let twice = |sent: Vec<Shipment>| {
        let other = |one: &Shipment| Shipment { product: "BOLT".to_owned(), ..one.clone() };
        sent.iter().map(other).chain(sent.clone()).collect::<Vec<_>>()
    };
    assert_eq!(learnt(twice(shipments(3)), ""), all, "a shipment of two products");
    let named = |lane: &str| {
        let with = |one: Shipment| Shipment { lane: Some(lane.to_owned()), ..one };
        shipments(3).into_iter().map(with).collect::<Vec<_>>()
    };
    assert_eq!((learnt(named("road"), ""), learnt(named("rail"), "")), (all, 0));
    // A second lane between the same places: nobody knows which one it was.
    let rail = "[[lane]]\nid = \"rail\"\nfrom = \"MAKER\"\nto = \"NORTH\"\ncalendar = \"always\"\n\
                transit = \"9\"\n";
    assert_eq!((learnt(shipments(3), rail), learnt(named("road"), rail)), (0, all));
}

#[test]
fn what_is_wrong_with_an_adjuster_is_told_and_the_plan_goes_on() {
    let odd = |value: &str, unit: &str| {
        let mut weather = weather();
        weather.push(gusts(day("2026-03-05"), value, unit));
        weather
    };
    let gone = "no feed in force tells the weather at 'SOUTH'";
    let cases: [(&str, &str, Vec<Weather>, &str); 8] = [
        ("\"road\"", "\"road\", \"sea\"", weather(), "there is no lane 'sea'; name one of this"),
        ("place = \"NORTH\"", "place = \"SOUTH\"", weather(), gone),
        ("\"gusts\"", "\"snow\"", weather(), "no feed in force tells snow at 'NORTH'; ask for"),
        ("km/h", "m/s", weather(), "214 values of gusts are in 'km/h', not in 'm/s', and are left"),
        ("", "", odd("9", "kn"), "1 values of gusts are in 'kn', not in 'km/h', and are left out"),
        ("", "", odd("NaN", "km/h"), "1 values of gusts are no numbers, as 'NaN', and are left"),
        ("", "", odd(&"9".repeat(400), "km/h"), "1 values of gusts are no numbers, as '99999"),
        ("", "", Vec::new(), "no feed in force tells the weather at 'NORTH'"),
    ];
    for (from, to, weather, expected) in cases {
        let adjuster = STORM.replacen(from, to, 1);
        let (gathered, advice) = planned(&adjuster, &rows(shipments(3)), &of_weather(weather));
        let told = troubles(&gathered);
        let [told] = told.as_slice() else { panic!("case: {expected}: {told:?}") };
        assert!(told.starts_with(&format!("adjuster storm: {expected}")), "{told}");
        assert!(told.len() < 250 && advice.len() == 1, "{told}: {advice:?}");
    }
    let mut sent = shipments(3);
    sent[0].arrived_on = Some(sent[0].shipped_on - Days::new(1));
    sent[1].arrived_on = today().pred_opt();
    sent[1].shipped_on = day("0001-01-01");
    let (gathered, advice) = planned(STORM, &rows(sent), &of_weather(weather()));
    let told = troubles(&gathered);
    assert!(
        told.len() == 2 && told[0].starts_with("shipment s-0|FAN: it took -1 days"),
        "{told:?}"
    );
    assert_eq!(dates(&advice).0, "2026-03-08", "all others count");
}

#[test]
fn a_document_says_which_fact_of_what_it_is() {
    let cases = [
        ("lanes = [\"road\"]", ""),
        ("lanes = [\"road\"]", "lanes = [\"road\"]\ndemand = {}"),
        ("above = \"60\", ", ""),
        ("above = \"60\"", "above = \"60\", below = \"70\""),
        ("weather = {", "policy = { region = \"CN\" }\nweather = {"),
        ("id = \"storm\"", "id = \"\""),
        ("unit =", "units ="),
    ];
    for (from, to) in cases {
        let text = format!("{DOCUMENT}{}", STORM.replacen(from, to, 1));
        assert_eq!(Stocking::parse(&text).map_err(|found| found.len()), Err(1), "{from} -> {to}");
    }
    let many: String = (0..21).map(|n| STORM.replacen("storm", &n.to_string(), 1)).collect();
    assert!(Stocking::parse(&format!("{DOCUMENT}{many}")).is_err());
}

/// Returns the hours of a day by the clock of `offset`, one of them with gusts of 80 km/h, the first `told`.
fn hours(on: &str, offset: &str, storms_at: u32, told: u32) -> impl Iterator<Item = Weather> {
    let hour = move |hour: u32, on: &str, offset: &str| {
        let at = format!("{on}T{hour:02}:00:00{offset}").parse().unwrap();
        let value = if hour == storms_at { "80" } else { "5" };
        Weather { when: When::Hour(at), ..gusts(today(), value, "km/h") }
    };
    let (on, offset) = (on.to_owned(), offset.to_owned());
    (0..told).map(move |number| hour(number, &on, &offset))
}

#[test]
fn hours_are_of_the_days_of_the_places_own_clock() {
    let past = || weather().into_iter().filter(|one| one.when < When::Day(today()));
    let cases: [(&str, Vec<Weather>, &str); 6] = [
        ("nobody tells", Vec::new(), "2026-03-10"),
        ("an hour is enough", hours("2026-03-10", "+08:00", 3, 4).collect(), "2026-03-09"),
        ("none of all hours", hours("2026-03-10", "+08:00", 99, 24).collect(), "2026-03-10"),
        ("it is the next day there", hours("2026-03-09", "+00:00", 20, 24).collect(), "2026-03-09"),
        ("and not yet", hours("2026-03-09", "+00:00", 15, 24).collect(), "2026-03-10"),
        (
            "the day's own value wins",
            hours("2026-03-10", "+08:00", 3, 24)
                .chain([gusts(day("2026-03-10"), "5", "km/h")])
                .collect(),
            "2026-03-10",
        ),
    ];
    for (name, told, ship_on) in cases {
        let outside = of_weather(past().chain(told).collect());
        let (_, advice) = planned(STORM, &rows(shipments(3)), &outside);
        assert_eq!(dates(&advice).0, ship_on, "case: {name}");
    }
}

const SUBSIDY: &str = r#"
[[adjuster]]
id = "subsidy"
title = { en = "Subsidy", zh = "补贴" }
demand = { products = ["FAN"], places = ["NORTH"] }
policy = { region = "CN-62" }
"#;

fn subsidy(from: &str, until: &str) -> Policy {
    Policy {
        region: "CN-62".to_owned(),
        product: "*".to_owned(),
        title: "Ventilation".to_owned(),
        valid: Validity::new(Some(day(from)), Some(day(until))).unwrap(),
        reference: "paper 7".to_owned(),
        confirmed_by: None,
    }
}

/// Orders of two years by the week: four fans, and so many more in every other quarter, the first of them
/// with a subsidy. Ten further products are ordered in the same way.
fn orders(more: u32) -> (Rows, Vec<Policy>) {
    let mut rows = rows(Vec::new());
    rows.deals.clear();
    let names: Vec<String> =
        std::iter::once("FAN".to_owned()).chain((0..10).map(|n| format!("FAN-{n}"))).collect();
    let first = rows.products[0].clone();
    rows.products = names.iter().map(|id| Product { id: id.clone(), ..first.clone() }).collect();
    let mut policies = Vec::new();
    for week in 0..104_u32 {
        let ordered_on = today() - Days::new(u64::from(104 - week) * 7 - 2);
        let is_under = (week / 13).is_multiple_of(2);
        if week.is_multiple_of(26) {
            let from = (ordered_on - Days::new(2)).to_string();
            let until = (ordered_on + Days::new(88)).to_string();
            policies.push(subsidy(&from, &until));
        }
        for (number, product) in (0..).zip(&names) {
            let units = 4 + (week * 7 + number * 5) % 3 + if is_under { more } else { 0 };
            rows.orders.push(Order {
                id: format!("o-{week}-{product}"),
                line: "1".to_owned(),
                account: "clinic".to_owned(),
                deal: None,
                product: product.clone(),
                quantity: units.to_string(),
                ordered_on,
            });
        }
    }
    (rows, policies)
}

#[test]
fn a_policy_that_moves_demand_moves_what_is_needed_while_it_holds() {
    let everything = SUBSIDY.replacen("{ products = [\"FAN\"], places = [\"NORTH\"] }", "{}", 1);
    let (rows, past) = orders(6);
    let ahead = subsidy("2026-03-02", "2026-12-31");
    let outside = |policies: Vec<Policy>| Outside { policies, ..Outside::default() };
    let with = |adjuster: &str, policies: &[Policy]| {
        let (gathered, advice) = planned(adjuster, &rows, &outside(policies.to_vec()));
        let fan = |advice: &&Advice| gathered.setting.item(advice.item).unwrap().id == "FAN".into();
        let fan = advice.iter().find(fan).unwrap().clone();
        (gathered, fan)
    };
    let all: Vec<Policy> = past.iter().cloned().chain([ahead]).collect();
    let (_, own) = with("", &all);
    let (gathered, advice) = with(&everything, &all);
    let [judged] = gathered.verdicts.as_slice() else { panic!() };
    assert!(judged.verdict.is_on && judged.of == Subject::Demand, "{judged:?}");
    // Half of the history was under it: the usual is in the middle.
    let factor = judged.verdict.factors[1];
    let expected = factor / (0.5 * (factor - 1.0) + 1.0);
    let told = advice.notes.iter().find_map(|note| {
        if let Note::Scaled(scaled) = note { Some((scaled.days, scaled.factor)) } else { None }
    });
    let (days, factor) = told.unwrap();
    let factor = f64::try_from(factor).unwrap();
    assert!((factor - expected).abs() < 0.02 && 1.1 < factor, "{factor}, not {expected}");
    let until = advice.reckoning.cover_until;
    assert_eq!(i64::try_from(days).unwrap(), (until - day("2026-03-02")).num_days());
    let [usual, more] = [&own, &advice].map(|one| one.reckoning.missed.short);
    assert!(usual < more, "{usual} {more}");
    // What does not hold ahead changes nothing; nor does what is of other products.
    assert_eq!(with(&everything, &past).1, own);
    let other = SUBSIDY.replacen("\"FAN\"", "\"FAN-1\"", 1);
    assert_eq!(with(&other, &all).1, own);
    let elsewhere = everything.replacen("CN-62", "CN-11", 1);
    let (gathered, advice) = with(&elsewhere, &all);
    assert_eq!(advice, own);
    let told = troubles(&gathered);
    assert!(
        told[0].contains("no feed in force tells such a policy for '*' in 'CN-11'"),
        "{told:?}"
    );
    let nobody = SUBSIDY.replacen("\"FAN\"", "\"FOX\"", 1).replacen("NORTH", "SOUTH", 1);
    let told = troubles(&with(&nobody, &all).0);
    assert!(
        told[0].contains("no product 'FOX'") && told[1].contains("no place 'SOUTH'"),
        "{told:?}"
    );
}

#[test]
fn a_policy_that_moves_nothing_is_off() {
    let everything = SUBSIDY.replacen("{ products = [\"FAN\"], places = [\"NORTH\"] }", "{}", 1);
    let (rows, mut policies) = orders(0);
    policies.push(subsidy("2026-03-02", "2026-12-31"));
    let outside = Outside { policies, ..Outside::default() };
    let (gathered, advice) = planned(&everything, &rows, &outside);
    let verdict = &gathered.verdicts[0].verdict;
    assert!(!verdict.is_on && 20 < verdict.days, "{verdict:?}");
    assert_eq!(advice, planned("", &rows, &outside).1);
}
