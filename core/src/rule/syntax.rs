//! TOML with mistakes: notes each mistake in the form of a document and reads on behind it.
//!
//! The parser recovers within a line but loses what follows some mistakes. So a line it does not
//! understand is blanked, or its bracket closed, whichever leaves fewer errors, and the document
//! is read again.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::de::DeTable;

use super::finding::Fault;

/// The most repairs of one document; each costs a few readings of it.
const REPAIRS_MAX: usize = 24;
/// The most mistakes that are reported; who makes more sees the first ones.
const MISTAKES_MAX: usize = 100;

/// A document as it is read: repaired where its form is wrong.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    /// The text, as long as the original up to each insertion.
    pub(super) text: String,
    /// Keys on lines that were not understood.
    pub(super) lost: BTreeSet<String>,
    /// Places in `text` of characters that the original does not have, in order of insertion.
    inserted: Vec<usize>,
}

/// A mistake in the form of a document.
#[derive(Clone, Debug)]
pub(super) struct Mistake {
    /// Its place in the original.
    pub(super) span: Range<usize>,
    /// What it is.
    pub(super) fault: Fault,
}

impl Source {
    /// Returns a place of the original for one of the source.
    pub(super) fn original(&self, span: Range<usize>) -> Range<usize> {
        let back = |mut at: usize| {
            for inserted in self.inserted.iter().rev() {
                at -= usize::from(*inserted < at);
            }
            at
        };
        back(span.start)..back(span.end)
    }

    /// Returns the line at byte `at`, without its end.
    fn line_at(&self, at: usize) -> Range<usize> {
        let before = self.text.get(..at).unwrap_or(&self.text);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let rest = self.text.get(start..).unwrap_or_default();
        start..start + rest.lines().next().unwrap_or_default().len()
    }

    /// Returns the last line before byte `at` that gives a key.
    fn key_line_before(&self, at: usize) -> Option<Range<usize>> {
        let mut start = at;
        while 0 < start {
            let line = self.line_at(start - 1);
            if self.text.get(line.clone()).and_then(key_of).is_some() {
                return Some(line);
            }
            start = line.start;
        }
        None
    }

    /// Returns the source with `line` blanked.
    fn blanked(&self, line: &Range<usize>) -> Self {
        let mut source = self.clone();
        if let Some(key) = self.text.get(line.clone()).and_then(key_of) {
            source.lost.insert(key.to_owned());
        }
        source.text.replace_range(line.clone(), &" ".repeat(line.len()));
        source
    }

    /// Returns the source with the header on `line` closed, if it is one.
    fn closed(&self, line: &Range<usize>) -> Option<Self> {
        let header = self.text.get(line.clone())?.trim();
        if !header.starts_with('[') || header.contains(['#', '=']) {
            return None;
        }
        let open = header.chars().take_while(|c| *c == '[').count();
        let closed = header.chars().rev().take_while(|c| *c == ']').count();
        let missing = open.checked_sub(closed).filter(|missing| 0 < *missing && open <= 2)?;
        let mut source = self.clone();
        for _ in 0..missing {
            source.text.insert(line.end, ']');
            source.inserted.push(line.end);
        }
        Some(source)
    }

    fn errors(&self) -> Vec<toml::de::Error> {
        DeTable::parse_recoverable(&self.text).1
    }
}

/// Returns `text` in a form that can be read, and what was wrong with its own.
pub(super) fn repair(text: &str) -> (Source, Vec<Mistake>) {
    let mut source = Source { text: text.to_owned(), ..Source::default() };
    let mut mistakes = Vec::new();
    for _ in 0..REPAIRS_MAX {
        let errors = source.errors();
        let unread = errors.iter().filter(|error| !is_recovered(error));
        let Some(error) = unread.min_by_key(|error| place(error).start) else { break };
        let at = place(error).start.min(source.text.len());
        let line = source.line_at(at);
        mistakes.push(mistake(&source, error));

        let mut repairs: Vec<Source> = source.closed(&line).into_iter().collect();
        repairs.push(source.blanked(&line));
        repairs.extend(source.key_line_before(line.start).map(|line| source.blanked(&line)));
        let best = repairs.into_iter().min_by_key(|repair| repair.errors().len());
        source = best.unwrap_or(source);
    }
    let recovered = source.errors();
    let recovered = recovered.iter().filter(|error| is_recovered(error));
    mistakes.extend(recovered.map(|error| mistake(&source, error)));
    mistakes.sort_by_key(|mistake| mistake.span.start);
    mistakes.truncate(MISTAKES_MAX);
    (source, mistakes)
}

/// Returns the key that a line gives a value to.
fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    let key = key.trim();
    let is_key =
        !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.\"'".contains(c));
    is_key.then_some(key)
}

/// Returns whether the parser kept the value, so that the line can be read all the same.
fn is_recovered(error: &toml::de::Error) -> bool {
    ["string values must be quoted", "duplicate key", "invalid basic string", "invalid literal"]
        .iter()
        .any(|kept| error.message().starts_with(kept))
}

fn place(error: &toml::de::Error) -> Range<usize> {
    error.span().unwrap_or(0..0)
}

/// Returns the place of the value on `line`, if it is words without quotes.
fn bare_words(source: &Source, line: Range<usize>) -> Option<Range<usize>> {
    let text = source.text.get(line.clone())?;
    key_of(text)?;
    let (before, value) = text.split_once('=')?;
    let value = value.split('#').next()?;
    let words = value.trim();
    let is_bare = words.starts_with(char::is_alphabetic)
        && words.chars().all(|c| c.is_alphanumeric() || " -_:".contains(c));
    let start = line.start + before.len() + 1 + (value.len() - value.trim_start().len());
    (is_bare && !["true", "false"].contains(&words)).then_some(start..start + words.len())
}

fn mistake(source: &Source, error: &toml::de::Error) -> Mistake {
    let span = place(error);
    if error.message() != "duplicate key"
        && let Some(span) = bare_words(source, source.line_at(span.start))
    {
        let words = source.text.get(span.clone()).unwrap_or_default();
        let message = format!("{words} is a text without quotes");
        let fault = Fault::new("syntax", message, format!("write \"{words}\""));
        return Mistake { span: source.original(span), fault };
    }
    let found = source.text.get(span.clone()).unwrap_or_default();
    let message = error.message();
    let fault = match message {
        "duplicate key" => {
            let message = format!("'{found}' is given twice");
            Fault::new("duplicate-key", message, "keep one of the two")
        }
        quoted if quoted.starts_with("string values must be quoted") => {
            let message = format!("{found} is a text without quotes");
            Fault::new("syntax", message, format!("write \"{found}\""))
        }
        open if open.starts_with("invalid basic string") || open.starts_with("invalid literal") => {
            let cure = "put the same quote at both ends of the text";
            Fault::new("syntax", "a text is not closed", cure)
        }
        "key with no value, expected `=`" => {
            Fault::new("syntax", "a key has no value", "write key = value; a comment begins with #")
        }
        open if open.starts_with("unclosed table") => {
            Fault::new("syntax", "a table's header is not closed", "write ] after its name")
        }
        other => Fault::new("syntax", other, "correct this line; it was left out of the check"),
    };
    Mistake { span: source.original(span), fault }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_on_behind_each_mistake() {
        let cases = [
            ("sound", "a = 1\n[b]\nc = 2\n", vec![], "a b.c"),
            ("a lone word", "just words\na = 1\n", vec![(5, "a key has no value")], "a"),
            ("no quotes", "a = x\nb = 1\n", vec![(4, "x is a text without quotes")], "a b"),
            ("words", "a = so it goes # x\nb = 1\n", vec![(4, "so it goes is a text")], "a b"),
            ("a word like true", "a = tr\nb = 1\n", vec![(4, "tr is a text")], "b"),
            ("not closed", "a = \"x\nb = 1\n", vec![(6, "a text is not closed")], "a b"),
            (
                "a header",
                "[a\nb = 1\n[c]\nd = 2\n",
                vec![(2, "a table's header is not closed")],
                "a.b c.d",
            ),
            (
                "a list that swallows the rest",
                "[a]\nb = [1, 2\nc = 3\n[d]\ne = 1\n",
                vec![(14, "missing comma between array elements, expected `,`")],
                "a.c d.e",
            ),
            ("twice", "a = 1\na = 2\n", vec![(6, "'a' is given twice")], "a"),
            (
                "several",
                "a b = 1\nc = \n= 3\n[x]\ny = 1",
                vec![(2, "a key has no value"), (12, ""), (13, "unquoted keys cannot be empty")],
                "c x.y",
            ),
        ];
        for (case, text, expected, keys) in cases {
            let (source, mistakes) = repair(text);
            assert_eq!(mistakes.len(), expected.len(), "case: {case}: {mistakes:?}");
            for (mistake, (at, message)) in mistakes.iter().zip(expected) {
                assert_eq!(mistake.span.start, at, "case: {case}: {mistake:?}");
                assert!(mistake.fault.message.starts_with(message), "case: {case}: {mistake:?}");
            }
            let (table, _) = DeTable::parse_recoverable(&source.text);
            let mut found = Vec::new();
            for (key, value) in table.get_ref() {
                match value.get_ref().as_table() {
                    Some(table) => found.extend(
                        table.keys().map(|inner| format!("{}.{}", key.get_ref(), inner.get_ref())),
                    ),
                    None => found.push(key.get_ref().to_string()),
                }
            }
            assert_eq!(found.join(" "), keys, "case: {case}");
        }
    }

    #[test]
    fn places_behind_an_insertion_are_those_of_the_original() {
        let (source, _) = repair("[[then\ntask = 1\n");
        let at = source.text.find("task").unwrap();
        assert_eq!(source.original(at..at + 4), 7..11);
    }
}
