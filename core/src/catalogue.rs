//! The catalogue: which kinds of events, attributes and fields rules may name.
//!
//! A closed format says everything it can ever send; native JSON is open, since the fleet's own
//! firmware may send any kind and any attribute. What nobody can know is therefore an error only
//! where every configured source is closed (see [`Catalogue::is_open`]). Service events (tickets,
//! repairs, visits …) come by other ways than devices, so they are listed for every format.

use crate::decode::Format;

mod native;
mod ocpp16;
mod registry;
mod service;

/// What the configured sources can send, and what the registry knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    formats: Vec<Format>,
}

/// What values a field can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// A text.
    Text,
    /// A number, whole or not.
    Number,
}

/// One thing a condition can name: an attribute of an event, or a field of what stands behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name: `code` in `event.code`.
    pub name: &'static str,
    /// What it holds.
    pub holds: FieldType,
    /// All texts it can hold; empty where that is not a closed list.
    pub values: &'static [&'static str],
}

/// One kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its name, as rules write it: `charge_failed`.
    pub name: &'static str,
    /// Its attributes.
    pub attributes: &'static [Field],
}

impl Field {
    const fn text(name: &'static str) -> Self {
        Self { name, holds: FieldType::Text, values: &[] }
    }

    const fn number(name: &'static str) -> Self {
        Self { name, holds: FieldType::Number, values: &[] }
    }

    const fn one_of(name: &'static str, values: &'static [&'static str]) -> Self {
        Self { name, holds: FieldType::Text, values }
    }
}

impl Catalogue {
    /// What a condition can begin with.
    pub const ROOTS: &'static [&'static str] = &["event", "device", "account", "site"];

    /// Returns what sources of `formats` can send.
    pub fn of(formats: &[Format]) -> Self {
        Self { formats: formats.to_vec() }
    }

    /// Returns whether a source may send kinds and attributes the catalogue does not list.
    pub fn is_open(&self) -> bool {
        self.formats.contains(&Format::Native)
    }

    /// Returns the kinds that sources are known to send, service events last.
    pub fn kinds(&self) -> impl Iterator<Item = &'static Kind> + Clone {
        let of_devices = self.formats.iter().flat_map(|format| match format {
            Format::Native => native::KINDS,
            Format::Ocpp16 => ocpp16::KINDS,
        });
        of_devices.chain(service::KINDS)
    }

    /// Returns the kind `name`, if a source is known to send it.
    pub fn find_kind(&self, name: &str) -> Option<&'static Kind> {
        self.kinds().find(|kind| kind.name == name)
    }

    /// Returns the parts every event has, whatever sent it.
    pub fn event_parts() -> &'static [Field] {
        registry::EVENT
    }

    /// Returns the fields of `device`, `account` or `site`; `None` for any other name.
    pub fn find_fields(root: &str) -> Option<&'static [Field]> {
        match root {
            "device" => Some(registry::DEVICE),
            "account" => Some(registry::ACCOUNT),
            "site" => Some(registry::SITE),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn knows_what_the_configured_formats_send_and_nothing_else() {
        let native = Catalogue::of(&[Format::Native]);
        assert!(native.is_open());
        assert!(native.find_kind("charge_failed").is_some());
        assert!(native.find_kind("boot").is_none());

        let ocpp = Catalogue::of(&[Format::Ocpp16]);
        assert!(!ocpp.is_open());
        assert!(ocpp.find_kind("boot").is_some());
        assert!(ocpp.find_kind("charge_failed").is_some());
        assert!(ocpp.find_kind("charge_faild").is_none());
    }

    #[test]
    fn lists_service_events_whatever_the_devices_speak() {
        for formats in [&[][..], &[Format::Native], &[Format::Ocpp16]] {
            let catalogue = Catalogue::of(formats);
            let ticket = catalogue.find_kind("ticket_opened").unwrap();
            let severity = ticket.attributes.iter().find(|field| field.name == "severity").unwrap();
            assert_eq!(severity.values, ["low", "normal", "severe"], "case: {formats:?}");
            for kind in [
                "ticket_closed",
                "repair_recorded",
                "visit_recorded",
                "campaign_sent",
                "requirement_recorded",
                "maintenance_started",
                "maintenance_ended",
            ] {
                let kind = catalogue.find_kind(kind).unwrap();
                // Whom it is about.
                for name in ["account", "contact", "site", "id_tag"] {
                    let found = kind.attributes.iter().any(|field| field.name == name);
                    assert!(found, "{name} of {}", kind.name);
                }
            }
        }
    }

    #[test]
    fn lists_no_kind_and_no_attribute_twice() {
        for format in [Format::Native, Format::Ocpp16] {
            let mut kinds = BTreeSet::new();
            for kind in Catalogue::of(&[format]).kinds() {
                assert!(kinds.insert(kind.name), "kind {} of {format:?}", kind.name);
                let mut names = BTreeSet::new();
                for field in kind.attributes.iter().chain(Catalogue::event_parts()) {
                    assert!(names.insert(field.name), "{} of {}", field.name, kind.name);
                }
            }
        }
    }
}
