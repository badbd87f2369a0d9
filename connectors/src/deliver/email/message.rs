//! A letter as the message that is sent.

use std::time::SystemTime;

use chrono::{DateTime, Utc};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};

use crate::deliver::failure::Failure;
use crate::deliver::letter::Letter;

/// A message, ready to be sent.
#[derive(Debug)]
pub(super) struct Composed {
    /// Whom it goes to.
    pub to: Address,
    /// Its id, with the angle brackets.
    pub id: String,
    /// Itself, in ASCII.
    pub bytes: Vec<u8>,
}

/// Returns `letter` as a message of `from` to its recipient, or to `to` if it has none.
///
/// Its id is a function of the letter's key, its thread one of the task. Fails where there is
/// nobody to write to.
pub(super) fn compose(
    from: &Mailbox,
    to: Option<&Mailbox>,
    letter: &Letter,
    now: DateTime<Utc>,
) -> Result<Composed, Failure> {
    let to = recipient(letter, to)?;
    let domain = from.email.domain();
    let id = format!("<{}@{domain}>", atom(&letter.key));
    // No message has this id; programs make one thread of all that refer to it.
    let thread = format!("<{}@{domain}>", atom(&letter.reference()));
    let earlier = letter.remote.as_deref().filter(|remote| is_message_id(remote));
    let references = match earlier {
        Some(earlier) => format!("{thread} {earlier}"),
        None => thread,
    };
    let title = one_line(&letter.text.title);
    let language = if letter.text.language == "zh" { "zh-CN" } else { "en" };

    let mut message = Message::builder()
        .from(from.clone())
        .to(to.clone())
        .subject(title)
        .date(SystemTime::from(now))
        .message_id(Some(id.clone()))
        .references(references)
        .raw_header(header("Auto-Submitted", "auto-generated".to_owned()))
        .raw_header(header("List-Id", format!("Upturn <upturn.{domain}>")))
        .raw_header(header("Content-Language", language.to_owned()));
    if let Some(earlier) = earlier {
        message = message.in_reply_to(earlier.to_owned());
    }
    let plain = SinglePart::plain(letter.text.plain.clone());
    let message = match &letter.text.html {
        Some(html) => {
            let parts = MultiPart::alternative().boundary(atom(&letter.key));
            message.multipart(parts.singlepart(plain).singlepart(SinglePart::html(html.clone())))
        }
        None => message.singlepart(plain),
    };
    let message = message
        .map_err(|error| Failure::refused(format!("no message can be made of it: {error}")))?;
    Ok(Composed { to: to.email, id, bytes: message.formatted() })
}

fn recipient(letter: &Letter, to: Option<&Mailbox>) -> Result<Mailbox, Failure> {
    let Some(person) = &letter.recipient else {
        return to.cloned().ok_or_else(|| {
            Failure::refused("the letter is for nobody in particular; set 'to' for such letters")
        });
    };
    let id = one_line(&person.id);
    let Some(email) = &person.email else {
        return Err(Failure::refused(format!(
            "'{id}' has no e-mail address in the registry; add it there"
        )));
    };
    let email = email.parse::<Address>().map_err(|error| {
        Failure::refused(format!(
            "the e-mail address of '{id}' is none ({error}); correct it in the registry"
        ))
    })?;
    Ok(Mailbox::new(person.name.as_deref().map(one_line), email))
}

fn header(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

/// Returns `text` without anything that could end a line.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .collect()
}

/// Returns `text` with what may stand in an id or a boundary, at most 64 characters.
fn atom(text: &str) -> String {
    let good = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let atom: String = text.chars().map(good).take(64).collect();
    atom.trim_matches('.').replace("..", ".-")
}

/// Ids come back from the store as they were given; another one would end the header.
fn is_message_id(text: &str) -> bool {
    let inner = text.strip_prefix('<').and_then(|text| text.strip_suffix('>'));
    inner.is_some_and(|id| {
        id.len() <= 200
            && id.contains('@')
            && id.bytes().all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>')
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::deliver::letter::{Recipient, Text};

    fn letter(title: &str, email: Option<&str>, remote: Option<&str>) -> Letter {
        let recipient = email.map(|email| Recipient {
            id: "rep-1".to_owned(),
            name: Some("小林\r\nBcc: all@example.com".to_owned()),
            email: Some(email.to_owned()),
        });
        Letter {
            key: "a1".repeat(32),
            kind: "task-created".to_owned(),
            subject: "t1".to_owned(),
            body: json!({}),
            text: Text {
                language: "zh".to_owned(),
                title: title.to_owned(),
                plain: "你好\n.\nQUIT\n".to_owned(),
                html: Some("<p>你好</p>".to_owned()),
                markdown: None,
            },
            recipient,
            remote: remote.map(str::to_owned),
        }
    }

    fn head(letter: &Letter) -> String {
        let from = "Upturn <upturn@example.com>".parse().unwrap();
        let sent = compose(&from, None, letter, DateTime::UNIX_EPOCH).unwrap();
        assert!(sent.bytes.is_ascii());
        let text = String::from_utf8(sent.bytes).unwrap();
        text.split_once("\r\n\r\n").unwrap().0.to_owned()
    }

    #[test]
    fn messages_have_stable_ids_and_one_thread_a_task() {
        let first = head(&letter("充电失败", Some("rep@example.com"), None));
        let key = "a1".repeat(32);
        assert!(first.contains(&format!("Message-ID: <{key}@example.com>")), "{first}");
        assert!(first.contains("References: <upturn-task-t1@example.com>"), "{first}");
        assert!(first.contains("Auto-Submitted: auto-generated"), "{first}");
        assert!(first.contains("List-Id: Upturn <upturn.example.com>"), "{first}");
        assert!(first.contains("multipart/alternative"), "{first}");
        assert!(!first.contains("In-Reply-To"), "{first}");
        let later = head(&letter("x", Some("rep@example.com"), Some("<k0@example.com>")));
        assert!(later.contains("In-Reply-To: <k0@example.com>"), "{later}");
        assert!(later.contains("<upturn-task-t1@example.com> <k0@example.com>"), "{later}");
    }

    #[test]
    fn nothing_a_device_or_a_person_says_makes_a_header() {
        let hostile = "a\r\nBcc: all@example.com\r\n\r\nbody\u{2028}x";
        for remote in [None, Some("<a@b>\r\nBcc: all@example.com"), Some("x")] {
            let head = head(&letter(hostile, Some("rep@example.com"), remote));
            let names: Vec<_> = head.lines().filter(|line| !line.starts_with(' ')).collect();
            assert!(names.iter().all(|line| !line.starts_with("Bcc")), "{head}");
            assert!(head.contains("Content-Type"), "the head is whole: {head}");
        }
    }

    #[test]
    fn who_cannot_be_written_to_is_named() {
        let from: Mailbox = "upturn@example.com".parse().unwrap();
        let cases = [
            (letter("x", None, None), "set 'to'"),
            (
                letter("x", Some("rep@example.com\r\nRCPT TO:<all@example.com>"), None),
                "'rep-1' is none",
            ),
            (letter("x", Some("rep"), None), "'rep-1' is none"),
        ];
        for (letter, expected) in cases {
            let failure = compose(&from, None, &letter, DateTime::UNIX_EPOCH).unwrap_err();
            assert!(matches!(failure, Failure::Refused { .. }));
            assert!(failure.to_string().contains(expected), "{failure}");
        }
    }
}
