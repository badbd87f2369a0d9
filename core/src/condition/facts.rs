//! Facts: what conditions are judged by, read once however many of them ask.

use std::borrow::Cow;
use std::sync::OnceLock;

use serde_json::value::RawValue;

use super::datum::Datum;
use crate::event::Event;
use crate::fact::attributes::Subject;
use crate::registry::known::Known;

/// An event and the registry it is judged with.
#[derive(Debug)]
pub struct Facts<'e> {
    pub(super) event: &'e Event,
    pub(super) registry: Known<'e>,
    /// The event's attributes, from when the first was asked for.
    members: OnceLock<Vec<Attribute<'e>>>,
}

/// An attribute: as JSON text, and what it is, from when it was asked for.
#[derive(Debug)]
struct Attribute<'e> {
    name: Cow<'e, str>,
    text: &'e RawValue,
    datum: OnceLock<Datum<'e>>,
}

impl<'e> Facts<'e> {
    /// Returns what is known of `event`.
    pub fn new(event: &'e Event, registry: impl Into<Known<'e>>) -> Self {
        let registry = registry.into();
        Self { event, registry, members: OnceLock::new() }
    }

    /// Returns what a feed tells under `name` of the site or the account that `event.device` belongs to.
    pub(super) fn told(&self, of: Subject, name: &str) -> Option<&str> {
        let device = &self.event.device;
        let id = match of {
            Subject::Site => self.registry.device(device)?.site.as_deref()?,
            Subject::Account => self.registry.find_account_of(device)?,
        };
        Some(self.registry.attributes(of, id)?.get(name)?)
    }

    /// Returns the attribute called `name`, null where there is none; of several, the last.
    pub(super) fn attribute(&self, name: &str) -> Datum<'_> {
        let members = self.members.get_or_init(|| {
            let mut members = Vec::new();
            self.event.attributes.for_each(|name, text| {
                members.push(Attribute { name, text, datum: OnceLock::new() });
            });
            members
        });
        let found = members.iter().rev().find(|member| member.name == name);
        found.map_or(Datum::Null, |member| {
            let read = || Datum::of_text_of_json(member.text.get());
            member.datum.get_or_init(read).borrowed()
        })
    }
}
