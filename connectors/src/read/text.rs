//! Bytes as text, in the encoding they say or we are told.

use std::borrow::Cow;

use encoding_rs::Encoding;

use super::ReadError;

/// How far into a document its own word on its encoding is looked for, in bytes.
const DECLARATION_MAX: usize = 200;
/// How far into a web page its title is looked for, in characters.
const PAGE_HEAD_MAX: usize = 8_192;

/// Returns `bytes` as text: in the encoding named `label` (WHATWG: `windows-1251`), else in the one an
/// XML declaration names, else in UTF-8. A byte order mark wins over all of them and is left out.
///
/// Fails if the label is unknown or the bytes are not text in that encoding.
pub fn decode<'b>(bytes: &'b [u8], label: Option<&str>) -> Result<Cow<'b, str>, ReadError> {
    let encoding = match label.or_else(|| declared(bytes)) {
        Some(label) => Encoding::for_label(label.trim().as_bytes()).ok_or_else(|| {
            ReadError::whole(format!("there is no encoding '{}'", super::number::short(label)))
        })?,
        None => encoding_rs::UTF_8,
    };
    let (text, used, has_errors) = encoding.decode(bytes);
    if has_errors {
        let name = used.name();
        return Err(ReadError::broken(format!("it is no text in {name}; name its encoding")));
    }
    Ok(text)
}

/// Refuses what is no document but a web page, as sign-in and maintenance pages come with status 200.
pub fn refuse_web_page(text: &str) -> Result<(), ReadError> {
    if let Some(title) = title_of_web_page(text) {
        return Err(ReadError::broken(format!("it is a web page and no feed{title}")));
    }
    if text.trim().is_empty() {
        return Err(ReadError::broken("it is empty"));
    }
    Ok(())
}

/// Returns, behind a semicolon, how the web page that `text` is calls itself, or nothing if it does not;
/// none if it is no web page.
pub(crate) fn title_of_web_page(text: &str) -> Option<String> {
    let start: String = text.chars().take(PAGE_HEAD_MAX).collect();
    // ASCII alone changes, so that places in one are places in the other.
    let lower = start.to_ascii_lowercase();
    let mut rest = lower.trim_start_matches('\u{feff}').trim_start();
    while let Some((_, behind)) = rest.strip_prefix("<!--").and_then(|rest| rest.split_once("-->"))
    {
        rest = behind.trim_start();
    }
    if !["<!doctype html", "<html", "<head", "<body"].iter().any(|tag| rest.starts_with(tag)) {
        return None;
    }
    let called = ["title", "h1"].into_iter().find_map(|tag| {
        let begin = lower.find(&format!("<{tag}"))?;
        let begin = begin + lower.get(begin..)?.find('>')? + 1;
        let end = begin + lower.get(begin..)?.find('<')?;
        let words: Vec<&str> = start.get(begin..end)?.split_whitespace().collect();
        (!words.is_empty())
            .then(|| format!("; its title is '{}'", super::number::short(&words.join(" "))))
    });
    Some(called.unwrap_or_default())
}

/// Returns the encoding that an XML declaration names.
fn declared(bytes: &[u8]) -> Option<&str> {
    let start = bytes.get(..bytes.len().min(DECLARATION_MAX))?;
    let start = start.strip_prefix(b"<?xml")?;
    let end = start.windows(2).position(|two| two == b"?>")?;
    let declaration = std::str::from_utf8(start.get(..end)?).ok()?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let mark = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value.get(1..)?.split(mark).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_in_the_encoding_it_names_or_we_do() {
        let cyrillic = b"<?xml version=\"1.0\" encoding=\"windows-1251\" ?><a>\xd0</a>";
        assert!(decode(cyrillic, None).unwrap().ends_with("<a>Р</a>"));
        assert_eq!(decode(b"\xe9", Some("latin1")).unwrap(), "é");
        assert_eq!(decode(b"\xef\xbb\xbfDate", None).unwrap(), "Date");
        assert!(decode(b"\xff\xfe\x41", Some("utf-8")).is_err());
        assert!(decode(b"x", Some("klingon")).is_err());
        assert!(decode(b"caf\xe9", None).is_err());
    }

    #[test]
    fn a_web_page_or_nothing_is_no_feed() {
        let pages = [
            ("<!DOCTYPE HTML><p>", "it is a web page and no feed"),
            ("\n <html lang=en>", "it is a web page and no feed"),
            (
                "<!-- x --><HTML><Title id=t> Sign in\n to Wi-Fi </title>",
                "its title is 'Sign in to Wi-Fi'",
            ),
            ("<html><title></title><h1>Wartung</h1>", "its title is 'Wartung'"),
            ("<html><title", "it is a web page and no feed"),
            ("", "it is empty"),
            (" \n", "it is empty"),
        ];
        for (page, expected) in pages {
            let error = refuse_web_page(page).unwrap_err();
            assert!(error.what.contains(expected), "case: {page:?}: {error}");
            assert_eq!(error.fault, super::super::Fault::Broken, "case: {page:?}");
        }
        for feed in ["<?xml version='1.0'?><a/>", "{}", "Date,USD"] {
            assert!(refuse_web_page(feed).is_ok(), "case: {feed:?}");
        }
    }
}
