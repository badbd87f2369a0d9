//! What was decided about a task, as its page shows it: points, grade, who got it and why, and what people
//! decided over that.

use axum::extract::{Form as Typed, Path, State};
use axum::http::StatusCode;
use axum::response::Redirect;
use fluent_bundle::FluentValue;
use upturn_core::id::TaskId;
use upturn_core::lead::score::Point;
use upturn_core::lead::{Cover, Lead};

use super::overrides::{self, Overrides};
use super::tasks::link;
use crate::store;
use crate::store::lead::LeadNow;
use crate::store::overrule::{Subject, What};
use crate::web::App;
use crate::web::fault::Fault;
use crate::web::i18n::{key, text, text_with};
use crate::web::language::Language;
use crate::web::overrule;
use crate::web::profile_form::Pairs;
use crate::web::session::Reader;
use crate::web::visible::Visible;
use crate::web::when::{Teller, When};

/// What was decided about a task.
#[derive(Debug)]
pub(super) struct LeadShown {
    /// The grade, with what people decided over it.
    pub(super) grade: String,
    /// The score, with what people decided over it.
    pub(super) score: String,
    /// What the machine says, where people decided otherwise.
    pub(super) machine: Option<String>,
    /// What to do next with that grade.
    pub(super) next: Option<String>,
    /// Who pays, who agreed, who got it, in sentences.
    pub(super) said: Vec<String>,
    /// The points that every task has.
    pub(super) base: String,
    /// The points of each factor.
    pub(super) points: Vec<PointShown>,
    /// What people decided over it.
    pub(super) overrides: Overrides,
}

/// The points of a factor.
#[derive(Debug)]
pub(super) struct PointShown {
    pub(super) title: String,
    pub(super) points: String,
    /// What they stand on.
    pub(super) on: String,
    pub(super) newest: Option<When>,
}

/// Returns what was decided about a task, if anything was; `owners` are whom it can be given to, where the
/// reader may decide.
pub(super) async fn of_task(
    app: &App,
    teller: &Teller,
    (task, is_open): (&TaskId, bool),
    owners: Option<&[String]>,
) -> Result<Option<LeadShown>, Fault> {
    let Some(now) = store::lead::read(&app.store, task).await? else { return Ok(None) };
    let subject = Subject::Task(task.clone());
    let decisions = store::overrule::of_subject(&app.store, &subject).await?;
    let language = teller.language;
    let LeadNow { lead, score_now, grade_now, last } = now;
    let is_same = *lead.grade == *grade_now && lead.scored.score.0 == score_now;
    let values = [
        ("grade", visible(&lead.grade)),
        ("score", FluentValue::from(lead.scored.score.to_string())),
    ];
    let choices = owners.filter(|_| is_open).map(|owners| {
        let grades = lead.bands.band.iter().map(|band| band.grade.to_string()).collect();
        vec![(What::Grade, grades), (What::Score, Vec::new()), (What::Route, owners.to_vec())]
    });
    let next = lead.bands.next(&grade_now, last.as_deref());
    let chosen = |next: &upturn_core::lead::grade::Next| {
        let words = if language == Language::ZhCn { &next.zh } else { &next.en };
        Visible(words).to_string()
    };
    Ok(Some(LeadShown {
        machine: (!is_same).then(|| text_with(language, key!("lead-machine"), values)),
        next: next.filter(|_| is_open).map(chosen),
        said: said(teller, &lead),
        base: lead.scored.base.to_string(),
        points: lead.scored.points.iter().map(|point| shown(teller, point)).collect(),
        overrides: Overrides::of(teller, &decisions, &link(task), choices),
        grade: Visible(&grade_now).to_string(),
        score: score_now.to_string(),
    }))
}

/// Does what a form says, and leads back to the task.
pub(crate) async fn decide(
    State(app): State<App>,
    Reader(caller): Reader,
    Path(id): Path<String>,
    Typed(pairs): Typed<Pairs>,
) -> Result<Redirect, Fault> {
    let form = overrides::read(pairs);
    let task = TaskId::from_text(&id);
    let subject = Subject::Task(task.clone());
    let did = match overrule::decide(&app, subject, &form, &caller).await {
        Ok(()) => "override",
        Err(fault) if fault.kind.status() == StatusCode::CONFLICT => super::task::REFUSED,
        Err(fault) => return Err(fault),
    };
    Ok(Redirect::to(&format!("{}?did={did}", link(&task))))
}

fn visible(text: &str) -> FluentValue<'static> {
    FluentValue::from(Visible(text).to_string())
}

fn shown(teller: &Teller, point: &Point) -> PointShown {
    let language = teller.language;
    let mut on = text_with(language, key!("lead-point-n"), [("n", FluentValue::from(point.n))]);
    let mut add = |more: String| on = format!("{on} {more}");
    if let Some(amount) = point.amount {
        let values = [("amount", FluentValue::from(amount.to_string()))];
        add(text_with(language, key!("lead-point-amount"), values));
    }
    if point.points != point.uncapped {
        let values = [("uncapped", FluentValue::from(point.uncapped.to_string()))];
        add(text_with(language, key!("lead-point-capped"), values));
    }
    if point.other_currencies != 0 {
        let values = [("n", FluentValue::from(point.other_currencies))];
        add(text_with(language, key!("lead-point-currencies"), values));
    }
    if point.is_cut {
        add(text(language, key!("lead-point-cut")));
    }
    let title = point.title.in_language(language.tag());
    PointShown {
        title: Visible(if title.is_empty() { &point.factor } else { title }).to_string(),
        points: point.points.to_string(),
        on,
        newest: point.newest_at.map(|at| teller.when(at)),
    }
}

/// Returns who pays, who agreed and who got it, in sentences.
fn said(teller: &Teller, lead: &Lead) -> Vec<String> {
    let language = teller.language;
    let mut said = vec![cover(language, &lead.cover)];
    match lead.consent {
        Some(true) => {}
        Some(false) => {
            let steps: Vec<String> =
                lead.left_out.iter().map(|s| super::task_acts::step_words(language, s)).collect();
            let values =
                [("steps", visible(&steps.join(", "))), ("n", FluentValue::from(steps.len()))];
            said.push(text_with(language, key!("lead-no-consent"), values));
        }
        None if lead.inputs.account.is_none() => {
            said.push(text(language, key!("lead-no-account")));
        }
        None => said.push(text(language, key!("lead-consent-unknown"))),
    }
    let tags = &lead.tags;
    let none = || text(language, key!("lead-tag-none"));
    let tag = |tag: &Option<Box<str>>| {
        FluentValue::from(tag.as_ref().map_or_else(none, |tag| Visible(tag).to_string()))
    };
    let values = [
        ("grade", visible(&tags.grade)),
        ("region", tag(&tags.region)),
        ("product", tag(&tags.product)),
        ("source", visible(&tags.source)),
        ("need", visible(&tags.need)),
    ];
    said.push(text_with(language, key!("lead-tags"), values));
    for tried in &lead.assignment.tried {
        let who = tried.who.as_deref().unwrap_or_default();
        let values = [("target", visible(&tried.target)), ("who", visible(who))];
        said.push(text_with(language, found(tried.found), values));
    }
    said
}

fn found(found: upturn_core::lead::route::Found) -> &'static str {
    use upturn_core::lead::route::Found;
    match found {
        Found::Taken => key!("lead-tried-taken"),
        Found::StandIn => key!("lead-tried-stand-in"),
        Found::NoOwner => key!("lead-tried-no-owner"),
        Found::OwnerLeft => key!("lead-tried-owner-left"),
        Found::NobodyFits => key!("lead-tried-nobody-fits"),
        Found::NoCapacity => key!("lead-tried-no-capacity"),
    }
}

fn cover(language: Language, cover: &Cover) -> String {
    let day = |day: &chrono::NaiveDate| FluentValue::from(day.to_string());
    match cover {
        Cover::Warranty { until } => {
            text_with(language, key!("lead-cover-warranty"), [("until", day(until))])
        }
        Cover::Contract { contract, until: Some(until) } => {
            let values = [("contract", visible(contract)), ("until", day(until))];
            text_with(language, key!("lead-cover-contract"), values)
        }
        Cover::Contract { contract, until: None } => {
            text_with(language, key!("lead-cover-contract-open"), [("contract", visible(contract))])
        }
        Cover::Customer { until: Some(until) } => {
            text_with(language, key!("lead-cover-over"), [("until", day(until))])
        }
        Cover::Customer { until: None } => text(language, key!("lead-cover-none")),
        Cover::Unknown => text(language, key!("lead-cover-unknown")),
    }
}
