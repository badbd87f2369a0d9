//! Messages that could not be read, and their bytes.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{Html, IntoResponse as _, Response};
use fluent_bundle::FluentValue;
use serde::Deserialize;

use super::render;
use super::shell::Shell;
use crate::auth::rights::Action;
use crate::store::dead_letter::{self, DeadLetter};
use crate::web::App;
use crate::web::fault::{Fault, FaultKind};
use crate::web::i18n::{key, text_with};
use crate::web::session::Reader;
use crate::web::visible::{Visible, preview};
use crate::web::when::{Teller, When};

/// Messages on a page; each is read whole, and may have 256 KiB.
const PAGE_LEN: u32 = 25;

/// How much of a message is shown.
const PREVIEW_BYTES_MAX: usize = 300;

/// The page.
#[derive(Debug, Template)]
#[template(path = "dead_letters.html")]
struct DeadLettersPage {
    shell: Shell,
    /// How many there are, in words.
    total: String,
    letters: Vec<Shown>,
    /// The way back from a later page.
    newest: Option<&'static str>,
    /// The next page.
    next: Option<String>,
}

/// A message that could not be read.
#[derive(Debug)]
struct Shown {
    id: i64,
    when: When,
    topic: String,
    source: Option<String>,
    code: String,
    reason: String,
    size: String,
    /// How often it came, and when last, if more than once.
    again: Option<String>,
    preview: String,
    /// Whether there is more than the preview.
    is_cut: bool,
}

/// Where the page begins.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    before: Option<String>,
}

/// Shows the newest ones.
pub(crate) async fn show(
    State(app): State<App>,
    shell: Shell,
    Query(params): Query<Params>,
) -> Result<Html<String>, Fault> {
    shell.check(Action::ReadDeadLetters)?;
    let before = params.before.map(|before| before.parse::<i64>()).transpose();
    let before = before.map_err(|_| {
        Fault::bad_request("'before' is not the number of a message; start again without it")
    })?;
    // One more than is shown tells whether there is a next page.
    let mut letters = dead_letter::page(&app.store, before, PAGE_LEN + 1).await?;
    let has_more = usize::try_from(PAGE_LEN).is_ok_and(|len| len < letters.len());
    letters.truncate(usize::try_from(PAGE_LEN).unwrap_or(usize::MAX));
    let last = letters.last().filter(|_| has_more).map(|last| last.id);
    let total = dead_letter::count(&app.store).await?;
    let teller = shell.teller(&app);
    render(&DeadLettersPage {
        total: text_with(
            shell.language,
            key!("dead-letters-total"),
            [("n", FluentValue::from(total))],
        ),
        letters: letters.iter().map(|letter| shown(&teller, letter)).collect(),
        newest: before.is_some().then_some("/dead-letters"),
        next: last.map(|id| format!("/dead-letters?before={id}")),
        shell,
    })
}

fn shown(teller: &Teller, letter: &DeadLetter) -> Shown {
    let size = letter.payload.len();
    Shown {
        id: letter.id,
        when: teller.when(letter.received_at),
        topic: Visible(&letter.topic).to_string(),
        source: letter.source.as_deref().map(|source| Visible(source).to_string()),
        code: Visible(&letter.code).to_string(),
        reason: Visible(&letter.reason).to_string(),
        size: text_with(teller.language, key!("size-bytes"), [("n", FluentValue::from(size))]),
        again: (1 < letter.times).then(|| {
            let at = FluentValue::from(teller.in_sentence(letter.last_at));
            let values = [("n", FluentValue::from(letter.times)), ("at", at)];
            text_with(teller.language, key!("dead-letters-again"), values)
        }),
        preview: preview(&letter.payload, PREVIEW_BYTES_MAX),
        is_cut: PREVIEW_BYTES_MAX < size,
    }
}

/// Answers with the bytes of a message, to be saved.
pub(crate) async fn download(
    State(app): State<App>,
    Reader(caller): Reader,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    caller.check(Action::ReadDeadLetters)?;
    raw(&app, &id).await
}

/// Returns the bytes of the message with `id` as something that no browser shows.
pub(crate) async fn raw(app: &App, id: &str) -> Result<Response, Fault> {
    let id: i64 = id.parse().map_err(|_| FaultKind::NotFound)?;
    let letter = dead_letter::find(&app.store, id).await?.ok_or(FaultKind::NotFound)?;
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"dead-letter-{id}.bin\"")),
    ];
    Ok((headers, letter.payload).into_response())
}
