//! Meetings with consultants that come of a task: booked in the transaction of the act, and put into the
//! consultant's calendar by the outbox.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;
use upturn_core::booking::Span;
use upturn_core::id::TaskId;

use super::letters::{Desk, Told};
use crate::delivery::document::Occurrence;
use crate::delivery::letter;
use crate::store::Tx;
use crate::store::booking::{self, Booking, Possible};
use crate::store::error::StoreError;

/// Which meeting is booked because of which task.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'w> {
    pub(super) task: &'w TaskId,
    pub(super) consultant: &'w str,
    /// When it is.
    pub(super) span: Span,
    pub(super) actor: &'w str,
}

/// Why no meeting is booked. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoBooking {
    /// The task has one.
    #[error("the task has led to a meeting before; it stands on its page")]
    OfTask,
    /// Somebody was faster.
    #[error("'{consultant}' has another meeting at {at}; choose another time")]
    Taken { consultant: String, at: String },
    /// There is no calendar to put it into any more.
    #[error("'{0}' has no calendar any more; choose another consultant")]
    NoCalendar(String),
}

/// Books the meeting at `now`, because of the input at the place `cause`, and writes the letters that tell of
/// it: to the calendar, and where routes say so. Or says why there is none.
pub(super) async fn book(
    tx: &mut Tx,
    desk: &Desk<'_>,
    wanted: Wanted<'_>,
    (now, cause): (DateTime<Utc>, &str),
) -> Result<Result<(), NoBooking>, StoreError> {
    let Wanted { task, consultant, span, actor } = wanted;
    let Some(calendar) = desk.delivery.calendar_of(consultant) else {
        return Ok(Err(NoBooking::NoCalendar(consultant.to_owned())));
    };
    match booking::check(tx, task, (consultant, span)).await? {
        Possible::Yes => {}
        Possible::OfTask => return Ok(Err(NoBooking::OfTask)),
        Possible::Taken => {
            let at = span.starts_at.to_rfc3339_opts(SecondsFormat::Secs, true);
            return Ok(Err(NoBooking::Taken { consultant: consultant.to_owned(), at }));
        }
    }
    let (booked_at, booked_by) = (now, actor.to_owned());
    let booked = Booking { consultant: consultant.to_owned(), span, booked_at, booked_by };
    if !booking::insert(tx, task, &booked).await? {
        return Ok(Err(NoBooking::OfTask));
    }

    let person = desk.registry.people.get(consultant);
    let detail = json!({
        "task": task.as_str(), "consultant": consultant,
        "consultant_name": person.map(|person| &*person.name),
        "starts_at": letter::text(span.starts_at), "ends_at": letter::text(span.ends_at),
        "actor": actor,
    });
    // Not the task's id: what becomes of the appointment says nothing about the task.
    let key = letter::key("booking", task.as_str(), "");
    let subject = key.get(..ID_LEN).unwrap_or(&key);
    let told = Told {
        task,
        occurrence: Occurrence::BookingCreated,
        detail: &detail,
        cause,
        from: Some(&calendar.id),
        subject: Some(subject),
        to: None,
    };
    desk.write_into(tx, now, &Told { to: Some(consultant), ..told }, calendar).await?;
    desk.write(tx, now, &told).await?;
    Ok(Ok(()))
}

/// How many characters of a hash tell meetings apart.
const ID_LEN: usize = 24;
