//! The page of one destination: what its letters look like, of a stored task or an invented one.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Html;

use super::destinations::event_words;
use super::render;
use super::shell::Shell;
use crate::auth::rights::Action;
use crate::delivery::preview;
use crate::web::App;
use crate::web::fault::Fault;
use crate::web::i18n::key;
use crate::web::post::{self, Look};
use crate::web::visible::{Visible, VisibleLines};

/// The page.
#[derive(Debug, Template)]
#[template(path = "destination.html")]
struct DestinationPage {
    shell: Shell,
    id: String,
    title: String,
    /// The kind of its channel.
    channel: &'static str,
    here: String,
    kinds: Vec<Choice>,
    languages: Vec<Choice>,
    /// The task that was asked about.
    task: String,
    /// What is wrong with the operator's template, if anything is.
    wrong: Option<String>,
    subject: String,
    parts: Vec<Part>,
}

/// What can be chosen.
#[derive(Debug)]
struct Choice {
    value: String,
    label: String,
    is_chosen: bool,
}

/// A part of the letter, as its source.
#[derive(Debug)]
struct Part {
    id: &'static str,
    title: String,
    text: String,
}

/// Shows it.
pub(crate) async fn show(
    State(app): State<App>,
    shell: Shell,
    Path(id): Path<String>,
    Query(look): Query<Look>,
) -> Result<Html<String>, Fault> {
    shell.check(Action::ReadDestinations)?;
    let (destination, preview) = post::preview(&app, &id, &look, shell.caller()?).await?;
    let language = shell.language;
    let kinds = preview::kinds().map(|kind| Choice {
        value: kind.to_owned(),
        label: event_words(language, kind),
        is_chosen: kind == look.kind,
    });
    let languages = [("en", "English"), ("zh", "中文")].map(|(tag, name)| Choice {
        value: tag.to_owned(),
        label: name.to_owned(),
        is_chosen: tag == look.language,
    });
    let (subject, parts, wrong) = match preview {
        Ok(preview) => {
            let text = preview.text;
            let all = [
                ("plain", key!("preview-plain"), Some(text.plain)),
                ("html", key!("preview-html"), text.html),
                ("markdown", key!("preview-markdown"), text.markdown),
                ("sent", key!("preview-sent"), preview.sent),
            ];
            let part = |(id, key, text): (&'static str, &str, Option<String>)| {
                let text = VisibleLines(text?.trim_end()).to_string();
                Some(Part { id, title: shell.text(key), text })
            };
            (Visible(&text.title).to_string(), all.into_iter().filter_map(part).collect(), None)
        }
        Err(error) => (String::new(), Vec::new(), Some(Visible(&error.to_string()).to_string())),
    };
    render(&DestinationPage {
        title: Visible(destination.title.in_language(language.tag())).to_string(),
        channel: destination.kind,
        here: format!("/destinations/{id}"),
        kinds: kinds.collect(),
        languages: languages.into(),
        task: look.task.clone(),
        wrong,
        subject,
        parts,
        id,
        shell,
    })
}
