//! Tables of letters, and of what people did to the items they became.

use serde_json::json;

use super::*;
use crate::deliver::letter::Text;

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn letter(key: &str, kind: &str, title: &str, due_at: &str) -> Letter {
    Letter {
        key: key.to_owned(),
        kind: kind.to_owned(),
        subject: "t1".to_owned(),
        body: json!({"title": {"en": title}, "due_at": due_at, "device": "EVSE-1"}),
        text: Text {
            language: "en".to_owned(),
            title: format!("{kind}: {title}"),
            plain: "Call them; soon, please\\n\nBring a cable\n".to_owned(),
            ..Text::default()
        },
        recipient: None,
        remote: None,
    }
}

fn created() -> String {
    let letter = letter("k1", "task-created", "Failed thrice", "2026-01-20T10:00:00Z");
    compose(Form::Task, &letter, NOW).unwrap()
}

fn amended(calendar: &str, letter: &Letter) -> String {
    match amend(Form::Task, calendar, letter, NOW).unwrap() {
        Amended::Changed(text) => text,
        Amended::Same => panic!("nothing changed"),
    }
}

#[test]
fn a_letter_becomes_an_item_and_hostile_text_stays_text() {
    let text = created();
    for line in ["UID:upturn-task-t1", "DUE:20260120T100000Z", "SUMMARY:Failed thrice (EVSE-1)"] {
        assert!(text.contains(&format!("{line}\r\n")), "{line}: {text}");
    }
    assert!(text.contains(r"DESCRIPTION:Call them\; soon\, please\\n\nBring a cable"), "{text}");

    let hostile = "x\r\nEND:VTODO\r\nBEGIN:VALARM\u{0}";
    let mut letter = letter("k1", "task-created", hostile, "2026-01-20T10:00:00Z");
    letter.text.plain = format!("{hostile}\nBEGIN:VEVENT\n");
    letter.subject = "a/../b\r\nX".to_owned();
    let text = compose(Form::Task, &letter, NOW).unwrap();
    assert_eq!(text.matches("\r\nEND:VTODO").count(), 1, "{text}");
    assert_eq!(text.matches("\r\nBEGIN:").count(), 1, "{text}");
    assert!(!uid(&letter).contains(['/', '.', '\r']), "{}", uid(&letter));
    let appointment = Form::Appointment(TimeDelta::minutes(30));
    let text =
        compose(appointment, &self::letter("k", "task-created", "x", "2026-01-20T10:00:00Z"), NOW);
    let text = text.unwrap();
    assert!(text.contains("DTSTART:20260120T093000Z") && text.contains("DTEND:20260120T100000Z"));
    let timeless = compose(appointment, &self::letter("k", "task-created", "x", "soon"), NOW);
    assert!(matches!(timeless, Err(Failure::Refused { .. })));
}

#[test]
fn an_update_changes_what_people_left_alone_and_nothing_else() {
    let later = letter("k2", "task-amended", "Failed four times", "2026-01-21T10:00:00Z");
    let text = amended(&created(), &later);
    assert!(text.contains("SUMMARY:Failed four times (EVSE-1)"), "{text}");
    assert!(text.contains("DUE:20260121T100000Z"), "{text}");
    assert_eq!(amend(Form::Task, &text, &later, NOW), Ok(Amended::Same), "a repetition");
    assert!(holds(&text, &later));

    // A person moved it, added a reminder, a guest and a zone, and wrote a note.
    let touched = created()
        .replace("DUE:20260120T100000Z", "DUE;TZID=Asia/Shanghai:20260125T090000")
        .replace(
            "BEGIN:VTODO",
            "BEGIN:VTIMEZONE\r\nTZID:Asia/Shanghai\r\nEND:VTIMEZONE\r\nBEGIN:VTODO",
        )
        .replace(
            "DESCRIPTION:",
            "ATTENDEE;CN=\"Li, Mei\":mailto:a@x\r\nATTENDEE:mailto:b@x\r\nDESCRIPTION:my note\\; ",
        )
        .replace(
            "END:VTODO",
            "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT15M\r\nEND:VALARM\r\nEND:VTODO",
        );
    let text = amended(&touched, &later);
    for kept in [
        "DUE;TZID=Asia/Shanghai:20260125T090000\r\n",
        "BEGIN:VTIMEZONE\r\nTZID:Asia/Shanghai\r\n",
        "ATTENDEE;CN=\"Li, Mei\":mailto:a@x\r\n",
        "ATTENDEE:mailto:b@x\r\n",
        "TRIGGER:-PT15M\r\n",
        "SUMMARY:Failed four times (EVSE-1)\r\n",
    ] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    let description = parser::unfold(&text);
    assert!(description.contains(r"my note\; Call them\; soon\, please\\n\nBring"), "{text}");
}

#[test]
fn what_people_closed_stays_closed_and_is_told() {
    let cases = [
        ("NEEDS-ACTION", "task-amended", "NEEDS-ACTION", Progress::Open),
        ("NEEDS-ACTION", "task-accepted", "IN-PROCESS", Progress::Open),
        ("IN-PROCESS", "task-done", "COMPLETED", Progress::Done),
        ("NEEDS-ACTION", "task-dismissed", "CANCELLED", Progress::Dismissed),
        ("NEEDS-ACTION", "task-withdrawn", "CANCELLED", Progress::Dismissed),
        ("NEEDS-ACTION", "task-contradicted", "NEEDS-ACTION", Progress::Open),
        ("COMPLETED", "task-amended", "COMPLETED", Progress::Done),
        ("COMPLETED", "task-accepted", "COMPLETED", Progress::Done),
        ("COMPLETED", "task-withdrawn", "COMPLETED", Progress::Done),
        ("CANCELLED", "task-done", "CANCELLED", Progress::Dismissed),
    ];
    for (before, kind, after, progress) in cases {
        let item = created().replace("STATUS:NEEDS-ACTION", &format!("STATUS:{before}"));
        let text = amended(&item, &letter("k2", kind, "x", "2026-01-20T10:00:00Z"));
        assert!(text.contains(&format!("STATUS:{after}\r\n")), "case: {before} {kind}: {text}");
        let state = state(Form::Task, &text, "upturn-task-t1").unwrap();
        assert_eq!(state.progress, progress, "case: {before} {kind}");
    }
}

#[test]
fn what_is_no_item_of_ours_is_left_alone() {
    let letter = letter("k2", "task-amended", "x", "2026-01-20T10:00:00Z");
    let other = created().replace("UID:upturn-task-t1", "UID:other");
    let deep = format!("{}{}", "BEGIN:A\r\n".repeat(100_000), "END:A\r\n".repeat(100_000));
    for text in [other.as_str(), "", "<html>", "BEGIN:VCALENDAR", &deep] {
        let amended = amend(Form::Task, text, &letter, NOW);
        assert!(amended.is_err(), "{amended:?}");
        assert_eq!(state(Form::Task, text, "upturn-task-t1"), None);
    }
}
