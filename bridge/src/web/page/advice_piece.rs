//! One piece of advice: why, what it costs either way, and what people did with it.

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{Html, Redirect};
use chrono::NaiveDate;
use fluent_bundle::FluentValue;
use serde::Deserialize;

use super::advice::{Line, is_zh, line, telling_language};
use super::render;
use super::shell::Shell;
use crate::auth::rights::Action;
use crate::store::advice::AdviceState;
use crate::store::advice_view::{self, AdviceRow};
use crate::store::audit;
use crate::web::App;
use crate::web::advice::{self, ActForm};
use crate::web::fault::{Fault, FaultKind};
use crate::web::i18n::{find_text, key, text, text_with};
use crate::web::session::Reader;
use crate::web::visible::Visible;
use crate::web::when::When;

/// Entries of the history on the page.
const HISTORY_MAX: u32 = 50;

/// The page.
#[derive(Debug, Template)]
#[template(path = "advice_piece.html")]
struct PiecePage {
    shell: Shell,
    piece: Line,
    revision: i64,
    reasons: Vec<String>,
    marks: Vec<String>,
    steps: String,
    together: Option<String>,
    until: String,
    lanes: Vec<LaneLine>,
    ages: Vec<Age>,
    history: Vec<Entry>,
    replaces: Option<String>,
    replaced_by: Option<String>,
    said: Option<String>,
    /// What may be done with it: nothing, if the reader may not.
    acts: Acts,
    told: Option<Told>,
}

/// What may be done with a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Acts {
    Nothing,
    Decide,
    Ship,
    Release,
}

/// What came of what the reader just did.
#[derive(Debug)]
struct Told {
    words: String,
    is_refusal: bool,
}

/// The dates of a lane.
#[derive(Debug)]
struct LaneLine {
    lane: String,
    from: String,
    ship_on: String,
    arrives_on: String,
    next_on: Option<String>,
    is_late: bool,
}

/// How old something is that the advice rests on.
#[derive(Debug)]
struct Age {
    what: String,
    told: String,
}

/// Something that happened to it.
#[derive(Debug)]
struct Entry {
    at: When,
    actor: String,
    action: String,
    said: Option<String>,
}

/// What the reader just did, by the address.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    did: String,
}

/// Shows one.
pub(crate) async fn show(
    State(app): State<App>,
    shell: Shell,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Result<Html<String>, Fault> {
    shell.check(Action::ReadAdvice)?;
    let row = advice::find(&app, &id).await?;
    let successor = advice_view::successor(&app.store, &id).await?.map(|row| row.id);
    let entries = audit::newest_of_subject(&app.store, &id, HISTORY_MAX).await?;
    let teller = shell.teller(&app);
    let now = app.clock.now();
    let language = shell.language;
    let visible = |text: &str| Visible(text).to_string();
    let view = &row.view;
    let sentences = view
        .reasons
        .iter()
        .map(|reason| visible(if is_zh(language) { &reason.zh } else { &reason.en }));
    let history = entries.iter().map(|entry| Entry {
        at: teller.when(entry.at),
        actor: visible(&entry.actor),
        action: find_text(language, &format!("audit-{}", entry.action))
            .unwrap_or_else(|| visible(&entry.action)),
        said: entry.detail.get("reason").and_then(|reason| reason.as_str()).map(visible),
    });
    let can_act = shell.can(Action::ActOnAdvice);
    let acts = match row.state {
        _ if !can_act => Acts::Nothing,
        AdviceState::Open | AdviceState::Snoozed => Acts::Decide,
        AdviceState::Firmed => Acts::Ship,
        AdviceState::Rejected => Acts::Release,
        AdviceState::Shipped | AdviceState::Superseded | AdviceState::Withdrawn => Acts::Nothing,
    };
    let told = match &*params.did {
        "" => None,
        "refused" => Some((key!("told-advice-refused"), true)),
        _ => Some((key!("told-advice-done"), false)),
    };
    let telling = telling_language(language);
    render(&PiecePage {
        piece: line(language, (&row, now)),
        revision: row.revision,
        reasons: sentences.collect(),
        marks: view.marks.iter().map(|mark| visible(mark)).collect(),
        steps: telling.steps(&view.break_even),
        together: view.break_even_together.as_deref().map(|steps| telling.steps(steps)),
        until: view.outcomes_until.to_string(),
        lanes: lanes(&row),
        ages: ages(&shell, &row, teller.day_of(now)),
        history: history.collect(),
        replaces: row.replaces.clone(),
        replaced_by: successor,
        said: row.reason.as_deref().map(visible),
        acts,
        told: told.map(|(key, is_refusal)| Told { words: text(language, key), is_refusal }),
        shell,
    })
}

/// Does something with one.
pub(crate) async fn act(
    State(app): State<App>,
    Reader(caller): Reader,
    Path((id, verb)): Path<(String, String)>,
    Form(form): Form<ActForm>,
) -> Result<Redirect, Fault> {
    caller.check(Action::ActOnAdvice)?;
    let did = match advice::act(&app, (&id, &verb), &form, &caller).await {
        Ok(_) => "done",
        Err(fault) if fault.kind == FaultKind::AdviceChanged => "refused",
        Err(fault) => return Err(fault),
    };
    Ok(Redirect::to(&format!("/advice/{id}?did={did}")))
}

fn lanes(row: &AdviceRow) -> Vec<LaneLine> {
    let lanes = row.view.lanes.iter().map(|lane| LaneLine {
        lane: Visible(&lane.lane).to_string(),
        from: Visible(&lane.from).to_string(),
        ship_on: lane.latest_ship_on.to_string(),
        arrives_on: lane.arrives_on.to_string(),
        next_on: lane.next_arrival_on.map(|day| day.to_string()),
        is_late: lane.is_late,
    });
    lanes.collect()
}

fn ages(shell: &Shell, row: &AdviceRow, today: NaiveDate) -> Vec<Age> {
    let language = shell.language;
    let data = &row.view.data;
    let told = |day: Option<NaiveDate>| match day {
        None => text(language, key!("advice-age-unknown")),
        Some(day) => {
            let days = FluentValue::from((today - day).num_days());
            let values = [("day", FluentValue::from(day.to_string())), ("days", days)];
            text_with(language, key!("advice-age"), values)
        }
    };
    let own = [
        (text(language, key!("advice-stock-counted")), told(data.stock_counted_on)),
        (text(language, key!("advice-demand-until")), told(data.demand_until)),
    ];
    let schedule = data.schedule_fetched_on;
    let schedule = schedule.map(|day| (text(language, key!("advice-schedule")), told(Some(day))));
    let calendars = data.calendars.iter().map(|calendar| {
        let what = Visible(&calendar.calendar).to_string();
        let until = match calendar.announced_until {
            None => text(language, key!("advice-not-announced")),
            Some(day) => {
                let values = [("day", FluentValue::from(day.to_string()))];
                text_with(language, key!("advice-announced"), values)
            }
        };
        let revision = Visible(&calendar.revision).to_string();
        Age {
            what,
            told: if revision.is_empty() { until } else { format!("{until} · {revision}") },
        }
    });
    own.into_iter()
        .chain(schedule)
        .map(|(what, told)| Age { what, told })
        .chain(calendars)
        .collect()
}
