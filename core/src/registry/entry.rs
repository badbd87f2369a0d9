//! Entries of the registry that change one by one.

use serde::{Deserialize, Serialize};

use super::past::Past;
use super::{Account, Attributes, Contact, Device, Registry, Site};
use crate::calendar::Calendar;
use crate::event::Position;
use crate::fact::attributes::Subject;
use crate::id::DeviceId;

/// What an entry of the registry is from a place in the log on; nothing, where it is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// A device.
    Device(DeviceId, Option<Device>),
    /// A site.
    Site(Box<str>, Option<Site>),
    /// An account.
    Account(Box<str>, Option<Account>),
    /// A person at a customer, with all tags.
    Contact(Box<str>, Option<Contact>),
    /// The calendar of all.
    HouseCalendar(Box<Calendar>),
    /// The calendar of a team, or of people who name it.
    Calendar(Box<str>, Option<Box<Calendar>>),
    /// All that feeds tell of a site or an account.
    Attributes(Subject, Box<str>, Option<Attributes>),
}

impl Entry {
    /// Returns whether it changes nothing in `registry`.
    pub fn is_in(&self, registry: &Registry) -> bool {
        match self {
            Self::Device(id, device) => registry.devices.get(id) == device.as_ref(),
            Self::Site(id, site) => registry.sites.get(id) == site.as_ref(),
            Self::Account(id, account) => registry.accounts.get(id) == account.as_ref(),
            Self::Contact(id, contact) => registry.contacts.get(id) == contact.as_ref(),
            Self::HouseCalendar(calendar) => registry.calendar == **calendar,
            Self::Calendar(name, calendar) => registry.calendars.get(name) == calendar.as_deref(),
            Self::Attributes(of, id, told) => registry.attributes(*of).get(id) == told.as_ref(),
        }
    }
}

impl Registry {
    /// Puts `entry` in force from a place on; `past` remembers what was before. `place` is the first of
    /// the changes that nothing else came between, and the one of this change.
    pub(crate) fn put(&mut self, place: (Position, Position), entry: Entry, past: &mut Past) {
        match entry {
            Entry::Device(id, device) => past.devices.put(place, &mut self.devices, id, device),
            Entry::Site(id, site) => past.sites.put(place, &mut self.sites, id, site),
            Entry::Account(id, account) => {
                past.accounts.put(place, &mut self.accounts, id, account);
            }
            Entry::Contact(id, contact) => self.put_contact(place, (id, contact), past),
            Entry::HouseCalendar(calendar) => {
                let before = std::mem::replace(&mut self.calendar, *calendar);
                past.house.note(place, (), Some(before));
            }
            Entry::Calendar(name, calendar) => {
                let calendar = calendar.map(|calendar| *calendar);
                past.calendars.put(place, &mut self.calendars, name, calendar);
            }
            Entry::Attributes(Subject::Site, id, told) => {
                past.site_attributes.put(place, &mut self.site_attributes, id, told);
            }
            Entry::Attributes(Subject::Account, id, told) => {
                past.account_attributes.put(place, &mut self.account_attributes, id, told);
            }
        }
    }

    /// Puts `entries` in force; what was before is forgotten.
    pub fn extend(&mut self, entries: impl IntoIterator<Item = Entry>) {
        for entry in entries {
            self.put((0, 0), entry, &mut Past::default());
        }
    }

    /// A tag belongs to one contact: whoever is given it last.
    fn put_contact(
        &mut self,
        place: (Position, Position),
        (id, contact): (Box<str>, Option<Contact>),
        past: &mut Past,
    ) {
        let old = self.contacts.get(&id).map(|old| old.tags.clone()).unwrap_or_default();
        let kept = contact.as_ref().map(|contact| &*contact.tags).unwrap_or_default();
        for tag in old {
            if !kept.contains(&tag) && self.tags.get(&tag) == Some(&id) {
                past.tags.put(place, &mut self.tags, tag, None);
            }
        }
        for tag in contact.iter().flat_map(|contact| &contact.tags) {
            past.tags.put(place, &mut self.tags, tag.clone(), Some(id.clone()));
        }
        past.contacts.put(place, &mut self.contacts, id, contact);
    }
}
