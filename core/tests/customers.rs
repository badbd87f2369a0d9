//! Purchases and spending of real customers, where the wider samples are beside the repository.
#![expect(clippy::float_arithmetic, reason = "statistics")]

use std::collections::BTreeMap;
use std::path::Path;

use chrono::NaiveDate;
use upturn_core::forecast::lifetime::Customer;
use upturn_core::forecast::lifetime::purchases::Purchases;
use upturn_core::forecast::lifetime::spend::{Spend, Spent};

fn shared(name: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/forecast").join(name);
    std::fs::read_to_string(path).ok()
}

fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().skip(1).map(|line| line.split(',').collect())
}

fn near(found: f64, expected: f64) {
    assert!((found / expected - 1.0).abs() < 5e-4, "{found}, not {expected}");
}

#[test]
fn purchases_of_the_published_sample_have_the_published_model() {
    let Some(text) = shared("cdnow_summary.csv") else { return };
    let customers: Vec<Customer> = rows(&text)
        .map(|row| {
            let number = |at: usize| row[at].parse::<f64>().unwrap();
            Customer::new(row[1].parse().unwrap(), number(2), number(3)).unwrap()
        })
        .collect();
    assert_eq!(customers.len(), 2_357);
    let fitted = Purchases::fit(&customers).unwrap();
    near(fitted.r, 0.2426);
    near(fitted.alpha, 4.4135);
    near(fitted.a, 0.7929);
    near(fitted.b, 2.4258);
    near(fitted.log_likelihood, -9_582.43);
    let customer = Customer::new(2, 30.43, 38.86).unwrap();
    near(fitted.alive(&customer), 0.726_609);
    near(fitted.expected(&customer, 39.0), 1.225_910);
}

/// What one customer did up to a day, and after it.
#[derive(Default)]
struct Log {
    days: BTreeMap<NaiveDate, f64>,
}

#[test]
fn what_customers_bought_in_the_next_39_weeks_was_forecast() {
    let Some(text) = shared("cdnow_sample_log.csv") else { return };
    let day = |text: &str| NaiveDate::parse_from_str(text, "%Y%m%d").unwrap();
    let (now, end) = (day("19970930"), day("19980630"));
    let mut logs: BTreeMap<u32, Log> = BTreeMap::new();
    for row in rows(&text) {
        let log = logs.entry(row[1].parse().unwrap()).or_default();
        *log.days.entry(day(row[2])).or_default() += row[4].parse::<f64>().unwrap();
    }

    let weeks = |from: NaiveDate, to: NaiveDate| {
        f64::from(i32::try_from((to - from).num_days()).unwrap()) / 7.0
    };
    let (mut customers, mut later, mut spent) = (Vec::new(), Vec::new(), Vec::new());
    for log in logs.values() {
        let first = *log.days.keys().next().unwrap();
        let repeats: Vec<f64> =
            log.days.iter().skip(1).filter(|(day, _)| **day <= now).map(|(_, sum)| *sum).collect();
        let last = log.days.keys().rfind(|day| **day <= now).unwrap();
        let count = u32::try_from(repeats.len()).unwrap();
        customers.push(Customer::new(count, weeks(first, *last), weeks(first, now)).unwrap());
        let held_out = log.days.keys().filter(|day| now < **day && **day <= end).count();
        later.push(f64::from(u32::try_from(held_out).unwrap()));
        spent.extend(Spent::new(count, repeats.iter().sum::<f64>() / f64::from(count)));
    }
    let purchases = Purchases::fit(&customers).unwrap();
    let missed = customers.iter().zip(&later);
    let missed: f64 =
        missed.map(|(customer, later)| (purchases.expected(customer, 39.0) - later).abs()).sum();
    let missed = missed / f64::from(u32::try_from(later.len()).unwrap());
    assert!(missed <= 0.787, "mean absolute error {missed}");

    let model = Spend::fit(&spent).unwrap();
    near(model.p, 6.2496);
    near(model.q, 3.7442);
    near(model.v, 15.4435);
}
