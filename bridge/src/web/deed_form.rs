//! What is said with a deed, as forms and programs send it, and the deed it makes.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use upturn_core::booking::Span;
use upturn_core::input::Verb;
use upturn_core::registry::hand_over::HandOver;

use super::App;
use super::booking;
use super::fault::{Fault, FaultKind};
use super::profile_form::Pairs;
use super::when::{Teller, machine};
use crate::auth::person::{Directory, is_email};
use crate::runtime::deed::{
    ContactChannel, ContactResult, Deed, LOGGED_WITHIN, Outcome, POOL, SNOOZE_MAX, WORDS_MAX, Words,
};
use crate::store::task_view::TaskDetail;
use crate::store::{coupon, person};

/// What is said with a deed; which of it, the deed says.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Act")]
pub(crate) struct DeedForm {
    /// Of `done`: interested, solved, not-interested, not-reached or wrong-data.
    outcome: Option<String>,
    /// Of `done` and `contact`, if there is more to say.
    note: Option<String>,
    /// Of `dismiss`, `snooze`, `return` and `back-fill`: why.
    reason: Option<String>,
    /// Of `comment`.
    text: Option<String>,
    /// Of `check-step` and `uncheck-step`: the place of the step, from 0 on.
    step: Option<usize>,
    /// Of `snooze`: a day, or a time.
    until: Option<String>,
    /// Of `contact`, if it was not now, and of `back-fill`: when.
    at: Option<String>,
    /// Of `contact`: phone, email, message or visit.
    channel: Option<String>,
    /// Of `contact`: reached, call-again or not-reached.
    result: Option<String>,
    /// Of `approve-back-fill` and `reject-back-fill`: the number of what was told later.
    id: Option<i64>,
    /// Of `hand-over`: a person's id, or `pool:TEAM`.
    to: Option<String>,
    /// Of `hand-over`: one of the kinds that the registry has.
    kind: Option<String>,
    /// Of `issue-coupon`: the campaign; the only one, where absent.
    campaign: Option<String>,
    /// Of `issue-coupon`: a contact of the task's account; the only one, where absent.
    contact: Option<String>,
    /// Of `issue-coupon`: where mail reaches the contact, if it is to go by mail.
    address: Option<String>,
    /// Of `book-consultant`: one who has a calendar.
    consultant: Option<String>,
    /// Of `book-consultant`: when the hour begins.
    starts_at: Option<String>,
    /// Of `hand-over`: what the kind asks for.
    package: BTreeMap<String, String>,
}

/// The step that a coupon does.
pub(crate) const SEND_COUPON: &str = "send_coupon";
/// The step that a meeting does.
pub(crate) const BOOK_CONSULTANT: &str = "book_consultant";

/// What the name of a field of a package begins with in a form.
pub(crate) const PACKAGE: &str = "package.";

impl DeedForm {
    /// Returns what a form says. What else it may hold says nothing about a deed.
    pub(crate) fn typed(pairs: &Pairs) -> Self {
        let mut form = Self::default();
        for (name, value) in pairs {
            let value = || Some(value.clone());
            match &**name {
                "outcome" => form.outcome = value(),
                "note" => form.note = value(),
                "reason" => form.reason = value(),
                "text" => form.text = value(),
                "step" => form.step = value().and_then(|step| step.parse().ok()),
                "until" => form.until = value(),
                "at" => form.at = value(),
                "channel" => form.channel = value(),
                "result" => form.result = value(),
                "id" => form.id = value().and_then(|id| id.parse().ok()),
                "to" => form.to = value(),
                "kind" => form.kind = value(),
                "campaign" => form.campaign = value(),
                "contact" => form.contact = value(),
                "address" => form.address = value(),
                "consultant" => form.consultant = value(),
                "starts_at" => form.starts_at = value(),
                other => {
                    let field = other.strip_prefix(PACKAGE).map(str::to_owned).zip(value());
                    form.package.extend(field);
                }
            }
        }
        form
    }

    /// Returns what the body of a request says; nothing is as good as an empty object.
    pub(crate) fn of_json(body: &[u8]) -> Result<Self, Fault> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(body).map_err(|error| wrong(error.to_string()))
    }

    /// Returns the deed that this says of the task for `actor`, by `teller`'s clock and zone.
    pub(crate) async fn deed(
        &self,
        app: &App,
        (task, verb): (&TaskDetail, Verb),
        (teller, actor): (&Teller, &str),
    ) -> Result<Deed, Fault> {
        Ok(match verb {
            Verb::Accept => Deed::Accept,
            Verb::Claim => Deed::Claim,
            Verb::Start => Deed::Start,
            Verb::Wake => Deed::Wake,
            Verb::CheckStep => Deed::CheckStep { step: self.step(task)? },
            Verb::UncheckStep => Deed::UncheckStep { step: self.step(task)? },
            Verb::IssueCoupon => self.coupon(app, task).await?,
            Verb::BookConsultant => self.meeting(app, task, teller).await?,
            Verb::Comment => Deed::Comment { text: words("text", self.text.as_deref())? },
            Verb::Dismiss => Deed::Dismiss { reason: self.reason()? },
            Verb::Done => Deed::Done { outcome: self.outcome()?, note: self.note()? },
            Verb::Snooze => Deed::Snooze { until: self.until(teller)?, reason: self.reason()? },
            Verb::Contact => {
                let (at, now) = (self.at(teller)?.unwrap_or(teller.now), teller.now);
                if now < at {
                    return Err(in_future(at));
                }
                if at < now - LOGGED_WITHIN {
                    return Err(wrong("at is more than an hour ago; tell it with back-fill"));
                }
                self.contact(at)?
            }
            Verb::BackFill => self.back_fill(task, teller)?,
            Verb::ApproveBackFill => Deed::ApproveBackFill { id: self.told(task, actor)? },
            Verb::RejectBackFill => {
                let (id, reason) = (self.told(task, actor)?, self.reason()?);
                Deed::RejectBackFill { id, reason }
            }
            Verb::HandOver => self.hand_over(app, task).await?,
            Verb::Return => self.give_back(app, task).await?,
        })
    }

    /// Returns the coupon that this asks for.
    async fn coupon(&self, app: &App, task: &TaskDetail) -> Result<Deed, Fault> {
        let step = task.steps.iter().position(|step| step == SEND_COUPON);
        let step = step.ok_or_else(|| wrong("the task has no step 'send_coupon'"))?;
        let said = |text: &Option<String>| {
            let text = text.as_deref().map(str::trim).filter(|text| !text.is_empty());
            text.map(|text| text.replace(char::is_control, "\u{fffd}"))
        };
        let campaigns = coupon::with_budget(&app.store).await?;
        let campaign = match (said(&self.campaign), &*campaigns) {
            (Some(campaign), _) => campaign,
            (None, [only]) => only.clone(),
            (None, _) => {
                let known = campaigns.join(", ");
                return Err(wrong(format!("campaign is missing; use one of {known}")));
            }
        };
        let address = said(&self.address);
        if address.as_deref().is_some_and(|address| !is_email(address)) {
            return Err(wrong("address is no e-mail address"));
        }
        Ok(Deed::IssueCoupon { step, campaign, contact: said(&self.contact), address })
    }

    /// Returns the meeting that this asks for, if the consultant is free then.
    async fn meeting(&self, app: &App, task: &TaskDetail, teller: &Teller) -> Result<Deed, Fault> {
        let step = booking::step(task)?;
        let consultant = self.consultant.as_deref().unwrap_or_default().trim();
        let told = self.starts_at.as_deref().unwrap_or_default().trim();
        let starts_at = read_time(("starts_at", told), teller)?;
        let Span { starts_at, ends_at } = booking::check(app, consultant, starts_at).await?;
        Ok(Deed::BookConsultant { step, consultant: consultant.to_owned(), starts_at, ends_at })
    }

    /// Returns the contact that this says, at `at`.
    fn contact(&self, at: DateTime<Utc>) -> Result<Deed, Fault> {
        let (channel, result) = self.channel_and_result()?;
        Ok(Deed::Contact { at, channel, result, note: self.note()? })
    }

    fn channel_and_result(&self) -> Result<(ContactChannel, ContactResult), Fault> {
        let (channels, results) = (ContactChannel::ALL, ContactResult::ALL);
        let channel = chosen(("channel", &self.channel), channels, ContactChannel::word)?;
        Ok((channel, chosen(("result", &self.result), results, ContactResult::word)?))
    }

    /// Returns the contact of before that this tells of.
    fn back_fill(&self, task: &TaskDetail, teller: &Teller) -> Result<Deed, Fault> {
        let at = self.at(teller)?.ok_or_else(|| wrong("at is missing; say when it was"))?;
        if teller.now < at {
            return Err(in_future(at));
        }
        if at < task.row.created_at {
            return Err(wrong("at is before the task was made; a contact of before is not its"));
        }
        let (channel, result) = self.channel_and_result()?;
        Ok(Deed::BackFill { at, channel, result, reason: self.reason()? })
    }

    /// Returns the number of something that was told later and waits for somebody else than `actor`.
    fn told(&self, task: &TaskDetail, actor: &str) -> Result<i64, Fault> {
        let told = task.back_fills.iter().find(|told| Some(told.id) == self.id);
        let told = told.ok_or_else(|| wrong("id is missing, or nothing that was told later"))?;
        if told.actor == actor {
            let detail = "nobody decides about what they told themselves; ask a colleague";
            return Err(Fault::of(FaultKind::Forbidden, detail));
        }
        Ok(told.id)
    }

    fn outcome(&self) -> Result<Outcome, Fault> {
        chosen(("outcome", &self.outcome), Outcome::ALL, Outcome::word)
    }

    fn note(&self) -> Result<Option<Words>, Fault> {
        let note = self.note.as_deref().filter(|note| !note.trim().is_empty());
        note.map(|note| words("note", Some(note))).transpose()
    }

    fn reason(&self) -> Result<Words, Fault> {
        words("reason", self.reason.as_deref())
    }

    fn step(&self, task: &TaskDetail) -> Result<usize, Fault> {
        let steps = task.steps.len();
        let step = self.step.filter(|step| *step < steps);
        step.ok_or_else(|| wrong(format!("step is missing or not one of the task's {steps} steps")))
    }

    /// Returns `at`, if it is said.
    fn at(&self, teller: &Teller) -> Result<Option<DateTime<Utc>>, Fault> {
        let text = self.at.as_deref().map(str::trim).filter(|text| !text.is_empty());
        text.map(|text| read_time(("at", text), teller)).transpose()
    }

    fn until(&self, teller: &Teller) -> Result<DateTime<Utc>, Fault> {
        let text = self.until.as_deref().unwrap_or_default().trim();
        let until = read_time(("until", text), teller)?;
        let latest = teller.now + SNOOZE_MAX;
        if until <= teller.now || latest < until {
            let (until, latest) = (machine(until), machine(latest));
            return Err(wrong(format!(
                "until is {until}; a task is put off from now on, to {latest} at the latest"
            )));
        }
        Ok(until)
    }

    async fn hand_over(&self, app: &App, task: &TaskDetail) -> Result<Deed, Fault> {
        let kinds = app.reloader.hand_overs();
        let kind = kinds.find(self.kind.as_deref().unwrap_or_default()).ok_or_else(|| {
            let known: Vec<_> = kinds.all().iter().map(|kind| &*kind.id).collect();
            wrong(format!("kind is no kind of hand-over; use one of {}", known.join(", ")))
        })?;
        let package = self.package(kind)?;
        let to = self.to.as_deref().unwrap_or_default().trim().to_owned();
        if to == task.row.owner {
            return Err(wrong(format!("'{to}' has the task already; name somebody else")));
        }
        check_owner(app, &to).await?;
        Ok(Deed::HandOver { to, kind: kind.id.to_string(), package })
    }

    /// Returns what comes with a hand-over: every field that its kind asks for, and no other.
    fn package(&self, kind: &HandOver) -> Result<BTreeMap<String, Words>, Fault> {
        let fields = || kind.field.iter().map(|field| &*field.id);
        let given = |name: &str| self.package.get(name).and_then(|text| Words::new(text));
        let missing: Vec<_> = fields().filter(|name| given(name).is_none()).collect();
        if !missing.is_empty() {
            let (missing, kind) = (missing.join(", "), &kind.id);
            return Err(wrong(format!(
                "the package of '{kind}' lacks {missing}: each needs 1 to {WORDS_MAX} characters"
            )));
        }
        if let Some(other) = self.package.keys().find(|name| fields().all(|known| known != *name)) {
            return Err(wrong(format!("the package of '{}' has no '{other}'", kind.id)));
        }
        Ok(fields().filter_map(|name| Some((name.to_owned(), given(name)?))).collect())
    }

    async fn give_back(&self, app: &App, task: &TaskDetail) -> Result<Deed, Fault> {
        let (from, reason) = (task.row.owner.clone(), self.reason()?);
        let people = person::all(&app.store).await?;
        let registered = app.reloader.people();
        let of_registry = registered.get(&*from).and_then(|person| person.team.as_deref());
        let known = people.iter().find(|person| person.id == from);
        let of_database = known.and_then(|person| person.profile.teams.first());
        let team = of_registry.or(of_database.map(String::as_str));
        let Some(team) = team.filter(|_| !from.starts_with(POOL)) else {
            let detail = format!("'{from}' is in no team, so there is no pool to return it to");
            return Err(Fault::of(FaultKind::TaskChanged, detail));
        };
        Ok(Deed::Return { pool: format!("{POOL}{team}"), from, reason })
    }
}

/// Refuses unless tasks can be given to `owner`: somebody who is there, or the pool of a team.
pub(crate) async fn check_owner(app: &App, owner: &str) -> Result<(), Fault> {
    let people = person::all(&app.store).await?;
    let registered = app.reloader.people();
    if let Some(team) = owner.strip_prefix(POOL) {
        let here = people.iter().any(|person| person.profile.teams.contains(team));
        let there = registered.values().any(|person| person.team.as_deref() == Some(team));
        let detail = || wrong(format!("nobody is in the team '{team}'; name another pool"));
        return if here || there { Ok(()) } else { Err(detail()) };
    }
    if people.iter().any(|person| person.id == owner && !person.is_enabled()) {
        return Err(wrong(format!("'{owner}' has left; name somebody who is there")));
    }
    let directory = Directory { people: &people, registered: &registered };
    if directory.knows(owner) {
        Ok(())
    } else {
        Err(wrong(format!("nobody is called '{owner}'; name a person's id, or pool:TEAM")))
    }
}

fn wrong(detail: impl Into<String>) -> Fault {
    Fault::of(FaultKind::WrongAct, detail)
}

fn in_future(at: DateTime<Utc>) -> Fault {
    wrong(format!("at is {}, which has not come yet; tell what has happened", machine(at)))
}

fn words(name: &str, text: Option<&str>) -> Result<Words, Fault> {
    let words = Words::new(text.unwrap_or_default());
    words.ok_or_else(|| wrong(format!("{name} is missing; write 1 to {WORDS_MAX} characters")))
}

fn chosen<T: Copy>(
    (name, word): (&str, &Option<String>),
    all: impl IntoIterator<Item = T> + Clone,
    word_of: fn(T) -> &'static str,
) -> Result<T, Fault> {
    let found = all.clone().into_iter().find(|one| Some(word_of(*one)) == word.as_deref());
    found.ok_or_else(|| {
        let words: Vec<_> = all.into_iter().map(word_of).collect();
        wrong(format!("{name} is missing or unknown; use one of {}", words.join(", ")))
    })
}

/// Reads a time: RFC 3339, or a day or a day and time by the clock on the wall.
pub(crate) fn read_time(
    (name, text): (&str, &str),
    teller: &Teller,
) -> Result<DateTime<Utc>, Fault> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return teller.beginning_of(day).ok_or_else(|| wrong(format!("{name} is no time")));
    }
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let local = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    // An hour that the clocks skip is the one behind it.
    let at = local.and_then(|local| {
        let zone = teller.zone;
        let found = zone.from_local_datetime(&local).earliest();
        found.or_else(|| zone.from_local_datetime(&(local + TimeDelta::hours(1))).earliest())
    });
    at.map(|at| at.to_utc()).ok_or_else(|| {
        wrong(format!(
            "{name} is '{text}'; write a day such as 2026-01-31, or a time such as \
             2026-01-31T09:00:00+08:00"
        ))
    })
}
