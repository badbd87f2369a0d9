//! XML, piece by piece: elements by their local names, text with its entities resolved. A document
//! type is refused, since only it can make entities that explode or that read files.

use std::fmt;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};

use super::{Fault, ReadError};

/// How deep elements may stand in each other.
const DEPTH_MAX: usize = 64;

/// What comes next in a document.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// An element begins.
    Start(Element),
    /// Text, or a part of it; blanks between elements are text, too.
    Text(String),
    /// The element that began last and has not ended ends.
    End,
}

/// The beginning of an element.
#[derive(Debug, PartialEq, Eq)]
pub struct Element {
    /// Its name without its prefix.
    pub name: String,
    /// Its attributes in their order, by their names without prefixes.
    pub attributes: Vec<(String, String)>,
}

impl Element {
    /// Returns the attribute `name`.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
    }
}

/// The pieces of a document. It is whole when the pieces have ended without an error.
pub struct Pieces<'x> {
    reader: Reader<&'x [u8]>,
    depth: usize,
    has_root: bool,
    /// An empty element was begun and ends next.
    ends: bool,
}

impl fmt::Debug for Pieces<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pieces").field("depth", &self.depth).finish_non_exhaustive()
    }
}

impl<'x> Pieces<'x> {
    /// Returns the pieces of `text`.
    pub fn of(text: &'x str) -> Self {
        Self { reader: Reader::from_str(text), depth: 0, has_root: false, ends: false }
    }

    /// Returns the next piece, or nothing behind the last.
    pub fn advance(&mut self) -> Result<Option<Piece>, ReadError> {
        if std::mem::take(&mut self.ends) {
            self.depth -= 1;
            return Ok(Some(Piece::End));
        }
        loop {
            let event =
                self.reader.read_event().map_err(|error| self.broken(&error.to_string()))?;
            return Ok(Some(match event {
                Event::Start(start) => Piece::Start(self.begin(&start)?),
                Event::Empty(start) => {
                    self.ends = true;
                    Piece::Start(self.begin(&start)?)
                }
                Event::End(_) => {
                    self.depth -= 1;
                    Piece::End
                }
                Event::Text(text) => Piece::Text(text.xml10_content().into_owned()),
                Event::CData(text) => Piece::Text(text.xml10_content().into_owned()),
                Event::GeneralRef(name) => Piece::Text(self.resolve(&name)?),
                Event::DocType(text) => return Err(self.refuse_document_type(&text)),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => continue,
                Event::Eof if self.depth == 0 && self.has_root => return Ok(None),
                Event::Eof => return Err(self.broken("the document ends before its elements do")),
            }));
        }
    }

    fn begin(&mut self, start: &BytesStart<'_>) -> Result<Element, ReadError> {
        if self.depth == 0 && std::mem::replace(&mut self.has_root, true) {
            return Err(self.broken("there is a second root element"));
        }
        self.depth += 1;
        if DEPTH_MAX < self.depth {
            let what = "elements stand more than 64 deep in each other";
            return Err(self.broken(what).being(Fault::Excess));
        }
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| self.broken(&error.to_string()))?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| self.broken(&error.to_string()))?;
            attributes.push((attribute.key.local_name().as_ref().to_owned(), value.into_owned()));
        }
        Ok(Element { name: start.local_name().as_ref().to_owned(), attributes })
    }

    fn resolve(&self, name: &quick_xml::events::BytesRef<'_>) -> Result<String, ReadError> {
        let character = name.resolve_char_ref().map_err(|error| self.broken(&error.to_string()))?;
        if let Some(character) = character {
            return Ok(character.to_string());
        }
        let known = resolve_xml_entity(name);
        let wrong = || self.broken("an entity is not one of XML's own").being(Fault::Wrong);
        known.map(str::to_owned).ok_or_else(wrong)
    }

    fn refuse_document_type(&self, text: &str) -> ReadError {
        // Entities made of entities grow with each.
        let is_bomb = text.contains("<!ENTITY") && text.contains('&');
        let what = "a document type (DOCTYPE) is refused";
        self.broken(what).being(if is_bomb { Fault::Excess } else { Fault::Wrong })
    }

    fn broken(&self, what: &str) -> ReadError {
        let place = format!("byte {}", self.reader.buffer_position());
        ReadError::at(place, what).being(Fault::Broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Piece>, ReadError> {
        let mut pieces = Pieces::of(text);
        let mut found = Vec::new();
        while let Some(piece) = pieces.advance()? {
            found.push(piece);
        }
        Ok(found)
    }

    #[test]
    fn elements_come_with_local_names_and_texts_with_their_entities() {
        let start = |name: &str, attributes: &[(&str, &str)]| {
            let attributes = attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            Piece::Start(Element { name: name.to_owned(), attributes: attributes.collect() })
        };
        let text = |text: &str| Piece::Text(text.to_owned());
        let found =
            read("<?xml version='1.0'?><s:a x:k='1&lt;2'><b/>A&amp;&#66;<![CDATA[<c>]]></s:a>");
        let expected = [
            start("a", &[("k", "1<2")]),
            start("b", &[]),
            Piece::End,
            text("A"),
            text("&"),
            text("B"),
            text("<c>"),
            Piece::End,
        ];
        assert_eq!(found.unwrap(), expected);
    }

    #[test]
    fn what_is_no_whole_document_is_refused() {
        let deep = format!("{}{}", "<a>".repeat(65), "</a>".repeat(65));
        let cases = [
            "<a><b></a>",
            "<a>",
            "",
            "no xml",
            "<!DOCTYPE a><a/>",
            "<!DOCTYPE l [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>",
            "<a>&x;</a>",
            "<a/><b/>",
            "<a b='1' b='2'/>",
            &deep,
        ];
        for text in cases {
            assert!(read(text).is_err(), "case: {text:?}");
        }
    }
}
