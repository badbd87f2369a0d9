//! Advice on stock: what to send, how many, from where, to where, and by when at the latest.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Html;
use chrono::{Datelike as _, NaiveDate, Weekday};
use fluent_bundle::FluentValue;
use serde::Deserialize;
use serde_json::Value;
use upturn_core::forecast::regressor::Verdict;
use upturn_core::stock::gather::{Judged, Subject};

use super::render;
use super::shell::Shell;
use crate::auth::rights::Action;
use crate::stock::plan::take_verdicts;
use crate::stock::telling;
use crate::stock::view::{OutcomeView, View};
use crate::store::advice::{self, AdviceState};
use crate::store::advice_view::{self, AdviceFilter, AdviceRow};
use crate::web::App;
use crate::web::advice::state;
use crate::web::fault::Fault;
use crate::web::i18n::{key, text, text_with};
use crate::web::language::Language;
use crate::web::visible::Visible;
use crate::web::when::When;

/// Pieces on a page.
const PAGE_LEN: u32 = 50;

/// The page.
#[derive(Debug, Template)]
#[template(path = "advice.html")]
struct AdvicePage {
    shell: Shell,
    total: String,
    plan: Option<When>,
    as_of: Option<When>,
    is_exercise: bool,
    states: Vec<StateLink>,
    rows: Vec<Line>,
    troubles: Vec<String>,
    more_troubles: u64,
    adjusters: Vec<AdjusterLine>,
    next: Option<String>,
}

/// A link to pieces in another state.
#[derive(Debug)]
struct StateLink {
    href: String,
    label: String,
    is_here: bool,
}

/// What was found of an adjuster.
#[derive(Debug)]
struct AdjusterLine {
    id: String,
    title: String,
    subject: String,
    is_on: bool,
    state: String,
    under: String,
    days: String,
    losses: Option<String>,
    factors: Option<String>,
    ahead: String,
}

/// A piece in the list.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: String,
    pub(super) headline: String,
    pub(super) state: &'static str,
    pub(super) state_text: String,
    pub(super) item: String,
    pub(super) quantity: u32,
    pub(super) planned: u32,
    pub(super) from: Option<String>,
    pub(super) to: String,
    pub(super) ship_on: Option<String>,
    pub(super) next_on: Option<String>,
    pub(super) missed: String,
    pub(super) sent: String,
    pub(super) ratio: Option<String>,
    pub(super) why: Option<String>,
    pub(super) has_marks: bool,
}

/// What the page shows, as the address has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    state: String,
    item: String,
    place: String,
    skip: u32,
}

/// Shows what is to be sent, what leaves first first.
pub(crate) async fn show(
    State(app): State<App>,
    shell: Shell,
    Query(params): Query<Params>,
) -> Result<Html<String>, Fault> {
    shell.check(Action::ReadAdvice)?;
    let state = state(&params.state)?;
    let filter = AdviceFilter { state, item: params.item.clone(), place: params.place.clone() };
    let now = app.clock.now();
    let mut plan = advice::plan_state(&app.store).await?;
    let verdicts = take_verdicts(&mut plan.document);
    let total = advice_view::count(&app.store, &filter, now).await?;
    let rows = advice_view::page(&app.store, &filter, now, (params.skip, PAGE_LEN)).await?;
    let seen = u64::from(params.skip) + u64::try_from(rows.len()).unwrap_or_default();
    let address = |state: &str, skip: u64| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("state", state)
            .append_pair("item", &params.item)
            .append_pair("place", &params.place)
            .append_pair("skip", &skip.to_string())
            .finish();
        format!("/advice?{query}")
    };
    let here = state.unwrap_or(AdviceState::Open);
    let states = AdviceState::ALL.map(|state| StateLink {
        href: address(state.word(), 0),
        label: state_text(shell.language, state),
        is_here: state == here,
    });
    let teller = shell.teller(&app);
    let troubles = plan.document.get("troubles").and_then(Value::as_array);
    let trouble = |one: &Value| {
        let part = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default();
        Visible(&format!("{}: {}", part("of"), part("message"))).to_string()
    };
    render(&AdvicePage {
        total: text_with(shell.language, key!("advice-total"), [("n", FluentValue::from(total))]),
        plan: plan.planned_at.map(|at| teller.when(at)),
        as_of: plan.as_of.map(|at| teller.when(at)),
        is_exercise: plan.document.get("is_exercise") == Some(&Value::Bool(true)),
        states: states.into(),
        rows: rows.iter().map(|row| line(shell.language, (row, now))).collect(),
        troubles: troubles.into_iter().flatten().map(trouble).collect(),
        more_troubles: plan
            .document
            .get("troubles_not_listed")
            .and_then(Value::as_u64)
            .unwrap_or_default(),
        adjusters: verdicts.iter().map(|judged| adjuster(shell.language, judged)).collect(),
        next: (seen < total && !rows.is_empty()).then(|| address(&params.state, seen)),
        shell,
    })
}

/// Returns what was found of an adjuster, in words.
fn adjuster(language: Language, judged: &Judged) -> AdjusterLine {
    let Verdict { learnt, learnt_under, days, loss_without, loss_with, error, factors, is_on } =
        &judged.verdict;
    let count = |number: usize| FluentValue::from(number);
    let subject = match judged.of {
        Subject::Lanes => key!("advice-adjuster-lanes"),
        Subject::Demand => key!("advice-adjuster-demand"),
    };
    // Of too few days nothing was compared.
    let is_judged = 0 < *days;
    let state = match (is_on, is_judged) {
        (true, _) => key!("advice-adjuster-on"),
        (false, true) => key!("advice-adjuster-off"),
        (false, false) => key!("advice-adjuster-few"),
    };
    let under = [
        ("under", count(*learnt_under)),
        ("learnt", count(*learnt)),
        ("untold", count(judged.untold)),
    ];
    AdjusterLine {
        id: Visible(&judged.id).to_string(),
        title: Visible(if is_zh(language) { &judged.zh } else { &judged.en }).to_string(),
        subject: text(language, subject),
        is_on: *is_on,
        state: text(language, state),
        under: text_with(language, key!("advice-adjuster-cases"), under),
        days: days.to_string(),
        losses: is_judged.then(|| format!("{loss_without:.4} → {loss_with:.4} (± {error:.4})")),
        factors: is_judged.then(|| factors.map(|factor| format!("{factor:.2}")).join(" · ")),
        ahead: judged.days_ahead.to_string(),
    }
}

/// Returns a piece as the list shows it.
pub(super) fn line(
    language: Language,
    (row, now): (&AdviceRow, chrono::DateTime<chrono::Utc>),
) -> Line {
    let view = &row.view;
    let state = row.state_at(now);
    let visible = |text: &str| Visible(text).to_string();
    let reason = view.reasons.first();
    Line {
        id: row.id.clone(),
        headline: visible(&telling_language(language).headline(&shown(row))),
        state: state.word(),
        state_text: state_text(language, state),
        item: visible(&view.item),
        quantity: row.quantity,
        planned: view.quantity,
        from: view.from.as_deref().map(visible),
        to: visible(&view.to),
        ship_on: view.latest_ship_on.map(|day| format!("{day} {}", weekday_text(language, day))),
        next_on: view.next_arrival_on.map(|day| day.to_string()),
        missed: outcome(language, view, &view.if_missed),
        sent: outcome(language, view, &view.if_shipped),
        ratio: ratio(view),
        why: reason.map(|reason| visible(if is_zh(language) { &reason.zh } else { &reason.en })),
        has_marks: !view.marks.is_empty(),
    }
}

/// Returns the piece with the quantity that a person made of it.
fn shown(row: &AdviceRow) -> View {
    View { quantity: row.quantity, ..row.view.clone() }
}

/// Returns the ratio of costs beyond which more than is advised would be right.
fn ratio(view: &View) -> Option<String> {
    let step = view.break_even.iter().find(|step| step.quantity == view.quantity)?;
    step.below.map(|below| format!("{below:.2}"))
}

/// Returns what comes of it, in words.
pub(super) fn outcome(language: Language, view: &View, outcome: &OutcomeView) -> String {
    let cost = outcome.cost.as_ref().zip(view.currency);
    let cost = cost.map(|(cost, currency)| format!(", {cost} {currency}")).unwrap_or_default();
    let values = [
        ("short", FluentValue::from(outcome.short.clone())),
        ("idle", FluentValue::from(outcome.idle.clone())),
        ("cost", FluentValue::from(cost)),
    ];
    text_with(language, key!("advice-outcome"), values)
}

/// Returns the short name of the weekday that `day` is.
fn weekday_text(language: Language, day: NaiveDate) -> String {
    text(
        language,
        match day.weekday() {
            Weekday::Mon => key!("weekday-mon"),
            Weekday::Tue => key!("weekday-tue"),
            Weekday::Wed => key!("weekday-wed"),
            Weekday::Thu => key!("weekday-thu"),
            Weekday::Fri => key!("weekday-fri"),
            Weekday::Sat => key!("weekday-sat"),
            Weekday::Sun => key!("weekday-sun"),
        },
    )
}

/// Returns what a piece is, in words.
pub(super) fn state_text(language: Language, state: AdviceState) -> String {
    text(
        language,
        match state {
            AdviceState::Open => key!("advice-open"),
            AdviceState::Snoozed => key!("advice-snoozed"),
            AdviceState::Firmed => key!("advice-firmed"),
            AdviceState::Shipped => key!("advice-shipped"),
            AdviceState::Rejected => key!("advice-rejected"),
            AdviceState::Superseded => key!("advice-superseded"),
            AdviceState::Withdrawn => key!("advice-withdrawn"),
        },
    )
}

/// Returns the language that reasons are told in.
pub(super) fn telling_language(language: Language) -> telling::Language {
    if is_zh(language) { telling::Language::Zh } else { telling::Language::En }
}

/// Returns whether it is Chinese.
pub(super) fn is_zh(language: Language) -> bool {
    match language {
        Language::En => false,
        Language::ZhCn => true,
    }
}
