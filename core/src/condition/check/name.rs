//! Checks names: what a condition begins with, fields, and attributes of the event's kind.

use super::super::path::ATTRIBUTES;
use super::{Checker, Fault, Name, Path, Severity, Type, Typed};
use crate::catalogue::{Catalogue, Field, FieldType};
use crate::rule::nearest;

impl Checker<'_> {
    /// Checks a name and returns what it holds.
    pub(super) fn check_name(&mut self, name: &Name) -> Typed {
        let root = name.root.text.as_str();
        if !Catalogue::ROOTS.contains(&root) {
            let cure = nearest::cure(root, Catalogue::ROOTS.iter().copied());
            let cure = if name.fields.is_empty() { with_quotes(root, &cure) } else { cure };
            let message = format!("'{root}' is not known");
            let span = name.root.span.clone();
            self.remark_at(span, Severity::Error, Fault::new("unknown-name", message, cure));
            return Typed::of(Type::Any);
        }
        let Some(first) = name.fields.first() else {
            let example = if root == "event" { "code" } else { "id" };
            let fault = Fault::new(
                "condition-type",
                format!("'{root}' is no value"),
                format!("name one of its fields: {root}.{example}"),
            );
            self.remark_at(name.span(), Severity::Error, fault);
            return Typed::of(Type::Any);
        };
        if matches!(root, "account" | "site") && first.text == ATTRIBUTES {
            return self.check_told(name);
        }
        let typed = match Catalogue::find_fields(root) {
            Some(fields) => self.check_field(name, fields),
            None => match find(Catalogue::event_parts(), &first.text) {
                Some(part) => Some(typed(part, Severity::Error)),
                None => self.check_attribute(name),
            },
        };
        match typed {
            Some(typed) if 1 < name.fields.len() => self.check_within(name, &typed),
            Some(typed) => typed,
            None => Typed::of(Type::Any),
        }
    }

    fn check_field(&mut self, name: &Name, fields: &'static [Field]) -> Option<Typed> {
        let first = name.fields.first()?;
        if let Some(field) = find(fields, &first.text) {
            return Some(typed(field, Severity::Error));
        }
        let message = format!("'{}' has no field '{}'", name.root.text, first.text);
        let cure = nearest::cure(&first.text, fields.iter().map(|field| field.name));
        let fault = Fault::new("unknown-field", message, cure);
        self.remark_at(first.span.clone(), Severity::Error, fault);
        None
    }

    /// Checks an attribute that a feed may tell of an account or a site: a text, as it is written.
    fn check_told(&mut self, name: &Name) -> Typed {
        if name.fields.len() != 2 {
            let root = &name.root.text;
            let message = format!("'{}' names no attribute", name.text());
            let cure = format!("name one, as a feed's settings call it: {root}.{ATTRIBUTES}.tier");
            self.remark_at(
                name.span(),
                Severity::Error,
                Fault::new("unknown-field", message, cure),
            );
            return Typed::of(Type::Any);
        }
        Typed::of(Type::Text)
    }

    fn check_attribute(&mut self, name: &Name) -> Option<Typed> {
        let first = name.fields.first()?;
        if matches!(first.text.as_str(), "ts" | "time" | "timestamp" | "received_at") {
            let fault = Fault::new(
                "unknown-attribute",
                format!("'{}' is no attribute", first.text),
                "the time of an event is event.occurred_at",
            );
            self.remark_at(first.span.clone(), Severity::Error, fault);
            return None;
        }
        let kind = self.kind?;
        let attributes = self.catalogue.find_kind(kind).map_or(&[][..], |kind| kind.attributes);
        let severity = self.doubt();
        if let Some(attribute) = find(attributes, &first.text) {
            return Some(typed(attribute, severity));
        }
        let known = attributes.iter().chain(Catalogue::event_parts()).map(|field| field.name);
        let cure = match nearest::find(&first.text, known.clone()) {
            Some(near) => format!("did you mean 'event.{near}'?"),
            None if self.catalogue.is_open() => {
                "check its spelling; native JSON may send it".into()
            }
            None => nearest::cure(&first.text, known),
        };
        let message = format!("no source is known to send '{}' with {kind}", first.text);
        let fault = Fault::new("unknown-attribute", message, cure);
        self.remark_at(first.span.clone(), severity, fault);
        None
    }

    /// Checks a name that goes on after a field that holds no object.
    fn check_within(&mut self, name: &Name, outer: &Typed) -> Typed {
        if Path::of(name).is_some() && outer.certainty == Severity::Warning {
            return Typed::of(Type::Any);
        }
        let (Some(first), Some(second)) = (name.fields.first(), name.fields.get(1)) else {
            return outer.clone();
        };
        let message = format!("'{}' is {} and has no fields", first.text, outer.holds.name());
        let cure = format!("drop what follows {}.{}", name.root.text, first.text);
        self.remark_at(
            second.span.clone(),
            outer.certainty,
            Fault::new("unknown-field", message, cure),
        );
        Typed::of(Type::Any)
    }

    /// Returns how bad it is to name what no source is known to send.
    fn doubt(&self) -> Severity {
        if self.catalogue.is_open() { Severity::Warning } else { Severity::Error }
    }
}

fn find(fields: &'static [Field], name: &str) -> Option<&'static Field> {
    fields.iter().find(|field| field.name == name)
}

fn typed(field: &'static Field, certainty: Severity) -> Typed {
    let holds = match field.holds {
        FieldType::Text => Type::Text,
        FieldType::Number => Type::Number,
    };
    Typed { holds, values: field.values, certainty }
}

/// A lone word is most often a text whose quotes were forgotten.
fn with_quotes(word: &str, cure: &str) -> String {
    format!("put a text in quotes: \"{word}\"; otherwise {cure}")
}
