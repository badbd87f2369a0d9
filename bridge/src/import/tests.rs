//! Tables that are taken in, and tables that are not.

use std::io::Write as _;

use tempfile::NamedTempFile;

use super::*;
use crate::store::testing::each_backend;

fn source(bytes: impl AsRef<[u8]>) -> (NamedTempFile, Source) {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes.as_ref()).unwrap();
    let path = file.path().to_owned();
    (file, Source { file: path, map: Vec::new(), delimiter: None, encoding: None })
}

/// Looks at a table and takes it in if it is sound; returns new, changed and written, or everything
/// that is wrong.
async fn import(
    store: &Store,
    kind: &str,
    source: &Source,
    allowed: &[&str],
) -> Result<(u64, u64, u64), Vec<String>> {
    let kind = upturn_core::record::kind(kind).unwrap();
    let allowed: Vec<_> = allowed.iter().map(|name| (*name).to_owned()).collect();
    let registry = Registry::default();
    let import = Import { store, registry: &registry, kind, source, made_of: None };
    let examined = import.examine(&allowed).await.map_err(|error| match &error {
        ImportError::Table { why, .. } => vec![why.clone()],
        ImportError::Read { .. }
        | ImportError::Restless(_)
        | ImportError::Overtaken(_)
        | ImportError::Random(_)
        | ImportError::Store(_) => {
            vec![error.to_string()]
        }
    })?;
    let rows = examined.findings.rows().iter();
    let mut wrong: Vec<_> = rows.map(|(line, message)| format!("{line}: {message}")).collect();
    wrong.extend(examined.findings.whole().iter().cloned());
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let at = DateTime::UNIX_EPOCH;
    let written = import.take_in(&examined, at, "tester").await.unwrap();
    Ok((examined.new, examined.changed, written))
}

async fn import_text(
    store: &Store,
    kind: &str,
    text: impl AsRef<[u8]>,
) -> Result<(u64, u64, u64), Vec<String>> {
    let (_file, source) = source(text);
    import(store, kind, &source, &[]).await
}

async fn count(store: &Store, kind: &str) -> usize {
    record::page(store, kind, "", 1_000).await.unwrap().len()
}

const PRODUCTS: &str = "id,name,pack_size,replaced_by\nP-1,Charger,4,P-2\nP-2,\"Charger, new\",,\n";

#[tokio::test]
async fn a_table_is_taken_in_once() {
    each_backend(async |store| {
        assert_eq!(import_text(store, "product", PRODUCTS).await, Ok((2, 0, 2)));
        assert_eq!(import_text(store, "product", PRODUCTS).await, Ok((0, 0, 0)));
        let changed = PRODUCTS.replace(",4,", ",6,");
        assert_eq!(import_text(store, "product", changed).await, Ok((0, 1, 1)));
        let stock = "\u{feff}product;place;on_hand\r\nP-1;hub;12\r\n;;\r\nP-2;hub;0\r\n";
        assert_eq!(import_text(store, "stock", stock).await, Ok((2, 0, 2)));
        let kept = record::page(store, "stock", "", 9).await.unwrap();
        let kept: Vec<_> = kept.iter().map(|record| &*record.document).collect();
        let expected = [
            r#"{"on_hand":"12","place":"hub","product":"P-1"}"#,
            r#"{"on_hand":"0","place":"hub","product":"P-2"}"#,
        ];
        assert_eq!(kept, expected);
        let audit = audit::of_subject(store, "stock").await.unwrap();
        assert_eq!(audit.len(), 1, "{audit:?}");
    })
    .await;
}

#[tokio::test]
async fn headings_go_by_their_names_or_by_the_map() {
    each_backend(async |store| {
        let table = "物料号\t说明\t备注\nP-1\t充电桩\t-\n";
        let (table, _, _) = encoding_rs::GB18030.encode(table);
        let (_file, mut source) = source(&table);
        source.encoding = Some("gb18030".to_owned());
        let refused = import(store, "product", &source, &[]).await.unwrap_err();
        assert!(refused[0].starts_with("'物料号' is no column of product; there are id, name"));
        let map = [("物料号", "id"), ("说明", "name"), ("备注", "")];
        source.map = map.map(|(from, to)| (from.to_owned(), to.to_owned())).to_vec();
        assert_eq!(import(store, "product", &source, &[]).await, Ok((1, 0, 1)));
        source.encoding = None;
        let refused = import(store, "product", &source, &[]).await.unwrap_err();
        assert_eq!(refused.len(), 1, "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn one_wrong_row_keeps_all_out() {
    each_backend(async |store| {
        import_text(store, "product", PRODUCTS).await.unwrap();
        let many = "a".repeat(2 * 1024 * 1024);
        let wide = format!("product,place,on_hand\nP-1,hub,1{}\n", ",".repeat(2 * 1024 * 1024));
        let open = format!("product,place,on_hand\nP-1,hub,1\nP-1,\"hub,{many}\n");
        let head = format!("product,place,on_hand{}\n", ",x".repeat(1024 * 1024));
        let too_long = "a row is longer than 1048576 bytes; is a quote left open?";
        let cases: [(&str, &[&str]); 11] = [
            ("", &["it is empty; let the first line name the columns"]),
            ("product,place\nP-1,hub\n", &["column 'on_hand' is missing; How many lie there"]),
            ("product,place,on_hand,place\n", &[
                "column 'place' stands there twice; leave one out",
            ]),
            ("product,place,on_hand\nP-1,hub,1\nP-1,hub,2\n", &[
                "3: \"P-1|hub\" (product, place) stands there twice",
            ]),
            ("product,place,on_hand\nP-1,hub,1\nP-9,hub,2\n", &[
                "3: 'product' names \"P-9\", which product does not have; import its record first: \
                 upturn records import product",
            ]),
            ("product,place,on_hand\nP-1,hub\nP-1,hub,=1+1\n", &[
                "2: 2 cells under 3 headings; quote a cell that holds a comma",
                "3: 'on_hand' is \"=1+1\"; that is a formula; export the table with values",
            ]),
            ("product,place,on_hand\nP-1,\"hub\n1\",1\nP-1,b,x\n", &[
                "2: 'place' is \"hub\\n1\"; write an id of up to 128 bytes without blanks and '|'",
                "4: 'on_hand' is \"x\"; write a whole number, 0 or more",
            ]),
            (&open, &[too_long]),
            (&wide, &[too_long]),
            (&head, &["its first line is longer than 1048576 bytes; is it a table?"]),
            ("<!doctype html>\n<html>", &[
                "'<!doctype html>' is no column of stock; there are product, place, on_hand, \
                 reserved, on_order, unit_cost, currency, counted_at. Say which one it is with \
                 --map '<!doctype html>=COLUMN', or leave it out with --map '<!doctype html>='",
            ]),
        ];
        for (table, expected) in cases {
            let found = import_text(store, "stock", table).await.unwrap_err();
            let case: String = table.chars().take(60).collect();
            assert_eq!(found, expected, "case: {case}");
            assert_eq!(count(store, "stock").await, 0, "case: {case}");
        }
    })
    .await;
}

#[tokio::test]
async fn cells_that_mean_nothing_keep_all_out() {
    each_backend(async |store| {
        import_text(store, "product", PRODUCTS).await.unwrap();
        let prices = "list,product,currency,valid_from,unit_price\nbase,P-1,EUR,2026-01-01,1\n";
        let counts = "product,place,on_hand,counted_at\nP-1,hub,1,2026-01-01T10:00:00Z\n";
        let cases: [(&str, &str, &[u8], &str); 7] = [
            ("price", prices, b"base,P-1,EUR,2026-02-30,1\n", "3: 'valid_from' is \"2026-02-30\""),
            ("price", prices, b"base,P-1,EUR,2026-02-01,1e3\n", "3: 'unit_price' is \"1e3\""),
            ("price", prices, b"base,P-1,euro,2026-02-01,1\n", "3: 'currency' is \"euro\""),
            ("stock", counts, b"P-1,b,1,2026-02-01T10:00:00\n", "3: 'counted_at' is"),
            ("stock", counts, b"P-1,b,1,2026-02-01T10:00:00[Mars/Olympus]\n", "3: 'counted_at' is"),
            ("stock", counts, "P-1,b,１,\n".as_bytes(), "3: 'on_hand' is \"１\""),
            // A row in another encoding than the rest.
            ("stock", counts, b"P-1,\xb2\xd6\xbf\xe2,1,\n", "3: not all of it is text"),
        ];
        for (kind, sound, wrong, expected) in cases {
            let table = [sound.as_bytes(), wrong].concat();
            let found = import_text(store, kind, table).await.unwrap_err();
            let told = found.first().unwrap();
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(told.starts_with(expected), "{told}");
            assert_eq!(count(store, kind).await, 0, "case: {expected}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_shifted_column_does_not_slip_through() {
    each_backend(async |store| {
        let rows = |terms: &str, mark: &str| {
            let head = "id,name,family,origin\n".to_owned();
            (0..20).fold(head, |text, n| format!("{text}P-{n},{terms} {n},{mark},DE\n"))
        };
        import_text(store, "product", rows("Charger", "wall")).await.unwrap();
        // Each row under the headings of the ones beside: all of it is text.
        let shifted = (0..20).fold("id,name,family,origin\n".to_owned(), |text, n| {
            format!("{text}P-{n},wall,Charger {n},DE\n")
        });
        let refused = import_text(store, "product", &shifted).await.unwrap_err();
        let expected = [
            "column 'name' would change in 20 of 20 records (P-0: \"Charger 0\" to \"wall\", P-1: \
             \"Charger 1\" to \"wall\"); it looks shifted: 20 of them would hold what was in \
             'family'; if that is meant, say so: --allow-change name",
            "column 'family' would change in 20 of 20 records (P-0: \"wall\" to \"Charger 0\", P-1: \
             \"wall\" to \"Charger 1\"); it looks shifted: 20 of them would hold what was in \
             'name'; if that is meant, say so: --allow-change family",
        ];
        assert_eq!(refused, expected);
        let (_file, renamed) = source(rows("Wallbox", "wall"));
        assert!(import(store, "product", &renamed, &[]).await.is_err());
        assert_eq!(import(store, "product", &renamed, &["name"]).await, Ok((0, 20, 20)));
        let some = rows("Wallbox", "wall").replacen("wall,", "post,", 4);
        assert_eq!(import_text(store, "product", some).await, Ok((0, 4, 4)));
    })
    .await;
}

#[tokio::test]
async fn lines_are_counted_as_an_editor_does() {
    each_backend(async |store| {
        import_text(store, "product", PRODUCTS).await.unwrap();
        let tables = [
            "product,place,on_hand\r\nP-1,hub,1\r\n\r\n\r\nP-1,far,x\r\n",
            "\u{feff}product,place,on_hand\n\nP-1,hub,1\n\nP-1,far,x",
            "\r\nproduct,place,on_hand\r\n,,\r\nP-1,\"hub\",1\r\nP-1,far,x\r\n",
        ];
        for table in tables {
            let found = import_text(store, "stock", table).await.unwrap_err();
            let expected = ["5: 'on_hand' is \"x\"; write a whole number, 0 or more"];
            assert_eq!(found, expected, "case: {table:?}");
        }
        // Many empty lines are passed over, and remembered as one.
        let many = "\r\n".repeat(1 << 18);
        let found =
            import_text(store, "stock", format!("{}{many}P-1,far,x\n", "product,place,on_hand\n"));
        assert!(found.await.unwrap_err()[0].starts_with("262146: 'on_hand'"));
    })
    .await;
}

#[tokio::test]
async fn what_may_be_there_already_is_told_and_taken_in() {
    each_backend(async |store| {
        let (_file, source) = source(
            "id,name,phone,country\na-1,Nord Strom GmbH,030 1234567,DE\na-2,Nord Strom,,\n\
             a-3,South,+49 30 1234567,\n",
        );
        let registry = Registry::default();
        let kind = upturn_core::record::kind("account").unwrap();
        let import = Import { store, registry: &registry, kind, source: &source, made_of: None };
        for _ in 0..2 {
            let examined = import.examine(&[]).await.unwrap();
            assert!(examined.findings.is_empty());
            let names: Vec<_> =
                examined.warnings.iter().map(|w| w.split(", for whom").next().unwrap()).collect();
            let told = |expected: &str| assert!(names.contains(&expected), "{expected}: {names:?}");
            told("account \"a-2\" has the same company as account \"a-1\"");
            told("account \"a-3\" has the same phone as account \"a-1\"");
            import.take_in(&examined, DateTime::UNIX_EPOCH, "tester").await.unwrap();
        }
        assert!(crate::store::registry_change::is_any(store).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn who_has_left_keeps_nothing_else_from_changing() {
    each_backend(async |store| {
        let kind = upturn_core::record::kind("account").unwrap();
        let mut tx = store.begin().await.unwrap();
        let document = r#"{"id":"a","name":"Acme","owner":"ana"}"#.to_owned();
        let before = [StoredRecord { id: "a".to_owned(), document }];
        record::write(&mut tx, kind.name, &before, DateTime::UNIX_EPOCH, "tester").await.unwrap();
        tx.commit().await.unwrap();
        // Nobody in the registry's folder is called ana, or bo.
        let renamed = import_text(store, "account", "id,name,owner\na,Acme AG,ana\n").await;
        assert_eq!(renamed, Ok((0, 1, 1)));
        let given =
            import_text(store, "account", "id,name,owner\na,Acme AG,bo\n").await.unwrap_err();
        assert!(given[0].contains("'owner' names \"bo\""), "{given:?}");
    })
    .await;
}

#[tokio::test]
async fn a_table_that_was_made_of_records_does_not_overwrite_what_changed_since() {
    each_backend(async |store| {
        assert_eq!(import_text(store, "account", "id,name\na,Acme\n").await, Ok((1, 0, 1)));
        let kind = upturn_core::record::kind("account").unwrap();
        let made_of = Some(record::state(store, kind.name).await.unwrap());
        assert_eq!(import_text(store, "account", "id,name\na,Acme SE\n").await, Ok((0, 1, 1)));
        let (_file, source) = source("id,name\na,Acme AG\n");
        let registry = Registry::default();
        let import = Import { store, registry: &registry, kind, source: &source, made_of };
        let examined = import.examine(&[]).await.unwrap();
        let refused = import.take_in(&examined, DateTime::UNIX_EPOCH, "tester").await.unwrap_err();
        assert!(matches!(refused, ImportError::Overtaken("account")), "{refused}");
        let kept = record::find(store, kind.name, "a").await.unwrap().unwrap();
        assert!(kept.record.document.contains("Acme SE"), "{kept:?}");
    })
    .await;
}
