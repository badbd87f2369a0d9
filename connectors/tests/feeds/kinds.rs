//! What each kind states beside its reader.

use chrono::NaiveDate;
use upturn_connectors::feed::KINDS;
use upturn_connectors::feed::pull::Feed;
use upturn_connectors::feed::source::{Secrets, Source};
use upturn_connectors::http::Http;
use upturn_connectors::http::guard::Allowed;
use upturn_connectors::schedule::Schedule;
use upturn_connectors::secret::Secret;

/// Kinds of documents that are wherever settings say: tables, and formats that many publish.
const ANYWHERE: &[&str] = &[
    "attributes",
    "chinese-days",
    "closures",
    "dcsa-events",
    "dcsa-schedules",
    "departures",
    "duty-table",
    "gtfs",
    "holiday-cn",
    "icalendar",
    "lanes",
    "open-meteo",
    "policies",
    "portchain",
    "table",
    "tax-table",
    "terminal-calls",
];

#[test]
fn every_kind_says_where_when_and_on_whose_terms() {
    let http = Http::new(Allowed::default()).unwrap();
    let today: NaiveDate = "2026-01-31".parse().unwrap();
    for kind in KINDS {
        let name = kind.name;
        let supply = kind.supply;
        assert!(Schedule::read(supply.schedule, supply.zone).is_ok(), "case: {name}");
        let own = (supply.source)();
        if own.address.is_empty() {
            assert!(ANYWHERE.contains(&name), "case: {name}: where is it?");
            continue;
        }
        assert!(supply.credit.ends_with('.'), "case: {name}: whose data is it?");
        let each = if own.each.is_empty() { vec!["8504409010".to_owned()] } else { Vec::new() };
        let source = Source { each, ..Source::default() };
        let mut secrets = Secrets::new();
        for need in supply.secrets {
            secrets.insert(need.name.to_owned(), Secret::from("S3CR3T".to_owned()));
        }
        let settings = serde_json::json!({});
        let feed = Feed { kind, settings: &settings, source: &source, secrets: &secrets };
        let wanted = feed.check(&http, today).unwrap_or_else(|error| panic!("{name}: {error}"));
        for wanted in wanted {
            assert_eq!(wanted.ask.url.scheme(), "https", "case: {name}");
            assert!(!wanted.ask.url.as_str().contains("%7B"), "case: {name}: {}", wanted.name);
            assert!(!format!("{wanted:?}").contains("S3CR3T"), "case: {name}: {wanted:?}");
        }
    }
}

#[test]
fn the_addresses_of_kinds_are_those_their_sources_have() {
    let http = Http::new(Allowed::default()).unwrap();
    let settings = serde_json::json!({});
    let secrets: Secrets =
        [("app_id".to_owned(), Secret::from("k/1".to_owned()))].into_iter().collect();
    let tariff = "https://www.trade-tariff.service.gov.uk/api/v2";
    let cases = [
        (
            "hmrc",
            vec![
                format!("{tariff}/exchange_rates/2026-12?filter[type]=monthly"),
                format!("{tariff}/exchange_rates/2027-1?filter[type]=monthly"),
            ],
        ),
        (
            "cfets",
            vec![
                "https://www.chinamoney.com.cn/ags/ms/cm-u-bk-ccpr/CcprHisNew?\
                 startDate=2026-12-01&endDate=2026-12-31&currency=&pageNum=1&pageSize=50"
                    .to_owned(),
            ],
        ),
        (
            "open-exchange-rates",
            vec!["https://openexchangerates.org/api/latest.json?app_id=k%2F1".to_owned()],
        ),
    ];
    for (name, expected) in cases {
        let kind = upturn_connectors::feed::kind(name).unwrap();
        let source = Source::default();
        let feed = Feed { kind, settings: &settings, source: &source, secrets: &secrets };
        let wanted = feed.check(&http, "2026-12-31".parse().unwrap()).unwrap();
        let asked: Vec<_> = wanted.iter().map(|wanted| wanted.ask.url.to_string()).collect();
        assert_eq!(asked, expected, "case: {name}");
    }
}
