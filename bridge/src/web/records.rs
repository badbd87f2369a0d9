//! What pages and the API ask of records.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use upturn_core::record::{self as kinds, KINDS, Kind, Record};

use super::App;
use super::ask::ask;
use super::fault::{Fault, FaultKind, WrongItem};
use crate::import::references;
use crate::import::rows::Numbered;
use crate::import::stored;
use crate::runtime::records::{RecordRefusal, RecordWish};
use crate::runtime::request::Request;

/// How many records may be written at once.
pub(crate) const BATCH_MAX: usize = 500;
/// How many warnings are told.
const WARNINGS_MAX: usize = 50;

/// How records are written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    /// The revision that each must have, 0 for one that is new; unset, any will do.
    pub(crate) revision: Option<u64>,
    /// The key under which the answer is given again.
    pub(crate) key: Option<String>,
    /// Who.
    pub(crate) actor: String,
}

/// Returns the kind `name`.
pub(crate) fn kind(name: &str) -> Result<&'static Kind, Fault> {
    kinds::kind(name).ok_or_else(|| {
        let names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        Fault::of(FaultKind::NotFound, format!("there are {}", names.join(", ")))
    })
}

/// Writes `rows`, all of them or none; returns what came of it, as JSON.
pub(crate) async fn put(
    app: &App,
    kind: &'static Kind,
    rows: &[Map<String, Value>],
    terms: Terms,
) -> Result<String, Fault> {
    let records = read(app, kind, rows).await?;
    let folder = app.reloader.folder();
    let marks = app.twins.marks(&app.store, &folder).await?;
    let all = records.iter();
    let all = all.flat_map(|row| marks.warnings(kind.name, &kind.key_of(&row.record), &row.record));
    let wish = RecordWish {
        kind,
        put: records.iter().map(|row| stored(kind, &row.record)).collect(),
        remove: Vec::new(),
        revision: terms.revision,
        key: terms.key,
        warnings: all.take(WARNINGS_MAX).collect(),
        actor: terms.actor,
    };
    submit(app, wish).await
}

/// Removes the record `id` of `kind`; returns what came of it, as JSON.
pub(crate) async fn remove(
    app: &App,
    kind: &'static Kind,
    id: &str,
    terms: Terms,
) -> Result<String, Fault> {
    let wish = RecordWish {
        kind,
        put: Vec::new(),
        remove: vec![id.to_owned()],
        revision: terms.revision,
        key: terms.key,
        warnings: Vec::new(),
        actor: terms.actor,
    };
    submit(app, wish).await
}

async fn submit(app: &App, wish: RecordWish) -> Result<String, Fault> {
    let wish = Box::new(wish);
    let outcome = ask(app, |reply| Request::Records { wish, reply }).await?;
    outcome.map_err(|refusal| {
        let kind = match &refusal {
            RecordRefusal::OtherBody => FaultKind::WrongRecords,
            RecordRefusal::Changed { .. } | RecordRefusal::InUse { .. } => FaultKind::RecordState,
            RecordRefusal::Absent(_) => FaultKind::NotFound,
            RecordRefusal::Guarded { code, .. } => {
                return Fault::with_code(FaultKind::DealRefused, code, refusal.to_string());
            }
        };
        Fault::of(kind, refusal.to_string())
    })
}

/// Reads what was sent, or says everything that is wrong with it.
async fn read(
    app: &App,
    kind: &'static Kind,
    rows: &[Map<String, Value>],
) -> Result<Vec<Numbered>, Fault> {
    let (mut records, mut wrong) = (Vec::new(), Vec::new());
    let mut keys: BTreeMap<String, usize> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        match read_row(kind, row) {
            Err(errors) => wrong.extend(errors.into_iter().map(|detail| item(index, detail))),
            Ok(record) => {
                let key = kind.key_of(&record);
                if let Some(first) = keys.insert(key.clone(), index) {
                    let key = key.escape_debug();
                    wrong.push(item(
                        index,
                        format!("\"{key}\" stands at {first} too; send it once"),
                    ));
                }
                let line = u64::try_from(index).unwrap_or(u64::MAX);
                records.push(Numbered { line, record });
            }
        }
    }
    let folder = app.reloader.folder();
    for missing in references::missing((&app.store, &folder), kind, &records).await? {
        if !(missing.is_of_own_kind && keys.contains_key(&missing.id)) {
            let index = usize::try_from(missing.line).unwrap_or(usize::MAX);
            wrong.push(item(index, missing.message()));
        }
    }
    if wrong.is_empty() {
        return Ok(records);
    }
    wrong.sort_by_key(|item| item.index);
    let detail = "records are wrong, so none was written; each mistake is listed";
    Err(Fault::wrong_records(detail.to_owned(), wrong))
}

fn item(index: usize, detail: String) -> WrongItem {
    WrongItem { index, line: None, pointer: None, code: "wrong-record".into(), detail }
}

/// Reads one record; what is no text is told, since a number may have lost digits on its way.
fn read_row(kind: &'static Kind, row: &Map<String, Value>) -> Result<Record, Vec<String>> {
    let mut errors = Vec::new();
    let mut cells: BTreeMap<&str, String> = BTreeMap::new();
    for (name, value) in row {
        let Some(column) = kind.column(name) else {
            let all: Vec<_> = kind.columns.iter().map(|column| column.name).collect();
            let name = name.escape_debug();
            errors.push(format!("'{name}' is no column; there are {}", all.join(", ")));
            continue;
        };
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            Value::Number(number) if number.is_u64() => number.to_string(),
            Value::Number(_) | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                errors.push(format!("'{name}' is no text; write {}", column.form.words()));
                continue;
            }
        };
        cells.insert(column.name, text);
    }
    match kind.read(|name| cells.get(name).map(String::as_str)) {
        Ok(record) if errors.is_empty() => Ok(record),
        Ok(_) => Err(errors),
        Err(wrong) => {
            errors.extend(wrong.iter().map(ToString::to_string));
            Err(errors)
        }
    }
}
