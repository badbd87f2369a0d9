//! Letters as records of Tryton, over its REST interface.
//!
//! **What it does** makes one opportunity for each task, found again by its `reference`; for stocking
//! advice an internal shipment. Tryton's standard modules have no record for requirements, so a
//! requirement becomes an opportunity with a reference of its own. The customer is the party whose
//! code is the account's id. Later letters are added to the record as notes, so that nothing people
//! wrote is lost; a task that is taken back cancels its record if nobody works on it yet.
//! What people convert, win, lose or cancel there closes the task here.
//! **When it fires** as soon as the task and its letter are committed and its hold is over.
//! **Example** `url = "https://erp.example.com/company"`, `key_file = "/etc/upturn/tryton-key"`
//! **Settings** the address with the database, the key of a user application for REST, and the
//! company, employee and currency of new records.

use std::path::PathBuf;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::record::{Found, Model};
use super::channel::{Channel, Receipt, RecordState};
use super::failure::{Failure, quote};
use super::kind::{self, Kind, Proof, SettingsError};
use super::letter::Letter;
use crate::http::{Http, Method};
use crate::tryton::{Client, wire};

mod record;

/// This kind of channel.
pub const KIND: Kind = Kind {
    name: "tryton",
    about: "Makes opportunities and internal shipments in Tryton, and learns how they end.",
    proof: Proof::Real("Tryton 8.2"),
    schema: || schemars::schema_for!(Settings),
    build: |settings, around| Ok(Box::new(Tryton::new(kind::read(settings)?, &around.http)?)),
};

/// Which Tryton, and whose records.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Its address with the database: `https://erp.example.com/company`.
    pub url: String,
    /// The file with the key of a user application for REST; its whole path.
    pub key_file: PathBuf,
    /// The code of the company's party; needed if there are several companies.
    pub company: Option<String>,
    /// The code of the party of the employee to whom new opportunities go.
    pub employee: Option<String>,
    /// The currency of new opportunities; the company's if not set.
    pub currency: Option<String>,
    /// Further fields of new opportunities, as Tryton's REST interface takes them.
    #[serde(default)]
    pub fields: Map<String, Value>,
}

/// Letters as records of Tryton.
#[derive(Debug)]
struct Tryton {
    client: Client,
    settings: Settings,
}

/// Whose new records are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Company {
    id: i64,
    currency: i64,
    employee: Option<i64>,
}

impl Tryton {
    fn new(settings: Settings, http: &Http) -> Result<Self, SettingsError> {
        let client = Client::new(&settings.url, &settings.key_file, http)?;
        Ok(Self { client, settings })
    }

    /// Returns the id of the one record of `model` whose `code` is `code`.
    async fn get_by_code(&self, model: &str, path: &str, code: &str) -> Result<i64, Failure> {
        let found = self.client.search(model, &json!([[path, "=", code]]), &["active"]).await?;
        let shown = quote(code);
        let what = wire::in_words(model);
        let [found] = &*found else {
            let number = if found.is_empty() { "no" } else { "more than one" };
            return Err(Failure::refused(format!(
                "there is {number} {what} with the code '{shown}' in Tryton; put that right, then \
                 send this again"
            )));
        };
        if !wire::truth(found.get("active")) {
            return Err(Failure::refused(format!(
                "the {what} with the code '{shown}' is inactive in Tryton; activate it, then send \
                 this again"
            )));
        }
        wire::id(found)
    }

    async fn company(&self) -> Result<Company, Failure> {
        let domain = match &self.settings.company {
            Some(code) => json!([["party.code", "=", code]]),
            None => json!([]),
        };
        let found = self.client.search("company.company", &domain, &["currency"]).await?;
        let [found] = &*found else {
            return Err(Failure::later(format!(
                "Tryton shows {} companies of that kind; set 'company' to the code of one's party",
                found.len()
            )));
        };
        let id = wire::id(found)?;
        let currency = match &self.settings.currency {
            Some(code) => Some(self.get_by_code("currency.currency", "code", code).await?),
            None => found.get("currency").and_then(Value::as_i64),
        };
        let currency = currency.ok_or_else(|| {
            Failure::later("the company has no currency in Tryton; set 'currency'")
        })?;
        let employee = match &self.settings.employee {
            Some(code) => Some(self.get_by_code("company.employee", "party.code", code).await?),
            None => None,
        };
        Ok(Company { id, currency, employee })
    }

    /// Returns the record of the letter, by the id it had here before or by its reference.
    async fn locate(&self, letter: &Letter) -> Result<Option<Found>, Failure> {
        let model = Model::of(letter);
        let known = letter.remote.as_deref().and_then(Found::id_in);
        let known = known.filter(|(of, _)| *of == model).map(|(_, id)| id);
        let domain = match known {
            Some(id) => json!([["id", "=", id]]),
            None => json!([["reference", "=", letter.reference()]]),
        };
        let found = self.client.search(model.name(), &domain, &["state"]).await?;
        // An earlier one is the one that other letters were about.
        let first = found.iter().filter_map(|found| Found::read(model, found)).min_by_key(|f| f.id);
        Ok(first)
    }

    async fn create(&self, letter: &Letter, now: DateTime<Utc>) -> Result<Found, Failure> {
        let company = self.company().await?;
        let model = Model::of(letter);
        let values = match model {
            Model::Opportunity => {
                let party = match letter.field("account") {
                    Some(account) => Some(self.get_by_code("party.party", "code", account).await?),
                    None => None,
                };
                let currency = match letter.field("currency") {
                    Some(code) => self.get_by_code("currency.currency", "code", code).await?,
                    None => company.currency,
                };
                let company = Company { currency, ..company };
                record::opportunity(letter, company, party, &self.settings.fields, now)?
            }
            Model::Shipment => {
                let stated = record::Advice::read(letter)?;
                let location = "stock.location";
                let from = self.get_by_code(location, "code", &stated.from).await?;
                let to = self.get_by_code(location, "code", &stated.to).await?;
                let product = self.get_by_code("product.product", "code", &stated.product).await?;
                let domain = json!([["id", "=", product]]);
                let found =
                    self.client.search("product.product", &domain, &["default_uom"]).await?;
                let unit = found.first().and_then(|found| found.get("default_uom")?.as_i64());
                let unit =
                    unit.ok_or_else(|| Failure::refused("the product has no unit in Tryton"))?;
                let ids = record::Ids { company: company.id, from, to, product, unit };
                record::shipment(letter, &stated, ids)
            }
        };
        let url = wire::model(&self.client.base, model.name());
        let answer = self.client.ask(Method::POST, url, Some(&Value::Object(values))).await?;
        let made = wire::record(&answer)?;
        Ok(Found { model, id: wire::id(&made)?, state: String::new() })
    }

    async fn has_note(&self, found: &Found, letter: &Letter) -> Result<bool, Failure> {
        let like = format!("%{}%", record::mark(letter));
        let domain = json!([["resource", "=", found.remote()], ["message", "like", like]]);
        Ok(!self.client.search("ir.note", &domain, &["id"]).await?.is_empty())
    }

    /// Adds what `letter` says to the record, unless that was done; tells whether it was.
    async fn note(&self, found: &Found, letter: &Letter) -> Result<bool, Failure> {
        let was_there = self.has_note(found, letter).await?;
        if !was_there {
            let note = json!({"resource": found.remote(), "message": record::note(letter)});
            self.client
                .ask(Method::POST, wire::model(&self.client.base, "ir.note"), Some(&note))
                .await?;
        }
        if found.is_to_be_cancelled(letter) {
            let url = wire::button(&self.client.base, found.model.name(), found.id, "cancel");
            self.client.ask(Method::POST, url, Some(&json!({}))).await?;
        }
        Ok(was_there)
    }

    fn receipt(&self, found: &Found, was_there: bool) -> Receipt {
        let url = wire::page(&self.client.base, found.model.name(), found.id);
        Receipt { remote: Some(found.remote()), url: url.map(String::from), was_there }
    }
}

#[async_trait]
impl Channel for Tryton {
    async fn find(&self, letter: &Letter) -> Result<Option<Receipt>, Failure> {
        let Some(found) = self.locate(letter).await? else { return Ok(None) };
        let is_done = letter.is_first()
            || (self.has_note(&found, letter).await? && !found.is_to_be_cancelled(letter));
        Ok(is_done.then(|| self.receipt(&found, true)))
    }

    async fn send(&self, letter: &Letter, now: DateTime<Utc>) -> Result<Receipt, Failure> {
        if letter.kind == "digest" {
            return Err(Failure::refused("a digest is no record; send digests to people"));
        }
        let found = self.locate(letter).await?;
        match found {
            Some(found) if letter.is_first() => Ok(self.receipt(&found, true)),
            Some(found) => {
                let was_there = self.note(&found, letter).await?;
                Ok(self.receipt(&found, was_there))
            }
            // It was deleted there, or there is nothing to take back.
            None if letter.remote.is_some() || record::takes_back(letter) => Ok(Receipt::default()),
            None => {
                let made = self.create(letter, now).await?;
                Ok(self.receipt(&made, false))
            }
        }
    }

    async fn test(&self, _now: DateTime<Utc>) -> Result<String, Failure> {
        let company = self.company().await?;
        self.client.search(Model::Opportunity.name(), &json!([["id", "=", 0]]), &["state"]).await?;
        let stock =
            self.client.search(Model::Shipment.name(), &json!([["id", "=", 0]]), &["state"]).await;
        let stock = if stock.is_ok() { "can be read" } else { "are not there" };
        let employee = match company.employee {
            Some(_) => "the employee is known",
            None => "no 'employee' is set, so somebody has to take each lead over there",
        };
        Ok(format!(
            "Tryton knows the key, the company and its currency; {employee}; internal shipments \
             {stock}; nothing was changed"
        ))
    }

    async fn states(&self, remotes: &[String]) -> Result<Vec<RecordState>, Failure> {
        let mut states = Vec::new();
        for model in [Model::Opportunity, Model::Shipment] {
            let ids = remotes.iter().filter_map(|remote| Found::id_in(remote));
            let ids: Vec<_> = ids.filter(|(of, _)| *of == model).map(|(_, id)| id).collect();
            if ids.is_empty() {
                continue;
            }
            let domain = json!([["id", "in", ids]]);
            let found = self.client.search(model.name(), &domain, &["state", "write_date"]).await?;
            states.extend(found.iter().filter_map(|found| record::state(model, found)));
        }
        Ok(states)
    }

    fn can_be_asked(&self) -> bool {
        true
    }
}
