//! `GET /api/v1/rules` and `POST /api/v1/rules/reload`.

use axum::extract::State;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;
use upturn_core::task::Title;

use super::answer;
use super::openapi::Endpoint;
use crate::auth::rights::Action;
use crate::lifecycle::{self, Standing, stage_word};
use crate::reload::ReloadError;
use crate::runtime::request::Changes;
use crate::store::task_view;
use crate::web::App;
use crate::web::ask::{ANSWER_TIME_MAX, RETRY_AFTER_S};
use crate::web::caller::Caller;
use crate::web::fault::Fault;
use crate::web::when::machine;

/// All rules.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Rules")]
struct List<'a> {
    rules: Vec<RuleJson<'a>>,
}

/// A rule, as it stands.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Rule")]
struct RuleJson<'a> {
    id: &'a str,
    stage: &'static str,
    version: &'a str,
    /// Log time since which this version stands.
    since: String,
    title: &'a Title,
    open_tasks: u64,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let reloads = "Reads rules and registry again, all or nothing";
    vec![
        Endpoint::get("/api/v1/rules", list, "Lists the rules").answers::<List<'_>>(),
        Endpoint::post("/api/v1/rules/reload", reload, reloads).answers::<Changes>(),
    ]
}

/// Lists the rules, drafts and retired ones included.
pub(crate) async fn list(State(app): State<App>, caller: Caller) -> Result<Response, Fault> {
    caller.check(Action::ReadRules)?;
    let standing = lifecycle::standing(&app.store).await?;
    let open = task_view::open_by_rule(
        &app.store,
        &caller.sight_or_nothing(&app, Action::ReadTasks).await?,
    )
    .await?;
    let rules = standing.iter().map(|Standing { term, summary }| RuleJson {
        id: &term.rule,
        stage: stage_word(summary.stage),
        version: &term.version,
        since: machine(term.since_at),
        title: &summary.title,
        open_tasks: summary
            .stage
            .and_then(|stage| open.get(&(term.rule.clone(), stage)))
            .copied()
            .unwrap_or_default(),
    });
    Ok(answer(List { rules: rules.collect() }, None))
}

/// Reads rules and registry again and puts them in force, all or nothing; answers with what changed.
pub(crate) async fn reload(State(app): State<App>, caller: Caller) -> Result<Response, Fault> {
    caller.check(Action::ReloadRules)?;
    let reload = app.reloader.reload(caller.id());
    let late = || {
        let detail = "rules and registry are not in force yet; GET /api/v1/rules says what is";
        Fault::try_again(detail, RETRY_AFTER_S)
    };
    match tokio::time::timeout(ANSWER_TIME_MAX, reload).await {
        Err(_) | Ok(Err(ReloadError::NoAnswer)) => Err(late()),
        Ok(Ok(changes)) => Ok(answer(changes, None)),
        Ok(Err(ReloadError::Wrong(findings))) => {
            let detail = "rules and registry stay as they are; correct the files".to_owned();
            Err(Fault::wrong_rules(detail, findings))
        }
        Ok(Err(error @ ReloadError::Reading(_))) => Err(Fault::internal(error)),
    }
}
