//! Routes of leads: who gets which, by five tags.
//!
//! **What it does** goes by the first line whose tags fit (grade, region, product, source, need) and tries
//! its targets in order: the account's owner or the stand-in of one who left, the member of a team with the
//! most room for its skills and region, a pool.
//! **When it fires** where a grade names it, once, when the task is made.
//! **Example** `deploy/rules/leads/by-grade.toml`.
//! **Settings** [`Route`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Cover;
use super::document::{Place, Wrong};
use crate::rule::route::OPERATIONS_POOL;
use crate::task::Title;

/// A document of kind `route`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Upturn route of leads")]
pub struct Route {
    /// Its identity, stable over its versions.
    pub id: Box<str>,
    /// `route`.
    pub kind: RouteKind,
    /// What it is, for people.
    pub title: Title,
    /// The lines; the first that fits counts.
    pub line: Vec<Line>,
    /// The teams whose members get leads in turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub team: Vec<Team>,
    /// What to do first, by who pays for the device's trouble.
    #[serde(default)]
    pub first: First,
    /// Steps that approach the customer: left out where the account has not agreed to that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approaching: Vec<Box<str>>,
}

/// The kind of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RouteKind {
    /// A route of leads.
    Route,
}

/// A line: which leads, and who gets them. A tag that is left out fits all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Grades.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grade: Vec<Box<str>>,
    /// Regions of sites.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub region: Vec<Box<str>>,
    /// Models of devices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub product: Vec<Box<str>>,
    /// Rules that asked for the task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source: Vec<Box<str>>,
    /// Kinds of task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub need: Vec<Box<str>>,
    /// Who gets it: `account-owner, else round-robin:ev-advisors, else pool:ev-advisors`.
    pub to: Targets,
    /// By which channel the customer is approached: `own`, `partner`, `nurture`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Box<str>>,
}

/// A team whose members get leads in turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// Its name, as in `round-robin:NAME`.
    pub team: Box<str>,
    /// Who is in it.
    pub member: Vec<Member>,
}

/// Somebody who gets leads in turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The person's id.
    pub person: Box<str>,
    /// How many open tasks the person can have.
    pub capacity: u32,
    /// The models that the person knows. Default: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<Box<str>>,
    /// The regions that the person works in. Default: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<Box<str>>,
}

/// Steps that come before those of the rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct First {
    /// Where warranty or service contract pay: a service ticket, a coupon.
    #[serde(default)]
    pub covered: Vec<Box<str>>,
    /// Where the customer pays: a quote.
    #[serde(default)]
    pub uncovered: Vec<Box<str>>,
    /// Where nobody knows.
    #[serde(default)]
    pub unknown: Vec<Box<str>>,
}

/// Targets in the order they are tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Targets(Vec<Target>);

/// One place that is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Who answers for the account now.
    AccountOwner,
    /// The member of a team with the most room.
    RoundRobin(Box<str>),
    /// A team's pool.
    Pool(Box<str>),
}

/// Why a text names no targets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetsError {
    /// A word that is none.
    #[error(
        "'{0}' is no target; use account-owner, round-robin:TEAM or pool:TEAM, with \", else \" between"
    )]
    Unknown(String),
    /// What stands behind a pool.
    #[error("'{0}' is never tried, since a pool takes every lead; put the pool last")]
    Behind(String),
}

/// The five tags of a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tags {
    /// Its grade.
    pub grade: Box<str>,
    /// The region of the device's site.
    pub region: Option<Box<str>>,
    /// The device's model.
    pub product: Option<Box<str>>,
    /// The rule that asked for the task.
    pub source: Box<str>,
    /// The kind of task.
    pub need: Box<str>,
}

/// How people stand when a lead is given to somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Staff {
    /// Who answers for the account.
    pub owner: Option<Box<str>>,
    /// Who has left.
    pub gone: BTreeSet<Box<str>>,
    /// Who stands in for whom.
    pub stand_ins: BTreeMap<Box<str>, Box<str>>,
    /// What people have.
    pub load: BTreeMap<Box<str>, Load>,
}

/// What somebody has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Open tasks.
    pub open: u32,
    /// When the newest of them was made.
    pub last_at: Option<DateTime<Utc>>,
}

/// Who got a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Assignment {
    /// A person's id, or `pool:{team}`.
    pub owner: Box<str>,
    /// The channel of the line.
    pub channel: Option<Box<str>>,
    /// Which line of the route it was, counted from 1; none where none fitted.
    pub line: Option<usize>,
    /// What was tried, in order.
    pub tried: Vec<Tried>,
}

/// A target, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tried {
    /// The target.
    pub target: Box<str>,
    /// What came of it.
    pub found: Found,
    /// About whom.
    pub who: Option<Box<str>>,
}

/// What came of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// It was taken.
    Taken,
    /// The owner has left, and the stand-in got it.
    StandIn,
    /// The account has no owner.
    NoOwner,
    /// The owner has left, and nobody stands in.
    OwnerLeft,
    /// Nobody in the team knows the product or works in the region.
    NobodyFits,
    /// Those who would do have as much as they can.
    NoCapacity,
}

impl Found {
    /// Returns its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::StandIn => "stand-in",
            Self::NoOwner => "no-owner",
            Self::OwnerLeft => "owner-left",
            Self::NobodyFits => "nobody-fits",
            Self::NoCapacity => "no-capacity",
        }
    }
}

impl Route {
    /// Returns who gets a lead with those tags. Without a line or a target that takes it, it is the pool of
    /// operations.
    pub fn assign(&self, tags: &Tags, staff: &Staff) -> Assignment {
        let numbered = self.line.iter().enumerate();
        let Some((at, line)) = numbered.into_iter().find(|(_, line)| line.fits(tags)) else {
            let owner = OPERATIONS_POOL.into();
            return Assignment { owner, channel: None, line: None, tried: Vec::new() };
        };
        let mut tried = Vec::new();
        let mut owner = None;
        for target in &line.to.0 {
            let (found, who) = match target {
                Target::AccountOwner => staff.owner_or_stand_in(),
                Target::RoundRobin(team) => self.in_turn(team, tags, staff),
                Target::Pool(team) => (Found::Taken, Some(format!("pool:{team}").into())),
            };
            let is_taken = matches!(found, Found::Taken | Found::StandIn);
            tried.push(Tried { target: target.to_string().into(), found, who: who.clone() });
            if is_taken {
                owner = who;
                break;
            }
        }
        let owner = owner.unwrap_or_else(|| OPERATIONS_POOL.into());
        Assignment { owner, channel: line.channel.clone(), line: Some(at + 1), tried }
    }

    /// Returns everybody whom a lead can go to besides the account's owner.
    pub fn people(&self) -> impl Iterator<Item = &str> {
        self.team.iter().flat_map(|team| &team.member).map(|member| &*member.person)
    }

    /// Returns the teams whose pools leads can end in.
    pub fn pools(&self) -> BTreeSet<&str> {
        let targets = self.line.iter().flat_map(|line| &line.to.0);
        let pools = targets.filter_map(|target| match target {
            Target::Pool(team) => Some(&**team),
            Target::AccountOwner | Target::RoundRobin(_) => None,
        });
        pools.collect()
    }

    /// Returns the steps of a task that a rule asked `steps` for, and those that are left out.
    pub fn steps(
        &self,
        steps: &[Box<str>],
        (cover, consent): (&Cover, Option<bool>),
    ) -> (Vec<Box<str>>, Vec<Box<str>>) {
        let first = match cover {
            Cover::Warranty { .. } | Cover::Contract { .. } => &self.first.covered,
            Cover::Customer { .. } => &self.first.uncovered,
            Cover::Unknown => &self.first.unknown,
        };
        let rest = steps.iter().filter(|step| !first.contains(step));
        let all = first.iter().chain(rest).cloned();
        let is_refused = consent == Some(false);
        let (left_out, kept) = all.partition(|step| is_refused && self.approaching.contains(step));
        (kept, left_out)
    }

    fn in_turn(&self, team: &str, tags: &Tags, staff: &Staff) -> (Found, Option<Box<str>>) {
        let members = self.team.iter().filter(|one| &*one.team == team).flat_map(|one| &one.member);
        let fits = |member: &&Member| !staff.gone.contains(&member.person) && member.fits(tags);
        let fitting: Vec<&Member> = members.filter(fits).collect();
        if fitting.is_empty() {
            return (Found::NobodyFits, None);
        }
        let load = |member: &Member| staff.load.get(&member.person).copied().unwrap_or_default();
        // The least full by share, without dividing; then whoever waits longest; then by name.
        let order = |one: &&&Member, other: &&&Member| {
            let share = |one: &Member, other: &Member| {
                u64::from(load(one).open) * u64::from(other.capacity)
            };
            let waits = |one: &Member| (load(one).last_at, one.person.clone());
            share(one, other).cmp(&share(other, one)).then_with(|| waits(one).cmp(&waits(other)))
        };
        let free = fitting.iter().filter(|member| load(member).open < member.capacity);
        match free.min_by(order) {
            Some(member) => (Found::Taken, Some(member.person.clone())),
            None => (Found::NoCapacity, None),
        }
    }

    /// Returns what is wrong with it by itself.
    pub(super) fn faults(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        for (index, line) in self.line.iter().enumerate() {
            let mut tell = |code, message: String, cure: &str| {
                wrong.push(Wrong::new(Place::Table("line", index), code, message, cure));
            };
            for target in &line.to.0 {
                if let Target::RoundRobin(team) = target
                    && !self.team.iter().any(|one| one.team == *team)
                {
                    tell("unknown-value", format!("there is no [[team]] '{team}'"), "add it");
                }
            }
            if !matches!(line.to.0.last(), Some(Target::Pool(_))) {
                let message = "a lead that none of the targets takes is in the pool of operations";
                tell("no-pool", message.to_owned(), "end with a pool: \", else pool:TEAM\"");
            }
        }
        for (index, team) in self.team.iter().enumerate() {
            let mut tell = |code, message: String, cure: &str| {
                wrong.push(Wrong::new(Place::Table("team", index), code, message, cure));
            };
            if self.team.iter().take(index).any(|other| other.team == team.team) {
                tell("twice", format!("'{}' stands twice", team.team), "make one team of them");
            }
            let capacity: u64 = team.member.iter().map(|member| u64::from(member.capacity)).sum();
            if capacity == 0 {
                tell(
                    "no-capacity",
                    format!("the team '{}' has no room for any lead", team.team),
                    "give a member a capacity above 0, or leave the team out",
                );
            }
        }
        wrong
    }
}

impl Line {
    fn fits(&self, tags: &Tags) -> bool {
        let is_in = |list: &[Box<str>], tag: Option<&str>| {
            list.is_empty() || tag.is_some_and(|tag| list.iter().any(|one| **one == *tag))
        };
        is_in(&self.grade, Some(&tags.grade))
            && is_in(&self.region, tags.region.as_deref())
            && is_in(&self.product, tags.product.as_deref())
            && is_in(&self.source, Some(&tags.source))
            && is_in(&self.need, Some(&tags.need))
    }
}

impl Member {
    fn fits(&self, tags: &Tags) -> bool {
        let is_in = |list: &[Box<str>], tag: &Option<Box<str>>| {
            list.is_empty() || tag.as_ref().is_some_and(|tag| list.contains(tag))
        };
        is_in(&self.skills, &tags.product) && is_in(&self.regions, &tags.region)
    }
}

impl Staff {
    fn owner_or_stand_in(&self) -> (Found, Option<Box<str>>) {
        let Some(owner) = &self.owner else { return (Found::NoOwner, None) };
        if !self.gone.contains(owner) {
            return (Found::Taken, Some(owner.clone()));
        }
        match self.stand_ins.get(owner).filter(|person| !self.gone.contains(*person)) {
            Some(person) => (Found::StandIn, Some(person.clone())),
            None => (Found::OwnerLeft, Some(owner.clone())),
        }
    }
}

impl TryFrom<String> for Targets {
    type Error = TargetsError;

    fn try_from(text: String) -> Result<Self, TargetsError> {
        let mut targets = Vec::new();
        for (place, part) in text.split(',').map(str::trim).enumerate() {
            let word = if place == 0 { Some(part) } else { part.strip_prefix("else ") };
            let word = word.ok_or_else(|| TargetsError::Unknown(part.to_owned()))?.trim();
            if matches!(targets.last(), Some(Target::Pool(_))) {
                return Err(TargetsError::Behind(word.to_owned()));
            }
            let team = |name: &str| {
                let is_name = !name.is_empty()
                    && name.len() <= 64
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
                if is_name { Ok(name.into()) } else { Err(TargetsError::Unknown(word.to_owned())) }
            };
            targets.push(match word.split_once(':') {
                None if word == "account-owner" => Target::AccountOwner,
                Some(("round-robin", name)) => Target::RoundRobin(team(name)?),
                Some(("pool", name)) => Target::Pool(team(name)?),
                None | Some(_) => return Err(TargetsError::Unknown(word.to_owned())),
            });
        }
        Ok(Self(targets))
    }
}

impl From<Targets> for String {
    fn from(targets: Targets) -> Self {
        let words: Vec<String> = targets.0.iter().map(ToString::to_string).collect();
        words.join(", else ")
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AccountOwner => f.write_str("account-owner"),
            Self::RoundRobin(team) => write!(f, "round-robin:{team}"),
            Self::Pool(team) => write!(f, "pool:{team}"),
        }
    }
}

/// Returns the JSON Schema of the document, as text that ends with a line break.
pub fn schema() -> String {
    format!("{:#}\n", schemars::schema_for!(Route).to_value())
}
