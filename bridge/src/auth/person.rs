//! People of the house: who they are, what they are there for, and who stands in for them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use upturn_core::registry::Person as Registered;

use super::role::Role;
use crate::runtime::deed::POOL;
use crate::web::language::Language;

/// The region that is every region, and what has none.
pub(crate) const EVERYWHERE: &str = "*";

/// The longest name, region or team, in bytes.
const TEXT_MAX: usize = 128;
/// The longest e-mail address, in bytes.
const EMAIL_MAX: usize = 254;
/// The most regions or teams of one person.
const LIST_MAX: usize = 100;

/// Somebody who may sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    /// What they sign in with. Tasks of the owner with this id are theirs.
    pub(crate) id: String,
    /// What others say about them.
    pub(crate) profile: Profile,
    /// When they were added.
    pub(crate) created_at: DateTime<Utc>,
    /// Since when they may not sign in.
    pub(crate) disabled_at: Option<DateTime<Utc>>,
    /// Since when their password is one that somebody else gave, until they change it.
    pub(crate) password_given_at: Option<DateTime<Utc>>,
    /// Grows with every change.
    pub(crate) revision: u64,
}

/// What is said about somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Profile {
    /// The name for others; the id, where empty.
    pub(crate) name: String,
    /// The address for letters.
    pub(crate) email: Option<String>,
    /// The language of pages and letters.
    pub(crate) language: Option<Language>,
    /// What they are there for.
    pub(crate) roles: BTreeSet<Role>,
    /// The regions they answer for; `*` is all.
    pub(crate) regions: BTreeSet<String>,
    /// The teams whose pools they work on.
    pub(crate) teams: BTreeSet<String>,
    /// The id of their superior.
    pub(crate) superior: Option<String>,
    /// Who stands in.
    pub(crate) substitute: Option<Substitute>,
}

/// Who stands in for somebody, and when.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Substitute {
    /// The id of who does.
    pub(crate) id: String,
    /// From when on; at once, where absent.
    #[serde(default)]
    pub(crate) from: Option<DateTime<Utc>>,
    /// Until when; until further notice, where absent.
    #[serde(default)]
    pub(crate) until: Option<DateTime<Utc>>,
}

/// Why something cannot be said about somebody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProfileError {
    /// The name.
    #[error("the name is longer than {TEXT_MAX} bytes or has a control character")]
    Name,
    /// The e-mail address.
    #[error("'{0}' is no e-mail address; write one like li.wei@example.org")]
    Email(String),
    /// A region or a team.
    #[error(
        "a region or team is longer than {TEXT_MAX} bytes, has a control character, or there are more than {LIST_MAX}"
    )]
    List,
    /// A superior or substitute that nobody knows.
    #[error("nobody is called '{0}'; add them first, or correct the id")]
    Unknown(String),
    /// Somebody is above or beside themselves.
    #[error("'{0}' would be their own superior or substitute; name somebody else")]
    Oneself(String),
    /// The substitution ends before it begins.
    #[error("the substitution ends before it begins; correct its days")]
    Backwards,
}

/// How somebody stands to the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// They may sign in.
    Open,
    /// They may, and have to choose a password of their own then.
    Given,
    /// They may not.
    Disabled,
}

impl Person {
    /// Returns how they stand to the door.
    pub(crate) fn access(&self) -> Access {
        match (self.is_enabled(), self.password_given_at) {
            (false, _) => Access::Disabled,
            (true, Some(_)) => Access::Given,
            (true, None) => Access::Open,
        }
    }

    /// Returns whether they may sign in.
    pub(crate) fn is_enabled(&self) -> bool {
        self.disabled_at.is_none()
    }

    /// Returns the name for others.
    pub(crate) fn shown(&self) -> &str {
        if self.profile.name.is_empty() { &self.id } else { &self.profile.name }
    }
}

impl Substitute {
    /// Returns whether they stand in at `now`.
    pub(crate) fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}

/// Everybody: those who may sign in, and those whom only the registry knows, who get tasks.
#[derive(Clone, Debug)]
pub(crate) struct Directory<'d> {
    /// Those who may sign in, or might.
    pub(crate) people: &'d [Person],
    /// The registry's people. Of somebody who is in both, this one says nothing.
    pub(crate) registered: &'d BTreeMap<Box<str>, Registered>,
}

impl<'d> Directory<'d> {
    /// Returns the person with `id` who may sign in, or might.
    fn find(&self, id: &str) -> Option<&'d Person> {
        self.people.iter().find(|person| person.id == id)
    }

    /// Returns whether anybody has the `id`.
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.find(id).is_some() || self.registered.contains_key(id)
    }

    /// Returns whether somebody works on what `owner` has: a person who has not left, or a pool with such
    /// people in its team.
    pub(crate) fn is_reachable(&self, owner: &str) -> bool {
        let Some(team) = owner.strip_prefix(POOL) else {
            return match self.find(owner) {
                Some(person) => person.is_enabled(),
                None => self.registered.contains_key(owner),
            };
        };
        let is_in = |person: &Person| person.is_enabled() && person.profile.teams.contains(team);
        self.people.iter().any(is_in)
            || self.registered.iter().any(|(id, person)| {
                person.team.as_deref() == Some(team) && self.find(id).is_none_or(Person::is_enabled)
            })
    }

    /// Returns who is above `id`.
    fn superior_of(&self, id: &str) -> Option<&'d str> {
        match self.find(id) {
            Some(person) => person.profile.superior.as_deref(),
            None => self.registered.get(id)?.manager.as_deref(),
        }
    }

    /// Returns the ids of everybody, each with whether one of `teams` is theirs and who is above.
    pub(crate) fn entries(
        &self,
        teams: &'d BTreeSet<String>,
    ) -> impl Iterator<Item = (&'d str, bool, Option<&'d str>)> {
        let people = self.people.iter().map(|person| {
            let is_mate = !person.profile.teams.is_disjoint(teams);
            (person.id.as_str(), is_mate, person.profile.superior.as_deref())
        });
        let known: BTreeSet<&str> = self.people.iter().map(|person| person.id.as_str()).collect();
        let others = self.registered.iter().filter(move |(id, _)| !known.contains(&***id));
        people.chain(others.map(|(id, person)| {
            let is_mate = person.team.as_deref().is_some_and(|team| teams.contains(team));
            (&**id, is_mate, person.manager.as_deref())
        }))
    }

    /// Checks what is to be said about `id`.
    pub(crate) fn check(&self, id: &str, profile: &Profile) -> Result<(), ProfileError> {
        let is_text = |text: &str| text.len() <= TEXT_MAX && !text.contains(char::is_control);
        if !is_text(&profile.name) {
            return Err(ProfileError::Name);
        }
        if let Some(email) = profile.email.as_deref().filter(|email| !is_email(email)) {
            return Err(ProfileError::Email(email.to_owned()));
        }
        let is_list = |list: &BTreeSet<String>| {
            list.len() <= LIST_MAX && list.iter().all(|text| is_text(text) && !text.is_empty())
        };
        if !is_list(&profile.regions) || !is_list(&profile.teams) {
            return Err(ProfileError::List);
        }
        let substitute = profile.substitute.as_ref();
        let others = [profile.superior.as_deref(), substitute.map(|other| other.id.as_str())];
        for other in others.into_iter().flatten() {
            if other == id {
                return Err(ProfileError::Oneself(id.to_owned()));
            }
            if !self.knows(other) {
                return Err(ProfileError::Unknown(other.to_owned()));
            }
        }
        if profile.superior.as_deref().is_some_and(|superior| self.is_below(superior, id)) {
            return Err(ProfileError::Oneself(id.to_owned()));
        }
        let days = substitute.and_then(|other| other.from.zip(other.until));
        if days.is_some_and(|(from, until)| until <= from) {
            return Err(ProfileError::Backwards);
        }
        Ok(())
    }

    /// Returns whether going up from `id` comes to `superior`.
    fn is_below(&self, id: &str, superior: &str) -> bool {
        let mut above = self.superior_of(id);
        // Each step reaches somebody new, or turns in a circle that `superior` is not in.
        for _ in 0..=self.people.len() + self.registered.len() {
            match above {
                Some(found) if found == superior => return true,
                Some(found) => above = self.superior_of(found),
                None => return false,
            }
        }
        false
    }
}

/// Letters are what shows whether an address is right; this only keeps nonsense out.
pub(crate) fn is_email(text: &str) -> bool {
    let is_clean = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c.is_control() || c.is_whitespace())
    };
    text.len() <= EMAIL_MAX
        && text.split_once('@').is_some_and(|(user, host)| {
            is_clean(user)
                && is_clean(host)
                && !host.contains('@')
                && !text.contains(['<', '>', ','])
        })
}
