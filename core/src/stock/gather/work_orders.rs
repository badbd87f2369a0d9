//! Closed work orders as lines to learn from.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::failures::RETIRED;
use super::row::Rows;
use crate::stock::learn::Line;

/// Returns what each device in the field is called by a table of failures: its model, and the product that
/// it is one of where that has another name.
pub fn names(rows: &Rows) -> impl Iterator<Item = &str> {
    let products: BTreeMap<&str, &str> =
        rows.installed.iter().map(|row| (&*row.device, &*row.product)).collect();
    let in_field = rows.devices.iter().filter(|device| device.status.as_deref() != Some(RETIRED));
    in_field.flat_map(move |device| {
        let product = products.get(&*device.id).copied().filter(|name| **name != *device.model);
        std::iter::once(&*device.model).chain(product)
    })
}

/// Returns the lines of orders that were closed by `today`.
///
/// A line stands once for the model of its device, and once more for the product that the device is one
/// of, where that has another name: a table of failures may speak of either.
pub fn lines(rows: &Rows, today: NaiveDate) -> Vec<Line> {
    let models: BTreeMap<&str, &str> =
        rows.devices.iter().map(|device| (&*device.id, &*device.model)).collect();
    let products: BTreeMap<&str, &str> =
        rows.installed.iter().map(|row| (&*row.device, &*row.product)).collect();
    let mut lines = Vec::new();
    for order in rows.work_orders.iter().filter(|order| order.closed_on <= today) {
        let model = models.get(&*order.device).copied();
        let product = products.get(&*order.device).copied().filter(|name| Some(*name) != model);
        let used_on = order.used_on.unwrap_or(order.failed_on);
        for name in model.into_iter().chain(product) {
            lines.push(Line {
                // An order may hold several devices, and each is a failure.
                order: format!("{}/{}", order.id, order.device),
                model: name.to_owned(),
                fault: order.fault.clone(),
                failed_on: order.failed_on,
                part: order.part.clone().map(|part| (part, used_on)),
            });
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::super::records;
    use super::super::row::{Device, Installed, Product, WorkOrder};
    use super::*;
    use crate::stock::plan::failures::{Failures, YEAR_DAYS};
    use crate::stock::stocking::Stocking;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn rows() -> Rows {
        let device = |id: &str| Device {
            id: id.to_owned(),
            model: "X7".to_owned(),
            site: None,
            account: None,
            status: None,
        };
        let order =
            |id: &str, failed_on: &str, part: Option<&str>, used_on: Option<&str>| WorkOrder {
                id: id.to_owned(),
                device: "d-1".to_owned(),
                fault: "care".to_owned(),
                failed_on: day(failed_on),
                closed_on: day(failed_on) + chrono::Days::new(10),
                part: part.map(str::to_owned),
                used_on: used_on.map(day),
            };
        Rows {
            products: vec![Product {
                id: "BOARD".to_owned(),
                family: None,
                pack_size: None,
                minimum_order: None,
                replaced_by: None,
            }],
            devices: vec![device("d-1"), device("d-2")],
            installed: vec![Installed {
                device: "d-1".to_owned(),
                product: "EV-X7".to_owned(),
                installed_on: None,
            }],
            work_orders: vec![
                order("w-1", "2025-01-10", Some("BOARD"), Some("2025-01-14")),
                order("w-2", "2025-02-10", None, None),
                order("w-3", "2025-03-10", Some("BOARD"), None),
                order("w-4", "2025-04-10", Some("CABLE"), None),
                // One order, two devices, of which one needed nothing.
                WorkOrder { device: "d-2".to_owned(), ..order("w-3", "2025-03-10", None, None) },
                // Too long ago, and not closed yet.
                order("w-5", "2023-04-10", Some("BOARD"), None),
                order("w-6", "2025-06-25", Some("BOARD"), None),
            ],
            ..Rows::default()
        }
    }

    #[test]
    fn what_a_row_leaves_out_closed_orders_tell() {
        let as_of: DateTime<Utc> = "2025-06-30T04:00:00Z".parse().unwrap();
        let document = include_str!("../../../../deploy/stock/stocking.toml");
        // Two of five failures of the model needed the part, and two of four of the product, of which one of
        // the two devices is.
        let per_year = |devices: f64, share: f64| devices * share / YEAR_DAYS;
        let cases: [(&str, &str, Option<f64>); 6] = [
            ("X7", "part = \"BOARD\"", Some(per_year(2.0, 0.4))),
            ("EV-X7", "part = \"BOARD\"", Some(per_year(1.0, 0.5))),
            ("X7", "part = \"BOARD\"\nshare = \"0.1\"", Some(per_year(2.0, 0.1))),
            ("X7", "part = \"BOARD\"\nlag_days = 366", Some(per_year(2.0, 0.4))),
            ("X7", "part = \"FAN\"", None),
            ("X9", "part = \"BOARD\"", None),
        ];
        for (model, more, expected) in cases {
            let row = format!(
                "[[failure]]\nmodel = \"{model}\"\nfault = \"care\"\nper_year = \"1\"\n{more}\n"
            );
            let stocking = Stocking::parse(&format!("{document}\n{row}")).unwrap();
            let made = records(&stocking, &rows(), &[], as_of);
            let found = made.setting.positions.iter().find_map(|one| one.failures.as_deref());
            let found = found.map(Failures::per_day);
            let is_same = match (found, expected) {
                (Some(found), Some(expected)) => (found - expected).abs() < 1e-12,
                (found, expected) => found.is_none() && expected.is_none(),
            };
            assert!(is_same, "{model} {more}: {found:?}, not {expected:?}");
            let told = made.troubles.listed.iter().any(|one| one.message.contains("'work-order'"));
            assert_eq!(told, expected.is_none(), "{model} {more}");
        }
    }

    #[test]
    fn a_line_is_of_the_model_and_of_the_product() {
        let rows = rows();
        let lines = lines(&rows, day("2025-06-30"));
        let told: Vec<_> = lines.iter().map(|line| (&*line.order, &*line.model)).collect();
        assert_eq!(told[..2], [("w-1/d-1", "X7"), ("w-1/d-1", "EV-X7")]);
        assert!(!told.iter().any(|(order, _)| *order == "w-6/d-1"), "it is not closed: {told:?}");
        assert_eq!(lines[0].part, Some(("BOARD".to_owned(), day("2025-01-14"))));
        assert_eq!(lines[4].part, Some(("BOARD".to_owned(), day("2025-03-10"))));
        assert_eq!(names(&rows).collect::<Vec<_>>(), ["X7", "EV-X7", "X7"]);
    }
}
