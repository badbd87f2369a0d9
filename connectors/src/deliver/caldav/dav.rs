//! What `WebDAV` servers say in XML: read with bounds, without document types and entities.

use std::collections::BTreeSet;

use quick_xml::NsReader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use quick_xml::name::{Namespace, ResolveResult};

/// What a server says of one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Resource {
    /// Its path.
    pub href: String,
    /// The calendar it holds.
    pub calendar: Option<String>,
    /// It is a collection of calendar items.
    pub is_calendar: bool,
    /// What may lie in it, if the server says so: `VTODO`.
    pub components: BTreeSet<String>,
    /// What we may do with it, if the server says so: `write`.
    pub privileges: BTreeSet<String>,
}

/// How deep elements may stand in one another.
const DEPTH_MAX: usize = 32;
/// How many resources one answer may have.
const RESOURCES_MAX: usize = 1_000;

const DAV: &str = "DAV:";
const CALDAV: &str = "urn:ietf:params:xml:ns:caldav";

/// Reads a `multistatus`.
///
/// Fails, with what is wrong, at anything else, at a document type, and where it is too deep or too
/// long.
pub(super) fn read(text: &str) -> Result<Vec<Resource>, String> {
    let mut reader = NsReader::from_str(text);
    let mut path: Vec<String> = Vec::new();
    let mut resources: Vec<Resource> = Vec::new();
    let mut has_root = false;
    loop {
        let (space, event) = reader.read_resolved_event().map_err(|error| error.to_string())?;
        match event {
            Event::Start(start) => {
                let name = qualified(&space, start.local_name().as_ref());
                if path.is_empty() && name != "d:multistatus" {
                    return Err("it is no multistatus".to_owned());
                }
                has_root = true;
                if DEPTH_MAX <= path.len() {
                    return Err("its elements stand too deep in one another".to_owned());
                }
                open(&mut resources, &path, &name)?;
                if name == "c:comp" {
                    note_component(&mut resources, &start);
                }
                path.push(name);
            }
            Event::Empty(start) => {
                let name = qualified(&space, start.local_name().as_ref());
                open(&mut resources, &path, &name)?;
                if name == "c:comp" {
                    note_component(&mut resources, &start);
                }
            }
            Event::End(_) => {
                path.pop();
            }
            Event::Text(text) => add_text(&mut resources, &path, &text.into_inner()),
            Event::CData(text) => add_text(&mut resources, &path, &text.into_inner()),
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(|error| error.to_string())?;
                match character {
                    Some(c) => add_text(&mut resources, &path, c.encode_utf8(&mut [0; 4])),
                    None => match resolve_predefined_entity(&reference.into_inner()) {
                        Some(text) => add_text(&mut resources, &path, text),
                        None => return Err("it names an entity".to_owned()),
                    },
                }
            }
            Event::DocType(_) => return Err("it has a document type".to_owned()),
            Event::Eof if has_root => return Ok(resources),
            Event::Eof => return Err("it is empty".to_owned()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

fn qualified(space: &ResolveResult<'_>, local: &str) -> String {
    match space {
        ResolveResult::Bound(Namespace(space)) if *space == DAV => format!("d:{local}"),
        ResolveResult::Bound(Namespace(space)) if *space == CALDAV => format!("c:{local}"),
        ResolveResult::Bound(_) | ResolveResult::Unbound | ResolveResult::Unknown(_) => {
            format!("?:{local}")
        }
    }
}

/// Takes note of an element `name` that begins under `path`.
fn open(resources: &mut Vec<Resource>, path: &[String], name: &str) -> Result<(), String> {
    if name == "d:response" && path.len() == 1 {
        if RESOURCES_MAX <= resources.len() {
            return Err(format!("it speaks of more than {RESOURCES_MAX} resources"));
        }
        resources.push(Resource::default());
    }
    let Some(resource) = resources.last_mut() else { return Ok(()) };
    match path.last().map(String::as_str) {
        Some("d:resourcetype") if name == "c:calendar" => resource.is_calendar = true,
        Some("d:privilege") => {
            resource.privileges.insert(name.trim_start_matches("d:").to_owned());
        }
        _ => {}
    }
    Ok(())
}

fn note_component(resources: &mut [Resource], start: &quick_xml::events::BytesStart<'_>) {
    let Some(resource) = resources.last_mut() else { return };
    let name = start.attributes().flatten().find(|attribute| attribute.key.as_ref() == "name");
    resource.components.extend(name.map(|name| name.value.to_ascii_uppercase()));
}

fn add_text(resources: &mut [Resource], path: &[String], text: &str) {
    let Some(resource) = resources.last_mut() else { return };
    match path.last().map(String::as_str) {
        // The path of the resource itself, not one in its properties.
        Some("d:href") if path.len() == 3 => resource.href.push_str(text.trim()),
        Some("c:calendar-data") => resource.calendar.get_or_insert_default().push_str(text),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"<?xml version="1.0"?>
<multistatus xmlns="DAV:" xmlns:x="urn:ietf:params:xml:ns:caldav">
  <response><href>/rep/tasks/</href><propstat><prop>
    <resourcetype><collection/><x:calendar/></resourcetype>
    <x:supported-calendar-component-set><x:comp name="VTODO"/></x:supported-calendar-component-set>
    <current-user-privilege-set><privilege><read/></privilege><privilege><write/></privilege></current-user-privilege-set>
    <owner><href>/rep/</href></owner>
  </prop></propstat></response>
  <response><href>/rep/tasks/a&amp;b.ics</href><propstat><prop>
    <x:calendar-data>SUMMARY:&lt;a&#62; <![CDATA[<b>]]></x:calendar-data>
  </prop></propstat></response>
</multistatus>"#;

    #[test]
    fn a_multistatus_is_read_by_its_namespaces() {
        let found = read(GOOD).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].href, "/rep/tasks/");
        assert!(found[0].is_calendar);
        assert!(found[0].components.contains("VTODO"));
        assert!(found[0].privileges.contains("write"));
        assert_eq!(found[1].href, "/rep/tasks/a&b.ics");
        assert_eq!(found[1].calendar.as_deref(), Some("SUMMARY:<a> <b>"));
    }

    #[test]
    fn what_is_dangerous_or_something_else_is_refused() {
        let bomb =
            "<!DOCTYPE a [<!ENTITY b \"x\">]><d:multistatus xmlns:d='DAV:'>&b;</d:multistatus>";
        let deep = format!("<d:multistatus xmlns:d='DAV:'>{}", "<a>".repeat(100_000));
        let many = format!(
            "<d:multistatus xmlns:d='DAV:'>{}</d:multistatus>",
            "<d:response/>".repeat(1_001)
        );
        let cases = [
            (bomb, "document type"),
            ("<d:multistatus xmlns:d='DAV:'>&b;</d:multistatus>", "entity"),
            ("<html><body/></html>", "no multistatus"),
            ("<multistatus/>", "empty"),
            ("", "empty"),
            (deep.as_str(), "deep"),
            (many.as_str(), "more than 1000"),
            ("<d:multistatus xmlns:d='DAV:'></d:x>", ""),
        ];
        for (text, expected) in cases {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "case: {expected}: {error}");
        }
    }
}
