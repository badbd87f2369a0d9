//! Records of one kind: a list to search, and a table to take in, looked at before it is.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{Form, Multipart, Path, Query, State};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use fluent_bundle::FluentValue;
use serde::Deserialize;
use upturn_core::record::{Column, Kind};

use super::records::title;
use super::render;
use super::shell::Shell;
use crate::auth::rights::Action;
use crate::import::{Examined, Import, ImportError, Source};
use crate::store::record;
use crate::web::App;
use crate::web::fault::{Fault, FaultKind};
use crate::web::i18n::{key, text_with};
use crate::web::records;
use crate::web::uploads::Upload;
use crate::web::visible::Visible;
use crate::web::when::When;

/// Records on a page.
const PAGE_LEN: u32 = 50;

/// The list.
#[derive(Debug, Template)]
#[template(path = "record_kind.html")]
struct KindPage {
    shell: Shell,
    kind: &'static str,
    title: String,
    about: &'static str,
    columns: &'static [Column],
    words: String,
    rows: Vec<Line>,
    /// The next page.
    next: Option<String>,
    can_manage: bool,
    /// How many records the reader just took in.
    told: Option<String>,
}

/// A record.
#[derive(Debug)]
struct Line {
    id: String,
    cells: Vec<(String, String)>,
    updated: When,
    by: String,
}

/// What was found in a table.
#[derive(Debug, Template)]
#[template(path = "record_import.html")]
struct LookPage {
    shell: Shell,
    kind: &'static str,
    title: String,
    file: String,
    action: String,
    counts: String,
    columns: Vec<&'static str>,
    preview: Vec<Vec<String>>,
    wrong: Vec<(u64, String)>,
    more: u64,
    refused: Vec<String>,
    warnings: Vec<String>,
    allow: String,
    is_sound: bool,
}

/// Where the list begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    q: String,
    after: String,
    taken: Option<u64>,
}

/// What to do with a table that was looked at.
#[derive(Debug, Deserialize)]
pub(crate) struct Step {
    #[serde(default)]
    step: String,
    /// Columns that may change in as many records as they will.
    #[serde(default)]
    allow: String,
}

/// Shows records of a kind.
pub(crate) async fn show(
    State(app): State<App>,
    shell: Shell,
    Path(kind): Path<String>,
    Query(params): Query<Params>,
) -> Result<Html<String>, Fault> {
    shell.check(Action::ReadRecords)?;
    let kind = records::kind(&kind)?;
    let teller = shell.teller(&app);
    let Params { q: words, after, taken } = params;
    // One more than is shown tells whether there is a next page.
    let mut found = record::search(&app.store, (kind.name, &words), &after, PAGE_LEN + 1).await?;
    let length = usize::try_from(PAGE_LEN).unwrap_or(usize::MAX);
    let has_more = length < found.len();
    found.truncate(length);
    let next = found.last().filter(|_| has_more).map(|last| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("q", &words)
            .append_pair("after", &last.record.id)
            .finish();
        format!("/records/{}?{query}", kind.name)
    });
    let rows = found.iter().map(|found| {
        let record: BTreeMap<String, String> =
            serde_json::from_str(&found.record.document).unwrap_or_default();
        let cells = kind.columns.iter().filter(|column| !kind.key.contains(&column.name));
        let cells = cells.filter_map(|column| {
            Some((column.name.to_owned(), Visible(record.get(column.name)?).to_string()))
        });
        Line {
            id: Visible(&found.record.id).to_string(),
            cells: cells.collect(),
            updated: teller.when(found.updated_at),
            by: Visible(&found.updated_by).to_string(),
        }
    });
    render(&KindPage {
        kind: kind.name,
        title: title(shell.language, kind.name),
        about: kind.about,
        columns: kind.columns,
        words,
        rows: rows.collect(),
        next,
        can_manage: shell.can(Action::ManageRecords),
        told: taken.map(|count| {
            let values = [("n", FluentValue::from(count))];
            text_with(shell.language, key!("import-taken"), values)
        }),
        shell,
    })
}

/// Looks at a table that is sent.
pub(crate) async fn look(
    State(app): State<App>,
    shell: Shell,
    Path(kind): Path<String>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Fault> {
    shell.check(Action::ManageRecords)?;
    let kind = records::kind(&kind)?;
    let mut form = form.map_err(|rejection| Fault::bad_request(rejection.body_text()))?;
    let (mut table, mut encoding) = (None, None);
    while let Some(field) = form.next_field().await.map_err(|error| torn(&error))? {
        match field.name() {
            Some("file") => {
                let name = field.file_name().unwrap_or_default().to_owned();
                table = Some((name, field.bytes().await.map_err(|error| torn(&error))?));
            }
            Some("encoding") => {
                let label = field.text().await.map_err(|error| torn(&error))?;
                encoding = Some(label.trim().to_owned()).filter(|label| !label.is_empty());
            }
            _ => {}
        }
    }
    let Some((name, bytes)) = table.filter(|(_, bytes)| !bytes.is_empty()) else {
        return Err(Fault::bad_request("no table was sent; choose a file"));
    };
    let sender = (shell.caller()?.id(), app.clock.now());
    let upload = app.uploads.keep(kind.name, sender, (name, encoding), &bytes);
    let upload = upload.map_err(Fault::internal)?;
    answer(&app, shell, kind, (&upload, String::new())).await
}

/// Looks again at a table that was sent, or takes it in.
pub(crate) async fn decide(
    State(app): State<App>,
    shell: Shell,
    Path((kind, id)): Path<(String, String)>,
    Form(Step { step, allow }): Form<Step>,
) -> Result<Response, Fault> {
    shell.check(Action::ManageRecords)?;
    let kind = records::kind(&kind)?;
    let actor = shell.caller()?.id().to_owned();
    let upload = app.uploads.find(&id, kind.name, &actor);
    let upload = upload.ok_or_else(|| {
        Fault::of(FaultKind::NotFound, "the table is not kept any more; send it again")
    })?;
    if step == "take" {
        let (source, folder) = (source(&upload), app.reloader.folder());
        let import =
            Import { store: &app.store, registry: &folder, kind, source: &source, made_of: None };
        let examined = import.examine(&names(&allow)).await.map_err(refused)?;
        if examined.findings.is_empty() {
            let now = app.clock.now();
            let count = import.take_in(&examined, now, &actor).await.map_err(refused)?;
            let target = format!("/records/{}?taken={count}", kind.name);
            return Ok(Redirect::to(&target).into_response());
        }
    }
    answer(&app, shell, kind, (&upload, allow)).await
}

/// Shows what is in a table, and what it would do.
async fn answer(
    app: &App,
    shell: Shell,
    kind: &'static Kind,
    (upload, allow): (&Upload, String),
) -> Result<Response, Fault> {
    let (source, folder) = (source(upload), app.reloader.folder());
    let import =
        Import { store: &app.store, registry: &folder, kind, source: &source, made_of: None };
    let examined = match import.examine(&names(&allow)).await {
        Ok(examined) => examined,
        Err(ImportError::Table { why, .. }) => Examined::of_no_table(why),
        Err(error) => return Err(refused(error)),
    };
    let Examined { rows, new, same, changed, preview, warnings, findings, .. } = examined;
    let all = kind.columns.iter().map(|column| column.name);
    let columns: Vec<_> =
        all.filter(|name| preview.iter().any(|record| record.contains_key(name))).collect();
    let cell =
        |text: Option<&String>| text.map(|text| Visible(text).to_string()).unwrap_or_default();
    let values = [("rows", rows), ("new", new), ("changed", changed), ("same", same)];
    let page = LookPage {
        kind: kind.name,
        title: title(shell.language, kind.name),
        file: Visible(&upload.name).to_string(),
        action: format!("/records/{}/import/{}", kind.name, upload.id),
        counts: text_with(
            shell.language,
            key!("import-counts"),
            values.map(|(name, count)| (name, FluentValue::from(count))),
        ),
        preview: preview
            .iter()
            .map(|record| columns.iter().map(|name| cell(record.get(name))).collect())
            .collect(),
        columns,
        wrong: findings.rows().to_vec(),
        more: findings.unlisted(),
        refused: findings.whole().to_vec(),
        warnings,
        is_sound: findings.is_empty(),
        allow,
        shell,
    };
    Ok(render(&page)?.into_response())
}

fn source(upload: &Upload) -> Source {
    Source {
        file: upload.file.path().to_owned(),
        map: Vec::new(),
        delimiter: None,
        encoding: upload.encoding.clone(),
    }
}

fn names(allow: &str) -> Vec<String> {
    allow.split([',', ' ']).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn torn(error: &axum::extract::multipart::MultipartError) -> Fault {
    Fault::bad_request(format!("the form broke off: {}", error.body_text()))
}

fn refused(error: ImportError) -> Fault {
    match error {
        ImportError::Store(error) => error.into(),
        ImportError::Table { why, .. } => Fault::of(FaultKind::WrongRecords, why),
        error @ (ImportError::Read { .. }
        | ImportError::Restless(_)
        | ImportError::Overtaken(_)
        | ImportError::Random(_)) => Fault::internal(error),
    }
}
