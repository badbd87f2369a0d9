//! Records: what other systems keep and Upturn looks up. Products, price lists, stock, deals.
//!
//! A kind of record is a list of columns; import, API and pages all follow from it. To add a kind:
//! a file in this folder and a line in [`KINDS`].

use std::collections::BTreeMap;

use chrono::NaiveDate;

use self::form::{Form, FormError};

mod account;
mod contact;
pub mod coupon;
mod deal;
mod device;
pub mod form;
mod installed;
pub mod offer;
mod order;
mod plan;
mod price;
mod product;
mod shipment;
mod site;
mod stock;
pub mod twin;
mod work_order;

/// The longest key of a record, in bytes.
pub const KEY_LEN_MAX: usize = 256;
/// What stands between the parts of a key; no [`Form::Id`] holds it.
pub const KEY_MARK: char = '|';

/// A kind of record.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its name in commands and addresses: `stock`.
    pub name: &'static str,
    /// What one record of it is, in a sentence.
    pub about: &'static str,
    /// Its columns, in the order in which they are shown.
    pub columns: &'static [Column],
    /// The columns that name a record, together.
    pub key: &'static [&'static str],
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name: `on_hand`.
    pub name: &'static str,
    /// What it means, with its unit.
    pub about: &'static str,
    /// How it is written.
    pub form: Form,
    /// When it must be there.
    pub presence: Presence,
    /// The column whose day it must not be before.
    pub not_before: Option<&'static str>,
    /// Whether it changes as a matter of course: a count, a stage.
    pub moves: bool,
}

/// When a cell must be filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Always.
    Always,
    /// Where one of these is.
    With(&'static [&'static str]),
    /// Never.
    Free,
}

/// A record: what its filled columns hold, each in the one way it is written here.
pub type Record = BTreeMap<&'static str, String>;

/// What is wrong with a cell, or with a row as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The cell is not of its form.
    #[error("'{column}' is {found}; {error}", found = form::shown(.found))]
    Cell {
        /// The column.
        column: &'static str,
        /// What stands there.
        found: String,
        /// What is wrong with it.
        error: FormError,
    },
    /// It is empty, and must not be.
    #[error("'{column}' is empty; fill it in")]
    Empty {
        /// The column.
        column: &'static str,
    },
    /// It is empty, and must not be beside another.
    #[error("'{column}' is empty, and '{beside}' is not; fill in both or none")]
    Alone {
        /// The column.
        column: &'static str,
        /// The one that is filled.
        beside: &'static str,
    },
    /// A day before the one it follows.
    #[error("'{column}' is {day}, before '{other}', {other_day}")]
    Before {
        /// The column.
        column: &'static str,
        /// Its day.
        day: NaiveDate,
        /// The column it follows.
        other: &'static str,
        /// That day.
        other_day: NaiveDate,
    },
    /// The key is too long.
    #[error("{} have {length} bytes together; {KEY_LEN_MAX} is the most", .columns.join(" and "))]
    Key {
        /// The columns of the key.
        columns: &'static [&'static str],
        /// How long it is.
        length: usize,
    },
}

/// All kinds, in the order of their names.
pub const KINDS: &[Kind] = &[
    account::KIND,
    contact::KIND,
    deal::KIND,
    device::KIND,
    installed::KIND,
    order::KIND,
    plan::KIND,
    price::KIND,
    product::KIND,
    shipment::KIND,
    site::KIND,
    stock::KIND,
    work_order::KIND,
];

/// Returns the kind `name`.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// Returns the kind whose records are rows of `table` of the registry.
pub fn registered(table: &str) -> Option<&'static Kind> {
    match table {
        "accounts" => Some(&account::KIND),
        "contacts" => Some(&contact::KIND),
        "devices" => Some(&device::KIND),
        "sites" => Some(&site::KIND),
        _ => None,
    }
}

/// Returns the columns whose cells name records of `kind`, each with the kind it is of.
pub fn naming(kind: &Kind) -> impl Iterator<Item = (&'static Kind, &'static Column)> {
    let columns = KINDS.iter().flat_map(|of| of.columns.iter().map(move |column| (of, column)));
    columns.filter(move |(_, column)| column.form.named().is_some_and(|of| of.name == kind.name))
}

impl Kind {
    /// Returns the column `name`.
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Reads a row: `cell` gives the text under a column, `None` where there is no such column.
    ///
    /// Everything that is wrong with it is told, not the first thing only.
    pub fn read<'t>(
        &self,
        cell: impl Fn(&'static str) -> Option<&'t str>,
    ) -> Result<Record, Vec<RecordError>> {
        let mut record = Record::new();
        let mut errors = Vec::new();
        for column in self.columns {
            let text = cell(column.name).map(str::trim).filter(|text| !text.is_empty());
            match text.map(|text| (text, column.form.read(text))) {
                Some((_, Ok(value))) => drop(record.insert(column.name, value)),
                Some((text, Err(error))) => {
                    errors.push(RecordError::Cell {
                        column: column.name,
                        found: text.to_owned(),
                        error,
                    });
                }
                None if column.presence == Presence::Always => {
                    errors.push(RecordError::Empty { column: column.name });
                }
                None => {}
            }
        }
        // What a wrong cell would have led to is not worth telling.
        if errors.is_empty() {
            errors.extend(self.columns.iter().filter_map(|column| column.clash(&record)));
            errors.extend(self.key_error(&record));
        }
        if errors.is_empty() { Ok(record) } else { Err(errors) }
    }

    /// Returns the key of `record`.
    pub fn key_of(&self, record: &Record) -> String {
        let parts = self.key.iter().map(|name| record.get(name).map_or("", String::as_str));
        parts.collect::<Vec<_>>().join(&KEY_MARK.to_string())
    }

    fn key_error(&self, record: &Record) -> Option<RecordError> {
        let length = self.key_of(record).len();
        (KEY_LEN_MAX < length).then_some(RecordError::Key { columns: self.key, length })
    }
}

impl Column {
    /// Returns a column that may be empty.
    const fn free(name: &'static str, form: Form, about: &'static str) -> Self {
        Self { name, about, form, presence: Presence::Free, not_before: None, moves: false }
    }

    /// Returns a column that is filled in every row.
    const fn always(name: &'static str, form: Form, about: &'static str) -> Self {
        Self { presence: Presence::Always, ..Self::free(name, form, about) }
    }

    /// Returns the column, filled wherever one of `others` is.
    const fn with(self, others: &'static [&'static str]) -> Self {
        Self { presence: Presence::With(others), ..self }
    }

    /// Returns the column, which changes as a matter of course.
    const fn moving(self) -> Self {
        Self { moves: true, ..self }
    }

    /// Returns the column, with a day that is never before the one in `other`.
    const fn not_before(self, other: &'static str) -> Self {
        Self { not_before: Some(other), ..self }
    }

    /// Returns what is wrong with this column beside the others of `record`.
    fn clash(&self, record: &Record) -> Option<RecordError> {
        let column = self.name;
        let Some(value) = record.get(column) else {
            let Presence::With(others) = self.presence else { return None };
            let beside = others.iter().find(|other| record.contains_key(*other))?;
            return Some(RecordError::Alone { column, beside });
        };
        let other = self.not_before?;
        let (day, other_day) = (value.parse().ok()?, record.get(other)?.parse().ok()?);
        (day < other_day).then_some(RecordError::Before { column, day, other, other_day })
    }
}

#[cfg(test)]
mod tests;
