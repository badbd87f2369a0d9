//! The list of leads, the highest score first, and what waits in pools to be claimed.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Html;
use serde::Deserialize;

use super::render;
use super::shell::Shell;
use super::tasks::{DueShown, OwnerShown, link, title};
use crate::auth::rights::Action;
use crate::auth::sight::Sight;
use crate::runtime::deed::POOL;
use crate::store::task_view::lead::{self, LeadCursor, LeadFilter, LeadLine};
use crate::store::task_view::{OwnerFilter, TaskStatus};
use crate::web::App;
use crate::web::fault::Fault;
use crate::web::filter::Owner;
use crate::web::language::Language;
use crate::web::visible::Visible;
use crate::web::when::Teller;

/// Leads on a page.
const PAGE_LEN: u32 = 50;

/// The page.
#[derive(Debug, Template)]
#[template(path = "leads.html")]
struct LeadsPage {
    shell: Shell,
    /// Whether it is what waits in pools.
    is_pool: bool,
    grade: String,
    owner: String,
    region: String,
    rows: Vec<Line>,
    /// The way back from a later page.
    newest: Option<String>,
    next: Option<String>,
}

/// A lead in the table.
#[derive(Debug)]
struct Line {
    href: String,
    title: String,
    device: String,
    account: Option<String>,
    region: Option<String>,
    owner: OwnerShown,
    due: Option<DueShown>,
    judged: Option<Judged>,
    /// What to do next.
    next: Option<String>,
    /// Where it is claimed, if it waits in a pool of the reader's.
    claim: Option<String>,
}

/// A lead's grade.
#[derive(Debug)]
struct Judged {
    grade: String,
    score: String,
    /// The machine's grade, where a person decided otherwise.
    machine: Option<String>,
}

/// The filters in the address. What is unknown is left alone: links get decorated.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    grade: String,
    #[serde(default)]
    owner: String,
    #[serde(default)]
    region: String,
    after: Option<String>,
}

impl Params {
    fn link(&self, path: &str, more: &[(&str, &str)]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let given = [("grade", &self.grade), ("owner", &self.owner), ("region", &self.region)];
        query.extend_pairs(given.into_iter().filter(|(_, value)| !value.trim().is_empty()));
        query.extend_pairs(more);
        let query = query.finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }
}

/// Shows open leads.
pub(crate) async fn show(
    State(app): State<App>,
    shell: Shell,
    Query(params): Query<Params>,
) -> Result<Html<String>, Fault> {
    let owner = Owner::read(params.owner.trim()).filter(shell.caller()?.id());
    list(app, shell, params, (owner, false)).await
}

/// Shows what waits in pools.
pub(crate) async fn show_pool(
    State(app): State<App>,
    shell: Shell,
    Query(params): Query<Params>,
) -> Result<Html<String>, Fault> {
    let owner = match params.owner.trim().strip_prefix(POOL) {
        Some(team) => OwnerFilter::Is(format!("{POOL}{team}")),
        None => OwnerFilter::Pools,
    };
    list(app, shell, params, (owner, true)).await
}

async fn list(
    app: App,
    shell: Shell,
    params: Params,
    (owner, is_pool): (OwnerFilter, bool),
) -> Result<Html<String>, Fault> {
    let sight = shell.sight(&app, Action::ReadTasks).await?;
    let after = params.after.as_deref().map(str::parse::<LeadCursor>).transpose();
    let after = after.map_err(|e| Fault::bad_request(e.to_string()))?;
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let (grade, region) = (given(&params.grade), given(&params.region));
    let filter = LeadFilter { grade, owner, region, with_others: is_pool };
    let (lines, next) = lead::page(&app.store, &sight, &filter, after.as_ref(), PAGE_LEN).await?;
    let acts = shell.caller()?.sight_or_nothing(&app, Action::ActOnTasks).await?;
    let teller = shell.teller(&app);
    let path = if is_pool { "/pool" } else { "/leads" };
    render(&LeadsPage {
        is_pool,
        rows: lines.iter().map(|line| shown(&teller, line, &acts)).collect(),
        newest: after.is_some().then(|| params.link(path, &[])),
        next: next.map(|next| params.link(path, &[("after", &next.to_string())])),
        grade: Visible(&params.grade).to_string(),
        owner: Visible(&params.owner).to_string(),
        region: Visible(&params.region).to_string(),
        shell,
    })
}

fn shown(teller: &Teller, line: &LeadLine, acts: &Sight) -> Line {
    let task = &line.task;
    let language = teller.language;
    let is_pooled = task.status == TaskStatus::New && task.owner.starts_with(POOL);
    let can_claim = is_pooled && acts.covers(&task.owner, task.region.as_deref());
    let text = |text: &Option<String>| text.as_deref().map(|text| Visible(text).to_string());
    let next = line.judged.as_ref().and_then(|judged| {
        let next = judged.lead.bands.next(&judged.grade_now, judged.last.as_deref())?;
        let words = if language == Language::ZhCn { &next.zh } else { &next.en };
        Some(Visible(words).to_string())
    });
    Line {
        href: link(&task.id),
        title: title(task, language),
        device: Visible(task.device.as_str()).to_string(),
        account: text(&task.account),
        region: text(&task.region),
        owner: OwnerShown::of(&task.owner),
        due: task.due_at.map(|due_at| DueShown::of(teller, due_at, task)),
        judged: line.judged.as_ref().map(|judged| Judged {
            grade: Visible(&judged.grade_now).to_string(),
            score: judged.score_now.clone(),
            machine: (*judged.lead.grade != *judged.grade_now)
                .then(|| Visible(&judged.lead.grade).to_string()),
        }),
        next,
        claim: can_claim.then(|| format!("{}/claim", link(&task.id))),
    }
}
