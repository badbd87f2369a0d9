//! Customers, products, prices, stock, orders and shipments of a Tryton, over its REST interface.
//!
//! **What it reads** parties with the people who are named there, goods (`product.product`), their list
//! prices in the company's currency, from the day on which the product was changed last, how many lie at
//! each storage location that has a code, the lines of confirmed sales, and internal shipments that have
//! left. Records are read page by page, in the order of their ids. What has no code is told as a wrong row, not left out in silence.
//! **Example** `url = "https://erp.example.com/company"`, `key_file = "/etc/upturn/tryton-key"`
//! **Settings** the address with the database, the key of a user application for REST, the company's
//! party and which records are read.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Row;
use crate::deliver::failure::Failure;
use crate::deliver::kind::SettingsError;
use crate::http::Http;
use crate::tryton::wire::{self, PAGE, Page};
use crate::tryton::{Client, Fields};

mod parties;
mod shipments;

/// The most records of one kind.
const RECORDS_MAX: usize = 1_000_000;
/// The name of the list that list prices are in.
const LIST: &str = "tryton";
/// The most storage locations: each is asked for all products.
const LOCATIONS_MAX: usize = 200;

/// Which Tryton, and what of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Its address with the database: `https://erp.example.com/company`.
    pub url: String,
    /// The file with the key of a user application for REST; its whole path.
    pub key_file: PathBuf,
    /// The code of the company's party; needed if there are several companies.
    pub company: Option<String>,
    /// Which records are read. Default: all that it has.
    #[serde(default = "all")]
    pub records: Vec<Kind>,
}

fn all() -> Vec<Kind> {
    vec![
        Kind::Account,
        Kind::Contact,
        Kind::Product,
        Kind::Price,
        Kind::Stock,
        Kind::Order,
        Kind::Shipment,
    ]
}

/// What is read, in the order in which it is taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Parties.
    Account,
    /// People at them.
    Contact,
    /// Products.
    Product,
    /// Their list prices.
    Price,
    /// How many of them lie where.
    Stock,
    /// Lines of confirmed sales.
    Order,
    /// What is on its way between locations, or was.
    Shipment,
}

impl Kind {
    /// Returns the name of the kind of records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Contact => "contact",
            Self::Product => "product",
            Self::Price => "price",
            Self::Stock => "stock",
            Self::Order => "order",
            Self::Shipment => "shipment",
        }
    }
}

/// Whose records are read.
struct Company {
    id: i64,
    /// Its own party.
    party: i64,
    /// Its currency's code; empty where it has none.
    currency: String,
}

/// The states of a sale that somebody has agreed to.
const SOLD: [&str; 3] = ["confirmed", "processing", "done"];

/// A Tryton that is read.
#[derive(Debug)]
pub struct Tryton {
    client: Client,
    settings: Settings,
}

impl Tryton {
    /// Returns the Tryton that `settings` name; calls nobody.
    pub fn new(settings: Settings, http: &Http) -> Result<Self, SettingsError> {
        let client = Client::new(&settings.url, &settings.key_file, http)?;
        Ok(Self { client, settings })
    }

    /// Returns what it has of `kind`, at `now`.
    pub async fn rows(&self, kind: Kind, now: DateTime<Utc>) -> Result<Vec<Row>, Failure> {
        let whole = self.company().await?;
        let Company { id: company, currency, .. } = &whole;
        match kind {
            Kind::Account => self.accounts(&whole).await,
            Kind::Contact => self.contacts(&whole).await,
            Kind::Shipment => self.shipments(&whole).await,
            Kind::Product => {
                let found =
                    self.products(&json!({ "company": company }), &["code", "name"]).await?;
                Ok(found.iter().map(product).collect())
            }
            Kind::Price => {
                let fields =
                    ["code", "template.list_price", "template.write_date", "template.create_date"];
                let found = self.products(&json!({ "company": company }), &fields).await?;
                Ok(found.iter().filter_map(|found| price(found, currency)).collect())
            }
            Kind::Stock => self.stock(*company, now).await,
            Kind::Order => {
                let fields = [
                    "sale.number",
                    "sale.party.code",
                    "sale.sale_date",
                    "sale.currency.code",
                    "sale.payment_term.name",
                    "product.code",
                    "quantity",
                    "amount",
                ];
                let sold = json!(["sale.state", "in", SOLD]);
                let ours = json!(["sale.company", "=", company]);
                let goods = json!(["product.type", "=", "goods"]);
                let domain = [json!(["type", "=", "line"]), sold, ours, goods];
                let context = json!({ "company": company });
                let page = Page {
                    model: "sale.line",
                    domain: &domain,
                    fields: &fields,
                    context: &context,
                };
                Ok(self.all(&page).await?.iter().map(order).collect())
            }
        }
    }

    async fn company(&self) -> Result<Company, Failure> {
        let domain = match &self.settings.company {
            Some(code) => json!([["party.code", "=", code]]),
            None => json!([]),
        };
        let fields = ["currency.code", "party"];
        let found = self.client.search("company.company", &domain, &fields).await?;
        let [found] = &*found else {
            return Err(Failure::refused(format!(
                "Tryton shows {} companies of that kind; set 'company' to the code of one's party",
                found.len()
            )));
        };
        let currency = text(found, &["currency", "code"]).unwrap_or_default();
        let party = found.get("party").and_then(Value::as_i64).unwrap_or_default();
        Ok(Company { id: wire::id(found)?, party, currency })
    }

    async fn products(&self, context: &Value, fields: &[&str]) -> Result<Vec<Fields>, Failure> {
        let domain = [json!(["type", "=", "goods"])];
        self.all(&Page { model: "product.product", domain: &domain, fields, context }).await
    }

    /// Returns how many of each product lie at each location: 0, too, since there may have been some.
    async fn stock(&self, company: i64, now: DateTime<Utc>) -> Result<Vec<Row>, Failure> {
        let domain = [json!(["type", "=", "storage"]), json!(["code", "!=", null])];
        let context = json!({ "company": company });
        let fields = ["code"];
        let page =
            Page { model: "stock.location", domain: &domain, fields: &fields, context: &context };
        let locations = self.all(&page).await?;
        if LOCATIONS_MAX < locations.len() {
            return Err(Failure::refused(format!(
                "Tryton has more than {LOCATIONS_MAX} storage locations with a code"
            )));
        }
        let mut rows = Vec::new();
        for location in &locations {
            let context = json!({ "company": company, "locations": [wire::id(location)?], "with_childs": false });
            for found in self.products(&context, &["code", "quantity"]).await? {
                let mut row = Row::new();
                put(&mut row, "product", text(&found, &["code"]));
                put(&mut row, "place", text(location, &["code"]));
                put(&mut row, "on_hand", wire::number(found.get("quantity")));
                put(&mut row, "counted_at", Some(now.to_rfc3339()));
                rows.push(row);
            }
            bounded(rows.len())?;
        }
        Ok(rows)
    }

    /// Reads all pages.
    async fn all(&self, page: &Page<'_>) -> Result<Vec<Fields>, Failure> {
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let found = self.client.page(page, after).await?;
            let count = found.len();
            let last = found.last().map(wire::id).transpose()?;
            all.extend(found);
            bounded(all.len())?;
            match last {
                Some(last) if count == PAGE && after < last => after = last,
                Some(_) | None => return Ok(all),
            }
        }
    }
}

fn bounded(count: usize) -> Result<(), Failure> {
    if count <= RECORDS_MAX {
        return Ok(());
    }
    Err(Failure::refused(format!("Tryton has more than {RECORDS_MAX} records of one kind")))
}

fn product(found: &Fields) -> Row {
    let mut row = Row::new();
    put(&mut row, "id", text(found, &["code"]));
    put(&mut row, "name", text(found, &["name"]));
    row
}

/// Returns the list price of a product, if it has one.
fn price(found: &Fields, currency: &str) -> Option<Row> {
    let amount = wire::number(at(found, &["template", "list_price"]))?;
    let changed = at(found, &["template", "write_date"]).filter(|at| !at.is_null());
    let changed = changed.or_else(|| at(found, &["template", "create_date"]));
    let mut row = Row::new();
    put(&mut row, "list", Some(LIST.to_owned()));
    put(&mut row, "product", text(found, &["code"]));
    put(&mut row, "currency", Some(currency.to_owned()));
    put(&mut row, "valid_from", wire::day(changed).map(|day| day.to_string()));
    put(&mut row, "unit_price", Some(amount));
    Some(row)
}

fn order(found: &Fields) -> Row {
    let mut row = Row::new();
    put(&mut row, "id", text(found, &["sale", "number"]));
    put(&mut row, "line", wire::number(found.get("id")));
    put(&mut row, "account", text(found, &["sale", "party", "code"]));
    put(&mut row, "product", text(found, &["product", "code"]));
    put(&mut row, "quantity", wire::number(found.get("quantity")));
    put(&mut row, "amount", wire::number(found.get("amount")));
    put(&mut row, "currency", text(found, &["sale", "currency", "code"]));
    let ordered_on = wire::day(at(found, &["sale", "sale_date"]));
    put(&mut row, "ordered_on", ordered_on.map(|day| day.to_string()));
    put(&mut row, "payment_terms", text(found, &["sale", "payment_term", "name"]));
    row
}

fn put(row: &mut Row, column: &'static str, value: Option<String>) {
    // An empty cell is told by the check of its kind.
    row.insert(column, value.unwrap_or_default());
}

fn at<'f>(found: &'f Fields, path: &[&str]) -> Option<&'f Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(found.get(*first)?, |value, name| value.get(name))
}

fn text(found: &Fields, path: &[&str]) -> Option<String> {
    at(found, path)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_sale_is_a_row_of_an_order() {
        let decimal = |text: &str| json!({"__class__": "Decimal", "decimal": text});
        let day = json!({"__class__": "date", "year": 2026, "month": 1, "day": 21});
        let line = json!({
            "id": 7, "quantity": 2.0, "amount": decimal("37000.00"), "product": {"code": "VENT-12"},
            "sale": {
                "number": "S-1", "sale_date": day, "currency": {"code": "USD"}, "payment_term": null,
                "party": {"code": "northside"},
            },
        });
        let row = order(line.as_object().unwrap());
        let expected = [
            ("account", "northside"),
            ("amount", "37000.00"),
            ("currency", "USD"),
            ("id", "S-1"),
            ("line", "7"),
            ("ordered_on", "2026-01-21"),
            ("payment_terms", ""),
            ("product", "VENT-12"),
            ("quantity", "2"),
        ];
        assert_eq!(row, expected.map(|(column, text)| (column, text.to_owned())).into());
        assert_eq!(product(&Fields::new()).get("id").map(String::as_str), Some(""));
    }
}
