//! Readers against damaged documents: real ones, cut, with bytes changed, parts doubled or missing. A
//! reader may take or refuse what comes of it, in time and in words; it never panics.

use std::io::Write as _;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use upturn_connectors::feed::{self, FeedError};

/// A document, its kind, and the settings it is read by.
struct Sample {
    file: &'static str,
    kind: &'static str,
    settings: fn() -> Value,
}

const fn plain(kind: &'static str, file: &'static str) -> Sample {
    Sample { file, kind, settings: || json!({}) }
}

const OURS: &[Sample] = &[
    plain("ecb", "fx/eurofxref-daily_2015-01-07.xml"),
    plain("ecb", "fx/eurofxref_2024-11-21.csv"),
    plain("ecb", "fx/eurofxref-hist_excerpt.zip"),
    plain("ecb", "fx/ecb-portal_2026-02.csv"),
    plain("hmrc", "fx/hmrc_2023-9.json"),
    plain("harmonized-system", "tax/harmonized-system.csv"),
    plain("ibericode", "tax/ibericode.json"),
    plain("sales-tax", "tax/sales-tax.json"),
    plain("tedb", "tax/tedb_AT.xml"),
    plain("uk-tariff", "tax/uk_commodity_2924297099.json"),
    plain("vat-history", "tax/vat-history.csv"),
    Sample {
        file: "fx/ecb-portal_2026-02.csv",
        kind: "table",
        settings: || {
            json!({"format": "csv", "home": "EUR", "direction": "foreign-per-home",
                "code": "CURRENCY", "value": "OBS_VALUE", "date": "TIME_PERIOD"})
        },
    },
    Sample {
        file: "fx/eurofxref-daily_2015-01-07.xml",
        kind: "table",
        settings: || {
            json!({"format": "xml", "home": "EUR", "direction": "foreign-per-home",
                "rows": "/Envelope/Cube/Cube/Cube", "code": "@currency", "value": "@rate",
                "date": "../@time"})
        },
    },
];

const WIDER: &[Sample] = &[
    plain("frankfurter", "fx/frankfurter/v1_latest_observed.ndjson"),
    plain("open-exchange-rates", "fx/openexchangerates/latest_2014-05-10.json"),
    plain("cfets", "fx/cfets/ccpr-his-new_2026-09-01_2026-09-04.json"),
];

/// One thing done to a document; places are parts of its length, in 65,536ths.
#[derive(Clone, Debug)]
enum Damage {
    Cut(u16),
    Set(u16, u8),
    Drop(u16, u16),
    Double(u16, u16),
    Put(u16, &'static [u8]),
}

/// What formats stumble over.
const STUMBLES: &[&[u8]] = &[
    b"",
    b"\0",
    b"\"",
    b"{",
    b"[[[[",
    b"}",
    b"<",
    b"</",
    b"&",
    b"&#0;",
    b"]]>",
    b"<!DOCTYPE x>",
    b"<![CDATA[",
    b",,,,",
    b"\n",
    b"\xff",
    b"\xf0\x9f\x92",
    b"9999999999999999999999999999999",
    b"-",
    b"1e999999999",
    b"NaN",
    b"null",
    b"0000-00-00",
    b"\xe2\x80\xae",
];

impl Damage {
    fn of(&self, bytes: &mut Vec<u8>) {
        let len = bytes.len();
        let at = |part: &u16| usize::from(*part) * len / 65_536;
        let span = |from: &u16, size: &u16| at(from)..(at(from) + usize::from(size % 400)).min(len);
        match self {
            Self::Cut(end) => bytes.truncate(at(end)),
            Self::Set(place, value) => {
                if let Some(byte) = bytes.get_mut(at(place)) {
                    *byte = *value;
                }
            }
            Self::Drop(from, size) => drop(bytes.drain(span(from, size))),
            Self::Double(from, size) => {
                let part = bytes[span(from, size)].to_vec();
                bytes.splice(at(from)..at(from), part);
            }
            Self::Put(place, what) => drop(bytes.splice(at(place)..at(place), what.to_vec())),
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        1 => any::<u16>().prop_map(Damage::Cut),
        4 => any::<(u16, u8)>().prop_map(|(place, byte)| Damage::Set(place, byte)),
        2 => any::<(u16, u16)>().prop_map(|(from, size)| Damage::Drop(from, size)),
        2 => any::<(u16, u16)>().prop_map(|(from, size)| Damage::Double(from, size)),
        4 => (any::<u16>(), prop::sample::select(STUMBLES))
            .prop_map(|(place, what)| Damage::Put(place, what)),
    ]
}

fn survive(folder: &Path, samples: &[Sample]) {
    for Sample { file, kind, settings } in samples {
        let whole = std::fs::read(folder.join(file)).unwrap();
        let (kind, settings) = (feed::kind(kind).unwrap(), settings());
        let facts = (kind.parse)(&settings, &whole).unwrap().len();
        assert!(0 < facts, "case: {file}");
        // Large ones take as long as many small ones.
        let cases = u32::try_from(2_000_000 / whole.len().max(1)).unwrap().clamp(24, 256);
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new(config);
        let damaged = runner.run(&prop::collection::vec(damage(), 1..6), |damages| {
            let mut bytes = whole.clone();
            for damage in &damages {
                damage.of(&mut bytes);
            }
            match (kind.parse)(&settings, &bytes) {
                // A part that stands twice may bring twice as much, and no more than it has bytes.
                Ok(read) => prop_assert!(read.len() <= facts * 8, "{} facts", read.len()),
                Err(FeedError::Settings(what)) => prop_assert!(false, "settings: {what}"),
                Err(FeedError::Document(error)) => {
                    let text = error.to_string();
                    prop_assert!(text.chars().count() < 1_000, "{text}");
                    prop_assert!(
                        !text.contains(|c: char| c.is_control() || c == '\u{202e}'),
                        "{text:?}"
                    );
                }
            }
            Ok(())
        });
        damaged.unwrap_or_else(|error| panic!("{} {file}: {error}", kind.name));
    }
}

#[test]
fn damaged_documents_are_read_or_refused_in_words() {
    survive(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data"), OURS);
}

#[test]
fn damaged_documents_of_the_wider_set_are_too() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if folder.exists() {
        survive(&folder, WIDER);
    } else {
        // Past the test runner's capture; where standard error is closed there is nobody to tell.
        drop(writeln!(std::io::stderr(), "not tested: the wider samples; ../shared is not there"));
    }
}
