//! The free hours of consultants, read from their calendars when somebody asks. The writer waits for nobody,
//! so calendars are read before it is asked.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::task::JoinSet;
use upturn_core::booking::{self, Diary, Span};
use upturn_core::calendar::Calendar;

use super::App;
use super::calendars::InForce;
use super::deed_form::BOOK_CONSULTANT;
use super::fault::{Fault, FaultKind};
use super::when::machine;
use crate::delivery::Destination;
use crate::store;
use crate::store::person;
use crate::store::task_view::TaskDetail;

/// How long a calendar may take to answer; less than a request of ours may.
const ANSWER_MAX: Duration = Duration::from_secs(4);
/// Seconds until a calendar that does not answer is asked again.
const RETRY_AFTER_S: i64 = 60;

/// What is offered.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "Slots")]
pub(crate) struct Offers {
    /// Free hours, the earliest first: three, on different half-days as far as there are such.
    pub(crate) slots: Vec<Offer>,
    /// The consultants whose calendars could not be read.
    pub(crate) unread: Vec<Unread>,
}

/// A free hour.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Slot")]
pub(crate) struct Offer {
    /// The consultant's id.
    pub(crate) consultant: String,
    /// The consultant's name, if there is one.
    pub(crate) name: Option<String>,
    /// When it begins.
    pub(crate) starts_at: String,
    /// When it is over.
    pub(crate) ends_at: String,
    #[serde(skip)]
    pub(crate) span: Span,
}

/// A consultant whose calendar could not be read.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UnreadCalendar")]
pub(crate) struct Unread {
    /// The consultant's id.
    pub(crate) consultant: String,
    /// Why.
    pub(crate) why: String,
}

/// What is known of a consultant's time.
#[derive(Debug)]
struct Known {
    consultant: String,
    calendar: Calendar,
    busy: Vec<Span>,
}

impl Known {
    fn diary(&self) -> Diary<'_> {
        let Self { consultant, calendar, busy } = self;
        Diary { consultant, calendar, busy }
    }
}

/// Returns whether there is any consultant with a calendar.
pub(crate) fn is_possible(app: &App) -> bool {
    !app.delivery.borrow().consultants().is_empty()
}

/// Returns the place of the step that a meeting does; fails if the task asks for none.
pub(crate) fn step(task: &TaskDetail) -> Result<usize, Fault> {
    let step = task.steps.iter().position(|step| step == BOOK_CONSULTANT);
    step.ok_or_else(|| wrong("the task has no step 'book_consultant'"))
}

/// Returns three free hours of consultants who are there, and whose calendars could not be read. Fails if
/// none could.
pub(crate) async fn offers(app: &App) -> Result<Offers, Fault> {
    let now = app.clock.now();
    let (mut reading, calendars) = (JoinSet::new(), InForce::read(app).await?);
    for (consultant, destination) in consultants(app).await? {
        let calendar = calendars.of_owner(&consultant);
        reading.spawn(read(app.clone(), consultant, (calendar, destination), now));
    }
    let (mut known, mut unread) = (Vec::new(), Vec::new());
    for read in reading.join_all().await {
        match read? {
            Ok(read) => known.push(read),
            Err(why) => unread.push(why),
        }
    }
    // Calendars answer in any order.
    unread.sort_by(|one, other| one.consultant.cmp(&other.consultant));
    if let Some(first) = unread.first().filter(|_| known.is_empty()) {
        return Err(silent(first));
    }
    let diaries: Vec<_> = known.iter().map(Known::diary).collect();
    let people = app.reloader.people();
    let slots = booking::offer(&diaries, now).into_iter().map(|slot| Offer {
        consultant: slot.consultant.to_owned(),
        name: people.get(slot.consultant).map(|person| person.name.to_string()),
        starts_at: machine(slot.span.starts_at),
        ends_at: machine(slot.span.ends_at),
        span: slot.span,
    });
    Ok(Offers { slots: slots.collect(), unread })
}

/// Returns the hour of `consultant` that begins at `starts_at`, if it is free.
pub(crate) async fn check(
    app: &App,
    consultant: &str,
    starts_at: DateTime<Utc>,
) -> Result<Span, Fault> {
    let now = app.clock.now();
    let all = consultants(app).await?;
    let Some((_, destination)) = all.iter().find(|(known, _)| known == consultant) else {
        let known: Vec<_> = all.iter().map(|(known, _)| &**known).collect();
        return Err(wrong(match &*known {
            [] => "there is no consultant with a calendar; name one in a destination of the kind \
                   'caldav', or mark the step by hand"
                .to_owned(),
            known => format!(
                "consultant is missing, or nobody with a calendar; use one of {}",
                known.join(", ")
            ),
        }));
    };
    let calendar = InForce::read(app).await?.of_owner(consultant);
    let place = (calendar, Arc::clone(destination));
    let read = read(app.clone(), consultant.to_owned(), place, now).await?;
    let known = read.map_err(|unread| silent(&unread))?;
    let free = booking::free(&known.diary(), now);
    let slot = free.into_iter().find(|slot| slot.span.starts_at == starts_at);
    slot.map(|slot| slot.span).ok_or_else(|| {
        let at = machine(starts_at);
        let detail = format!("'{consultant}' is not free for an hour at {at}; choose another time");
        Fault::of(FaultKind::SlotTaken, detail)
    })
}

/// Returns the consultants with a calendar who have not left.
async fn consultants(app: &App) -> Result<Vec<(String, Arc<Destination>)>, Fault> {
    let people = person::all(&app.store).await?;
    let has_left = |id: &str| people.iter().any(|person| person.id == id && !person.is_enabled());
    let routing = Arc::clone(&app.delivery.borrow());
    let all = routing.consultants().into_iter().filter(|(consultant, _)| !has_left(consultant));
    Ok(all.map(|(consultant, it)| (consultant.to_owned(), Arc::clone(it))).collect())
}

/// Reads when a consultant is busy: by the calendar, and by what is booked here and may not be in it yet.
async fn read(
    app: App,
    consultant: String,
    (calendar, destination): (Calendar, Arc<Destination>),
    now: DateTime<Utc>,
) -> Result<Result<Known, Unread>, Fault> {
    let Some(within) = booking::horizon(&calendar, now) else {
        return Ok(Ok(Known { consultant, calendar, busy: Vec::new() }));
    };
    let asked = destination.channel.busy(within, calendar.zone());
    let why = match tokio::time::timeout(ANSWER_MAX, asked).await {
        Ok(Ok(mut busy)) => {
            busy.extend(store::booking::times(&app.store, &consultant, within).await?);
            return Ok(Ok(Known { consultant, calendar, busy }));
        }
        Ok(Err(failure)) => failure.to_string(),
        Err(_elapsed) => format!("it did not answer within {} s", ANSWER_MAX.as_secs()),
    };
    Ok(Err(Unread { consultant, why }))
}

fn silent(unread: &Unread) -> Fault {
    let Unread { consultant, why } = unread;
    let detail = format!(
        "the calendar of '{consultant}' cannot be read: {why}; try again later, or agree on a time \
         and mark the step by hand"
    );
    Fault::try_again(detail, RETRY_AFTER_S)
}

fn wrong(detail: impl Into<String>) -> Fault {
    Fault::of(FaultKind::WrongAct, detail)
}
