//! What the bots of chat groups have in common: a message for people, and an answer whose status is
//! 200 whatever happened.
//!
//! They cannot be asked what they posted. A try that ended without an answer may have arrived, and
//! the next one posts again: the mark at the end of a message, the beginning of its letter's key, is
//! then the same.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use url::Url;

use super::exchange::Exchange;
use super::failure::Failure;
use super::letter::Letter;
use crate::http::{Answer, Request};

/// What a code in an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It has the message.
    Taken,
    /// Too many messages: it wants to be left alone for a while.
    Slower(Duration),
    /// The address, a key or a rule of the group is in the way: it concerns all letters.
    Settings(&'static str),
    /// It does not take this message.
    Message,
    /// The group or the bot is gone.
    Gone,
    /// Anything else.
    Trouble,
}

/// The names of the code and its sentence in an answer, in the order to look at.
pub type Names = &'static [(&'static str, &'static str)];

/// Reads the answer to a message: the members `names`, and `judge`, which knows the codes.
pub fn judge(
    exchange: &Exchange,
    answer: &Answer,
    names: Names,
    judge: fn(i64) -> Meaning,
) -> Result<(), Failure> {
    let told: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let member = |name: &str| told.as_ref().and_then(|told| told.get(name));
    let code = names.iter().find_map(|(code, said)| Some((member(code)?.as_i64()?, *said)));
    // Some send their code with a status of failure; the code says more.
    let Some((code, said)) = code else {
        let is_success = answer.is_success();
        return Err(if is_success { exchange.surprise(answer) } else { exchange.failed(answer) });
    };
    let said = exchange.quote(member(said).and_then(Value::as_str).unwrap_or_default());
    let reason = |advice: &str| format!("it answered with code {code}{advice}: {said}");
    match judge(code) {
        Meaning::Taken if answer.is_success() => Ok(()),
        Meaning::Taken => Err(exchange.failed(answer)),
        Meaning::Slower(pause) => Err(Failure::Later {
            reason: reason(" (too many messages)"),
            after: Some(answer.retry_after.map_or(pause, |asked| asked.max(pause))),
        }),
        Meaning::Settings(check) => Err(Failure::later(reason(&format!("; check {check}")))),
        Meaning::Message => Err(Failure::refused(reason(" (it does not take the message)"))),
        Meaning::Gone => Err(Failure::Off { reason: reason(" (the group or its bot is gone)") }),
        Meaning::Trouble => Err(Failure::later(reason(""))),
    }
}

/// Returns the Base64 of HMAC-SHA-256 of `message` with `key`.
pub fn sign(key: &[u8], message: &[u8]) -> Result<String, Failure> {
    // A key of this algorithm has any length.
    let mac = Hmac::<Sha256>::new_from_slice(key);
    let mut mac = mac.map_err(|error| Failure::later(error.to_string()))?;
    mac.update(message);
    Ok(STANDARD.encode(mac.finalize().into_bytes()))
}

/// Sends `request`, an empty message, and tells what its refusal says of the settings.
pub async fn test(
    exchange: &Exchange,
    request: Request,
    names: Names,
    codes: fn(i64) -> Meaning,
) -> Result<String, Failure> {
    let answer = exchange.send(request).await?;
    match judge(exchange, &answer, names, codes) {
        Err(Failure::Refused { reason }) => Ok(format!(
            "an empty message was sent, which is refused as it should be, so the address and its \
             key seem right; nothing was posted ({reason})"
        )),
        Ok(()) => Ok("an empty message was sent, and taken".to_owned()),
        Err(failure) => Err(failure),
    }
}

/// What a message says, harmless in text and in any Markdown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The title, in one line.
    pub title: String,
    /// Lines of text.
    pub lines: Vec<String>,
    /// Where the task is found.
    pub link: Option<String>,
    /// The beginning of the letter's key, by which a repeated message is known.
    pub mark: String,
}

/// How much of a letter's key stands in a message, in characters.
const MARK_LEN: usize = 8;
/// How long a title may be, in bytes.
const TITLE_MAX: usize = 300;

impl Message {
    /// Returns what `letter` says, in at most `room` bytes without the signs between the parts.
    ///
    /// It is made of the letter's plain text: each product has a Markdown of its own, and none of
    /// them documents how a sign is escaped.
    pub fn of(letter: &Letter, room: usize) -> Self {
        let link = letter.field("link").and_then(web_address);
        let mark = format!("#{}", letter.key.chars().take(MARK_LEN).collect::<String>());
        let title = cut(&harmless(&letter.text.title), TITLE_MAX);
        let rest = link.as_ref().map_or(0, String::len) + mark.len() + title.len();
        let own_link = letter.field("link").unwrap_or_default();
        let plain = letter.text.plain.replace(own_link, "");
        let lines = plain.lines().map(|line| harmless(line.trim_end())).collect::<Vec<_>>();
        let plain = cut(lines.join("\n").trim(), room.saturating_sub(rest));
        let lines = plain.lines().map(ToOwned::to_owned).collect();
        Self { title, lines, link, mark }
    }
}

/// Returns `text` so that no product sees a mention, a link, a card or a format in it: the signs that
/// begin one are replaced by their wide forms, which look alike.
pub fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '@' => shown.push('＠'),
            '<' => shown.push('＜'),
            '>' => shown.push('＞'),
            '[' => shown.push('［'),
            ']' => shown.push('］'),
            '`' => shown.push('｀'),
            '*' => shown.push('＊'),
            '#' => shown.push('＃'),
            '~' => shown.push('～'),
            '|' => shown.push('｜'),
            // Marks without a width, and those that turn the direction of writing.
            '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}' => {}
            '\u{2028}' | '\u{2029}' => shown.push(' '),
            c if c.is_control() => shown.push(' '),
            c => shown.push(c),
        }
    }
    // What looks like an address becomes a link by itself.
    shown.replace("://", "：//").replace("www.", "www．")
}

/// Returns `link` if it is an address to open, without signs that would end it in Markdown.
fn web_address(link: &str) -> Option<String> {
    let url = Url::parse(link).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let signs =
        [("(", "%28"), (")", "%29"), ("[", "%5B"), ("]", "%5D"), ("|", "%7C"), ("<", "%3C")];
    let text = url.as_str().to_owned();
    Some(signs.iter().fold(text, |text, (sign, escaped)| text.replace(sign, escaped)))
}

/// Returns the beginning of `text` that has at most `room` bytes, and a sign if more follows.
pub fn cut(text: &str, room: usize) -> String {
    if text.len() <= room {
        return text.to_owned();
    }
    let mut end = room.saturating_sub('…'.len_utf8());
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    format!("{}…", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::deliver::letter::Text;

    #[test]
    fn no_text_mentions_links_or_formats() {
        let cases = [
            ("@all @所有人", "＠all ＠所有人"),
            ("<@all>", "＜＠all＞"),
            (r#"<at user_id="all">x</at>"#, r#"＜at user_id="all"＞x＜/at＞"#),
            ("[free](https://evil.example)", "［free］(https：//evil.example)"),
            (r"\[x\](dingtalk://y)", r"\［x\］(dingtalk：//y)"),
            ("![x](y)", "!［x］(y)"),
            ("www.evil.example", "www．evil.example"),
            ("# heading **bold** `code`", "＃ heading ＊＊bold＊＊ ｀code｀"),
            ("a\u{202e}b\u{200b}c\u{0}d\u{2028}e", "abc d e"),
            ("EVSE_0042 50% 充电", "EVSE_0042 50% 充电"),
        ];
        for (text, expected) in cases {
            assert_eq!(harmless(text), expected, "case: {text}");
        }
    }

    #[test]
    fn a_message_keeps_its_mark_and_link_whatever_its_length() {
        let letter = |plain: String| Letter {
            key: "0123456789abcdef".to_owned(),
            kind: "task-created".to_owned(),
            subject: "t1".to_owned(),
            body: json!({"link": "https://upturn.example/tasks/t1?a=(b)"}),
            text: Text { title: "New task".to_owned(), plain, ..Text::default() },
            recipient: None,
            remote: None,
        };
        let plain = "Device: EVSE-1\n\nhttps://upturn.example/tasks/t1?a=(b)\n";
        let message = Message::of(&letter(plain.to_owned()), 2_000);
        let expected = Message {
            title: "New task".to_owned(),
            lines: vec!["Device: EVSE-1".to_owned()],
            link: Some("https://upturn.example/tasks/t1?a=%28b%29".to_owned()),
            mark: "#01234567".to_owned(),
        };
        assert_eq!(message, expected);

        let long = Message::of(&letter("充电失败\n".repeat(10_000)), 2_000);
        let lines = long.lines.join("\n");
        assert!(lines.ends_with('…'), "{lines}");
        let len = long.title.len() + lines.len() + 41 + long.mark.len();
        assert!((1_990..=2_000).contains(&len), "{len}");
        assert_eq!(cut("充电", 5), "…");
        assert_eq!(cut("充电", 6), "充电");
    }
}
