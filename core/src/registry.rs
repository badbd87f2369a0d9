//! The registry: who and what stands behind a device.
//!
//! Read from the tables `devices`, `sites`, `accounts`, `contacts` and `people`; a key that names nothing is
//! an error where the tables are read, so look-ups here only miss for devices nobody registered.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::event::Event;
use crate::id::DeviceId;
use crate::rule::scope::attribute;

pub mod hand_over;

use self::hand_over::HandOvers;

/// All registered devices, sites, accounts and people, and the calendar they work by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Registry {
    /// Devices by id.
    pub devices: BTreeMap<DeviceId, Device>,
    /// Sites by id.
    pub sites: BTreeMap<Box<str>, Site>,
    /// Accounts (customers) by id.
    pub accounts: BTreeMap<Box<str>, Account>,
    /// People at customers, by id.
    pub contacts: BTreeMap<Box<str>, Contact>,
    /// Contacts by the tags they charge or sign on with, such as an RFID card's number.
    pub tags: BTreeMap<Box<str>, Box<str>>,
    /// People who get tasks, by id.
    pub people: BTreeMap<Box<str>, Person>,
    /// The working hours that due times are reckoned in.
    pub calendar: Calendar,
    /// Calendars of people and teams that work by another one, by name; a team's has the team's name.
    #[serde(default)]
    pub calendars: BTreeMap<Box<str>, Calendar>,
    /// What has to be said when tasks change hands.
    #[serde(default)]
    pub hand_overs: HandOvers,
}

/// A device in the field.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub struct Device {
    /// The maker's model name.
    pub model: Box<str>,
    /// The site it stands at, if known.
    pub site: Option<Box<str>>,
    /// The account it belongs to; where absent, the site's account.
    pub account: Option<Box<str>>,
    /// Whether it serves customers at present.
    pub status: DeviceStatus,
}

/// Whether a device serves customers at present.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceStatus {
    /// It does.
    #[default]
    InService,
    /// It is being put up; what it reports are trials.
    Commissioning,
    /// It is being worked on.
    Maintenance,
    /// It is gone for good.
    Retired,
}

/// A person at a customer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Contact {
    /// Name, for people.
    pub name: Box<str>,
    /// The account the person belongs to, if any.
    pub account: Option<Box<str>>,
    /// Whether it stands for our own trials: a test card.
    pub is_test: bool,
}

/// A place with devices.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Site {
    /// Its name, for people.
    pub name: Box<str>,
    /// The account it belongs to, if known.
    pub account: Option<Box<str>>,
    /// The sales region, if known.
    pub region: Option<Box<str>>,
}

/// A customer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub struct Account {
    /// Its name, for people.
    pub name: Box<str>,
    /// The person who answers for it, if anybody does.
    pub owner: Option<Box<str>>,
    /// Whether it has agreed to be approached; `None` where nobody has asked.
    pub consent: Option<bool>,
}

/// Somebody who gets tasks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Person {
    /// Name, for people.
    pub name: Box<str>,
    /// The superior's id, if any.
    pub manager: Option<Box<str>>,
    /// Who stands in, if anybody.
    pub substitute: Option<Box<str>>,
    /// The team, whose pool is `pool:{team}`.
    pub team: Option<Box<str>>,
    /// Where mail reaches the person, if known.
    #[serde(default)]
    pub email: Option<Box<str>>,
    /// The language the person reads: `en` or `zh`; `None` where nobody has said.
    #[serde(default)]
    pub language: Option<Box<str>>,
    /// The name of the calendar the person works by; `None` where it is the team's, or that of all.
    #[serde(default)]
    pub calendar: Option<Box<str>>,
}

impl Registry {
    /// Returns the calendar that `owner` works by, a person or `pool:{team}`: the person's own, else the
    /// team's, else that of all.
    pub fn calendar_of(&self, owner: &str) -> &Calendar {
        let person = self.people.get(owner);
        let own = person.and_then(|person| person.calendar.as_deref());
        let team = owner.strip_prefix("pool:").or_else(|| person?.team.as_deref());
        let found = [own, team].into_iter().flatten().find_map(|name| self.calendars.get(name));
        found.unwrap_or(&self.calendar)
    }

    /// Returns the site of `event`: the one it names, else its device's.
    pub fn find_site_of<'a>(&'a self, event: &'a Event) -> Option<Cow<'a, str>> {
        if let Some(named) = attribute(event, "site") {
            return Some(Cow::Owned(named));
        }
        self.devices.get(&event.device)?.site.as_deref().map(Cow::Borrowed)
    }

    /// Returns the contact of `event`: the one it names, else the one its tag belongs to.
    pub fn find_contact_of<'a>(&'a self, event: &'a Event) -> Option<Cow<'a, str>> {
        if let Some(named) = attribute(event, "contact") {
            return Some(Cow::Owned(named));
        }
        self.tags.get(&*attribute(event, "id_tag")?).map(|contact| Cow::Borrowed(&**contact))
    }

    /// Returns the account behind `event`: the one it names, else its contact's, else its
    /// device's.
    pub fn find_account_behind<'a>(&'a self, event: &'a Event) -> Option<Cow<'a, str>> {
        if let Some(named) = attribute(event, "account") {
            return Some(Cow::Owned(named));
        }
        let contact = self.find_contact_of(event).and_then(|id| self.contacts.get(&*id));
        contact
            .and_then(|contact| contact.account.as_deref())
            .or_else(|| self.find_account_of(&event.device))
            .map(Cow::Borrowed)
    }

    /// Returns whether `event` is no customer's: its device does not serve, or its contact is one
    /// of our own.
    pub fn is_trial(&self, event: &Event) -> bool {
        let serves = |device: &Device| device.status == DeviceStatus::InService;
        let is_test = |id: Cow<'_, str>| self.contacts.get(&*id).is_some_and(|c| c.is_test);
        !self.devices.get(&event.device).is_none_or(serves)
            || (!self.contacts.is_empty() && self.find_contact_of(event).is_some_and(is_test))
    }

    /// Returns the account `device` belongs to: its own, else its site's.
    pub fn find_account_of(&self, device: &DeviceId) -> Option<&str> {
        let device = self.devices.get(device)?;
        let of_site = || self.sites.get(device.site.as_ref()?)?.account.as_deref();
        device.account.as_deref().or_else(of_site)
    }

    /// Returns who answers for the account `device` belongs to.
    pub fn find_owner_of(&self, device: &DeviceId) -> Option<&str> {
        self.accounts.get(self.find_account_of(device)?)?.owner.as_deref()
    }
}
