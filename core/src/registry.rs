//! The registry: who and what stands behind a device.
//!
//! Read from the tables `devices`, `sites`, `accounts`, `contacts` and `people`; a key that names nothing is
//! an error where the tables are read, so look-ups here only miss for devices nobody registered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::fact::attributes::Subject;
use crate::id::DeviceId;

pub mod entry;
pub mod hand_over;
pub mod known;
pub mod of_record;
pub(crate) mod past;

use self::hand_over::HandOvers;
use self::known::Known;

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
    /// What feeds tell of sites, by their ids; of those that are not registered as well.
    #[serde(default)]
    pub site_attributes: BTreeMap<Box<str>, Attributes>,
    /// What feeds tell of accounts, by their ids; of those that are not registered as well.
    #[serde(default)]
    pub account_attributes: BTreeMap<Box<str>, Attributes>,
}

/// Attributes by their names, each as it is written; never empty.
pub type Attributes = BTreeMap<Box<str>, Box<str>>;

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
    /// What the person charges or signs on with, such as an RFID card's number.
    #[serde(default)]
    pub tags: Vec<Box<str>>,
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

    /// Returns what feeds tell of sites or of accounts, by their ids.
    pub fn attributes(&self, of: Subject) -> &BTreeMap<Box<str>, Attributes> {
        match of {
            Subject::Site => &self.site_attributes,
            Subject::Account => &self.account_attributes,
        }
    }

    /// Returns what is known today.
    pub fn known(&self) -> Known<'_> {
        Known::from(self)
    }
}
