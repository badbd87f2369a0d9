//! Goods on their way between the company's own places: internal shipments that have left.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::json;

use super::{Company, Row, Tryton, at, put, text};
use crate::deliver::failure::Failure;
use crate::tryton::Fields;
use crate::tryton::wire::{self, Page};

const MODEL: &str = "stock.shipment.internal";

impl Tryton {
    /// Returns what internal shipments have of each product that left a place with a code for one.
    pub(super) async fn shipments(&self, company: &Company) -> Result<Vec<Row>, Failure> {
        let context = json!({ "company": company.id });
        let states = json!(["shipped", "done"]);
        let domain = [
            json!(["state", "in", states]),
            json!(["company", "=", company.id]),
            json!(["from_location.code", "!=", null]),
            json!(["to_location.code", "!=", null]),
        ];
        let fields = [
            "number",
            "from_location.code",
            "to_location.code",
            "transit_location",
            "effective_start_date",
            "effective_date",
            "planned_date",
            "state",
        ];
        let page = Page { model: MODEL, domain: &domain, fields: &fields, context: &context };
        let shipments = self.all(&page).await?;
        let domain = [
            json!(["shipment.state", "in", states, MODEL]),
            json!(["company", "=", company.id]),
            json!(["state", "!=", "cancelled"]),
        ];
        let fields = ["shipment", "product.code", "internal_quantity", "to_location"];
        let page =
            Page { model: "stock.move", domain: &domain, fields: &fields, context: &context };
        rows(&shipments, &self.all(&page).await?)
    }
}

/// Returns a row for each shipment and product.
fn rows(shipments: &[Fields], moves: &[Fields]) -> Result<Vec<Row>, Failure> {
    let mut by_shipment: BTreeMap<String, Vec<&Fields>> = BTreeMap::new();
    for one in moves {
        let shipment = text(one, &["shipment"]).unwrap_or_default();
        by_shipment.entry(shipment).or_default().push(one);
    }
    let mut rows = Vec::new();
    for shipment in shipments {
        let name = format!("{MODEL},{}", wire::id(shipment)?);
        let moves = by_shipment.get(&name).map(Vec::as_slice).unwrap_or_default();
        for (product, quantity) in arriving(shipment, moves) {
            let mut row = head(shipment);
            put(&mut row, "product", Some(product));
            put(&mut row, "quantity", Some(quantity.normalize().to_string()));
            rows.push(row);
        }
    }
    Ok(rows)
}

/// Returns how many of each product go to the shipment's end; what goes by a place of transit is moved
/// twice.
fn arriving(shipment: &Fields, moves: &[&Fields]) -> BTreeMap<String, Decimal> {
    let transit = at(shipment, &["transit_location"]).and_then(serde_json::Value::as_i64);
    let mut all: BTreeMap<String, Decimal> = BTreeMap::new();
    for one in moves {
        let to = at(one, &["to_location"]).and_then(serde_json::Value::as_i64);
        if transit.is_some() && to == transit {
            continue;
        }
        let quantity = wire::number(one.get("internal_quantity"));
        let quantity = quantity.and_then(|text| text.parse::<Decimal>().ok()).unwrap_or_default();
        *all.entry(text(one, &["product", "code"]).unwrap_or_default()).or_default() += quantity;
    }
    all
}

fn head(shipment: &Fields) -> Row {
    let day = |name: &str| wire::day(shipment.get(name));
    let effective = day("effective_date");
    let shipped = day("effective_start_date").or(effective);
    let is_over = text(shipment, &["state"]).as_deref() == Some("done");
    // A plan for a day before it left says nothing of when it will be there.
    let expected = day("planned_date").filter(|planned| shipped.is_none_or(|day| day <= *planned));
    let cell = |day: Option<NaiveDate>| day.map(|day| day.to_string());
    let mut row = Row::new();
    put(&mut row, "id", text(shipment, &["number"]));
    put(&mut row, "from", text(shipment, &["from_location", "code"]));
    put(&mut row, "to", text(shipment, &["to_location", "code"]));
    put(&mut row, "shipped_on", cell(shipped));
    put(&mut row, "expected_on", cell(expected));
    put(&mut row, "arrived_on", cell(effective.filter(|_| is_over)));
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: &serde_json::Value) -> Fields {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn what_goes_by_a_place_of_transit_counts_once() {
        let day = |day: u32| json!({"__class__": "date", "year": 2027, "month": 1, "day": day});
        let shipment = |id: i64, state: &str, planned: u32| {
            object(&json!({
                "id": id, "number": format!("I-{id}"), "state": state, "transit_location": 9,
                "from_location": {"code": "STO"}, "to_location": {"code": "WEST"},
                "effective_start_date": day(20), "planned_date": day(planned),
                "effective_date": if state == "done" { day(22) } else { json!(null) },
            }))
        };
        let part = |id: i64, product: &str, quantity: f64, to: i64| {
            object(&json!({
                "id": 1, "shipment": format!("{MODEL},{id}"), "product": {"code": product},
                "internal_quantity": quantity, "to_location": to,
            }))
        };
        let shipments = [shipment(1, "shipped", 27), shipment(2, "done", 19)];
        let moves = [
            part(1, "VENT-12", 8.0, 9),
            part(1, "VENT-12", 5.0, 4),
            part(1, "VENT-12", 3.0, 5),
            part(2, "FIL-1", 2.0, 4),
            part(3, "FIL-1", 2.0, 4),
        ];
        let rows = rows(&shipments, &moves).unwrap();
        let columns =
            ["id", "product", "quantity", "from", "to", "shipped_on", "expected_on", "arrived_on"];
        let told: Vec<Vec<&str>> =
            rows.iter().map(|row| columns.map(|column| &*row[column]).to_vec()).collect();
        let expected = [
            ["I-1", "VENT-12", "8", "STO", "WEST", "2027-01-20", "2027-01-27", ""],
            ["I-2", "FIL-1", "2", "STO", "WEST", "2027-01-20", "", "2027-01-22"],
        ];
        assert_eq!(told, expected);
    }
}
