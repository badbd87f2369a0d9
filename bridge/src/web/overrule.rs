//! What people decide over what the machine says, as pages and the API ask for it.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use upturn_core::id::TaskId;
use upturn_core::lead::grade::Grade;
use upturn_core::lead::verdict::{self, Verdict};

use super::App;
use super::ask::{self, ask};
use super::caller::Caller;
use super::deed_form::{check_owner, read_time};
use super::fault::{Fault, FaultKind};
use super::language::Language;
use super::when::{Teller, machine};
use crate::auth::rights::Action;
use crate::auth::sight::Sight;
use crate::runtime::overrule::{Overrule, Overruled, PLACES};
use crate::runtime::request::Request;
use crate::store::overrule::{self, Ended, Subject, What};
use crate::store::{lead, record};

/// For how long a decision stands at most.
const STANDS_MAX: TimeDelta = TimeDelta::days(366);
/// The longest reason, in characters.
const REASON_MAX: usize = 4_000;
/// Decisions that figures are made of, the newest ones.
const FIGURES_MAX: u32 = 10_000;

/// A decision over what the machine says.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Form {
    /// `grade`, `score` or `route` of a task; `probability` of a deal.
    pub(crate) what: String,
    /// The grade; the score, 0 to 100, as text; a person's id or `pool:TEAM`; the probability, 0 to 1.
    pub(crate) value: String,
    /// Why.
    pub(crate) reason: String,
    /// Until when it stands: a day or a time, a year ahead at most.
    pub(crate) until: String,
    /// The number of the decision that stood when it was looked at; left out where none did.
    pub(crate) replaces: Option<i64>,
}

/// How often machine and people were right about something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Rate {
    /// Decisions whose end is known.
    pub(crate) n: u64,
    /// How often the machine was right.
    pub(crate) machine_right: u64,
    /// How often the person was right.
    pub(crate) human_right: u64,
    /// How often the customer was interested, or the deal was won.
    pub(crate) won: u64,
}

/// Sets a decision about `subject`, or takes one back where the form has no value.
pub(crate) async fn decide(
    app: &App,
    subject: Subject,
    form: &Form,
    caller: &Caller,
) -> Result<(), Fault> {
    check_subject(app, &subject, caller).await?;
    let is_of_task = matches!(subject, Subject::Task(_));
    let what = What::find(&form.what).filter(|what| is_of_task != (*what == What::Probability));
    let what = what.ok_or_else(|| {
        let words = if is_of_task { "grade, score, route" } else { "probability" };
        wrong(format!("what is '{}'; use one of {words}", form.what))
    })?;
    let reason = form.reason.replace("\r\n", "\n").replace('\0', "\u{fffd}").trim().to_owned();
    if reason.is_empty() || REASON_MAX < reason.chars().count() {
        return Err(wrong(format!("reason is missing; write 1 to {REASON_MAX} characters")));
    }
    let value = match form.value.trim() {
        "" => None,
        value => Some((check_value(app, what, value).await?, until(app, &form.until)?)),
    };
    let actor = caller.id().to_owned();
    let wish = Overrule { subject, what, value, reason, replaces: form.replaces, actor };
    let wish = Box::new(wish);
    match ask(app, |reply| Request::Overrule { wish, reply }).await? {
        Overruled::Done => Ok(()),
        Overruled::Unknown => Err(FaultKind::NotFound.into()),
        Overruled::Wrong(said) => Err(wrong(said)),
        Overruled::Closed => {
            let detail = "the task is over; what is decided about it does not count any more";
            Err(Fault::of(FaultKind::TaskClosed, detail))
        }
        Overruled::Changed(None) => {
            let detail = "no decision stands; look at it again, and leave out 'replaces'";
            Err(Fault::of(FaultKind::TaskChanged, detail))
        }
        Overruled::Changed(Some(id)) => {
            let detail = format!("decision {id} stands; look at it, then give it as 'replaces'");
            Err(Fault::of(FaultKind::TaskChanged, detail))
        }
    }
}

/// Refuses unless `caller` may decide about `subject`.
async fn check_subject(app: &App, subject: &Subject, caller: &Caller) -> Result<(), Fault> {
    match subject {
        Subject::Task(task) => ask::check_act(app, task, caller).await.map(drop),
        Subject::Deal(deal) => {
            let sight = caller.sight(app, Action::ActOnDeals).await?;
            if deal.contains('\0') {
                return Err(FaultKind::NotFound.into());
            }
            let found = record::find_all(&app.store, "deal", &[deal.as_str()]).await?;
            let document = found.get(deal).ok_or(FaultKind::NotFound)?;
            let columns: BTreeMap<String, String> =
                serde_json::from_str(document).map_err(Fault::internal)?;
            let owner = columns.get("owner").map_or("", String::as_str);
            if sight.covers(owner, None) { Ok(()) } else { Err(FaultKind::NotFound.into()) }
        }
    }
}

async fn check_value(app: &App, what: What, value: &str) -> Result<String, Fault> {
    let within = |most: Decimal| {
        let number: Option<Decimal> = value.parse().ok();
        let number = number.filter(|number| (Decimal::ZERO..=most).contains(number));
        let number = number.filter(|number| number.scale() <= PLACES);
        number.map(|number| number.normalize().to_string()).ok_or_else(|| {
            wrong(format!(
                "value is '{value}'; write a number from 0 to {most}, four places at most"
            ))
        })
    };
    match what {
        What::Grade => Ok(value.replace(char::is_control, "\u{fffd}")),
        What::Score => within(Decimal::ONE_HUNDRED),
        What::Probability => within(Decimal::ONE),
        What::Route => check_owner(app, value).await.map(|()| value.to_owned()),
    }
}

fn until(app: &App, text: &str) -> Result<DateTime<Utc>, Fault> {
    let now = app.clock.now();
    let teller = Teller { language: Language::En, zone: app.reloader.zone(), now };
    let until = read_time(("until", text.trim()), &teller)?;
    let latest = now + STANDS_MAX;
    if until <= now || latest < until {
        let (until, latest) = (machine(until), machine(latest));
        return Err(wrong(format!(
            "until is {until}; a decision stands from now on, to {latest} at the latest"
        )));
    }
    Ok(until)
}

fn wrong(detail: impl Into<String>) -> Fault {
    Fault::of(FaultKind::WrongAct, detail)
}

/// Returns how often the machine and people were right, by what was decided, of those decisions that
/// stood when their task or deal ended, and that are in `sight`.
pub(crate) async fn rates(app: &App, sight: &Sight) -> Result<Vec<(What, Rate)>, Fault> {
    let mut rates = What::ALL.map(|what| (what, Rate::default()));
    for Ended { decision, outcome, owner, region } in
        overrule::ended(&app.store, FIGURES_MAX).await?
    {
        if !sight.covers(&owner, region.as_deref()) {
            continue;
        }
        // Wrong data tell nothing of who was right.
        if outcome == "wrong-data" || outcome == "elsewhere" {
            continue;
        }
        let is_won = outcome == "interested" || outcome == "won";
        let bands = match &decision.subject {
            Subject::Task(task) => bands(app, task).await?,
            Subject::Deal(_) => None,
        };
        let said = (decision.machine.as_deref(), decision.value.as_str());
        let found = judged(decision.what, said, (bands.as_ref(), is_won));
        let Some((_, rate)) = rates.iter_mut().find(|(what, _)| *what == decision.what) else {
            continue;
        };
        // Of what the machine said nothing, or nothing is judged, nobody was right or wrong.
        let Some(found) = found else { continue };
        rate.n += 1;
        rate.won += u64::from(is_won);
        rate.machine_right += u64::from(found.machine);
        rate.human_right += u64::from(found.human);
    }
    Ok(rates.into())
}

async fn bands(app: &App, task: &TaskId) -> Result<Option<Grade>, Fault> {
    Ok(lead::read(&app.store, task).await?.map(|now| now.lead.bands))
}

fn judged(
    what: What,
    (machine, human): (Option<&str>, &str),
    (bands, is_won): (Option<&Grade>, bool),
) -> Option<Verdict> {
    let machine = machine?;
    let numbers = || Some((machine.parse::<Decimal>().ok()?, human.parse::<Decimal>().ok()?));
    match what {
        What::Grade => Some(verdict::of_grades(bands?, (machine, human), is_won)),
        What::Score => Some(verdict::of_scores(bands?, numbers()?, is_won)),
        What::Probability => Some(verdict::of_probabilities(numbers()?, is_won)),
        What::Route => None,
    }
}
