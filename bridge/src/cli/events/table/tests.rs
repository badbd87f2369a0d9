//! Tables as people make them: text in, events or what is wrong out.

use serde_json::json;

use super::super::lines;
use super::*;

/// The header, what is mapped, and what is wrong with it.
type HeaderCase<'c> = (&'c str, &'c [(&'c str, &'c str)], Option<&'c str>);

const HEADER: &str = "id,ts,kind,device";

fn now() -> DateTime<Utc> {
    "2026-01-06T00:00:00Z".parse().unwrap()
}

fn open<'f>(text: &'f str, map: &[(&str, &str)]) -> Result<Table<'f>, HeaderError> {
    let map: Vec<_> = map.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    Table::open(text.as_bytes(), &map, None)
}

/// Returns the rows as `line json` or `line: what is wrong`.
fn rows(text: impl AsRef<[u8]>) -> Vec<String> {
    let table = Table::open(text.as_ref(), &[], None).unwrap();
    let told = |row| match row {
        Ok(Row { line, text }) => format!("{line} {text}"),
        Err(wrong) => format!("{wrong}"),
    };
    table.rows(now()).map(told).collect()
}

#[test]
fn cells_keep_what_they_say() {
    let cases = [
        ("=1+1", json!("=1+1")),
        ("@SUM(A1)", json!("@SUM(A1)")),
        ("+49 89 1", json!("+49 89 1")),
        ("7", json!(7)),
        ("-7", json!(-7)),
        ("1.5", json!(1.5)),
        ("007", json!("007")),
        ("1.50", json!("1.50")),
        ("1e5", json!("1e5")),
        ("-0", json!("-0")),
        ("NaN", json!("NaN")),
        ("true", json!("true")),
        ("18446744073709551616", json!("18446744073709551616")),
        ("0.1234567890123456789", json!("0.1234567890123456789")),
        ("\"1,5\"", json!("1,5")),
        ("\"two\nlines, \"\"quoted\"\"\"", json!("two\nlines, \"quoted\"")),
        (" blanks around ", json!("blanks around")),
        ("连续", json!("连续")),
    ];
    for (cell, expected) in cases {
        let text = format!("{HEADER},note\n1,2026-01-05T00:00:00Z,visit,7,{cell}\n");
        let found = rows(&text);
        let object: Value = serde_json::from_str(found[0].strip_prefix("2 ").unwrap()).unwrap();
        assert_eq!(object["note"], expected, "case: {cell}");
        assert_eq!((&object["id"], &object["device"]), (&json!("1"), &json!("7")), "{cell}");
    }
}

#[test]
fn each_wrong_row_is_named_with_its_line_and_column() {
    let cases: [(&str, &[u8], &str); 10] = [
        (
            "a cell too few",
            b"1,2026-01-05T00:00:00Z,visit",
            "2: 3 cells under 4 columns; quote a cell that holds the separator",
        ),
        (
            "a cell too many",
            b"1,2026-01-05T00:00:00Z,visit,d,e",
            "2: 5 cells under 4 columns; quote a cell that holds the separator",
        ),
        (
            "no zone",
            b"1,2026-01-05 00:00,visit,d",
            "2: column 'ts': ts is \"2026-01-05 00:00\"; use a time with its zone such as 2026-01-05T08:00:00Z",
        ),
        (
            "a spreadsheet's number",
            b"1,1.8E+12,visit,d",
            "2: column 'ts': ts is \"1.8E+12\"; use a time with its zone such as 2026-01-05T08:00:00Z",
        ),
        ("no time", b"1,,visit,d", "2: column 'ts': ts is missing; say when it happened"),
        (
            "too long ago",
            b"1,2019-01-05T00:00:00Z,visit,d",
            "2: column 'ts': ts is 2019-01-05T00:00:00Z; times are believed from 400 days back to 5 minutes ahead, so leave the row out",
        ),
        ("no kind", b"1,2026-01-05T00:00:00Z,,d", "2: column 'kind': kind is missing"),
        (
            "about nothing",
            b"1,2026-01-05T00:00:00Z,visit,",
            "2: device, account or contact is missing",
        ),
        (
            "no device",
            b"1,2026-01-05T00:00:00Z,visit,a b",
            "2: column 'device': device id contains ' '; use letters, digits, '-', '_', '.', ':', '*' or '@'",
        ),
        (
            "latin-1",
            b"1,2026-01-05T00:00:00Z,visit\xfc,d",
            "2: column 'kind': not UTF-8; save the file as \"CSV UTF-8\"",
        ),
    ];
    for (case, row, expected) in cases {
        let text = [HEADER.as_bytes(), b"\n", row, b"\n\r\n,,,\n2,1767571200000,visit,d"].concat();
        let found = rows(&text);
        assert_eq!(found[0], expected, "case: {case}");
        let sound = r#"5 {"device":"d","id":"2","kind":"visit","ts":1767571200000}"#;
        assert_eq!(found[1..], [sound], "case: {case}");
    }
}

#[test]
fn a_header_is_understood_or_refused() {
    let cases: [HeaderCase<'_>; 12] = [
        ("ts,kind,account\n", &[], None),
        ("ts;kind;contact\n", &[], None),
        ("\"ts\"\tkind\taccount\n", &[], None),
        ("\n\n ts , kind,\"device\"\r\n", &[], None),
        ("When,kind,Customer\n", &[("When", "ts"), ("Customer", "account")], None),
        (
            "",
            &[],
            Some("it has no header; let the first line be id,ts,kind,device and further columns"),
        ),
        (
            " \r\n\n",
            &[],
            Some("it has no header; let the first line be id,ts,kind,device and further columns"),
        ),
        ("ts,kind,device,kind\n", &[], Some("column 'kind' stands twice; remove or rename one")),
        ("ts,kind,device,\n", &[], Some("column 4 of the header has no name; name or remove it")),
        (
            "ts,kind,device\n",
            &[("when", "ts")],
            Some("--map names column 'when', which the file has not; there are ts, kind, device"),
        ),
        (
            "time,kind,device\n",
            &[],
            Some("no column is 'ts'; add it, or say which one it is: --map COLUMN=ts"),
        ),
        (
            "ts,kind,model\n",
            &[],
            Some(
                "no column says what the events are about; name one device, account or contact: --map COLUMN=account",
            ),
        ),
    ];
    for (text, map, expected) in cases {
        let found = open(text, map).err().map(|error| error.to_string());
        assert_eq!(found.as_deref(), expected, "case: {text:?}");
    }
    let latin = Table::open(b"ts,kind,device,Ger\xe4t\n", &[], None).unwrap_err();
    assert_eq!(latin, HeaderError::NotUtf8(4));
    assert_eq!(open("ts,device\n", &[]).unwrap_err(), HeaderError::NoKind);
}

#[test]
fn a_row_without_an_id_always_gets_the_same_one() {
    let text = "ts,kind,account,note\n\
                2026-01-05T00:00:00Z,visit,acme,a\n\
                2026-01-05T00:00:00Z,visit,acme,b\n\
                2026-01-05T00:00:00Z,visit,acme,a\n";
    let id =
        |row: &String| row.split("\"id\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let ids: Vec<_> = rows(text).iter().map(id).collect();
    assert_eq!(ids, rows(text).iter().map(id).collect::<Vec<_>>());
    assert_eq!(ids[0], ids[2], "two rows that say the same are one event");
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn lines_of_json_get_the_kind_they_lack_and_nothing_else() {
    let ts = r#""ts":"2026-01-05T00:00:00Z""#;
    let text = format!(
        "{{{ts},\"device\":\"d\",\"n\":1.50}}\r\n\n{{\"kind\":\"repair\",{ts},\"contact\":\"c\"}}\n\
         {{ }}\n{{\"device\":\"d\"}}\noops\n\u{fc}"
    );
    let found: Vec<_> = lines::rows(text.as_bytes(), Some("visit"), now())
        .map(|row| {
            row.map_or_else(|wrong| wrong.to_string(), |row| format!("{} {}", row.line, row.text))
        })
        .collect();
    let expected = [
        format!("1 {{\"kind\":\"visit\",{ts},\"device\":\"d\",\"n\":1.50}}"),
        format!("3 {{\"kind\":\"repair\",{ts},\"contact\":\"c\"}}"),
        "4: device, account or contact is missing".to_owned(),
        "5: ts is missing; say when it happened".to_owned(),
        "6: payload is not what the format says: an event is one JSON object".to_owned(),
        "7: payload is not what the format says: an event is one JSON object".to_owned(),
    ];
    assert_eq!(found, expected);
    let latin: Vec<_> = lines::rows(b"{\"kind\":\"\xfc\"}", None, now()).collect();
    assert_eq!(latin[0].as_ref().unwrap_err().message, "not UTF-8; save the file as UTF-8");
}
