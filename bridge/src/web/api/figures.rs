//! `GET /api/v1/figures`: how tasks were worked on.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use upturn_core::figures::Figures;
use upturn_core::figures::attribution::WINDOW_DAYS_MAX;

use super::openapi::Endpoint;
use super::{answer, misread};
use crate::auth::rights::Action;
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::fault::Fault;
use crate::web::figures::{self, By, Params};
use crate::web::i18n;
use crate::web::language::Language;
use crate::web::page::figures::DEFINITIONS;
use crate::web::when::Teller;

/// Figures, each with the number of cases behind it, and what each means.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FiguresOfPeriod")]
struct Answer {
    /// The first day.
    from: String,
    /// The last day.
    until: String,
    /// What is compared.
    by: &'static str,
    /// The days after a deal was opened in which an order counts for it.
    window_days: u64,
    /// Everything together.
    all: Figures,
    /// Each rule, person or team, most tasks first.
    groups: Vec<Group>,
    /// Whether there is more than is counted: choose a shorter period.
    is_cut: bool,
    /// What each figure means.
    definitions: Vec<Definition>,
}

/// A rule, a person or a team.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FiguresOfGroup")]
struct Group {
    name: String,
    figures: Figures,
}

/// What a figure means.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FigureDefinition")]
struct Definition {
    figure: &'static str,
    meaning: String,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let text = &json!({ "type": "string" });
    let day = &json!({ "type": "string", "format": "date" });
    let days = json!({ "type": "integer", "minimum": 0, "maximum": WINDOW_DAYS_MAX });
    let get = Endpoint::get("/api/v1/figures", show, "Counts how tasks were worked on")
        .query("from", "The first day; 90 days up to `until`, where absent", day)
        .query("until", "The last day; today, where absent", day)
        .query("rule", "Only tasks of this rule", text)
        .query("team", "Only tasks of this team", text)
        .query("by", "What is compared", &json!({ "enum": By::ALL.map(By::word) }))
        .query("window", "Days after a deal was opened in which an order counts for it", &days);
    vec![get.answers::<Answer>()]
}

/// Answers with the figures.
async fn show(
    State(app): State<App>,
    caller: Caller,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, Fault> {
    let sight = caller.sight(&app, Action::ReadTasks).await?;
    let Query(params) = params.map_err(|rejection| misread(&rejection))?;
    let teller = Teller { language: Language::En, zone: app.reloader.zone(), now: app.clock.now() };
    let question = params.question(&teller)?;
    let counted = figures::answer(&app, &sight, &question, &teller).await?;
    let groups = counted.groups.into_iter().map(|(name, figures)| Group { name, figures });
    let definition = |(figure, _, key): (&'static str, &str, &str)| Definition {
        figure,
        meaning: i18n::text(Language::En, key),
    };
    let found = Answer {
        from: question.first.to_string(),
        until: question.last.to_string(),
        by: question.by.word(),
        window_days: question.window,
        all: counted.whole,
        groups: groups.collect(),
        is_cut: counted.is_cut,
        definitions: DEFINITIONS.map(definition).into(),
    };
    Ok(answer(found, None))
}
