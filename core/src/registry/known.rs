//! What is known as of a place in the log.

use std::borrow::Cow;

use super::past::Past;
use super::{Account, Attributes, Contact, Device, DeviceStatus, Registry, Site};
use crate::event::{Event, Position};
use crate::fact::attributes::Subject;
use crate::id::DeviceId;
use crate::rule::scope::attribute;

/// A registry, as it was at a place in the log.
#[derive(Clone, Copy, Debug)]
pub struct Known<'r> {
    registry: &'r Registry,
    /// What was otherwise before, and the place that is asked about.
    past: Option<(&'r Past, Position)>,
}

impl<'r> From<&'r Registry> for Known<'r> {
    fn from(registry: &'r Registry) -> Self {
        Self { registry, past: None }
    }
}

impl<'r> Known<'r> {
    /// Returns what was known at `position`, before the changes behind it that `past` remembers.
    pub(crate) fn before(registry: &'r Registry, past: &'r Past, position: Position) -> Self {
        Self { registry, past: Some((past, position)) }
    }

    /// Returns all of it.
    pub fn registry(self) -> Cow<'r, Registry> {
        match self.past {
            None => Cow::Borrowed(self.registry),
            Some((past, position)) => {
                let mut registry = self.registry.clone();
                past.take_back(position, &mut registry);
                Cow::Owned(registry)
            }
        }
    }

    /// Returns the device `id`.
    pub fn device(self, id: &DeviceId) -> Option<&'r Device> {
        let before = self.past.and_then(|(past, position)| past.devices.find(id, position));
        before.map_or_else(|| self.registry.devices.get(id), |was| was.0)
    }

    /// Returns the site `id`.
    pub fn site(self, id: &str) -> Option<&'r Site> {
        let before = self.past.and_then(|(past, position)| past.sites.find(id, position));
        before.map_or_else(|| self.registry.sites.get(id), |was| was.0)
    }

    /// Returns the account `id`.
    pub fn account(self, id: &str) -> Option<&'r Account> {
        let before = self.past.and_then(|(past, position)| past.accounts.find(id, position));
        before.map_or_else(|| self.registry.accounts.get(id), |was| was.0)
    }

    /// Returns what feeds tell of the site or the account `id`.
    pub fn attributes(self, of: Subject, id: &str) -> Option<&'r Attributes> {
        let before = self.past.and_then(|(past, position)| match of {
            Subject::Site => past.site_attributes.find(id, position),
            Subject::Account => past.account_attributes.find(id, position),
        });
        before.map_or_else(|| self.registry.attributes(of).get(id), |was| was.0)
    }

    /// Returns the contact `id`.
    pub fn contact(self, id: &str) -> Option<&'r Contact> {
        let before = self.past.and_then(|(past, position)| past.contacts.find(id, position));
        before.map_or_else(|| self.registry.contacts.get(id), |was| was.0)
    }

    /// Returns the contact that `tag` belongs to.
    fn holder(self, tag: &str) -> Option<&'r str> {
        let before = self.past.and_then(|(past, position)| past.tags.find(tag, position));
        before.map_or_else(|| self.registry.tags.get(tag), |was| was.0).map(|id| &**id)
    }

    /// Returns the site of `event`: the one it names, else its device's.
    pub fn find_site_of(self, event: &Event) -> Option<Cow<'r, str>> {
        if let Some(named) = attribute(event, "site") {
            return Some(Cow::Owned(named));
        }
        self.device(&event.device)?.site.as_deref().map(Cow::Borrowed)
    }

    /// Returns the contact of `event`: the one it names, else the one its tag belongs to.
    pub fn find_contact_of(self, event: &Event) -> Option<Cow<'r, str>> {
        if let Some(named) = attribute(event, "contact") {
            return Some(Cow::Owned(named));
        }
        self.holder(&attribute(event, "id_tag")?).map(Cow::Borrowed)
    }

    /// Returns the account behind `event`: the one it names, else its contact's, else its
    /// device's.
    pub fn find_account_behind(self, event: &Event) -> Option<Cow<'r, str>> {
        if let Some(named) = attribute(event, "account") {
            return Some(Cow::Owned(named));
        }
        let contact = self.find_contact_of(event).and_then(|id| self.contact(&id));
        contact
            .and_then(|contact| contact.account.as_deref())
            .or_else(|| self.find_account_of(&event.device))
            .map(Cow::Borrowed)
    }

    /// Returns whether `event` is no customer's: its device does not serve, or its contact is one
    /// of our own.
    pub fn is_trial(self, event: &Event) -> bool {
        let serves = |device: &Device| device.status == DeviceStatus::InService;
        let is_test = |id: Cow<'_, str>| self.contact(&id).is_some_and(|c| c.is_test);
        let has_contacts = !self.registry.contacts.is_empty() || self.past.is_some();
        !self.device(&event.device).is_none_or(serves)
            || (has_contacts && self.find_contact_of(event).is_some_and(is_test))
    }

    /// Returns the account `device` belongs to: its own, else its site's.
    pub fn find_account_of(self, device: &DeviceId) -> Option<&'r str> {
        let device = self.device(device)?;
        let of_site = || self.site(device.site.as_ref()?)?.account.as_deref();
        device.account.as_deref().or_else(of_site)
    }

    /// Returns who answers for the account `device` belongs to.
    pub fn find_owner_of(self, device: &DeviceId) -> Option<&'r str> {
        self.account(self.find_account_of(device)?)?.owner.as_deref()
    }
}
