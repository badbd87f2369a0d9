//! Policies that operations keep in a table: subsidies, reforms of reimbursement, cycles of tenders.
//!
//! **What it reads** JSON, XML and delimited text. `*` as a region or a product is every one. A row whose
//! `confirmed_by` is empty holds the set until a person has released it.
//! **Example** `format = "csv"`, with the columns `region`, `product`, `title`, `from`, `until`,
//! `reference`, `confirmed_by`.
//! **Settings** [`Settings`].

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;
use upturn_core::fact::policy::Policy;
use upturn_core::fact::validity::Validity;

use crate::read::ReadError;
use crate::read::table::{Cells, Layout, Table, path};
use crate::read::tree::Path;

/// How many policies one document may have.
const POLICIES_MAX: usize = 100_000;

/// Where a table of policies has what, by paths as [`Layout`] tells them. Each default is the setting's name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What the document is.
    #[serde(flatten)]
    pub layout: Layout,
    /// Where it holds.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub region: Option<Path>,
    /// For which products.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub product: Option<Path>,
    /// What it is.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub title: Option<Path>,
    /// The first day.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub from: Option<Path>,
    /// The last day; may be empty.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub until: Option<Path>,
    /// Where it can be read.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub reference: Option<Path>,
    /// Who has confirmed it; may be empty.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub confirmed_by: Option<Path>,
}

/// Reads a table by `settings`.
pub fn read(settings: &Settings, bytes: &[u8]) -> Result<Vec<Policy>, ReadError> {
    let table = Table::of(&settings.layout)?;
    let tree = table.open(bytes)?;
    let mut policies: Vec<Policy> = Vec::new();
    let mut seen = BTreeSet::new();
    for row in table.rows(&tree) {
        let read = policy(settings, &Cells::of(&table, &row));
        let read = read.map_err(|error| error.within(&row.place()))?;
        let key = (read.region.clone(), read.product.clone(), read.title.clone(), read.valid);
        if !seen.insert(key) {
            return Err(ReadError::at(row.place(), "the same policy stands there twice"));
        }
        policies.push(read);
        if POLICIES_MAX < policies.len() {
            return Err(ReadError::whole(format!("it has more than {POLICIES_MAX} policies")));
        }
    }
    if policies.is_empty() {
        return Err(ReadError::whole("it has no policies"));
    }
    Ok(policies)
}

fn policy(settings: &Settings, cells: &Cells<'_, '_>) -> Result<Policy, ReadError> {
    let from = cells.day(settings.from.as_ref(), "from")?;
    let until = cells.find_day(settings.until.as_ref(), "until")?;
    let valid = Validity::new(Some(from), until);
    let confirmed_by = cells.find(settings.confirmed_by.as_ref(), "confirmed_by");
    Ok(Policy {
        region: cells.need(settings.region.as_ref(), "region")?.to_owned(),
        product: cells.need(settings.product.as_ref(), "product")?.to_owned(),
        title: cells.need(settings.title.as_ref(), "title")?.to_owned(),
        valid: valid.map_err(|error| ReadError::at(", until", error.to_string()))?,
        reference: cells.need(settings.reference.as_ref(), "reference")?.to_owned(),
        confirmed_by: confirmed_by.map(str::to_owned),
    })
}
