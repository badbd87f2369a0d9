//! Figures for a reader: what is asked for, and what is counted, for the page and for programs.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::Deserialize;
use upturn_core::calendar::Calendar;
use upturn_core::figures::attribution::{Line, Opened, WINDOW_DAYS, WINDOW_DAYS_MAX, attribute};
use upturn_core::figures::{Figures, Worked, count};

use super::App;
use super::calendars::InForce;
use super::fault::Fault;
use super::when::Teller;
use crate::auth::sight::Sight;
use crate::runtime::deed::POOL;
use crate::store::figures::{self, COUNTED_MAX, FigureDeal, FigureTask, Period};
use crate::store::person;

/// How many days a period has that nobody asked for otherwise.
const DAYS: u64 = 90;

/// What is asked for. An unknown parameter is an error.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The first day.
    pub(crate) from: String,
    /// The last day.
    pub(crate) until: String,
    /// A rule's id.
    pub(crate) rule: String,
    /// A team.
    pub(crate) team: String,
    /// What is compared: rules, people, teams or grades.
    pub(crate) by: String,
    /// The days after a deal was opened in which an order counts for it.
    pub(crate) window: String,
    /// Chooses the language.
    pub(crate) lang: String,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Rules.
    Rule,
    /// Those who have the tasks: people, and pools.
    Person,
    /// Their teams.
    Team,
    /// The grades of leads.
    Grade,
}

impl By {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Rule, Self::Person, Self::Team, Self::Grade];

    /// Returns its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Person => "person",
            Self::Team => "team",
            Self::Grade => "grade",
        }
    }
}

/// What is asked for, understood.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) first: NaiveDate,
    pub(crate) last: NaiveDate,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    rule: Option<String>,
    team: Option<String>,
    pub(crate) by: By,
    pub(crate) window: u64,
}

/// What was counted.
#[derive(Debug)]
pub(crate) struct Counted {
    /// All of it.
    pub(crate) whole: Figures,
    /// Each group of it, most tasks first.
    pub(crate) groups: Vec<(String, Figures)>,
    /// Whether there is more than is counted.
    pub(crate) is_cut: bool,
}

/// The group of those who are in no team, and of tasks that are no leads.
pub(crate) const NO_GROUP: &str = "-";

impl Params {
    /// Returns what they ask for, by the days of `teller`.
    pub(crate) fn question(&self, teller: &Teller) -> Result<Question, Fault> {
        let day = |name: &str, text: &str| match text {
            "" => Ok(None),
            text => text.parse::<NaiveDate>().map(Some).map_err(|_| {
                Fault::bad_request(format!("{name} is '{text}'; a day is written 2026-01-31"))
            }),
        };
        let last = day("until", &self.until)?.unwrap_or_else(|| teller.day_of(teller.now));
        let first = match day("from", &self.from)? {
            Some(first) => first,
            None => last.checked_sub_days(Days::new(DAYS - 1)).unwrap_or(last),
        };
        if last < first {
            let detail = format!("from is {first}, after until, {last}; turn them round");
            return Err(Fault::bad_request(detail));
        }
        let window = match &*self.window {
            "" => WINDOW_DAYS,
            text => text.parse().ok().filter(|days| *days <= WINDOW_DAYS_MAX).ok_or_else(|| {
                Fault::bad_request(format!(
                    "window is '{text}'; write a number of days from 0 to {WINDOW_DAYS_MAX}"
                ))
            })?,
        };
        let by = match &*self.by {
            "" => By::Rule,
            word => By::ALL.into_iter().find(|by| by.word() == word).ok_or_else(|| {
                Fault::bad_request(format!("by is '{word}'; use rule, person, team or grade"))
            })?,
        };
        let ends = last.checked_add_days(Days::new(1)).and_then(|day| teller.beginning_of(day));
        let no_day = || Fault::bad_request("from or until is no day of this calendar");
        let named = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ok(Question {
            first,
            last,
            from: teller.beginning_of(first).ok_or_else(no_day)?,
            until: ends.ok_or_else(no_day)?,
            rule: named(&self.rule),
            team: named(&self.team),
            by,
            window,
        })
    }
}

/// Counts what `question` asks for of what is in `sight`.
pub(crate) async fn answer(
    app: &App,
    sight: &Sight,
    question: &Question,
    teller: &Teller,
) -> Result<Counted, Fault> {
    let (store, teams) = (&app.store, teams(app).await?);
    let Question { from, until, rule, window, .. } = question.clone();
    let rows = figures::tasks(store, sight, &Period { from, until, rule: rule.clone() }).await?;
    // Every deal that an order of the period can have come of; whose task it was is asked later, since
    // what others sold is not ours.
    let opened_from = from.checked_sub_days(Days::new(window)).unwrap_or(from);
    let opened = Period { from: opened_from, until, rule: None };
    let deals = figures::deals(store, &Sight::All, &opened).await?;
    let seen = figures::deals(store, sight, &Period { rule, ..opened }).await?;
    let documents = figures::orders(store).await?;
    let is_full = |n: usize| u32::try_from(n).map_or(true, |n| COUNTED_MAX <= n);
    let is_cut = [rows.len(), deals.len(), documents.len()].into_iter().any(is_full);

    let belongs =
        |owner: &str| question.team.as_deref().is_none_or(|team| team_of(&teams, owner) == team);
    let group = |rule: &str, owner: &str, grade: Option<&str>| match question.by {
        By::Rule => rule.to_owned(),
        By::Person => owner.to_owned(),
        By::Team => team_of(&teams, owner).to_owned(),
        By::Grade => grade.unwrap_or(NO_GROUP).to_owned(),
    };
    let mut grouped: BTreeMap<String, Vec<Worked>> = BTreeMap::new();
    let (in_force, mut calendars) = (InForce::read(app).await?, BTreeMap::new());
    for row in rows.into_iter().filter(|row| belongs(&row.owner)) {
        let owner = row.owner.clone();
        let calendar = calendars.entry(owner).or_insert_with_key(|owner| in_force.of_owner(owner));
        let worked = worked(group(&row.rule, &row.owner, row.grade.as_deref()), row, calendar);
        grouped.entry(worked.group.clone()).or_default().push(worked);
    }
    let lines = lines(&documents, question);
    let all_orders: BTreeSet<&str> = lines.iter().map(|line| &*line.order).collect();
    let orders = u64::try_from(all_orders.len()).unwrap_or(u64::MAX);
    let seen: BTreeSet<&str> = seen.iter().map(|deal| &*deal.deal).collect();
    let mut attributed: BTreeMap<String, u64> = BTreeMap::new();
    let all: Vec<Opened> = deals.iter().map(|deal| as_opened(deal, teller)).collect();
    for place in attribute(&all, &lines, Days::new(window)).into_values() {
        let deal = deals.get(place).filter(|deal| seen.contains(&*deal.deal));
        if let Some(deal) = deal.filter(|deal| belongs(&deal.owner)) {
            let group = group(&deal.rule, &deal.owner, deal.grade.as_deref());
            grouped.entry(group.clone()).or_default();
            *attributed.entry(group).or_default() += 1;
        }
    }
    let whole = count(grouped.values().flatten(), teller.now, (attributed.values().sum(), orders));
    let mut groups: Vec<_> = grouped
        .iter()
        .map(|(name, tasks)| {
            let attributed = attributed.get(name).copied().unwrap_or_default();
            (name.clone(), count(tasks, teller.now, (attributed, orders)))
        })
        .collect();
    groups.sort_by_key(|(_, figures)| std::cmp::Reverse(figures.tasks));
    Ok(Counted { whole, groups, is_cut })
}

fn worked(group: String, row: FigureTask, calendar: &Calendar) -> Worked {
    let worked = row.contacted_at.map(|at| calendar.business_time_between(row.created_at, at));
    Worked {
        worked_s: worked.and_then(|worked| u64::try_from(worked.num_seconds()).ok()),
        group,
        created_at: row.created_at,
        due_at: row.due_at,
        contacted_at: row.contacted_at,
        is_late: row.is_late,
        closed_at: row.closed_at,
        outcome: row.outcome,
    }
}

fn as_opened(deal: &FigureDeal, teller: &Teller) -> Opened {
    Opened {
        deal: deal.deal.clone(),
        account: deal.account.clone(),
        product: deal.product.clone(),
        opened_on: teller.day_of(deal.opened_at),
    }
}

/// Returns the lines of orders that were placed in the period; a document that is none is left out.
fn lines(documents: &[String], question: &Question) -> Vec<Line> {
    let line = |document: &String| {
        let mut columns: BTreeMap<String, String> = serde_json::from_str(document).ok()?;
        let ordered_on: NaiveDate = columns.get("ordered_on")?.parse().ok()?;
        let is_within = question.first <= ordered_on && ordered_on <= question.last;
        is_within.then_some(())?;
        Some(Line {
            order: columns.remove("id")?,
            account: columns.remove("account")?,
            product: columns.remove("product")?,
            deal: columns.remove("deal"),
            ordered_on,
        })
    };
    documents.iter().filter_map(line).collect()
}

/// Returns the first team of everybody who is in one.
async fn teams(app: &App) -> Result<BTreeMap<String, String>, Fault> {
    let registered = app.reloader.people();
    let of_registry = registered
        .iter()
        .filter_map(|(id, person)| Some((id.to_string(), person.team.as_deref()?.to_owned())));
    let mut teams: BTreeMap<String, String> = of_registry.collect();
    for person in person::all(&app.store).await? {
        if let Some(team) = person.profile.teams.first() {
            teams.insert(person.id.clone(), team.clone());
        }
    }
    Ok(teams)
}

fn team_of<'t>(teams: &'t BTreeMap<String, String>, owner: &'t str) -> &'t str {
    let own = || teams.get(owner).map_or(NO_GROUP, String::as_str);
    owner.strip_prefix(POOL).unwrap_or_else(own)
}
