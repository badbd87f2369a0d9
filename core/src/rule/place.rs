//! Places within a TOML text: which bytes of the document a part of its value was written as.

use std::ops::Range;

/// Returns where bytes `part` of a text stand in `raw`, the text as written with its quotes.
///
/// `None` where that cannot be told, as when `decoded` is not what `raw` says.
pub(super) fn of_part(raw: &str, decoded: &str, part: &Range<usize>) -> Option<Range<usize>> {
    let (start, end, has_escapes) = content(raw)?;
    let inner = raw.get(start..end)?;
    if inner == decoded {
        return Some(start + part.start..start + part.end.min(decoded.len()));
    }
    if !has_escapes {
        return None;
    }
    let mut places = Vec::with_capacity(decoded.len() + 1);
    let mut at = 0;
    while at < inner.len() {
        let (letter, length) = letter(inner.get(at..)?)?;
        if let Some(letter) = letter {
            places.extend(std::iter::repeat_n(start + at, letter.len_utf8()));
        }
        at += length;
    }
    if places.len() != decoded.len() {
        return None;
    }
    places.push(end);
    Some(*places.get(part.start)?..*places.get(part.end.min(decoded.len()))?)
}

/// Returns where the content of a quoted text begins and ends, and whether it can have escapes.
fn content(raw: &str) -> Option<(usize, usize, bool)> {
    for (quote, has_escapes) in [("\"\"\"", true), ("'''", false), ("\"", true), ("'", false)] {
        let Some(inner) = raw.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) else {
            continue;
        };
        let is_multiline = quote.len() == 3;
        let newline = if !is_multiline {
            0
        } else if inner.starts_with("\r\n") {
            2
        } else {
            usize::from(inner.starts_with('\n'))
        };
        return Some((quote.len() + newline, raw.len() - quote.len(), has_escapes));
    }
    None
}

/// Returns the letter that `rest` begins with, if it stands for one, and the length it is written
/// with.
fn letter(rest: &str) -> Option<(Option<char>, usize)> {
    let mut letters = rest.chars();
    let first = letters.next()?;
    if first != '\\' {
        return Some((Some(first), first.len_utf8()));
    }
    let escape = letters.next()?;
    let digits = match escape {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        'b' | 't' | 'n' | 'f' | 'r' | 'e' | '"' | '\\' => return Some((Some('\\'), 2)),
        blank if blank.is_whitespace() => {
            let skipped = letters.as_str().trim_start();
            return Some((None, rest.len() - skipped.len()));
        }
        _ => return None,
    };
    let code = u32::from_str_radix(rest.get(2..2 + digits)?, 16).ok()?;
    Some((Some(char::from_u32(code)?), 2 + digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_where_a_part_of_a_text_was_written() {
        let cases = [
            ("literal", "'a == b'", "a == b", "==", Some("==")),
            ("basic", "\"a == b\"", "a == b", "==", Some("==")),
            ("escapes before", r#""a \"x\" == b""#, "a \"x\" == b", "==", Some("==")),
            ("an escape itself", r#""a \"x\" b""#, "a \"x\" b", "\"x\"", Some(r#"\"x\""#)),
            ("a code", r#""\u4e2d == b""#, "中 == b", "==", Some("==")),
            ("several lines", "'''\na\n== b'''", "a\n== b", "==", Some("==")),
            ("lines joined", "\"\"\"\na \\\n  == b\"\"\"", "a == b", "==", Some("==")),
            ("another text", "'a == c'", "a == b", "==", None),
            ("no quotes", "a == b", "a == b", "==", None),
        ];
        for (case, raw, decoded, part, expected) in cases {
            let at = decoded.find(part).unwrap();
            let place = of_part(raw, decoded, &(at..at + part.len()));
            assert_eq!(place.and_then(|place| raw.get(place)), expected, "case: {case}");
        }
    }
}
