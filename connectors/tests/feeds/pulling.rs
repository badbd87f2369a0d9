//! Pulls of several documents, of pages, with validators, by POST.

use std::time::Duration;

use serde_json::json;
use upturn_connectors::feed::pull::{Known, Pulled};
use upturn_connectors::feed::supply::Supply;
use upturn_connectors::feed::{self, Kind};
use upturn_connectors::fetch::paging::Paging;
use upturn_core::fact::Fact;

use crate::pulled::Setup;
use crate::server::{Asked, Server, say, with};

fn rates(day: &str, eur: &str) -> String {
    format!(r#"{{"base":"USD","date":"{day}","rates":{{"EUR":{eur}}}}}"#)
}

fn facts(pulled: Pulled) -> (Vec<String>, Known) {
    let Pulled::Facts(pull) = pulled else { panic!("{pulled:?}") };
    let day = |fact: &Fact| {
        let Fact::Rate(rate) = fact else { panic!("{fact:?}") };
        format!("{} {}", rate.date, rate.value)
    };
    (pull.facts.iter().map(day).collect(), pull.known)
}

/// A kind as Frankfurter's, which waits for nothing and has pages.
fn paged(paging: Paging) -> &'static Kind {
    let kind = feed::kind("frankfurter").unwrap();
    let supply = Supply { paging, pause: Duration::ZERO, ..kind.supply };
    Box::leak(Box::new(Kind { supply, ..*kind }))
}

#[tokio::test]
async fn an_unchanged_document_is_not_sent_again() {
    let server = Server::start(|asked| {
        if asked.headers.get("if-none-match").is_some_and(|tag| tag == "\"one\"") {
            return say(304, "");
        }
        with(say(200, rates("2026-01-20", "1.08")), "etag", "\"one\"")
    })
    .await;
    let mut setup = Setup::new("frankfurter", &server.url);
    let (_, known) = facts(setup.pull(&Known::new()).await.unwrap());
    assert_eq!(known.len(), 1);
    assert!(matches!(setup.pull(&known).await, Ok(Pulled::NotModified)));
    // What is known from other settings is not asked with: the facts could differ.
    setup.kind = feed::kind("table").unwrap();
    setup.settings = json!({"format": "json", "rows": "/rates/*", "home": "USD", "code": "#",
        "value": "", "date": "/date"});
    facts(setup.pull(&known).await.unwrap());
}

#[tokio::test]
async fn where_one_document_has_changed_all_are_had() {
    let server = Server::start(|asked| {
        let tag = asked.headers.get("if-none-match");
        match asked.uri.path() {
            "/a" if tag.is_some() => say(304, ""),
            "/a" => with(say(200, rates("2026-01-19", "1.07")), "etag", "\"a\""),
            path if tag.is_some_and(|tag| tag == "\"b\"") && path == "/b" => {
                with(say(200, rates("2026-01-20", "1.09")), "etag", "\"c\"")
            }
            _ => with(say(200, rates("2026-01-20", "1.08")), "etag", "\"b\""),
        }
    })
    .await;
    let mut setup = Setup::new("frankfurter", &format!("{}/{{each}}", server.url));
    setup.kind = paged(Paging::Whole);
    setup.source.each = vec!["a".to_owned(), "b".to_owned()];
    let (first, known) = facts(setup.pull(&Known::new()).await.unwrap());
    assert_eq!(first, ["2026-01-19 1.07", "2026-01-20 1.08"]);
    let (second, _) = facts(setup.pull(&known).await.unwrap());
    assert_eq!(second, ["2026-01-19 1.07", "2026-01-20 1.09"]);
    assert_eq!(server.lines(), ["GET /a", "GET /b", "GET /a", "GET /b", "GET /a"]);
}

#[tokio::test]
async fn several_documents_are_whole_or_not_at_all() {
    let server = Server::start(|asked| match asked.uri.path() {
        "/clash" => say(200, rates("2026-01-20", "1.99")),
        "/missing" | "/2027" => say(404, ""),
        _ => say(200, rates("2026-01-20", "1.08")),
    })
    .await;
    let cases = [
        (vec!["a", "b"], Ok(1)),
        (vec!["a", "missing"], Err("404")),
        (vec!["a", "clash"], Err("twice with different values")),
    ];
    for (each, expected) in cases {
        let mut setup = Setup::new("frankfurter", &format!("{}/{{each}}", server.url));
        setup.kind = paged(Paging::Whole);
        setup.source.each = each.iter().map(|&each| each.to_owned()).collect();
        match (setup.pull(&Known::new()).await, expected) {
            (Ok(pulled), Ok(count)) => assert_eq!(facts(pulled).0.len(), count, "case: {each:?}"),
            (Err(error), Err(says)) => {
                assert!(error.to_string().contains(says), "case: {each:?}: {error}");
            }
            (found, _) => panic!("case: {each:?}: {found:?}"),
        }
    }
    // Next year's may not be there yet; this year's must.
    let mut setup = Setup::new("frankfurter", &format!("{}/{{year}}", server.url));
    setup.source.ahead = Some(1);
    assert_eq!(facts(setup.pull(&Known::new()).await.unwrap()).0.len(), 1);
    setup.today = "2027-01-01".parse().unwrap();
    assert!(setup.pull(&Known::new()).await.unwrap_err().to_string().contains("404"));
}

#[tokio::test]
async fn pages_are_followed_to_the_last_and_no_further_than_200() {
    fn page(asked: &Asked) -> usize {
        let query = asked.uri.query().unwrap_or_default();
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix("page="))
            .map_or(1, |n| n.parse().unwrap())
    }
    let server = Server::start(|asked| {
        let page = page(asked);
        let answer = say(200, rates(&format!("2026-01-{:02}", page.min(20)), "1.08"));
        let last = if asked.uri.path() == "/endless" { usize::MAX } else { 3 };
        if last <= page {
            return answer;
        }
        let next = page + 1;
        let answer = with(answer, "next-page-cursor", &next.to_string());
        with(answer, "link", &format!("<?page={next}>; rel=\"next\""))
    })
    .await;
    let cursor = Paging::Cursor { header: "next-page-cursor", parameter: "page" };
    for paging in [Paging::Link, cursor] {
        let mut setup = Setup::new("frankfurter", &format!("{}/x", server.url));
        setup.kind = paged(paging);
        let (found, known) = facts(setup.pull(&Known::new()).await.unwrap());
        assert_eq!(found, ["2026-01-01 1.08", "2026-01-02 1.08", "2026-01-03 1.08"]);
        assert!(known.is_empty(), "the first page says nothing of the others");
        setup.source.address = vec![format!("{}/endless", server.url)];
        let (word, why) = setup.outcome(&[]).await;
        assert_eq!(word, "cap", "{why}");
        assert!(why.contains("more than 200 documents"), "{why}");
    }
}

#[tokio::test]
async fn a_question_by_post_reads_the_answer_and_is_not_led_elsewhere() {
    let answer = include_str!("../data/tax/tedb_AT.xml");
    let server = Server::start(move |asked| match asked.uri.path() {
        "/moved" => with(say(302, ""), "location", "/"),
        "/kept" => with(say(307, ""), "location", "/"),
        _ if asked.method == "POST" => say(200, answer),
        _ => say(405, ""),
    })
    .await;
    for (path, expected) in [("/", "accept"), ("/kept", "accept"), ("/moved", "keep")] {
        let mut setup = Setup::new("tedb", &format!("{}{path}", server.url));
        let own = (setup.kind.supply.source)();
        setup.source.body = own.body;
        setup.source.headers = own.headers;
        setup.source.each = vec!["AT".to_owned()];
        setup.source.back = Some(365);
        let (word, why) = setup.outcome(&[]).await;
        assert_eq!(word, expected, "case: {path}: {why}");
    }
    let asked = &server.asked()[0];
    let body = std::str::from_utf8(&asked.body).unwrap();
    assert!(body.contains("<t:isoCode>AT</t:isoCode>"), "{body}");
    assert!(body.contains("<t:from>2025-01-20</t:from><t:to>2027-01-20</t:to>"), "{body}");
    assert!(asked.header("soapaction").ends_with("/RetrieveVatRates"));
}
