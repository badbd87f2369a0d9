//! What pages and the API ask of advice on stock.

use chrono::NaiveDate;
use serde::Deserialize;

use super::App;
use super::ask::ask;
use super::caller::Caller;
use super::fault::{Fault, FaultKind};
use super::language::Language;
use super::when::Teller;
use crate::auth::rights::Action;
use crate::runtime::request::Request;
use crate::stock::step::{Act, Step, Stepped, Verb};
use crate::store::advice::AdviceState;
use crate::store::advice_view::{self, AdviceRow};

/// The longest reason, in characters.
const REASON_MAX: usize = 500;

/// What is said about what is done with a piece of advice, as forms and programs send it.
#[derive(Clone, Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "AdviceAct")]
pub(crate) struct ActForm {
    /// The revision that was seen.
    #[schemars(with = "i64")]
    pub(crate) revision: Text,
    /// How much is sent.
    #[schemars(with = "Option<u32>")]
    pub(crate) quantity: Text,
    /// The day on which it is looked at again: `2025-01-24`.
    pub(crate) until: String,
    /// Why it is decided against.
    pub(crate) reason: String,
}

/// A number, as forms send it or as programs do.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Sent")]
pub(crate) struct Text(pub(crate) String);

#[derive(Deserialize)]
#[serde(untagged)]
enum Sent {
    Number(i64),
    Text(String),
}

impl From<Sent> for Text {
    fn from(sent: Sent) -> Self {
        match sent {
            Sent::Number(number) => Self(number.to_string()),
            Sent::Text(text) => Self(text.trim().to_owned()),
        }
    }
}

/// Returns the piece `id`.
pub(crate) async fn find(app: &App, id: &str) -> Result<AdviceRow, Fault> {
    advice_view::find(&app.store, id).await?.ok_or_else(|| FaultKind::NotFound.into())
}

/// Lets `caller` do something with a piece of advice; returns it after the commit. Of several people at
/// once exactly one succeeds.
pub(crate) async fn act(
    app: &App,
    (id, verb): (&str, &str),
    form: &ActForm,
    caller: &Caller,
) -> Result<AdviceRow, Fault> {
    caller.check(Action::ActOnAdvice)?;
    let row = find(app, id).await?;
    let revision: i64 = form.revision.0.parse().map_err(|_| {
        Fault::bad_request("revision is missing; send the one that the advice was read with")
    })?;
    let verb = self::verb(app, verb, form)?;
    let is_allowed = verb.after(row.state).is_some();
    let act = Act { id: id.to_owned(), revision, verb, actor: caller.id().to_owned() };
    let stepped = if is_allowed {
        ask(app, |reply| Request::Advice { step: Step::Act(act), reply }).await?
    } else {
        Stepped::Refused
    };
    let after = find(app, id).await?;
    if stepped == Stepped::Done {
        return Ok(after);
    }
    let (word, revision) = (after.state.word(), after.revision);
    let detail = format!("the advice is {word} since revision {revision}; look at it again");
    Err(Fault::of(FaultKind::AdviceChanged, detail))
}

fn verb(app: &App, word: &str, form: &ActForm) -> Result<Verb, Fault> {
    let quantity = || {
        let quantity = form.quantity.0.parse::<u32>().ok().filter(|units| 0 < *units);
        quantity.ok_or_else(|| Fault::bad_request("quantity is no number of units above 0"))
    };
    Ok(match word {
        "firm" if form.quantity.0.is_empty() => Verb::Firm(None),
        "firm" => Verb::Firm(Some(quantity()?)),
        "edit" => Verb::Edit(quantity()?),
        "snooze" => {
            let day = form.until.trim().parse::<NaiveDate>().ok();
            let (zone, now) = (app.reloader.zone(), app.clock.now());
            let teller = Teller { language: Language::En, zone, now };
            let until = day.and_then(|day| teller.beginning_of(day)).filter(|at| now < *at);
            Verb::Snooze(until.ok_or_else(|| {
                Fault::bad_request("until is no day to come; write it as 2025-01-24")
            })?)
        }
        "reject" => {
            let reason = form.reason.trim();
            if reason.is_empty() || REASON_MAX < reason.chars().count() {
                let detail = format!("reason needs 1 to {REASON_MAX} characters");
                return Err(Fault::bad_request(detail));
            }
            Verb::Reject(reason.to_owned())
        }
        "ship" => Verb::Ship,
        "release" => Verb::Release,
        _ => return Err(FaultKind::NotFound.into()),
    })
}

/// Returns the state that `word` names; none names those that wait for a person.
pub(crate) fn state(word: &str) -> Result<Option<AdviceState>, Fault> {
    if word.is_empty() {
        return Ok(None);
    }
    let found = AdviceState::find(word).map(Some);
    found.ok_or_else(|| Fault::bad_request("state is none that advice has"))
}
