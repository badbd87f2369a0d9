//! The 78 hostile and failing feeds of the wider set, by the script that serves them: each comes to
//! the word it wants, and nobody inside is called.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use upturn_connectors::http::{Method, Request};
use upturn_core::fact::Fact;
use upturn_core::fact::rate::Rate;
use url::Url;

use crate::pulled::{GENEROUS, SHORT, Setup, http};

/// A sheet of departures as the carrier sent it before.
const SHEET: &[u8] = b"lane,depart,transit\nCNSHA-NLRTM,2026-01-25,32\nCNSHA-DEHAM,2026-01-26,35\n";

/// The script, running.
struct Evil {
    child: Child,
    url: String,
}

impl Drop for Evil {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Evil {
    fn start(script: &Path) -> Self {
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let (listen, canary) = (free(), free());
        let mut child = Command::new("python3")
            .arg("-u")
            .arg(script)
            .args(["--listen", &*listen, "--canary", &*canary, "--seconds", "300"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("cases on"), "{line}");
        Self { child, url: format!("http://{listen}") }
    }

    async fn ask(&self, path: &str) -> Value {
        let url = Url::parse(&format!("{}{path}", self.url)).unwrap();
        let answer = http(GENEROUS).send(Request::new(Method::GET, url)).await.unwrap();
        serde_json::from_slice(&answer.body).unwrap()
    }

    fn case(&self, name: &str) -> Setup {
        let kind = match name {
            "good-ecb" | "ecb-doctype-good" | "xml-bomb" | "xxe-file" | "xxe-http" => "ecb",
            name if name.starts_with("vat-") => "tax-table",
            name if name.starts_with("ics-") => "icalendar",
            name if name.starts_with("csv-") => "departures",
            _ => "frankfurter",
        };
        let mut setup = Setup::new(kind, &format!("{}/case/{name}", self.url));
        setup.settings = match name {
            "vat-overlap" => taxes("/*", "rate", "from"),
            name if name.starts_with("vat-") => taxes("/", "standard_rate", "valid_from"),
            name if name.starts_with("ics-") => json!({"region": "CN", "zone": "Asia/Shanghai"}),
            "csv-formula" => departures(&["lane", "depart", "note"]),
            name if name.starts_with("csv-") => departures(&["lane", "depart", "transit"]),
            _ => json!({}),
        };
        setup
    }
}

fn taxes(rows: &str, rate: &str, from: &str) -> Value {
    let until = (from == "from").then_some("to");
    let mut settings = json!({"format": "json", "rows": rows, "source": "own", "rate": rate,
        "country": "country", "from": from});
    if let Some(until) = until {
        settings["until"] = until.into();
    }
    settings
}

/// The settings of a sheet with the head `columns`, whose notes stand for the voyage.
fn departures(columns: &[&str]) -> Value {
    json!({"format": "csv", "zone": "Asia/Shanghai", "columns": columns, "transit_days": 32,
        "voyage": "note"})
}

#[tokio::test]
async fn each_of_the_wider_set_of_evil_comes_to_its_word_and_the_canary_lives() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/faults/evil_feed.py");
    if !script.exists() {
        // Past the test runner's capture; where standard error is closed there is nobody to tell.
        drop(writeln!(std::io::stderr(), "not tested: evil_feed.py; ../shared is not there"));
        return;
    }
    let evil = Evil::start(&script);
    let wanted: BTreeMap<String, String> = serde_json::from_value(evil.ask("/").await).unwrap();
    let good = evil.case("good").facts().await;
    // The script's own day.
    let Fact::Rate(Rate { date: today, .. }) = good[0] else { panic!("{good:?}") };
    let last_tax = {
        let setup = evil.case("vat-210");
        let document = br#"{"country": "NL", "standard_rate": "21", "valid_from": "2026-01-01"}"#;
        (setup.kind.parse)(&setup.settings, document).unwrap()
    };
    let ecb = evil.case("good-ecb").facts().await;
    let days = evil.case("ics-good").facts().await;
    let sheet = {
        let setup = evil.case("csv-cut");
        (setup.kind.parse)(&setup.settings, SHEET).unwrap()
    };
    let mut wrong = Vec::new();
    for (name, word) in &wanted {
        let wait = if word == "timeout" { SHORT } else { GENEROUS };
        let setup = Setup { today, wait, ..evil.case(name) };
        let last = match setup.kind.name {
            "ecb" => &ecb,
            "tax-table" => &last_tax,
            "icalendar" => &days,
            "departures" => &sheet,
            _ => &good,
        };
        let (found, why) = setup.outcome(last).await;
        if found != *word {
            wrong.push(format!("{name}: wants {word}, came to {found}: {why}"));
        }
        assert!(why.len() < 500, "case: {name}: {why}");
        assert!(found == "accept" || !why.is_empty(), "case: {name}: no reason");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let [Fact::Sailing(with_formula)] = &*evil.case("csv-formula").facts().await else {
        panic!("one departure")
    };
    assert_eq!(with_formula.legs[0].voyage.as_deref(), Some("=HYPERLINK(1)"), "it is a text");
    let canary = evil.ask("/canary").await;
    assert_eq!(canary["canary_hits"], 0);
    assert_eq!(canary["seen"].as_object().unwrap().len(), wanted.len());
}
