//! Rows that are records, and rows that are not.

use std::collections::BTreeSet;

use super::*;

/// Reads a row of `columns=text` pairs with blanks between them.
fn read(kind: &str, row: &str) -> Result<Record, Vec<String>> {
    let cells: BTreeMap<&str, &str> =
        row.split(' ').filter_map(|cell| cell.split_once('=')).collect();
    let read = super::kind(kind).unwrap().read(|column| cells.get(column).copied());
    read.map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

#[test]
fn a_kind_is_sound() {
    for kind in KINDS {
        let names: BTreeSet<_> = kind.columns.iter().map(|column| column.name).collect();
        assert_eq!(names.len(), kind.columns.len(), "{}: a column stands twice", kind.name);
        for key in kind.key {
            let presence = kind.column(key).map(|column| column.presence);
            assert_eq!(presence, Some(Presence::Always), "{}: {key} is in the key", kind.name);
        }
        for column in kind.columns {
            let others = match column.presence {
                Presence::With(others) => others,
                Presence::Always | Presence::Free => &[],
            };
            for other in others.iter().chain(&column.not_before) {
                assert!(names.contains(other), "{}: {} names {other}", kind.name, column.name);
            }
        }
    }
    assert!(KINDS.is_sorted_by_key(|kind| kind.name));
}

#[test]
fn values_are_kept_in_one_way() {
    let row = "product=P-7 place=hub on_hand=0012 unit_cost=8.50 currency=EUR \
               counted_at=2026-01-31T08:00:00+08:00";
    let record = read("stock", row).unwrap();
    let kept: Vec<_> = record.iter().map(|(column, value)| format!("{column}={value}")).collect();
    let expected = [
        "counted_at=2026-01-31T00:00:00.000Z",
        "currency=EUR",
        "on_hand=12",
        "place=hub",
        "product=P-7",
        "unit_cost=8.50",
    ];
    assert_eq!(kept, expected);
    assert_eq!(kind("stock").unwrap().key_of(&record), "P-7|hub");
    let product = read("product", "id=P-7 name=Charger goods_code=8504.40.55").unwrap();
    assert_eq!(product["goods_code"], "85044055");
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is the table itself")]
fn what_is_wrong_with_a_row_is_told_all_at_once() {
    let cases: [(&str, &str, &[&str]); 12] = [
        ("stock", "product=P place=hub", &["'on_hand' is empty; fill it in"]),
        (
            "stock",
            "product=P place=a|b on_hand=-3",
            &[
                "'place' is \"a|b\"; write an id of up to 128 bytes without blanks and '|'",
                "'on_hand' is \"-3\"; write a whole number, 0 or more",
            ],
        ),
        (
            "stock",
            "product=P place=hub on_hand=1.5",
            &["'on_hand' is \"1.5\"; write a whole number, 0 or more"],
        ),
        (
            "stock",
            "product=P place=hub on_hand=1 unit_cost=8,50 currency=EUR",
            &[
                "'unit_cost' is \"8,50\"; write an amount with a point and no currency, such as 1250.00",
            ],
        ),
        (
            "stock",
            "product=P place=hub on_hand=1 unit_cost=8.50",
            &["'currency' is empty, and 'unit_cost' is not; fill in both or none"],
        ),
        (
            "stock",
            "product=P place=hub on_hand=99999999999999999999",
            &["'on_hand' is \"99999999999999999999\"; write a whole number, 0 or more"],
        ),
        (
            "product",
            "id=P name==HYPERLINK(1)",
            &["'name' is \"=HYPERLINK(1)\"; that is a formula; export the table with values"],
        ),
        (
            "product",
            "id=P name=N origin=Germany",
            &["'origin' is \"Germany\"; write a country's two capital letters, such as DE"],
        ),
        (
            "price",
            "list=L product=P currency=EUR valid_from=2026-02-30 unit_price=1",
            &["'valid_from' is \"2026-02-30\"; write a day such as 2026-01-31"],
        ),
        (
            "price",
            "list=L product=P currency=EUR valid_from=2026-02-03 valid_until=2026-02-01 unit_price=1",
            &["'valid_until' is 2026-02-01, before 'valid_from', 2026-02-03"],
        ),
        (
            "deal",
            "id=D account=A stage=offer opened_on=2026-1-5",
            &["'opened_on' is \"2026-1-5\"; write a day such as 2026-01-31"],
        ),
        (
            "deal",
            "id=D account=A stage=offer opened_on=2026-01-05 probability=68",
            &["'probability' is \"68\"; write a part of one, such as 0.683"],
        ),
    ];
    for (kind, row, expected) in cases {
        assert_eq!(read(kind, row).unwrap_err(), expected, "case: {kind} {row}");
    }
}

#[test]
fn a_credit_code_is_checked_by_its_last_character() {
    let cases = [
        ("91350100M000100Y43", true),
        ("91350100m000100y43", true),
        ("91350100M000100Y44", false),
        ("9135O100M000100Y43", false),
        ("91350100M000100Y4", false),
    ];
    for (code, is_one) in cases {
        let found = Form::CreditCode.read(code);
        assert_eq!(found.is_ok(), is_one, "case: {code}");
        assert!(found.is_err() || found == Ok(code.to_ascii_uppercase()), "case: {code}");
    }
    assert!(Form::Email.read("a@b.example").is_ok());
    for text in ["a", "a@b", "@b.example", "a b@c.example", "a@b@c.example"] {
        assert!(Form::Email.read(text).is_err(), "case: {text}");
    }
}
