//! Paths: what a condition names, and how it is read.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use cel::IdedExpr;
use cel::common::ast::{Expr, LiteralValue, SourceInfo, operators};
use chrono::SecondsFormat;
use serde_json::Value;

use super::datum::Datum;
use super::facts::Facts;
use crate::fact::attributes::Subject;
use crate::registry::{Device, Site};

/// A name as it was written: `event.code`, or `event["code"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// What it begins with: `event`.
    pub(super) root: Segment,
    /// What follows.
    pub(super) fields: Vec<Segment>,
}

/// One part of a name and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// The part.
    pub(super) text: String,
    /// Its place in the condition, in bytes.
    pub(super) span: Range<usize>,
}

impl Name {
    /// Returns the name that `expression` is, if it is one.
    pub(super) fn of(expression: &IdedExpr, places: &SourceInfo) -> Option<Self> {
        let place = |id| places.offset_for(id).map_or(0..0, |(start, stop)| range(start, stop));
        if let Expr::Ident(text) = &expression.expr {
            let root = Segment { text: text.clone(), span: place(expression.id) };
            return Some(Self { root, fields: Vec::new() });
        }
        let (operand, segment) = if let Expr::Select(select) = &expression.expr {
            let start = place(expression.id).end;
            let span = start..start + select.field.len();
            (&*select.operand, Segment { text: select.field.clone(), span })
        } else {
            let Expr::Call(call) = &expression.expr else { return None };
            let [operand, index] = call.args.as_slice() else { return None };
            let Expr::Literal(LiteralValue::String(text)) = &index.expr else { return None };
            if call.func_name != operators::INDEX {
                return None;
            }
            (operand, Segment { text: text.inner().to_owned(), span: place(index.id) })
        };
        let mut name = Self::of(operand, places)?;
        name.fields.push(segment);
        Some(name)
    }

    /// Returns the name as it is mostly written: `event.code`.
    pub(super) fn text(&self) -> String {
        let segments = std::iter::once(&self.root).chain(&self.fields);
        segments.map(|segment| segment.text.as_str()).collect::<Vec<_>>().join(".")
    }

    /// Returns the place of the whole name.
    pub(super) fn span(&self) -> Range<usize> {
        let end = self.fields.last().map_or(self.root.span.end, |field| field.span.end);
        self.root.span.start..end
    }
}

/// Returns the bytes from the first to the last of a token.
pub(super) fn range(start: u32, stop: u32) -> Range<usize> {
    let at = |offset: u32| usize::try_from(offset).unwrap_or(usize::MAX);
    at(start)..at(stop).saturating_add(1)
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Path {
    /// A part that every event has, or a field of what stands behind it.
    Part(Part),
    /// An attribute of the event, and what to take out of it if it is an object.
    Attribute { name: Box<str>, within: Vec<Box<str>> },
    /// An attribute that a feed tells of what stands behind the event.
    Told { of: Subject, name: Box<str> },
}

/// What follows `account` and `site` where an attribute is named that a feed tells of them.
pub(super) const ATTRIBUTES: &str = "attributes";

/// The parts and fields that have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    EventId,
    EventDevice,
    EventChannel,
    EventKind,
    EventSeq,
    EventOccurredAt,
    DeviceModel,
    DeviceSite,
    DeviceAccount,
    AccountName,
    AccountOwner,
    SiteName,
    SiteRegion,
}

impl Path {
    /// Returns what `name` stands for, if it stands for anything.
    pub(super) fn of(name: &Name) -> Option<Self> {
        let (first, within) = name.fields.split_first()?;
        let part = match (name.root.text.as_str(), first.text.as_str()) {
            ("event", "id") => Part::EventId,
            ("event", "device") | ("device", "id") => Part::EventDevice,
            ("event", "channel") => Part::EventChannel,
            ("event", "kind") => Part::EventKind,
            ("event", "seq") => Part::EventSeq,
            ("event", "occurred_at") => Part::EventOccurredAt,
            ("event", attribute) => {
                let within = within.iter().map(|segment| segment.text.as_str().into()).collect();
                return Some(Self::Attribute { name: attribute.into(), within });
            }
            ("device", "model") => Part::DeviceModel,
            ("device", "site") | ("site", "id") => Part::DeviceSite,
            ("device", "account") | ("account", "id") => Part::DeviceAccount,
            (root @ ("account" | "site"), ATTRIBUTES) => {
                let of = if root == "site" { Subject::Site } else { Subject::Account };
                let [name] = within else { return None };
                return Some(Self::Told { of, name: name.text.as_str().into() });
            }
            ("account", "name") => Part::AccountName,
            ("account", "owner") => Part::AccountOwner,
            ("site", "name") => Part::SiteName,
            ("site", "region") => Part::SiteRegion,
            _ => return None,
        };
        within.is_empty().then_some(Self::Part(part))
    }

    /// Returns the value for `event`, null where there is none.
    pub(super) fn read<'a>(&self, facts: &'a Facts<'_>) -> Datum<'a> {
        match self {
            Self::Part(part) => part.read(facts),
            Self::Attribute { name, within } => {
                within.iter().fold(facts.attribute(name), |value, key| value.into_member(key))
            }
            Self::Told { of, name } => Datum::of_text(facts.told(*of, name)),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Part(part) => f.write_str(part.name()),
            Self::Attribute { name, within } => {
                f.write_str("event")?;
                std::iter::once(name).chain(within).try_for_each(|segment| write_field(f, segment))
            }
            Self::Told { of, name } => {
                let root = match of {
                    Subject::Site => "site",
                    Subject::Account => "account",
                };
                write!(f, "{root}.{ATTRIBUTES}")?;
                write_field(f, name)
            }
        }
    }
}

fn write_field(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    if is_identifier(name) { write!(f, ".{name}") } else { write!(f, "[{}]", Value::from(name)) }
}

/// Returns whether a name can follow a dot; any other is written `["…"]`.
fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl Part {
    /// Returns the name that a condition gives it, or the first of two.
    fn name(self) -> &'static str {
        match self {
            Self::EventId => "event.id",
            Self::EventDevice => "event.device",
            Self::EventChannel => "event.channel",
            Self::EventKind => "event.kind",
            Self::EventSeq => "event.seq",
            Self::EventOccurredAt => "event.occurred_at",
            Self::DeviceModel => "device.model",
            Self::DeviceSite => "device.site",
            Self::DeviceAccount => "device.account",
            Self::AccountName => "account.name",
            Self::AccountOwner => "account.owner",
            Self::SiteName => "site.name",
            Self::SiteRegion => "site.region",
        }
    }

    fn read<'a>(self, facts: &'a Facts<'_>) -> Datum<'a> {
        let Facts { event, registry, .. } = *facts;
        let device = || registry.device(&event.device);
        let site = || registry.site(device()?.site.as_ref()?);
        let account = || registry.find_account_of(&event.device);
        let text = match self {
            Self::EventId => Some(event.id.as_str()),
            Self::EventDevice => Some(event.device.as_str()),
            Self::EventChannel => event.channel.as_deref(),
            Self::EventKind => Some(&*event.kind),
            Self::EventSeq => {
                return event.seq.map_or(Datum::Null, |seq| Datum::Whole(seq.into()));
            }
            Self::EventOccurredAt => {
                let text = event.occurred_at.to_rfc3339_opts(SecondsFormat::Millis, true);
                return Datum::Text(Cow::Owned(text));
            }
            Self::DeviceModel => device().map(|device: &Device| &*device.model),
            Self::DeviceSite => device().and_then(|device| device.site.as_deref()),
            Self::DeviceAccount => account(),
            Self::AccountName => {
                account().and_then(|id| registry.account(id)).map(|account| &*account.name)
            }
            Self::AccountOwner => registry.find_owner_of(&event.device),
            Self::SiteName => site().map(|site: &Site| &*site.name),
            Self::SiteRegion => site().and_then(|site| site.region.as_deref()),
        };
        Datum::of_text(text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::syntax;
    use super::*;
    use crate::catalogue::Catalogue;

    #[test]
    fn every_field_of_the_catalogue_can_be_read() {
        let segment = |text: &str| Segment { text: text.to_owned(), span: 0..0 };
        for root in Catalogue::ROOTS {
            let fields = Catalogue::find_fields(root).unwrap_or(Catalogue::event_parts());
            for field in fields {
                let name = Name { root: segment(root), fields: vec![segment(field.name)] };
                let path = Path::of(&name);
                assert!(matches!(path, Some(Path::Part(_))), "case: {root}.{}", field.name);
                let written = path.unwrap().to_string();
                let same = [format!("{root}.{}", field.name), written.clone()];
                let program = syntax::parse(&written).unwrap();
                let read = Name::of(program.expression(), program.source_info()).unwrap();
                assert_eq!(Path::of(&read), Path::of(&name), "case: {same:?}");
            }
        }
    }
}
