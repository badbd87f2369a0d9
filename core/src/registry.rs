//! The registry: who and what stands behind a device.
//!
//! Read from the tables `devices`, `sites`, `accounts` and `people`; a key that names nothing is
//! an error where the tables are read, so look-ups here only miss for devices nobody registered.

use std::collections::BTreeMap;

use crate::calendar::Calendar;
use crate::id::DeviceId;

/// All registered devices, sites, accounts and people, and the calendar they work by.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// Devices by id.
    pub devices: BTreeMap<DeviceId, Device>,
    /// Sites by id.
    pub sites: BTreeMap<Box<str>, Site>,
    /// Accounts (customers) by id.
    pub accounts: BTreeMap<Box<str>, Account>,
    /// People who get tasks, by id.
    pub people: BTreeMap<Box<str>, Person>,
    /// The working hours that due times are reckoned in.
    pub calendar: Calendar,
}

/// A device in the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The maker's model name.
    pub model: Box<str>,
    /// The site it stands at, if known.
    pub site: Option<Box<str>>,
    /// The account it belongs to; where absent, the site's account.
    pub account: Option<Box<str>>,
}

/// A place with devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Its name, for people.
    pub name: Box<str>,
    /// The account it belongs to, if known.
    pub account: Option<Box<str>>,
    /// The sales region, if known.
    pub region: Option<Box<str>>,
}

/// A customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name, for people.
    pub name: Box<str>,
    /// The person who answers for it, if anybody does.
    pub owner: Option<Box<str>>,
}

/// Somebody who gets tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Name, for people.
    pub name: Box<str>,
    /// The superior's id, if any.
    pub manager: Option<Box<str>>,
    /// Who stands in, if anybody.
    pub substitute: Option<Box<str>>,
    /// The team, whose pool is `pool:{team}`.
    pub team: Option<Box<str>>,
}

impl Registry {
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
