//! The calendars people work by, with the days that feeds tell.

use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use upturn_core::calendar::Calendar;
use upturn_core::registry::Registry;

use super::App;
use super::fault::Fault;
use crate::facts::stored::StoredError;
use crate::facts::told_days::{self, ToldDays};
use crate::runtime::days;

/// How far ahead days are shown.
const AHEAD: Days = Days::new(365);

/// A calendar, as it is today.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Calendar")]
pub(crate) struct CalendarShown {
    /// The team, or the name that people have in `people.csv`; absent for that of all.
    pub(crate) name: Option<String>,
    /// The zone of its hours.
    pub(crate) zone: String,
    /// Of which revisions it is made.
    pub(crate) revision: String,
    /// Whose days it follows.
    pub(crate) region: Option<String>,
    /// The last day whose holidays are announced; absent where none are.
    #[schemars(with = "Option<String>")]
    pub(crate) announced_until: Option<NaiveDate>,
    /// The feeds in force that tell the days of its region.
    pub(crate) feeds: Vec<String>,
    /// Why it does without them.
    pub(crate) trouble: Option<String>,
    /// The next days in a row on which nobody works and that have a name.
    pub(crate) next_window: Option<Window>,
    /// The days of a year from today on that are not as the week has them.
    pub(crate) days: Vec<DaysShown>,
}

/// Days in a row on which nobody works, the days of the weekend around it included.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CalendarWindow")]
pub(crate) struct Window {
    /// The first.
    #[schemars(with = "String")]
    pub(crate) first_on: NaiveDate,
    /// The last.
    #[schemars(with = "String")]
    pub(crate) last_on: NaiveDate,
    /// What the holidays are called.
    pub(crate) names: Vec<String>,
}

/// Days that are not as the week has them.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CalendarDays")]
pub(crate) struct DaysShown {
    /// The first.
    #[schemars(with = "String")]
    pub(crate) first_on: NaiveDate,
    /// The last.
    #[schemars(with = "String")]
    pub(crate) last_on: NaiveDate,
    /// When people work on each; none where nobody does.
    pub(crate) hours: Vec<String>,
    /// Why, for people.
    pub(crate) name: String,
    /// Whether the calendar's own document says so, over any feed.
    pub(crate) is_own: bool,
}

/// Returns all calendars, that of all first.
pub(crate) async fn all(app: &App) -> Result<Vec<CalendarShown>, Fault> {
    let folder = app.reloader.folder();
    let told = match told_days::in_force(&app.store, &app.feed_office.shelf).await {
        Ok(told) => Ok(told),
        Err(StoredError::Store(error)) => return Err(error.into()),
        Err(error) => Err(error.to_string()),
    };
    let named = folder.calendars.iter().map(|(name, own)| (Some(name.to_string()), own));
    let all = std::iter::once((None, &folder.calendar)).chain(named);
    Ok(all.map(|(name, own)| shown(app, name, own, &told)).collect())
}

/// A due time whose calendar is a guess: no known holidays are not the same as no holidays.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[schemars(rename = "DueUnannounced")]
pub(crate) struct Unannounced {
    /// The last day whose holidays are announced; absent where none are.
    #[schemars(with = "Option<String>")]
    pub(crate) announced_until: Option<NaiveDate>,
}

/// Returns how far the calendar of `owner` is announced, if that is not as far as `due_at`. A calendar
/// that says nothing of holidays, its own or a region's, has nothing to announce.
pub(crate) async fn unannounced(
    app: &App,
    owner: &str,
    due_at: Option<DateTime<Utc>>,
) -> Result<Option<Unannounced>, Fault> {
    let Some(due_at) = due_at else { return Ok(None) };
    let folder = app.reloader.folder();
    let own = folder.calendar_of(owner);
    if own.region().is_none() && own.announced_until().is_none() {
        return Ok(None);
    }
    let calendar = InForce::read(app).await?.of_owner(owner);
    let announced_until = calendar.announced_until();
    Ok((!calendar.is_announced_at(due_at)).then_some(Unannounced { announced_until }))
}

/// The calendars of the folder, and the days that feeds tell.
#[derive(Debug)]
pub(crate) struct InForce {
    folder: Arc<Registry>,
    told: Vec<ToldDays>,
    now: DateTime<Utc>,
}

impl InForce {
    /// Returns those that people work by.
    pub(crate) async fn read(app: &App) -> Result<Self, Fault> {
        let told = match told_days::in_force(&app.store, &app.feed_office.shelf).await {
            Ok(told) => told,
            Err(StoredError::Store(error)) => return Err(error.into()),
            // What the page of calendars says of it; the own days alone are a guess, too.
            Err(_) => Vec::new(),
        };
        Ok(Self { folder: app.reloader.folder(), told, now: app.clock.now() })
    }

    /// Returns the calendar of `owner`, with the days that feeds tell.
    pub(crate) fn of_owner(&self, owner: &str) -> Calendar {
        let own = self.folder.calendar_of(owner);
        if own.region().is_none() {
            return own.clone();
        }
        days::composed(own, &self.told, self.now).unwrap_or_else(|_| own.clone())
    }
}

fn shown(
    app: &App,
    name: Option<String>,
    own: &Calendar,
    told: &Result<Vec<ToldDays>, String>,
) -> CalendarShown {
    let (mut feeds, mut trouble) = (Vec::new(), None);
    let mut calendar = own.clone();
    if let Some(region) = own.region() {
        match told {
            Ok(told) => {
                feeds = days::feeds_of(told, region);
                match days::composed(own, told, app.clock.now()) {
                    Ok(made) => calendar = made,
                    Err(error) => trouble = Some(error.to_string()),
                }
                if feeds.is_empty() {
                    trouble = Some(format!(
                        "no feed in force tells the days of '{region}'; its own days and its week \
                         stand alone"
                    ));
                }
            }
            Err(error) => trouble = Some(error.clone()),
        }
    }
    let today = app.clock.now().with_timezone(&own.zone()).date_naive();
    let until = today.checked_add_days(AHEAD).unwrap_or(today);
    let windows = calendar.closed_between(today, until).into_iter();
    let mut next_window = windows.filter(|window| !window.names.is_empty()).map(|window| Window {
        first_on: window.first_on,
        last_on: window.last_on,
        names: window.names.iter().map(ToString::to_string).collect(),
    });
    let ahead = calendar.overrides().iter();
    let ahead = ahead.filter(|one| today <= one.last_on && one.first_on <= until);
    let days = ahead.map(|one| DaysShown {
        first_on: one.first_on,
        last_on: one.last_on,
        hours: one.hours.ranges().iter().map(ToString::to_string).collect(),
        name: one.name.to_string(),
        is_own: own.find_override(one.first_on).is_some(),
    });
    CalendarShown {
        name,
        zone: calendar.zone().name().to_owned(),
        revision: calendar.revision().to_owned(),
        region: own.region().map(str::to_owned),
        announced_until: calendar.announced_until(),
        feeds,
        trouble,
        next_window: next_window.next(),
        days: days.collect(),
    }
}
