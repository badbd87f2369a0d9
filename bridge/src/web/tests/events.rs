//! Service events over HTTP, with the writer that commits them.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;
use upturn_core::event::Event;

use super::site::{Answer, NAME, Site, bearer};
use super::writer::with_writer;
use crate::store::event::read_after;

const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";

async fn post(site: &Site, kind: &str, body: impl Into<Vec<u8>>) -> Answer {
    let request = Request::post("/api/v1/events")
        .header("content-type", kind)
        .header("authorization", bearer(NAME))
        .body(Body::from(body.into()));
    site.send(request.unwrap()).await
}

async fn stored(site: &Site) -> Vec<Event> {
    let all = read_after(&site.store, 0, 10_000).await.unwrap();
    all.into_iter().map(|(_, event)| event).collect()
}

fn ticket(id: &str) -> String {
    json!({
        "id": id, "ts": "2025-03-05T11:00:00Z", "kind": "ticket_opened", "account": "acme",
        "severity": "severe",
    })
    .to_string()
}

#[tokio::test]
async fn takes_one_event_a_list_or_lines_and_counts_each_once() {
    let site = Site::with_user().await;
    let [one, two, three] = ["T-1", "T-2", "T-3"].map(ticket);
    let lines = format!("\u{feff}\n{one}\r\n\r\n{three}");
    let cases = [
        ("one", JSON, one.clone(), (1, 0)),
        ("the same again", "Application/JSON; charset=utf-8", one.clone(), (0, 1)),
        ("a list", JSON, format!("[{one}, {two}]"), (1, 1)),
        ("a list that says it twice", JSON, format!("[{two},{two}]"), (0, 2)),
        ("lines", LINES, lines, (1, 1)),
        ("an empty list", JSON, "[]".to_owned(), (0, 0)),
        ("no lines", LINES, "\n".to_owned(), (0, 0)),
        ("without an id, by its text", JSON, r#"{"kind":"visit","device":"d"}"#.to_owned(), (1, 0)),
        ("which can come again", LINES, r#" {"kind":"visit","device":"d"} "#.to_owned(), (0, 1)),
    ];
    with_writer(&site, async {
        for (case, kind, body, (accepted, repeated)) in cases {
            let answer = post(&site, kind, body).await;
            assert_eq!(answer.status, StatusCode::OK, "case: {case}: {}", answer.text());
            let expected = json!({"accepted": accepted, "repeated": repeated});
            assert_eq!(answer.json(), expected, "case: {case}");
        }
    })
    .await;
    let events = stored(&site).await;
    let devices: Vec<_> = events.iter().map(|event| event.device.as_str()).collect();
    assert_eq!(devices, ["account:acme", "account:acme", "account:acme", "d"]);
    let metrics = site.metrics.text(site.now()).unwrap();
    assert!(metrics.contains("upturn_events_total 4\n"), "{metrics}");
    assert!(metrics.contains("upturn_duplicates_total 6\n"), "{metrics}");
}

#[tokio::test]
async fn dates_events_by_the_commit_where_their_own_time_is_not_believed() {
    let site = Site::with_user().await;
    let body = r#"[
        {"id":"1","kind":"visit","contact":"li","ts":"2025-03-05T11:00:00Z"},
        {"id":"2","kind":"visit","contact":"li","ts":"2019-03-05T11:00:00Z"},
        {"id":"3","kind":"visit","contact":"li"}
    ]"#;
    with_writer(&site, post(&site, JSON, body)).await;
    let now = site.now();
    let found: Vec<_> = stored(&site)
        .await
        .iter()
        .map(|event| (event.occurred_at == now, event.received_at == now, event.clock_suspect))
        .collect();
    assert_eq!(found, [(false, true, false), (true, true, true), (true, true, false)]);
}

#[tokio::test]
async fn takes_nothing_where_one_event_is_wrong_and_says_which() {
    let site = Site::with_user().await;
    let list = format!(
        r#"[{}, {{"kind":"visit"}}, 7, {{"kind":"visit","device":"a b"}}, {{"kind":"visit","device":"d","ts":"now"}}]"#,
        ticket("T-1")
    );
    let lines = format!("{}\n\n{{oops\n", ticket("T-1"));
    let (listed, by_line, alone) = with_writer(&site, async {
        let listed = post(&site, JSON, list).await;
        (listed, post(&site, LINES, lines).await, post(&site, JSON, r#"{"device":"d"}"#).await)
    })
    .await;
    for answer in [&listed, &by_line, &alone] {
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.json()["code"], "wrong-events");
    }
    let problem = listed.json();
    assert_eq!(problem["detail"], "events that are wrong: 4 of 5; none was taken");
    let errors: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| format!("{} {} {}", error["index"], error["pointer"], error["code"]))
        .collect();
    let expected = [
        r##"1 "#/1" "missing-field""##,
        r##"2 "#/2" "not-json""##,
        r##"3 "#/3" "bad-id""##,
        r##"4 "#/4" "bad-field""##,
    ];
    assert_eq!(errors, expected);
    assert_eq!(problem["errors"][0]["detail"], "device, account or contact is missing");
    let error = &by_line.json()["errors"][0];
    assert_eq!((&error["index"], &error["line"]), (&json!(1), &json!(3)), "{error}");
    assert_eq!(alone.json()["errors"][0]["detail"], "kind is missing");
    assert!(stored(&site).await.is_empty());
}

#[tokio::test]
async fn refuses_what_is_no_body_of_events() {
    let site = Site::with_user().await;
    let many = format!("[{}]", vec!["{}"; 1_001].join(","));
    let large = format!("[\"{}\"]", "x".repeat(1024 * 1024));
    let deep =
        format!(r#"{{"kind":"visit","device":"d","a":{}{}}}"#, "[".repeat(90), "]".repeat(90));
    let cases: [(&str, &str, Vec<u8>, StatusCode); 9] = [
        (
            "a form",
            "application/x-www-form-urlencoded",
            b"a=b".into(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        ("nothing", JSON, b" ".into(), StatusCode::BAD_REQUEST),
        ("half a list", JSON, b"[{}".into(), StatusCode::BAD_REQUEST),
        ("two lists", JSON, b"[] []".into(), StatusCode::BAD_REQUEST),
        ("latin-1", JSON, b"{\"kind\":\"\xfc\"}".into(), StatusCode::BAD_REQUEST),
        ("too many", JSON, many.into(), StatusCode::PAYLOAD_TOO_LARGE),
        ("too large", JSON, large.into(), StatusCode::PAYLOAD_TOO_LARGE),
        ("too deep", JSON, deep.into(), StatusCode::UNPROCESSABLE_ENTITY),
        ("a text", JSON, b"\"x\"".into(), StatusCode::UNPROCESSABLE_ENTITY),
    ];
    for (case, kind, body, expected) in cases {
        let answer = post(&site, kind, body).await;
        assert_eq!(answer.status, expected, "case: {case}: {}", answer.text());
    }
    let stranger = site.call("POST", "/api/v1/events", &[], "{}").await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn asks_to_send_again_where_nothing_is_committed_and_then_counts_it_once() {
    let site = Site::with_user().await;
    let writer = site.submissions.lock().unwrap().take();
    let mut writer = writer.expect("nobody has taken it");
    // A writer that ends before its commit, as one does whose database goes away.
    let (answer, ()) = tokio::join!(post(&site, JSON, ticket("T-1")), async {
        drop(writer.recv().await);
    });
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text());
    assert_eq!(answer.header("retry-after"), "2");
    assert_eq!(answer.json()["code"], "unavailable");
    *site.submissions.lock().unwrap() = Some(writer);

    let again = with_writer(&site, post(&site, JSON, ticket("T-1"))).await;
    assert_eq!(again.json(), json!({"accepted": 1, "repeated": 0}));
}
