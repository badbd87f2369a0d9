//! Customers and the people there: parties, and named means of reaching them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Company, Row, SOLD, Tryton, at, put, text};
use crate::deliver::failure::Failure;
use crate::tryton::Fields;
use crate::tryton::wire::{self, Page};

/// How Tryton calls China's unified social credit code: since 8.0 as the number for taxes, which it is.
const CREDIT_CODES: [&str; 2] = ["cn_vat", "cn_uscc"];

impl Tryton {
    /// Returns all parties but the company's own and those of its employees who never bought anything;
    /// archived ones too, since orders name them.
    pub(super) async fn accounts(&self, company: &Company) -> Result<Vec<Row>, Failure> {
        let context = all_of(company);
        let all = async |model, domain: &[Value], fields: &[&str]| {
            self.all(&Page { model, domain, fields, context: &context }).await
        };
        let own = self.own_parties(company).await?;
        let placed = [json!(["country", "!=", null])];
        let addresses = all("party.address", &placed, &["party", "country.code"]).await?;
        let of_credit = [json!(["type", "in", CREDIT_CODES])];
        let identifiers = all("party.identifier", &of_credit, &["party", "code"]).await?;
        let countries = first_of_each(&addresses, &["country", "code"]);
        let credit_codes = first_of_each(&identifiers, &["code"]);
        let fields = ["code", "name", "phone", "mobile", "email"];
        let parties = all("party.party", &[], &fields).await?;
        let mut rows = Vec::new();
        for found in &parties {
            let id = wire::id(found)?;
            if own.contains(&id) {
                continue;
            }
            let mut row = Row::new();
            put(&mut row, "id", text(found, &["code"]));
            put(&mut row, "name", text(found, &["name"]));
            put(&mut row, "country", countries.get(&id).cloned());
            put(&mut row, "credit_code", credit_codes.get(&id).cloned());
            let phone = filled(found, "phone").or_else(|| filled(found, "mobile"));
            put(&mut row, "phone", phone);
            put(&mut row, "email", filled(found, "email"));
            rows.push(row);
        }
        Ok(rows)
    }

    /// Returns the parties that are no customers.
    async fn own_parties(&self, company: &Company) -> Result<BTreeSet<i64>, Failure> {
        let context = all_of(company);
        let all = async |model, domain: &[Value]| {
            self.all(&Page { model, domain, fields: &["party"], context: &context }).await
        };
        let employees = all("company.employee", &[]).await?;
        let mut own: BTreeSet<i64> = employees.iter().filter_map(party).collect();
        if !own.is_empty() {
            // An order names whoever bought something, also one's own people.
            let bought = [json!(["party", "in", own]), json!(["state", "in", SOLD])];
            let bought = all("sale.sale", &bought).await?;
            let bought: BTreeSet<i64> = bought.iter().filter_map(party).collect();
            own.retain(|id| !bought.contains(id));
        }
        own.insert(company.party);
        Ok(own)
    }

    /// Returns a person for each name under which parties are reached.
    pub(super) async fn contacts(&self, company: &Company) -> Result<Vec<Row>, Failure> {
        let context = json!({ "company": company.id });
        let domain = [
            json!(["name", "!=", null]),
            json!(["name", "!=", ""]),
            json!(["type", "in", ["phone", "mobile", "email"]]),
            json!(["party", "!=", company.party]),
        ];
        let fields = ["name", "type", "value", "party", "party.code"];
        let page = Page {
            model: "party.contact_mechanism",
            domain: &domain,
            fields: &fields,
            context: &context,
        };
        let found = self.all(&page).await?;
        let own = self.own_parties(company).await?;
        let of_others = found.iter().filter(|one| party(one).is_none_or(|id| !own.contains(&id)));
        people(of_others)
    }
}

/// Returns the context in which archived records are told, too.
fn all_of(company: &Company) -> Value {
    json!({ "company": company.id, "active_test": false })
}

/// Returns a row for each party and name; of several numbers or addresses the first counts.
fn people<'f>(found: impl Iterator<Item = &'f Fields>) -> Result<Vec<Row>, Failure> {
    let mut rows: BTreeMap<(String, String), Row> = BTreeMap::new();
    for one in found {
        let name = text(one, &["name"]).unwrap_or_default().trim().to_owned();
        let code = text(one, &["party", "code"]).unwrap_or_default();
        if name.is_empty() {
            continue;
        }
        let id = format!("{code}.{}", wire::id(one)?);
        let row = rows.entry((code.clone(), name.clone())).or_insert_with(|| {
            let cells = [("id", id), ("name", name), ("account", code)];
            cells.into_iter().chain([("phone", String::new()), ("email", String::new())]).collect()
        });
        let column =
            if text(one, &["type"]).as_deref() == Some("email") { "email" } else { "phone" };
        let value = text(one, &["value"]).unwrap_or_default();
        if let Some(cell) = row.get_mut(column).filter(|cell| cell.is_empty()) {
            *cell = value;
        }
    }
    Ok(rows.into_values().collect())
}

fn party(found: &Fields) -> Option<i64> {
    // As a number, or with fields of its own beside its id.
    let party = at(found, &["party"])?;
    party.as_i64().or_else(|| party.get("id")?.as_i64())
}

fn filled(found: &Fields, name: &str) -> Option<String> {
    text(found, &[name]).filter(|text| !text.is_empty())
}

/// Returns the first text of each party.
fn first_of_each(found: &[Fields], path: &[&str]) -> BTreeMap<i64, String> {
    let mut first = BTreeMap::new();
    for one in found {
        if let Some((id, text)) = party(one).zip(text(one, path)) {
            first.entry(id).or_insert(text);
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_person_however_many_numbers_it_has() {
        let means = |id: i64, party: &str, name: &str, how: &str, value: &str| {
            let found = json!({"id": id, "name": name, "type": how, "value": value,
                "party": {"id": 3, "code": party}});
            found.as_object().unwrap().clone()
        };
        let found = [
            means(4, "northside", "Ann Lee", "phone", "+49 30 1"),
            means(5, "northside", "Ann Lee", "email", "ann@north.example"),
            means(6, "northside", "Ann Lee ", "mobile", "+49 170 2"),
            means(7, "southside", "Ann Lee", "email", "ann@south.example"),
            means(8, "southside", " ", "email", "office@south.example"),
        ];
        let rows = people(found.iter()).unwrap();
        let told: Vec<Vec<&str>> = rows
            .iter()
            .map(|row| ["id", "account", "name", "phone", "email"].map(|name| &*row[name]).to_vec())
            .collect();
        let expected = [
            ["northside.4", "northside", "Ann Lee", "+49 30 1", "ann@north.example"],
            ["southside.7", "southside", "Ann Lee", "", "ann@south.example"],
        ];
        assert_eq!(told, expected);
        let addresses =
            [json!({"party": 3, "country": {"code": "DE"}}), json!({"party": {"id": 3}})];
        let addresses = addresses.map(|one| one.as_object().unwrap().clone());
        assert_eq!(first_of_each(&addresses, &["country", "code"]), [(3, "DE".to_owned())].into());
    }
}
