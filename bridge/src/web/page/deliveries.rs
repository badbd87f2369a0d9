//! What the page of a task shows of its letters, and of what was asked for because of it.

use std::collections::BTreeMap;

use axum::extract::{Form, Path, State};
use axum::response::Redirect;
use fluent_bundle::FluentValue;
use serde::Deserialize;
use upturn_core::id::TaskId;

use super::destinations::event_words;
use super::tasks::link;
use crate::store::outbox_view::{self, LetterRow, LetterState};
use crate::store::remote_record;
use crate::store::requirement::{self, Requirement};
use crate::web::App;
use crate::web::fault::Fault;
use crate::web::i18n::{key, text, text_with};
use crate::web::post;
use crate::web::session::Reader;
use crate::web::visible::{Visible, VisibleLines};
use crate::web::when::{Teller, When};

/// Letters of one task on the page.
const LETTERS_MAX: u32 = 100;
/// Requirements of one task on the page.
const REQUIREMENTS_MAX: u32 = 50;

/// A letter about the task.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) destination: String,
    pub(super) event: String,
    pub(super) state: String,
    /// The state's word, for the style sheet.
    pub(super) class: &'static str,
    /// When it arrived, or is to go out.
    pub(super) when: Option<When>,
    pub(super) record: Option<Record>,
    /// How often it was tried in vain, in words.
    pub(super) tries: Option<String>,
    pub(super) error: Option<String>,
    pub(super) again: Option<String>,
}

/// What the task is elsewhere.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) destination: String,
    pub(super) name: String,
    pub(super) url: Option<String>,
}

/// Something asked for because of the task.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) kind: String,
    pub(super) priority: String,
    pub(super) text: String,
    pub(super) actor: String,
    pub(super) when: When,
    pub(super) records: Vec<Record>,
    /// How its letters stand, where it is not elsewhere yet.
    pub(super) states: Vec<String>,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) deliveries: Vec<Delivery>,
    pub(super) asked: Vec<Asked>,
    /// Where the form for another one leads, if anybody is told.
    pub(super) form: Option<String>,
}

/// Returns what the page of `task` shows.
///
/// Whoever may act on the task may have its letters sent again and ask for something because of it.
pub(super) async fn of_task(
    app: &App,
    teller: &Teller,
    (task, may_act): (&TaskId, bool),
) -> Result<Told, Fault> {
    let letters = outbox_view::of_subject(&app.store, task.as_str(), LETTERS_MAX).await?;
    let mut asked = Vec::new();
    for one in requirement::of_task(&app.store, task.as_str(), REQUIREMENTS_MAX).await? {
        asked.push(self::asked(app, teller, one).await?);
    }
    // A record is shown beside the newest letter to its system.
    let newest: BTreeMap<&str, i64> =
        letters.iter().map(|letter| (&*letter.destination, letter.id)).collect();
    let shown = |letter: &LetterRow| {
        let is_newest = newest.get(&*letter.destination) == Some(&letter.id);
        let shown = delivery(teller, letter, is_newest);
        Delivery { again: shown.again.filter(|_| may_act), ..shown }
    };
    Ok(Told {
        deliveries: letters.iter().map(shown).collect(),
        asked,
        form: (may_act && post::takes_requirements(app))
            .then(|| format!("{}/requirements", link(task))),
    })
}

async fn asked(app: &App, teller: &Teller, one: Requirement) -> Result<Asked, Fault> {
    let language = teller.language;
    let records = remote_record::of_subject(&app.store, &one.id).await?;
    let letters = outbox_view::of_subject(&app.store, &one.id, LETTERS_MAX).await?;
    let kind = match &*one.kind {
        "feedback" => key!("requirement-feedback"),
        _ => key!("requirement-requirement"),
    };
    let priority = match &*one.priority {
        "low" => key!("priority-low"),
        "high" => key!("priority-high"),
        _ => key!("priority-normal"),
    };
    let states = letters.iter().map(|letter| {
        let state = text(language, state_key(letter.state));
        format!("{}: {state}", Visible(&letter.destination))
    });
    Ok(Asked {
        kind: text(language, kind),
        priority: text(language, priority),
        text: VisibleLines(&one.text).to_string(),
        actor: Visible(&one.actor).to_string(),
        when: teller.when(one.created_at),
        states: if records.is_empty() { states.collect() } else { Vec::new() },
        records: records
            .iter()
            .filter_map(|record| {
                let (remote, url) = (record.remote.as_deref(), record.url.as_deref());
                self::record(&record.destination, remote, url)
            })
            .collect(),
    })
}

fn record(destination: &str, remote: Option<&str>, url: Option<&str>) -> Option<Record> {
    // What another system says is its address is a link only if it is one of the web.
    let url = url.filter(|url| url.starts_with("https://") || url.starts_with("http://"));
    let name = remote.or(url)?;
    Some(Record {
        destination: Visible(destination).to_string(),
        name: Visible(name).to_string(),
        url: url.map(str::to_owned),
    })
}

fn delivery(teller: &Teller, letter: &LetterRow, is_newest: bool) -> Delivery {
    let language = teller.language;
    let again = matches!(letter.state, LetterState::Parked | LetterState::Sent);
    let when = match letter.state {
        LetterState::Sent => letter.sent_at,
        LetterState::Waiting | LetterState::Collecting => Some(letter.next_at),
        LetterState::Collected | LetterState::Parked | LetterState::Dropped => None,
    };
    let n = ("n", FluentValue::from(letter.attempts));
    let record = record(&letter.destination, letter.remote.as_deref(), letter.url.as_deref());
    Delivery {
        destination: Visible(&letter.destination).to_string(),
        event: event_words(language, &letter.kind),
        state: text(language, state_key(letter.state)),
        class: letter.state.word(),
        when: when.map(|at| teller.when(at)),
        record: record.filter(|_| is_newest),
        tries: (0 < letter.attempts).then(|| text_with(language, key!("letter-tries"), [n])),
        error: letter.last_error.as_deref().map(|error| Visible(error).to_string()),
        again: again.then(|| format!("/letters/{}/again?back=task", letter.id)),
    }
}

fn state_key(state: LetterState) -> &'static str {
    match state {
        LetterState::Waiting => key!("letter-waiting"),
        LetterState::Collecting => key!("letter-collecting"),
        LetterState::Collected => key!("letter-collected"),
        LetterState::Parked => key!("letter-parked"),
        LetterState::Sent => key!("letter-sent"),
        LetterState::Dropped => key!("letter-dropped"),
    }
}

/// What the form sends.
#[derive(Debug, Deserialize)]
pub(crate) struct Asks {
    kind: String,
    priority: String,
    text: String,
}

/// Asks for something because of the task, and leads back to it.
pub(crate) async fn ask(
    State(app): State<App>,
    Reader(caller): Reader,
    Path(id): Path<String>,
    Form(asks): Form<Asks>,
) -> Result<Redirect, Fault> {
    let task = TaskId::from_text(&id);
    let wanted = (&*asks.kind, &*asks.priority, &*asks.text);
    let did = match post::require(&app, &task, wanted, &caller).await {
        Ok(_) => "asked",
        Err(fault) if post::is_refusal(&fault) => "not-asked",
        Err(fault) => return Err(fault),
    };
    Ok(Redirect::to(&format!("{}?did={did}", link(&task))))
}
