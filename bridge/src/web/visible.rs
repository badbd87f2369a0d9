//! Hostile text: what a device sent, with everything shown that would otherwise hide or reorder.

use std::fmt::{self, Write as _};

/// A text from outside, displayed with its control characters made visible.
///
/// Escaping for HTML stays the template's business; this one is about what the reader sees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visible<'a>(pub(crate) &'a str);

/// The same for a text of several lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VisibleLines<'a>(pub(crate) &'a str);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| write_char(f, c))
    }
}

impl fmt::Display for VisibleLines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| if c == '\n' { f.write_char(c) } else { write_char(f, c) })
    }
}

fn write_char(f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
    match c {
        // Unicode has a picture for each of the old control characters.
        '\0'..='\x1f' => f.write_char(char::from_u32(0x2400 + u32::from(c)).unwrap_or(c)),
        '\x7f' => f.write_char('\u{2421}'),
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => write!(f, "⟨U+{:04X}⟩", u32::from(c)),
        _ => f.write_char(c),
    }
}

/// Returns the first `max` bytes of `payload` for people: as text if they are UTF-8, else in
/// hexadecimal.
pub(crate) fn preview(payload: &[u8], max: usize) -> String {
    let head = payload.get(..max).unwrap_or(payload);
    match std::str::from_utf8(head) {
        Ok(text) => VisibleLines(text).to_string(),
        // A character that the cut went through is no reason to show hexadecimal.
        Err(e) if e.error_len().is_none() && head.len() < payload.len() => {
            let text = head.get(..e.valid_up_to()).unwrap_or_default();
            VisibleLines(&String::from_utf8_lossy(text)).to_string()
        }
        Err(_) => hex_lines(head),
    }
}

fn hex_lines(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (line, row) in bytes.chunks(16).enumerate() {
        if line != 0 {
            text.push('\n');
        }
        for (column, byte) in row.iter().enumerate() {
            let gap = if column == 0 { "" } else { " " };
            // Writing into a String cannot fail.
            write!(text, "{gap}{byte:02x}").ok();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_would_hide_or_reorder() {
        let cases = [
            ("plain", "EVSE-0042 充电", "EVSE-0042 充电"),
            ("control characters", "a\0b\x1b[31m\x7f", "a␀b␛[31m␡"),
            ("a line break", "a\nb", "a␊b"),
            ("right-to-left override", "abc\u{202e}exe", "abc⟨U+202E⟩exe"),
            ("zero width", "a\u{200b}b\u{feff}", "a⟨U+200B⟩b⟨U+FEFF⟩"),
            ("markup is the template's business", "<b>", "<b>"),
        ];
        for (case, text, expected) in cases {
            assert_eq!(Visible(text).to_string(), expected, "case: {case}");
        }
        assert_eq!(VisibleLines("a\r\nb").to_string(), "a␍\nb");
    }

    #[test]
    fn previews_text_as_text_and_bytes_as_hexadecimal() {
        let cases: [(&str, &[u8], &str); 5] = [
            ("empty", b"", ""),
            ("text", b"{\"a\":\n1}", "{\"a\":\n1}"),
            ("cut by the limit", b"0123456789abcdefghij", "0123456789abcdefgh"),
            ("cut inside a character", "0123456789abcdefg充".as_bytes(), "0123456789abcdefg"),
            ("bytes", b"\xff\x00abc", "ff 00 61 62 63"),
        ];
        for (case, payload, expected) in cases {
            assert_eq!(preview(payload, 18), expected, "case: {case}");
        }
        assert_eq!(preview(&[0xfe; 17], 300).lines().count(), 2);
        assert_eq!(preview("充".as_bytes().get(..2).unwrap(), 300), "e5 85");
    }
}
