//! Leads: what the sample documents make of accounts, and what is said of wrong ones.
#![expect(clippy::unwrap_used, reason = "a test fails where something is missing")]
#![expect(clippy::too_many_lines, reason = "tables of cases")]

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;
use upturn_core::calendar::Calendar;
use upturn_core::lead::Cover;
use upturn_core::lead::document::{Document, parse};
use upturn_core::lead::input::{Happening, Inputs, Order};
use upturn_core::lead::lapse::Lapse;
use upturn_core::lead::lifetime::{Lifetime, Purchased};
use upturn_core::lead::policy::{Policy, Scheme, Written};
use upturn_core::lead::route::{Found, Load, Staff, Tags};
use upturn_core::lead::verdict::{Verdict, of_grades, of_probabilities};
use upturn_core::lead::{grade, route, score, sla};
use upturn_core::money::exact::Exact;

const SCORE: &str = include_str!("../../deploy/rules/leads/service-lead.toml");
const GRADE: &str = include_str!("../../deploy/rules/leads/abc.toml");
const ROUTE: &str = include_str!("../../deploy/rules/leads/by-grade.toml");
const SLA: &str = include_str!("../../deploy/rules/leads/service.toml");

fn written(text: &str) -> Written {
    let document = parse(text).unwrap();
    Written { document, version: "v1".into(), text: Arc::from(text) }
}

fn policy() -> Policy {
    Policy::new([SCORE, GRADE, ROUTE, SLA].map(written).into()).unwrap()
}

fn now() -> DateTime<Utc> {
    "2026-03-01T00:00:00Z".parse().unwrap()
}

fn days_ago(days: i64, what: &str) -> Happening {
    Happening { at: now() - TimeDelta::days(days), what: what.into() }
}

fn order(days: i64, amount: i64, currency: &str) -> Order {
    Order {
        on: (now() - TimeDelta::days(days)).date_naive(),
        amount: Exact(Decimal::from(amount)),
        currency: currency.to_owned().try_into().unwrap(),
    }
}

#[test]
fn points_fade_by_half_lives_have_caps_and_add_up_to_the_score() {
    let policy = policy();
    let Scheme { score, .. } = policy.scheme_for("charger-care").unwrap();
    let base = || Inputs { as_of: now(), account: Some("a".into()), ..Inputs::default() };
    let cases: [(&str, Inputs, &str, &str); 12] = [
        ("nothing is known", base(), "recency", "0"),
        (
            "an order of today",
            Inputs { orders: vec![order(0, 1, "CNY")], ..base() },
            "recency",
            "20",
        ),
        (
            "after the half-life it is half",
            Inputs { orders: vec![order(180, 1, "CNY")], ..base() },
            "recency",
            "10",
        ),
        (
            "after half of it, one through the root of two",
            Inputs { orders: vec![order(90, 1, "CNY")], ..base() },
            "recency",
            "14.14",
        ),
        (
            "four orders of a day are one",
            Inputs { orders: vec![order(0, 1, "CNY"); 4], ..base() },
            "frequency",
            "4",
        ),
        (
            "many reach the cap",
            Inputs { orders: (0..9).map(|d| order(d, 1, "CNY")).collect(), ..base() },
            "frequency",
            "16",
        ),
        (
            "money of another currency does not count",
            Inputs { orders: vec![order(0, 36_000, "USD"), order(0, 4_000, "CNY")], ..base() },
            "money",
            "2",
        ),
        (
            "interest",
            Inputs { outcomes: vec![days_ago(180, "interested")], ..base() },
            "interest",
            "5",
        ),
        (
            "refusals take points off, down to the cap",
            Inputs { outcomes: vec![days_ago(0, "not-interested"); 4], ..base() },
            "refusals",
            "-24",
        ),
        (
            "nobody answered",
            Inputs { contacts: vec![days_ago(0, "not-reached")], ..base() },
            "contacts",
            "0",
        ),
        (
            "failures of last week count for half",
            Inputs {
                events: vec![days_ago(7, "charge_failed"), days_ago(0, "heartbeat")],
                ..base()
            },
            "failures",
            "2.5",
        ),
        (
            "what is to come is counted by the thousand",
            Inputs {
                orders: [700, 500, 300, 100, 30].map(|d| order(d, 20_000, "CNY")).into(),
                ..base()
            },
            "lifetime",
            "10",
        ),
    ];
    for (name, inputs, factor, expected) in cases {
        let scored = score.score(&inputs);
        let point = scored.points.iter().find(|point| &*point.factor == factor).unwrap();
        assert_eq!(point.points.0, expected.parse::<Decimal>().unwrap(), "case: {name}");
        let sum = scored.points.iter().fold(scored.base.0, |sum, point| sum + point.points.0);
        assert_eq!(scored.score.0, sum.clamp(Decimal::ZERO, Decimal::ONE_HUNDRED), "case: {name}");
        // Frozen and read again it is the same, and so is what comes of it.
        let text = serde_json::to_string(&inputs).unwrap();
        assert_eq!(score.score(&serde_json::from_str(&text).unwrap()), scored, "case: {name}");
    }
}

#[test]
fn grades_are_half_open() {
    let Document::Grade(abc) = parse(GRADE).unwrap() else { unreachable!("it is a grade") };
    for (score, expected) in [
        ("100", "A"),
        ("85", "A"),
        ("84.99", "B"),
        ("84.5", "B"),
        ("60", "B"),
        ("59.99", "C"),
        ("0", "C"),
    ] {
        assert_eq!(abc.of(score.parse().unwrap()), expected, "case: {score}");
    }
    let next = |grade, after| abc.next(grade, after).unwrap().en.clone();
    assert!(next("A", Some("not-reached")).starts_with("Call again today"));
    assert!(next("A", Some("solved")).starts_with("Call the customer yourself"));
    assert!(next("C", None).starts_with("Leave it in nurture"));
}

fn tags(grade: &str, region: &str) -> Tags {
    Tags {
        grade: grade.into(),
        region: Some(region.into()),
        product: Some("X7".into()),
        source: "charger-care".into(),
        need: "care".into(),
    }
}

fn load(open: u32) -> Load {
    Load { open, last_at: Some(now()) }
}

#[test]
fn leads_go_to_owners_then_to_whoever_has_the_most_room_then_to_the_pool() {
    let by_grade = ROUTE.replace("regions = [\"eu\"]", "regions = [\"eu\", \"east\"]");
    let Document::Route(route) = parse(&by_grade).unwrap() else { unreachable!("it is a route") };
    let staff = |owner: Option<&str>, gone: &[&str], loads: [u32; 2]| Staff {
        owner: owner.map(Into::into),
        gone: gone.iter().map(|one| Box::from(*one)).collect(),
        stand_ins: [("owner".into(), "stand-in".into())].into(),
        load: [("advisor-east".into(), load(loads[0])), ("advisor-eu".into(), load(loads[1]))]
            .into(),
    };
    let cases = [
        ("A to the owner", "A", "east", staff(Some("owner"), &[], [0, 0]), "owner", Found::Taken),
        (
            "who left",
            "A",
            "east",
            staff(Some("owner"), &["owner"], [0, 0]),
            "stand-in",
            Found::StandIn,
        ),
        (
            "and the stand-in left",
            "A",
            "east",
            staff(Some("owner"), &["owner", "stand-in"], [0, 0]),
            "advisor-east",
            Found::Taken,
        ),
        ("A without an owner", "A", "eu", staff(None, &[], [0, 0]), "advisor-eu", Found::Taken),
        ("B in turn", "B", "east", staff(Some("owner"), &[], [4, 2]), "advisor-eu", Found::Taken),
        (
            "the share counts: 3 of 8, 3 of 6",
            "B",
            "east",
            staff(None, &[], [3, 3]),
            "advisor-east",
            Found::Taken,
        ),
        ("only the region's", "B", "eu", staff(None, &[], [0, 5]), "advisor-eu", Found::Taken),
        (
            "nobody has room",
            "B",
            "east",
            staff(None, &[], [8, 6]),
            "pool:ev-advisors",
            Found::Taken,
        ),
        (
            "nobody works there",
            "B",
            "north",
            staff(None, &[], [0, 0]),
            "pool:ev-advisors",
            Found::Taken,
        ),
        (
            "C is nurtured",
            "C",
            "east",
            staff(Some("owner"), &[], [0, 0]),
            "pool:ev-advisors",
            Found::Taken,
        ),
    ];
    for (name, grade, region, staff, owner, found) in cases {
        let assigned = route.assign(&tags(grade, region), &staff);
        assert_eq!(&*assigned.owner, owner, "case: {name}");
        assert_eq!(assigned.tried.last().unwrap().found, found, "case: {name}");
    }
    let full = route.assign(&tags("B", "east"), &staff(None, &[], [8, 6]));
    let told: Vec<_> = full.tried.iter().map(|one| (&*one.target, one.found)).collect();
    let expected =
        [("round-robin:ev-advisors", Found::NoCapacity), ("pool:ev-advisors", Found::Taken)];
    assert_eq!(told, expected);
}

#[test]
fn who_pays_and_who_agreed_decides_the_steps() {
    let Document::Route(route) = parse(ROUTE).unwrap() else { unreachable!("it is a route") };
    let asked = ["send_coupon", "book_consultant"].map(Into::into);
    let until = now().date_naive();
    let cases: [(Cover, Option<bool>, &str); 4] = [
        (
            Cover::Warranty { until },
            Some(true),
            "open_service_ticket send_coupon book_consultant |",
        ),
        (Cover::Customer { until: None }, None, "quote_replacement send_coupon book_consultant |"),
        (Cover::Unknown, Some(true), "check_warranty send_coupon book_consultant |"),
        (
            Cover::Warranty { until },
            Some(false),
            "open_service_ticket | send_coupon book_consultant",
        ),
    ];
    for (cover, consent, expected) in cases {
        let (steps, left_out) = route.steps(&asked, (&cover, consent));
        let told = format!("{} | {}", steps.join(" "), left_out.join(" "));
        assert_eq!(told.trim(), expected.trim(), "case: {cover:?} {consent:?}");
    }
}

#[test]
fn spans_of_time_go_by_the_calendar() {
    let calendar =
        Calendar::from_toml(include_str!("../../deploy/registry/calendar.toml")).unwrap();
    let friday: DateTime<Utc> = "2025-01-24T09:30:00Z".parse().unwrap();
    let after = |text: &str| Lapse::try_from(text.to_owned()).unwrap().after(friday, &calendar);
    assert_eq!(after("at once"), Some(friday));
    assert_eq!(
        after("2 working days"),
        after("1 working day").and_then(|at| { calendar.add_working_day(at) })
    );
    assert!(after("2 business hours") < after("1 working day"));
    for wrong in ["soon", "0 working days", "31 working days", "1 working week"] {
        assert!(Lapse::try_from(wrong.to_owned()).is_err(), "case: {wrong}");
    }
}

#[test]
fn both_sides_are_judged_by_how_it_ended() {
    let Document::Grade(abc) = parse(GRADE).unwrap() else { unreachable!("it is a grade") };
    let verdict = |machine, human| Verdict { machine, human };
    assert_eq!(of_grades(&abc, ("B", "A"), true), verdict(false, true));
    assert_eq!(of_grades(&abc, ("A", "A"), false), verdict(false, false));
    assert_eq!(of_grades(&abc, ("C", "B"), false), verdict(true, true));
    let share = |text: &str| text.parse::<Decimal>().unwrap();
    assert_eq!(of_probabilities((share("0.4"), share("0.7")), true), verdict(false, true));
    assert_eq!(of_probabilities((share("0.4"), share("0.4")), false), verdict(true, true));
}

#[test]
fn what_is_wrong_is_told_with_line_and_column() {
    let cases = [
        (GRADE, "below = 85", "below = 80", "14:1 gap"),
        (GRADE, "below = 85", "below = 90", "14:1 overlap"),
        (GRADE, "below = 60", "from = 0\nbelow = 60", "19:1 gap"),
        (GRADE, "from = 60\n", "", "14:1 overlap"),
        (GRADE, "grade = \"B\"\nfrom", "grade = \"A\"\nfrom", "14:1 twice"),
        (GRADE, "after = \"call-again\"\n", "", "34:1 twice"),
        (GRADE, "from = 85", "from = 84.5", "12:8 wrong-document"),
        (GRADE, "[[next]]\ngrade = \"C\"", "[[next]]\ngrade = \"D\"", "51:1 unknown-value"),
        (SCORE, "points = 20\n", "", "12:1 wrong-document"),
        (
            SCORE,
            "max = 20\nhalf_life = \"180d\"\n\n[[factor]]\nid = \"f",
            "max = 0\n\n[[factor]]\nid = \"f",
            "12:1 wrong-factor",
        ),
        (SCORE, "per = 10000\n", "", "28:1 wrong-factor"),
        (SCORE, "half_life = \"180d\"", "half_life = \"0d\"", "18:13 wrong-document"),
        (SCORE, "q = 3.74", "q = 0.9", "83:1 out-of-range"),
        (SCORE, "kind = \"score\"", "kind = \"scores\"", "6:8 unknown-value"),
        (
            ROUTE,
            "to = \"pool:ev-advisors\"",
            "to = \"pool:ev-advisors, else account-owner\"",
            "30:6 wrong-document",
        ),
        (ROUTE, ", else round-robin:ev-advisors, else pool:ev-advisors", "", "18:1 no-pool"),
        (
            ROUTE,
            "round-robin:ev-advisors, else pool",
            "round-robin:nobody, else pool",
            "18:1 unknown-value",
        ),
        (ROUTE, "grade = [\"C\"]", "grades = [\"C\"]", "29:1 wrong-document"),
        (SLA, "contact_within = \"2 business hours\"\n", "", "8:1 no-clock"),
        (SLA, "\"8 business hours\"", "\"8 busy hours\"", "23:18 wrong-document"),
        (SLA, "grade = \"B\"", "grade = \"A\"", "21:1 twice"),
    ];
    for (text, from, to, expected) in cases {
        let changed = text.replacen(from, to, 1);
        assert_ne!(text, changed, "case: {from}");
        let finding = parse(&changed).unwrap_err().remove(0);
        let told = format!("{}:{} {}", finding.line, finding.column, finding.code);
        assert_eq!(told, expected, "case: {to}: {}", finding.message);
    }
    let sla = SLA.replace("grade = \"C\"", "grade = \"D\"");
    let route = ROUTE.replace("grade = [\"B\"]", "grade = [\"A\"]");
    let all = [SCORE, SCORE, GRADE, &route, &sla].map(written);
    let told = Policy::new(all.into()).unwrap_err();
    let told: Vec<_> = told.iter().map(|(at, found)| (*at, found.line, found.code)).collect();
    let expected =
        [(1, 5, "duplicate-id"), (1, 0, "overlap"), (2, 14, "no-line"), (2, 8, "unknown-value")];
    let at_line = |(at, line, code)| (at, if code == "overlap" { 0 } else { line }, code);
    assert_eq!(told.into_iter().map(at_line).collect::<Vec<_>>(), expected);
}

#[test]
fn schemas_are_kept_as_they_are_printed() {
    let cases = [
        ("score", score::schema()),
        ("grade", grade::schema()),
        ("route", route::schema()),
        ("sla", sla::schema()),
    ];
    for (name, schema) in cases {
        let path =
            format!("{}/../deploy/rules/leads/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == schema, "write {path} anew with `upturn schema`");
    }
}

fn shared(name: &str) -> Option<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/forecast");
    std::fs::read_to_string(format!("{folder}/{name}")).ok()
}

#[test]
fn real_customers_get_points_for_what_they_will_still_order() {
    let Some(log) = shared("cdnow_sample_log.csv") else { return };
    let day = |text: &str| NaiveDate::parse_from_str(text, "%Y%m%d").unwrap();
    let as_of = day("19970930");
    let usd = || "USD".to_owned().try_into().unwrap();
    let mut customers: BTreeMap<&str, Purchased> = BTreeMap::new();
    for row in log.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>()) {
        let amount: Decimal = row[4].parse().unwrap();
        if day(row[2]) <= as_of {
            *customers.entry(row[1]).or_default().entry(day(row[2])).or_default() += amount;
        }
    }
    let fitted = Lifetime::fit(customers.values(), as_of, (usd(), 39)).unwrap();
    assert!(fitted.is_sound());
    let three = |value: f64| format!("{value:.3}");
    let told =
        [fitted.r, fitted.alpha, fitted.a, fitted.b, fitted.p, fitted.q, fitted.v].map(three);
    assert_eq!(told[..6], ["0.243", "4.414", "0.793", "2.426", "6.250", "3.744"]);
    let inputs = |purchased: &Purchased| Inputs {
        as_of: as_of.and_time(chrono::NaiveTime::MIN).and_utc(),
        account: Some("a".into()),
        orders: purchased
            .iter()
            .map(|(on, amount)| Order { on: *on, amount: Exact(*amount), currency: usd() })
            .collect(),
        ..Inputs::default()
    };
    let values: Vec<Decimal> =
        customers.values().map(|one| fitted.value(&inputs(one)).unwrap()).collect();
    // Whole units, none below 0; together near what the published model expects.
    assert!(values.iter().all(|value| value.scale() == 0 && Decimal::ZERO <= *value));
    let sum: Decimal = values.iter().sum();
    assert!((50_000..75_000).contains(&i64::try_from(sum).unwrap()), "{sum}");
}

#[test]
fn real_leads_are_graded_and_go_round_by_share_of_capacity() {
    let Some(funnel) = shared("olist_funnel.csv") else { return };
    let score = r#"
        id = "funnel"
        kind = "score"
        title = { en = "Funnel" }
        grade = "abc"
        base = 50
        [[factor]]
        id = "origin"
        title = { en = "Came by a search" }
        of = "contacts"
        is = ["paid search", "organic search", "direct traffic"]
        points = 36
        max = 36
        half_life = "30d"
        [[factor]]
        id = "won"
        title = { en = "Sellers of that page won before" }
        of = "outcomes"
        is = ["interested"]
        points = 2
        max = 20
        half_life = "90d"
    "#;
    let text = ROUTE.replace("regions = [\"east\"]\n", "").replace("regions = [\"eu\"]\n", "");
    let policy = Policy::new([score, GRADE, &text, SLA].map(written).into()).unwrap();
    let scheme = policy.scheme_for("any").unwrap();
    let mut rows: Vec<Vec<&str>> =
        funnel.lines().skip(1).map(|line| line.split(',').collect()).collect();
    rows.sort_by_key(|row| row[1]);
    let at = |day: &str| {
        day.get(..10)
            .unwrap()
            .parse::<NaiveDate>()
            .unwrap()
            .and_time(chrono::NaiveTime::MIN)
            .and_utc()
    };
    let mut won_by_page: BTreeMap<&str, Vec<Happening>> = BTreeMap::new();
    let (mut grades, mut wins, mut owners) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut staff = Staff::default();
    for row in &rows {
        let as_of = at(row[1]);
        let known = won_by_page.get(row[2]).map_or(&[][..], |all| all);
        let mut outcomes: Vec<_> = known.iter().filter(|one| one.at <= as_of).cloned().collect();
        outcomes.reverse();
        let contacts = vec![Happening { at: as_of, what: row[3].into() }];
        let inputs = Inputs { as_of, contacts, outcomes, ..Inputs::default() };
        let scored = scheme.score.score(&inputs);
        let grade = scheme.grade.of(scored.score.0);
        let given = scheme.route.assign(&tags(grade, "any"), &staff);
        if !given.owner.starts_with("pool:") {
            let load = staff.load.entry(given.owner.clone()).or_default();
            *load = Load { open: load.open + 1, last_at: Some(as_of) };
        }
        *owners.entry((grade.to_owned(), given.owner.to_string())).or_insert(0) += 1;
        *grades.entry(grade.to_owned()).or_insert(0) += 1;
        if !row[4].is_empty() {
            *wins.entry(grade.to_owned()).or_insert(0) += 1;
            let won = Happening { at: at(row[4]), what: "interested".into() };
            won_by_page.entry(row[2]).or_default().push(won);
        }
        // Every day somebody finishes what is theirs.
        staff.load.values_mut().for_each(|load| load.open = load.open.saturating_sub(1));
    }
    assert_eq!(rows.len(), grades.values().sum::<usize>());
    let is_right = |(grade, owner): &(String, String)| (grade == "C") == owner.starts_with("pool:");
    assert!(owners.keys().all(is_right), "{owners:?}");
    let share = |grade: &str| wins.get(grade).copied().unwrap_or(0) * 1000 / grades[grade];
    assert!(share("C") < share("A"), "{grades:?} {wins:?}");
}
